"""Whether two sessions of one run found the same: their intervals overlap, case by case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from flop_harness.records.times import Forward, Series
from flop_harness.timing.spin import middles, pace
from flop_harness.timing.statistics import median_interval

ENOUGH = 0.9
"""Of the medians of two sessions that overlap; fewer, and the machine is called too noisy."""

Key = tuple[str, Series]
Interval = tuple[float, float]


def intervals(forwards: Sequence[Forward], precision: float) -> dict[int, dict[Key, Interval]]:
    """Session -> case and series -> the interval of its median."""
    paces = pace(forwards, precision)
    found: dict[int, dict[Key, Interval]] = {}
    for each in forwards:
        here = median_interval(middles(each, paces))
        if here is not None:
            found.setdefault(each.session, {})[each.case, each.series] = here
    return found


def overlapping(first: Mapping[Key, Interval], second: Mapping[Key, Interval]) -> float:
    """The share of medians, of those that both sessions have, whose intervals overlap."""
    shared = [(first[key], second[key]) for key in first if key in second]
    return sum(overlap(*pair) for pair in shared) / len(shared) if shared else 0.0


def overlap(one: Interval, other: Interval) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def agreeing_sessions(forwards: Sequence[Forward], precision: float) -> bool:
    """Whether any two sessions agree well enough."""
    found = intervals(forwards, precision)
    best = closest(found)
    return best is not None and overlapping(found[best[0]], found[best[1]]) >= ENOUGH


def closest(found: Mapping[int, Mapping[Key, Interval]]) -> tuple[int, int] | None:
    """The two sessions that agree best, the earlier of equals; None where there is but one."""
    pairs = list(combinations(sorted(found), 2))
    return max(pairs, key=lambda pair: overlapping(found[pair[0]], found[pair[1]]), default=None)
