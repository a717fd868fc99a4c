"""What one counter says of a live model, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flop_harness import api
from flop_harness.ask.explain import matches
from flop_harness.counters import find_one
from flop_harness.errors import UserError
from flop_harness.records import Metric, Reading
from flop_harness.report.analysis.figures import figures_of, in_macs, plain
from flop_harness.report.analysis.index import Index
from flop_harness.report.words.text import hanging, left_out


@dataclass(frozen=True, slots=True)
class CounterReading:
    """A counter's figures in one context. ``compute`` is in ``unit``; None where it counts none.

    ``explained`` says whether every step from the reference to the figures is known; ``steps`` are
    those of ``compute``, ``unsupported`` the operators that the reference lacks, ``looks`` the lines
    of the model that looked at values.
    """

    counter: str
    version: str
    context: str
    compute: int | float | None
    unit: str
    params: int | float | None
    explained: bool
    steps: Mapping[str, int | float]
    unsupported: Mapping[str, int]
    looks: tuple[str, ...] = ()

    @property
    def macs(self) -> int | float | None:
        """``compute`` in MAC: a MAC is two FLOPs."""
        return None if self.compute is None else plain(in_macs(self.compute, self.unit))

    def __repr__(self) -> str:
        said = "" if self.compute is None else f"{self.compute:,} {self.unit}"
        told = f"{self.params:,} parameters" if self.params is not None else ""
        lacking = f"not counted by the reference: {left_out(self.unsupported)}"
        words = [said, told, lacking if self.unsupported else "", hanging(self.looks)]
        head = f"{self.counter} {self.version} ({self.context})"
        return f"<{head}: {', '.join(filter(None, words))}>"


def reading(
    counter: str, module: Any, inputs: tuple, keywords: dict, context: str
) -> CounterReading:
    """The figures in the first context with these words. ``keywords`` are those of ``api.compare``.

    UserError where there are none.
    """
    run = api.compare(module, *inputs, counters=[find_one(counter).id], **keywords).run
    index = Index(run)
    here = [each for each in index.readings if matches(each, context)]
    if not here:
        asked = ", ".join(dict.fromkeys(str(each.context) for each in index.readings))
        raise UserError(f"{counter} was not asked in context {context!r}; it was in: {asked}")
    told = figures_of(here)
    if not told:
        raise UserError(f"{counter} {here[0].status}: {here[0].message}")
    place = told[0].context
    mine = {each.metric: each for each in told if each.context == place}
    return taken(index, mine)


def taken(index: Index, mine: Mapping[Metric, Reading]) -> CounterReading:
    any_one = next(iter(mine.values()))
    compute, params = mine.get("compute"), mine.get("params")
    bridge = index.bridge_to(compute) if compute else None
    return CounterReading(
        any_one.counter,
        any_one.version,
        str(any_one.context),
        compute.value if compute else None,
        compute.unit if compute else "",
        params.value if params else None,
        all(map(index.explained, mine.values())),
        {step.term: step.amount for step in bridge.steps} if bridge else {},
        index.run.unsupported.get(any_one.case, {}),
        index.run.looks.get(any_one.case, ()),
    )
