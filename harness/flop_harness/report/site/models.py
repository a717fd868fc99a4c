"""The page of a model: who says what and who agrees, its times, its claims, how to cite it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flop_harness.conventions.catalogue import CONVENTIONS
from flop_harness.records import Metric, Reading
from flop_harness.report.analysis.cells import inputs_of
from flop_harness.report.analysis.families import kind_in
from flop_harness.report.analysis.figures import REFERENCE, deviation, plain
from flop_harness.report.analysis.index import Index
from flop_harness.report.formats.case_json import exactly
from flop_harness.report.site.answers import Said, said_of, told
from flop_harness.report.site.axis import Axis, axis_of
from flop_harness.report.site.families import is_close, strength
from flop_harness.report.words.text import (
    Number,
    brief_ratio,
    human,
    percent,
    plural,
    shorten,
    slug,
    spread,
    verb,
)
from flop_harness.suite import keywords

ARGUMENTS = 160
"""Letters of the arguments of a builder, at most"""
Code = Callable[[Reading], list[str]]
RESTATED = ("reference", "macs", "flops", "params")
"""Ways of counting that say what the reference says, at most in another unit"""


@dataclass(frozen=True)
class Group:
    """Those who say the same: the figure in MAC (or parameters), and its place on the axis."""

    macs: Number
    said: tuple[Said, ...]
    reference: bool
    apart: float | None
    place: float | None

    @property
    def elsewhere(self) -> bool:
        """Whether they all say so in other contexts than those that their documentation shows."""
        return not self.reference and not any(each.documented for each in self.said)

    @property
    def words(self) -> str:
        """How far it is from the reference: in per cent, as a ratio where that says more."""
        if self.reference:
            return "the reference"
        value = None if self.apart is None else 1 + self.apart
        if value and (value < 0.1 or 2 <= value < math.inf):
            return f"× {brief_ratio(value)}"
        return percent(self.apart)


@dataclass(frozen=True)
class Strip:
    """All counters on one axis, grouped by who agrees; those without a figure stand apart."""

    metric: Metric
    groups: tuple[Group, ...]
    silent: tuple[Said, ...]
    axis: Axis | None
    """None where all nearly agree: dots above one another tell nothing"""

    @property
    def elsewhere(self) -> int:
        """Rows of other contexts alone."""
        return sum(group.elsewhere for group in self.groups) + sum(
            not each.documented for each in self.silent
        )

    @property
    def farthest(self) -> str:
        """Who is farthest from the reference, called as documented where one is; empty where none departs."""
        told = [(each.documented, strength(1 + group.apart), each.id)
                for group in self.groups if group.apart for each in group.said]  # fmt: skip
        return max(told, default=(False, 0.0, ""))[2]


def nearly_agree(values: Iterable[Number | Fraction]) -> bool:
    """Whether all are within 2 per cent of one another; a zero agrees with nothing."""
    found = list(values)
    return bool(found) and min(found) > 0 and is_close(max(found) / min(found))


def strip(index: Index, case: str, metric: Metric) -> Strip:
    said = said_of(index, case, metric)
    reference = index.reference(case, metric)
    found: dict[Fraction, list[Said]] = {} if reference is None else {reference: []}
    for each in said:
        if each.macs is not None:
            found.setdefault(each.macs, []).append(each)
    axis = None if nearly_agree(found) else axis_of(float(value) for value in found)
    groups = [
        Group(plain(value), tuple(alike), value == reference,
              None if reference is None else deviation(value, reference),
              axis.place(float(value)) if axis and value > 0 else None)
        for value, alike in found.items()
    ]  # fmt: skip
    groups.sort(key=lambda group: group.macs)
    return Strip(metric, tuple(groups), tuple(each for each in said if each.macs is None), axis)


@dataclass(frozen=True)
class Model:
    """What stands on the page of a model; ``id`` is its file's name."""

    id: str
    name: str
    model: str
    suite: str
    also: tuple[str, ...]
    inputs: str
    made: str
    """The arguments of its builder"""
    kind: str
    macs: Number | None
    params: Number | None
    strips: tuple[Strip, ...]
    unsupported: Mapping[str, int]

    @property
    def line(self) -> str:
        """Input, arguments, parameters and GMAC in one line."""
        words = [self.inputs.replace("x", "×"), shorten(self.made, ARGUMENTS), *(
            [f"{human(self.params)} parameters"] if self.params is not None else []
        ), *([human(self.macs, "MAC")] if self.macs is not None else [])]  # fmt: skip
        return " · ".join(word for word in words if word)

    @property
    def sentence(self) -> str:
        """Who agrees with the reference, each called as its documentation shows; how far others are."""
        groups = self.strips[0].groups if self.strips else ()
        shown = [(group, each) for group in groups for each in group.said if each.documented]
        exact = {each.reading.counter for group, each in shown if group.reference}
        every = {each.reading.counter for _, each in shown}
        above = [group.macs for group, _ in shown if group.macs]
        if not every:
            return "No counter gave a figure."
        far = float(max(above) / min(above)) if above else 1.0
        if len(every) > 1 and far > 1 and nearly_agree(group.macs for group, _ in shown):
            return (f"Called as documented, all {len(every)} counters agree within {spread(far)}; "
                    f"{len(exact) or 'none'} of them {verb(len(exact), 'equals', 'equal')} the reference.")  # fmt: skip
        zero = any(group.macs == 0 for group, _ in shown)
        return (
            f"Called as documented, {len(exact)} of {plural(len(every), 'counter')} {verb(len(exact), 'equals', 'equal')} the reference"
            + (f"; highest and lowest are {spread(far)} apart" if far > 1 else "")
            + ("; some say 0." if zero else ".")
        )


