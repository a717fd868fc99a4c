"""Seconds of each layer beside its work, and what it costs to measure them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from flop_harness.records.times import HookCost, LayerTimes, LayerWork, Series
from flop_harness.report.analysis.statements import Statement, with_interval
from flop_harness.report.analysis.timings import MachineTimings
from flop_harness.report.words.text import digits, group, plural, verb
from flop_harness.timing.statistics import median, median_interval
from flop_harness.timing.theory.roofline import Bound, Roof


@dataclass(frozen=True)
class Layer:
    """One layer of one case: its work, the seconds in it, and the ceilings over it."""

    times: LayerTimes
    work: LayerWork | None
    roof: Roof | None

    @cached_property
    def median(self) -> float:
        return median(self.times.seconds)

    @property
    def least(self) -> float | None:
        if self.work is None or self.roof is None:
            return None
        return self.roof.seconds(self.work)

    @property
    def bound(self) -> Bound | None:
        return None if self.work is None or self.roof is None else self.roof.bound(self.work)

    @property
    def share(self) -> float | None:
        """Of the attainable rate that is attained."""
        return self.least / self.median if self.least is not None and self.median else None

    @property
    def intensity(self) -> float | None:
        """FLOP per byte."""
        return self.work.flop / self.work.bytes if self.work and self.work.bytes else None

    @property
    def achieved(self) -> float | None:
        """FLOP per second."""
        return self.work.flop / self.median if self.work and self.median else None


def layers(clock: MachineTimings) -> Iterator[Layer]:
    """Layers that were timed and have work, in the order of the suite and of the calls."""
    work = {(theory.case, each.path): each for theory in clock.times.theory
            for each in theory.layers}  # fmt: skip
    for each in clock.times.layers:
        if (each.case, each.path) in work:
            yield Layer(each, work[each.case, each.path], clock.roofs.get(each.series))


def seconds(found: list[Layer]) -> float:
    return sum(layer.median for layer in found)


def flop(found: list[Layer]) -> int:
    return sum(layer.work.flop for layer in found if layer.work)


def hooked(clock: MachineTimings) -> list[HookCost]:
    """Cases that ran both with hooks and without."""
    return [each for each in clock.times.hooks if each.bare]


def hook_cost(each: HookCost) -> float:
    """How much longer a pass with hooks takes, as a share: the median over pairs of passes."""
    return median([a / b for a, b in zip(each.hooked, each.bare, strict=True)]) - 1


def statements(clock: MachineTimings) -> Iterator[Statement]:
    """For each series: what the hooks cost, and where compute- and memory-bound layers stand."""
    for series in clock.series:
        costs = [100 * hook_cost(each) for each in hooked(clock) if each.series == series]
        if costs:
            yield cost_statement(series, costs)
        found = [each for each in layers(clock)
                 if each.bound is not None and each.times.series == series]  # fmt: skip
        if found:
            yield bound_statement(series, found)


def bound_statement(series: Series, found: list[Layer]) -> Statement:
    """How many layers are memory-bound, and their share of a pass in the middle of the cases.

    A case is timed in too few passes for an interval of its own; the cases give one together.
    """
    bound = [each for each in found if each.bound == "memory"]
    cases = [[each for each in found if each.times.case == case]
             for case in dict.fromkeys(each.times.case for each in found)]  # fmt: skip
    shares = [memory_bound_share(each) for each in cases if seconds(each)]
    interval = median_interval(shares)
    middle = median(shares)
    told = with_interval(middle, interval, " %") if interval else f"{digits(middle)} %"
    return Statement(
        f"{series}: {group(len(bound))} of {plural(len(found), 'timed layer')} "
        f"{verb(len(bound), 'is', 'are')} memory-bound under the ceilings measured here, with "
        f"{share(flop(bound), flop(found))} of all MACs and {told} of the time of layers in the "
        f"middle of {plural(len(shares), 'case')}.",
        interval is not None, "too few cases for an interval",
    )  # fmt: skip


def memory_bound_share(found: list[Layer]) -> float:
    """Of the seconds in these layers, in per cent."""
    return 100 * seconds([each for each in found if each.bound == "memory"]) / seconds(found)


def cost_statement(series: Series, costs: list[float]) -> Statement:
    """In the middle of the cases, in per cent of a pass."""
    interval = median_interval(costs)
    told = (
        with_interval(median(costs), interval, " %") if interval else f"{digits(median(costs))} %"
    )
    return Statement(
        f"{series}: hooks on every layer make a pass {told} longer in the middle of "
        f"{plural(len(costs), 'case')}.", interval is not None, "too few cases for an interval",
    )  # fmt: skip


def share(part: float, whole: float) -> str:
    return f"{digits(100 * part / whole)} %" if whole else "none"
