"""A logarithmic axis for figures that stand in rows: places in per cent of its width."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from flop_harness.report.words.text import compact

LEAST = 4.0
"""An axis spans at least this factor, so that what nearly agrees is seen to agree"""
BESIDE = 0.03
"""Room beside the outermost figures, of what lies between them: their dots stand whole"""
MOST_TICKS = 5


@dataclass(frozen=True, slots=True)
class Axis:
    low: float
    high: float

    def place(self, value: float) -> float:
        """In per cent from the left."""
        span = math.log(self.high / self.low)
        return round(100 * math.log(value / self.low) / span, 2)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """(place, words) of round numbers: 1, 2 and 5 of each power, or fewer where they are many."""
        for steps in ((1, 2, 5), (1, 3), (1,), (1,)):
            found = rounds(self.low, self.high, steps)
            if len(found) <= MOST_TICKS:
                break
        else:
            found = found[:: math.ceil(len(found) / MOST_TICKS)]
        return [
            (self.place(value), compact(value).replace(".00", "").replace(".0 ", " "))
            for value in found
        ]


def rounds(low: float, high: float, steps: Iterable[int]) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    every = (step * 10.0**power for power in powers for step in steps)
    return sorted(value for value in every if low <= value <= high)


def axis_of(values: Iterable[float]) -> Axis | None:
    """An axis that holds the values above zero; None without any."""
    found = [float(value) for value in values if value > 0]
    if not found:
        return None
    low, high = min(found), max(found)
    widen = max(1.0, math.sqrt(LEAST / (high / low)))
    beside = (high * widen / (low / widen)) ** BESIDE
    return Axis(low / widen / beside, high * widen * beside)
