"""What a counter says of a model, the contexts in which it says so, and why: plain data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from typing import Any

from flop_harness.counters import find_one
from flop_harness.errors import UserError
from flop_harness.records import Bridge, Context, Metric, Reading, Step
from flop_harness.report.analysis.causes import in_macs_each
from flop_harness.report.analysis.figures import REFERENCE, in_macs, is_figure, plain
from flop_harness.report.analysis.findings import sentences
from flop_harness.report.analysis.index import Index
from flop_harness.report.formats.case_json import exactly
from flop_harness.report.words.text import few, percent, printable, ratio, shorten, signed, slug

REFUSED = ("failed",)
"""The counter raised: it refuses the model. What ran out of time or memory has failed"""
MARKS = {
    "failed": "refused",
    "unavailable": "not asked",
    "timeout": "failed",
    "out_of_memory": "failed",
}
MESSAGE = 400
PLACES = 3
"""So many modules of a term are named, those that weigh most"""


@dataclass(frozen=True)
class Said:
    """One thing that a counter says of a case, and the readings in which it says it."""

    readings: tuple[Reading, ...]
    bridge: Bridge | None
    macs: Fraction | None
    """The figure in MAC (or parameters); None where it gave none"""
    deviation: float | None
    documented: bool
    """Whether the tool's own documentation calls it so"""
    alone: bool
    """Whether the counter says the same in every context"""

    @property
    def reading(self) -> Reading:
        return self.readings[0]

    @property
    def contexts(self) -> list[str]:
        return [str(replace(each.context, mode="")) for each in self.readings]

    @property
    def name(self) -> str:
        """The counter, with its contexts where they make a difference."""
        counter = printable(self.reading.counter)
        return counter if self.alone else f"{counter} ({', '.join(self.contexts)})"

    @property
    def whole_name(self) -> str:
        """The name where other contexts say otherwise too: which one the tool documents."""
        shown = self.documented and not self.alone
        return f"{self.name.removesuffix(')')}, as documented)" if shown else self.name

    @property
    def id(self) -> str:
        """Its place in the page of the model: the counter's name alone where that is enough."""
        reading = self.reading
        short = reading.counter if self.documented else f"{reading.counter}--{self.contexts[0]}"
        return slug(
            (short if reading.metric == "compute" else f"{short}--params").replace(" ", "-")
        )

    @property
    def mark(self) -> str:
        """The ratio to the reference, or why there is none; 0 is a figure."""
        if self.macs is None:
            return MARKS.get(self.reading.status, "no figure")
        return ratio(self.deviation)

    @property
    def explained(self) -> bool:
        return self.bridge is not None and self.bridge.explained


def said_of(index: Index, case: str, metric: Metric) -> list[Said]:
    """Every different thing that a counter says of a case, in the order of the counters."""
    found: dict[str, dict[tuple[Any, ...], list[Reading]]] = {}
    for reading in index.by_case[case]:
        if reading.metric == metric and reading.counter != REFERENCE:
            key = (reading.status, reading.value, reading.unit)
            found.setdefault(reading.counter, {}).setdefault(key, []).append(reading)
    return [
        made(index, readings, len(alike) == 1)
        for counter, alike in found.items()
        for readings in sorted(alike.values(), key=lambda each: not documented(each))
    ]


def made(index: Index, readings: list[Reading], alone: bool) -> Said:
    first = min(readings, key=lambda each: (not documented([each]), str(each.context)))
    ordered = (first, *(each for each in readings if each is not first))
    figure = (
        in_macs(first.value, first.unit) if is_figure(first) and first.value is not None else None
    )
    return Said(
        ordered, index.bridge_to(first), figure, index.deviation(first),
        documented(readings), alone,
    )  # fmt: skip


def documented(readings: list[Reading]) -> bool:
    """Whether one of the readings is of the first context that the tool's documentation shows."""
    own = default_context(readings[0].counter)
    return own is None or any(replace(each.context, mode="") == own for each in readings)


@cache
def default_context(counter: str) -> Context | None:
    """The first that a counter's documentation shows; None of one that is not installed here."""
    try:
        return replace(find_one(counter).contexts[0], mode="")
    except UserError:
        return None


def told(index: Index, said: Said) -> dict[str, Any]:
    """A figure as data: what was read, and the terms that lead to it from the reference.

    ``macs`` of a term is what it makes of the distance in MAC; the terms add up to the figure.
    """
    reading, bridge = said.reading, said.bridge
    return {
        "id": said.id, "counter": reading.counter, "name": said.whole_name,
        "metric": reading.metric, "unit": reading.unit, "label": printable(reading.label),
        "value": exactly(reading.value) if said.macs is not None and reading.value is not None else None,
        "apart": apart(said), "read": read(said),
        "reference": exactly(bridge.reference) if bridge else None,
        "residual": exactly(bridge.residual) if bridge else None,
        "steps": list(steps_of(index, bridge)) if bridge and said.macs is not None else [],
    }  # fmt: skip


def apart(said: Said) -> str:
    """How far a figure is from the reference, or why there is none, as a sentence."""
    if said.macs is None:
        return f"{said.mark.capitalize()}: {shorten(said.reading.message, MESSAGE)}"
    if said.deviation == 0:
        return "Equal to the reference."
    halved = ", a MAC being two FLOPs" if said.reading.unit == "FLOP" else ""
    return f"{percent(said.deviation)} against the reference{halved}."


def read(said: Said) -> str:
    """What was asked, in which contexts, and what it printed."""
    reading = said.reading
    tool = f"{printable(reading.counter)} {printable(reading.version)}".strip()
    told = " ".join(filter(None, [printable(reading.label), shorten(reading.figure, 60)]))
    printed = f" It prints {told}." if reading.figure else ""
    return f"Read by {tool}, in {', '.join(said.contexts)}.{printed}"


def finite(share: float | None) -> float | None:
    """JSON has no infinity."""
    return None if share is None or share in (float("inf"), float("-inf")) else share


def steps_of(index: Index, bridge: Bridge) -> Iterator[dict[str, Any]]:
    weights = in_macs_each(index, bridge)
    for step, weight, sentence in zip(bridge.steps, weights, sentences(index, bridge), strict=True):
        yield {
            "term": printable(step.term), "amount": exactly(step.amount), "macs": plain(weight),
            "share": percent(step.amount / bridge.reference) if bridge.reference else "",
            "sentence": sentence, "where": where(step), "modules": dict(step.modules),
        }  # fmt: skip


def where(step: Step) -> str:
    """``in encoder.ln +3, features.0 +1 and 2 more``: the modules that a term comes from."""
    heaviest = sorted(step.modules.items(), key=lambda pair: -abs(pair[1]))
    named = [f"{printable(path) or 'the root'} {signed(amount)}" for path, amount in heaviest]
    return f"in {few(named, PLACES)}" if named else ""
