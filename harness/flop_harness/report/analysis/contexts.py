"""The same case in another dtype, layout or form: what that brings that no count sees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from flop_harness.records.times import Series
from flop_harness.report.analysis.statements import Statement, with_interval
from flop_harness.report.analysis.timings import MachineTimings
from flop_harness.report.words.text import plural
from flop_harness.timing.stability import Comparison
from flop_harness.timing.statistics import median, median_interval


@dataclass(frozen=True, slots=True)
class InContext:
    """One case in another context beside the plain one of as many threads."""

    case: str
    series: Series
    against: Comparison
    """Its seconds divided by those of the plain series"""


def plain_of(series: Series, dtype: str) -> Series:
    """As the case is written: its own dtype, launched one by one."""
    return replace(
        series, dtype=dtype, launch="eager", tf32=False, flushed=False, channels_last=False,
        phase="forward",
    )  # fmt: skip


def in_contexts(clock: MachineTimings) -> Iterator[InContext]:
    """Every case in every context but the plain one, which is timed first: where a case names no
    dtype, that is its model's own."""
    own: dict[str, str] = {}
    for case, series in clock.clocked:
        plain = plain_of(series, own.setdefault(case, series.dtype))
        against = clock.pair((case, plain), (case, series)) if plain != series else None
        if against is not None:
            yield InContext(case, series, against)


def statements(clock: MachineTimings) -> Iterator[Statement]:
    """For each context: how many times as long a pass takes, in the middle of the cases."""
    by_series: dict[Series, list[float]] = {}
    for each in in_contexts(clock):
        by_series.setdefault(each.series, []).append(each.against.ratio)
    for series, ratios in by_series.items():
        interval = median_interval(ratios)
        told = with_interval(median(ratios), interval) if interval else f"{median(ratios):.3g}"
        yield Statement(
            f"{series}: a pass takes {told} times as long as in the plain context, in the middle of "
            f"{plural(len(ratios), 'case')}.",
            interval is not None and not interval[0] <= 1 <= interval[1],
            "the interval over cases holds 1" if interval else "too few cases for an interval",
        )  # fmt: skip
