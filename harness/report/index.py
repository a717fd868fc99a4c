"""A run in the order of its suite, with every look-up that a report needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import chain

from harness.records import Bridge, Context, Failure, Figure, Metric, Reading, Run, Timing
from harness.report.text import Number, is_number

Key = tuple[str, str, Context, Metric]
METRICS: tuple[Metric, ...] = ("compute", "params")
_OfCase = Reading | Bridge | Figure | Timing | Failure
BASE_UNIT = {"compute": "MAC", "params": "parameter"}

# The order in which people look for them; a counter that is not named here follows by name.
COUNTERS = (
    "analytic", "thop", "ptflops-pytorch", "ptflops-aten", "torchinfo", "fvcore", "torch",
    "pytorch-model-summary", "numel",
)  # fmt: skip


def in_macs(value: Number, unit: str) -> Fraction:
    """A figure in the unit in which figures are compared: a MAC is two FLOPs."""
    return Fraction(value) / (2 if unit == "FLOP" else 1)


def plain(value: Fraction) -> Number:
    """A fraction as the integer that it nearly always is, to the last digit."""
    return float(value) if value % 1 else int(value)


def deviation(value: Number | Fraction, reference: Number | Fraction) -> float:
    """How far a figure lies from the reference, as a share of it; computed exactly."""
    if reference == 0:
        return 0.0 if value == 0 else float("inf")
    share = Fraction(value) / Fraction(reference) - 1
    try:
        return float(share)
    except OverflowError:
        return float("inf")


def key_of(record: Reading | Bridge) -> Key:
    """What a reading and its bridge have in common."""
    return record.case, record.counter, record.context, record.metric


@dataclass(frozen=True, slots=True)
class Column:
    """One counter in one context: what a column of a comparison holds."""

    counter: str
    context: Context
    only: bool = True

    @property
    def label(self) -> str:
        return self.counter if self.only else f"{self.counter} ({self.context})"


@dataclass(frozen=True)
class Index:
    """The records of a run, found by what they are about."""

    run: Run

    @cached_property
    def cases(self) -> tuple[str, ...]:
        """The suite's cases in its order, then any that only a record knows."""
        named = [case.id for case in self.run.suite.cases]
        run = self.run
        seen = [record.case for record in chain[_OfCase](
            run.readings, run.bridges, run.figures, run.timings, run.failures)]  # fmt: skip
        return tuple(dict.fromkeys([*named, *seen, *run.unsupported]))

    @cached_property
    def position(self) -> dict[str, int]:
        return {case: place for place, case in enumerate(self.cases)}

    def _order(self, record: Reading | Bridge) -> tuple[int, int, int, str, str]:
        rank = COUNTERS.index(record.counter) if record.counter in COUNTERS else len(COUNTERS)
        place = METRICS.index(record.metric)
        return self.position[record.case], place, rank, record.counter, str(record.context)

    @cached_property
    def readings(self) -> tuple[Reading, ...]:
        return tuple(sorted(self.run.readings, key=self._order))

    @cached_property
    def bridges(self) -> tuple[Bridge, ...]:
        return tuple(sorted(self.run.bridges, key=self._order))

    @cached_property
    def reading_of(self) -> dict[Key, Reading]:
        return {key_of(reading): reading for reading in self.run.readings}

    @cached_property
    def bridge_of(self) -> dict[Key, Bridge]:
        return {key_of(bridge): bridge for bridge in self.run.bridges}

    @cached_property
    def by_case(self) -> dict[str, list[Reading]]:
        found: dict[str, list[Reading]] = {case: [] for case in self.cases}
        for reading in self.readings:
            found[reading.case].append(reading)
        return found

    def explained(self, reading: Reading) -> bool:
        """Whether a bridge leads to the reading: in total, and to the tool's figures by module."""
        bridge = self.bridge_of.get(key_of(reading))
        return bridge is not None and bridge.explained

    def place(self, reading: Reading) -> tuple[str, Context]:
        """The column of a reading. The mode does not part columns: a case is asked in one mode."""
        context = reading.context
        return reading.counter, replace(context, mode="")

    def columns(self, metric: Metric) -> tuple[Column, ...]:
        """The counters that were asked for a metric, one column for each context."""
        asked = [reading for reading in self.readings if reading.metric == metric]
        asked.sort(key=lambda reading: self._order(reading)[1:])
        pairs = list(dict.fromkeys(map(self.place, asked)))
        names = [counter for counter, _ in pairs]
        return tuple(Column(name, context, names.count(name) == 1) for name, context in pairs)

    @cached_property
    def _references(self) -> dict[tuple[str, Metric], Fraction]:
        found: dict[tuple[str, Metric], Fraction] = {}
        for bridge in self.bridges:
            value = Fraction(bridge.reference)
            found.setdefault((bridge.case, bridge.metric), value)
        for reading in self.readings:
            if reading.counter == "analytic" and is_figure(reading) and reading.value is not None:
                value = in_macs(reading.value, reading.unit)
                found[reading.case, reading.metric] = value
        return found

    def reference(self, case: str, metric: Metric) -> Fraction | None:
        """The reference of a case in MAC (or parameters), None where nothing tells it."""
        return self._references.get((case, metric))

    def deviation(self, reading: Reading) -> float | None:
        """The deviation of a reading from its own bridge's reference, else from its case's."""
        if not is_figure(reading) or reading.value is None:
            return None
        bridge = self.bridge_of.get(key_of(reading))
        if bridge is not None:
            reference: Fraction | None = Fraction(bridge.reference)
        else:
            reference = self.reference(reading.case, reading.metric)
        if reference is None:
            return None
        return deviation(in_macs(reading.value, reading.unit), reference)

    def residual(self, reading: Reading) -> Number | None:
        """What a reading's bridge leaves open; None without a bridge."""
        bridge = self.bridge_of.get(key_of(reading))
        return None if bridge is None else bridge.residual


def is_figure(reading: Reading) -> bool:
    """Whether the counter gave a figure: its status is ok and its value a finite number."""
    return reading.status == "ok" and is_number(reading.value)


def figures_of(readings: Iterable[Reading]) -> list[Reading]:
    """Those readings that hold a figure."""
    return [reading for reading in readings if is_figure(reading)]
