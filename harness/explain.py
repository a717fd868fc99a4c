"""Why a counter says what it says of a case: bridges found in the results of a suite."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import store, suite
from harness.environment import slug
from harness.errors import UserError, suggest
from harness.records import Bridge, Metric, Reading, Run
from harness.report.index import METRICS, Index, is_figure

RESULTS = Path("results")
RUN_FILE = "run.json"
FIRST = "seeds"
"""The suite that is looked into first"""


@dataclass(frozen=True)
class Found:
    """Readings of one counter on one case, in the contexts asked for, and the run they are of."""

    index: Index
    readings: tuple[Reading, ...]

    @property
    def bridges(self) -> list[Bridge]:
        return [each for each in map(self.index.bridge_to, self.readings) if each is not None]

    @property
    def silent(self) -> list[Reading]:
        """Those without a figure, or without a bridge to it."""
        return [each for each in self.readings if self.index.bridge_to(each) is None]


def find(run: Run, case: str, counter: str, context: str = "", metric: Metric = "compute") -> Found:
    """The readings that are asked for. UserError where there are none, naming what there is."""
    index = Index(run)
    if case not in index.by_case:
        raise UserError(f"no case {case!r} in this run{suggest(case, index.cases)}")
    here = [each for each in index.by_case[case] if each.metric == metric]
    names = dict.fromkeys(each.counter for each in here)
    if counter not in names:
        known = ", ".join(names)
        raise UserError(f"{counter!r} was not asked about {metric} of {case}"
                        f"{suggest(counter, names)}; known: {known}")  # fmt: skip
    mine = [each for each in here if each.counter == counter]
    chosen = tuple(each for each in mine if matches(each, context))
    if not chosen:
        asked = ", ".join(str(each.context) for each in mine)
        raise UserError(f"{counter} was not asked in context {context!r}; it was in: {asked}")
    return Found(index, tuple(sorted(chosen, key=lambda each: not is_figure(each))))


def find_metric(name: str) -> Metric:
    """``compute`` or ``params``. UserError for another name."""
    for metric in METRICS:
        if name == metric:
            return metric
    raise UserError(f"unknown metric {name!r}{suggest(name, METRICS)}; known: {', '.join(METRICS)}")


def matches(reading: Reading, context: str) -> bool:
    """Whether a reading's context has every word of ``context``: ``grad``, ``meta no_grad``."""
    return set(context.split()) <= set(str(reading.context).split())


# ------------------------------------------------------------------------------------- results


def find_run(case: str, name: str | None = None, folder: Path | None = None) -> Run:
    """The run in ``folder``, of the suite ``name``, or of the first suite that has ``case``."""
    if folder is not None:
        return store.load(folder)
    if name is not None:
        return store.load(RESULTS / slug(suite.load(name).name))
    for place in homes(case):
        return store.load(place)
    raise UserError(nowhere(case))


def homes(case: str) -> Iterator[Path]:
    """Folders of results of the suites that have such a case."""
    for name in ordered(suite.names()):
        folder = RESULTS / name
        if (folder / RUN_FILE).is_file() and case in ids(name):
            yield folder


def ordered(names: Sequence[str]) -> list[str]:
    return sorted(names, key=lambda name: name != FIRST)


def ids(name: str) -> list[str]:
    return [case.id for case in suite.load(name).cases]


def nowhere(case: str) -> str:
    having = [name for name in ordered(suite.names()) if case in ids(name)]
    if having:
        return f"no results of {case!r} here: make them with flop-harness compare {having[0]}"
    known = [each for name in suite.names() for each in ids(name)]
    return f"no suite has a case {case!r}{suggest(case, known)}; results elsewhere: --dir FOLDER"