def model_of(index: Index, case: str, suite: str, also: Iterable[str] = ()) -> Model:
    asked = (
        {each.id: each for each in index.run.suite.cases}[case] if case in case_ids(index) else None
    )
    values = {metric: index.reference(case, metric) for metric in index.metrics}
    macs, params = values.get("compute"), values.get("params")
    return Model(
        slug(case), case, asked.model if asked else "", suite, tuple(also), inputs_of(index, case),
        ", ".join(keywords.written(asked.kwargs)) if asked else "", kind_in(index, case), None if macs is None else plain(macs),
        None if params is None else plain(params),
        tuple(strip(index, case, metric) for metric in index.metrics),
        index.run.unsupported.get(case, {}),
    )  # fmt: skip


def case_ids(index: Index) -> frozenset[str]:
    return frozenset(case.id for case in index.run.suite.cases)


def shard(index: Index, model: Model, code: Code) -> dict[str, Any]:
    """What the page's script needs beyond the page: the terms of every figure, by module, and the
    pieces of code that give it, each once. What tools say as their documentation calls them comes first."""
    pieces: dict[str, int] = {}
    answers = []
    every = (each for strip in model.strips for each in every_said(strip))
    for said in sorted(every, key=lambda each: not each.documented):
        made = [pieces.setdefault(piece, len(pieces)) for piece in code(said.reading)]
        answers.append({**told(index, said), **({"code": made} if made else {})})
    return {
        "name": model.name, "modules": modules_of(index, model.name),
        "ways": list(ways(index, model)), "answers": answers, "pieces": list(pieces),
    }  # fmt: skip


def ways(index: Index, model: Model) -> Iterator[dict[str, Any]]:
    """The reference and our conventions, as the answers of counters are told; terms where they are known."""
    own = [("reference", model.macs, "MAC"), ("reference", model.params, "parameter")]
    figures = [
        (each.convention, each.value, each.unit)
        for each in index.figures_of.get(model.name, ())
        if not is_part(each.convention)
    ]
    for name, value, unit in (*own, *figures):
        if value is not None:
            yield {"tool": name, "name": name, "id": "who", "value": exactly(value), "unit": unit,
                   "label": unit, "terms": [] if name in RESTATED else None}  # fmt: skip


def is_part(convention: str) -> bool:
    """Whether it counts a part of what another does: no way of counting a model."""
    return convention in CONVENTIONS and CONVENTIONS[convention].part


def every_said(strip: Strip) -> list[Said]:
    return [each for group in strip.groups for each in group.said] + list(strip.silent)


def modules_of(index: Index, case: str) -> dict[str, Number]:
    """MAC of each module with all below it, by the reference; zeros are left out."""
    found = next((each for each in index.by_case[case]
                  if each.counter == REFERENCE and each.metric == "compute"), None)  # fmt: skip
    return {path: amount for path, amount in (found.modules if found else {}).items() if amount}
