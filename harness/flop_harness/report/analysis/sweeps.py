"""Cases that differ in one thing alone: groups of a convolution, batch or size of the input."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

from flop_harness.records import Case
from flop_harness.records.times import Series
from flop_harness.report.analysis.timings import MachineTimings
from flop_harness.report.words.text import plural
from flop_harness.timing.stability import Comparison


@dataclass(frozen=True, slots=True)
class Grouped:
    """One convolution in ``groups`` beside the same in one group, in one series."""

    sweep: str
    case: str
    series: Series
    groups: int
    depthwise: bool
    theory: float
    """How many times fewer MACs"""
    against: Comparison
    """Its seconds divided by those in one group"""
    counted: float

    @property
    def speedup(self) -> float:
        return 1 / self.against.ratio

    @property
    def interval(self) -> tuple[float, float] | None:
        """Of the speed-up."""
        found = self.against.interval
        return None if found is None else (1 / found[1], 1 / found[0])


def without_groups(case: Case) -> tuple[Any, ...]:
    """What two cases have in common that differ in their groups alone."""
    kwargs = tuple(
        sorted((key, str(value)) for key, value in case.kwargs.items() if key != "groups")
    )
    return case.model, case.inputs, case.dtype, case.mode, kwargs


def sweep_name(case: Case) -> str:
    """``128 channels, 56 × 56, batch 8``; ``3 channels, 6 × 6, unbatched``"""
    shape, channels = case.inputs[0].shape, plural(int(case.kwargs["in_channels"]), "channel")
    rank = spatial_rank(case)
    sizes = " × ".join(map(str, shape[len(shape) - rank :]))
    if len(shape) == rank + 1:
        return f"{channels}, {sizes}, unbatched"
    return f"{channels}, {sizes}" + (f", batch {shape[0]}" if shape[0] != 1 else "")


def spatial_rank(case: Case) -> int:
    """How many of an input's dimensions a convolution moves over: as its class says, if it does."""
    told = re.search(r"(\d)d$", case.model)
    return int(told[1]) if told else len(case.inputs[0].shape) - 2


def grouped(clock: MachineTimings) -> list[Grouped]:
    """Every case that has a partner in one group; the sweeps in the order of the suite."""
    sweeps: dict[tuple, list[Case]] = {}
    for case in clock.cases.values():
        if case.kwargs.get("in_channels") and case.inputs and spatial_rank(case) > 0:
            sweeps.setdefault(without_groups(case), []).append(case)
    return [
        row
        for cases in sweeps.values()
        if len(cases) > 1
        for series in clock.series
        for row in _sweep(clock, cases, series)
    ]


def _sweep(clock: MachineTimings, cases: list[Case], series: Series) -> Iterator[Grouped]:
    first = next((case for case in cases if groups_of(case) == 1), None)
    if first is None:
        return
    for case in cases:
        against = clock.pair((first.id, series), (case.id, series))
        macs = [clock.amount(each.id, "macs") for each in (first, case)]
        if against is not None and macs[0] and macs[1]:
            depthwise = groups_of(case) == case.kwargs["in_channels"] > 1
            yield Grouped(sweep_name(case), case.id, series, groups_of(case), depthwise,
                          macs[0] / macs[1], against, macs[1])  # fmt: skip


def groups_of(case: Case) -> int:
    return int(case.kwargs.get("groups", 1))


@dataclass(frozen=True, slots=True)
class Larger:
    """A model on a larger input beside the same on its smallest: factors, not differences."""

    case: Case
    base: Case
    series: Series
    macs: float
    params: float | None
    against: Comparison
    """Its seconds divided by those on the smallest input"""


def larger_inputs(clock: MachineTimings) -> Iterator[Larger]:
    """Every case that has a partner with a smaller input, in each series."""
    for base, case in input_pairs(clock):
        for series in clock.series:
            found = clock.pair((base.id, series), (case.id, series))
            macs = ratio(clock, base, case, "macs")
            if found is not None and macs is not None:
                yield Larger(case, base, series, macs, ratio(clock, base, case, "params"), found)


def input_pairs(clock: MachineTimings) -> Iterator[tuple[Case, Case]]:
    """(the case with the smallest input, another of the same model)."""
    models: dict[tuple, list[Case]] = {}
    for case in clock.cases.values():
        kwargs = tuple(sorted((key, str(value)) for key, value in case.kwargs.items()))
        if len(case.inputs) == 1:
            models.setdefault((case.model, kwargs, case.dtype, case.mode), []).append(case)
    for cases in models.values():
        base = min(cases, key=lambda case: prod(case.inputs[0].shape))
        yield from ((base, case) for case in cases if case is not base)


def ratio(clock: MachineTimings, base: Case, case: Case, counting: str) -> float | None:
    before, after = clock.amount(base.id, counting), clock.amount(case.id, counting)
    return after / before if before and after else None


def shape(case: Case) -> str:
    return "x".join(map(str, case.inputs[0].shape))
