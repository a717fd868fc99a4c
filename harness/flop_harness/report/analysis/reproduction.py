"""What was published of a suite beside what was found here: counts, times and conclusions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from flop_harness.reconcile.changes import Comparison
from flop_harness.records.times import Series, Times
from flop_harness.report.analysis.conclusions import Conclusion, conclusions
from flop_harness.report.analysis.timings import CaseTiming, MachineTimings
from flop_harness.timing.statistics import median, median_interval

Interval = tuple[float, float]
EACH = 0.975
"""The confidence of either interval, so that their quotient holds the ratio with 0.95 at least"""


@dataclass(frozen=True, slots=True)
class TimeRatio:
    """One case in one series: medians in seconds, and here / published."""

    case: str
    series: Series
    published: float
    here: float
    interval: Interval | None

    @property
    def ratio(self) -> float:
        return self.here / self.published

    @property
    def verdict(self) -> str:
        if self.interval is None:
            return "too few turns"
        low, high = self.interval
        return "slower here" if low > 1 else "faster here" if high < 1 else "no difference shown"


@dataclass(frozen=True, slots=True)
class Speed:
    """The median of the ratios of one series, with its interval over cases."""

    series: Series
    ratios: tuple[float, ...]

    @property
    def middle(self) -> float:
        return median(self.ratios)

    @property
    def interval(self) -> Interval | None:
        return median_interval(self.ratios)


@dataclass(frozen=True, slots=True)
class TimesHeld:
    """The published times of one machine beside those of this one."""

    published: Times
    here: Times
    ratios: tuple[TimeRatio, ...]
    conclusions: tuple[Conclusion, ...]

    @property
    def speeds(self) -> list[Speed]:
        by_series: dict[Series, list[float]] = {}
        for each in self.ratios:
            by_series.setdefault(each.series, []).append(each.ratio)
        return [Speed(series, tuple(found)) for series, found in by_series.items()]


@dataclass(frozen=True, slots=True)
class Reproduction:
    """``source`` says where the published figures lie; ``counts`` is None where only times are."""

    source: str
    counts: Comparison | None
    times: tuple[TimesHeld, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether a count does: seconds may."""
        return self.counts is not None and bool(self.counts.moves)


def times_held(published: Times, here: Times) -> TimesHeld:
    """Case by case, of those that both hold; then what follows from them."""
    before, now = (
        MachineTimings(of_cases(published, here)),
        MachineTimings(of_cases(here, published)),
    )
    return TimesHeld(published, here, tuple(ratios(before, now)), tuple(conclusions(before, now)))


def of_cases(times: Times, other: Times) -> Times:
    """The times of the cases that are the same in both."""
    shared = tuple(case for case in times.cases if case in other.cases)
    names = {case.id for case in shared}
    return replace(times, cases=shared,
                   forwards=tuple(each for each in times.forwards if each.case in names),
                   theory=tuple(each for each in times.theory if each.case in names))  # fmt: skip


def ratios(before: MachineTimings, now: MachineTimings) -> Iterator[TimeRatio]:
    for (case, series), published in before.medians.items():
        here = now.medians.get((case, series))
        if here is not None and published:
            pair = before.clocked[case, series], now.clocked[case, series]
            yield TimeRatio(case, series, published, here, ratio_interval(*pair))


def ratio_interval(before: CaseTiming, now: CaseTiming) -> Interval | None:
    """Of here / published, measured at different times: by the intervals of both medians."""
    first, second = (median_interval(each.middles, EACH) for each in (before, now))
    if first is None or second is None:
        return None
    return second[0] / first[1], second[1] / first[0]
