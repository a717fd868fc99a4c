"""Whether raw samples look like those of one steady thing, and how two cases compare."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import erfc, sqrt

from flop_harness.timing.statistics import half_width, iqr, median, median_interval, outliers

SIGNIFICANCE = 0.01
"""Of the trend test: one steady series in a hundred is called drifting."""

LEAST_PART = 0.2
"""Of the samples lie in the smaller of two modes."""


@dataclass(frozen=True, slots=True)
class Stability:
    """What is wrong with a series of samples; nothing, if it is stable."""

    complaints: tuple[str, ...] = ()
    outliers: int = 0

    @property
    def stable(self) -> bool:
        return not self.complaints

    def __str__(self) -> str:
        return ", ".join(self.complaints) or "stable"


def stability(turns: Sequence[Sequence[float]], precision: float) -> Stability:
    """Drift between turns, two modes, a clock too coarse, an interval wider than ``precision``."""
    middles = [median(turn) for turn in turns]
    samples = [sample for turn in turns for sample in turn]
    width = half_width(middles)
    found = {
        "too few turns": width is None,
        "drifting": drifts(middles, precision),
        "two modes": two_modes(samples, precision),
        "clock too coarse": coarse(samples, precision),
        "wide interval": width is not None and width > precision,
    }
    return Stability(tuple(name for name, holds in found.items() if holds), len(outliers(samples)))


def drifts(values: Sequence[float], precision: float) -> bool:
    """Whether values rise or fall in the order measured: surely, and by more than ``precision``.

    Mann-Kendall's test for a trend (Mann 1945; normal approximation) and Theil-Sen's slope (Sen
    1968) times the length of the series.
    """
    count = len(values)
    if count < 4:
        return False
    pairs = list(combinations(range(count), 2))
    score = sum((values[j] > values[i]) - (values[j] < values[i]) for i, j in pairs)
    slope = statistics.median((values[j] - values[i]) / (j - i) for i, j in pairs)
    deviation = sqrt(count * (count - 1) * (2 * count + 5) / 18)
    chance = erfc(max(abs(score) - 1, 0) / deviation / sqrt(2))
    return chance < SIGNIFICANCE and abs(slope) * (count - 1) > precision * median(values)


def two_modes(samples: Sequence[float], precision: float) -> bool:
    """Whether a gap parts the samples in two, wider than either part's interquartile range."""
    ordered = sorted(samples)
    least = max(2, round(LEAST_PART * len(ordered)))
    if len(ordered) < 2 * least + 1:
        return False
    gaps = [(after - before, place) for place, (before, after) in enumerate(pairwise(ordered), 1)
            if least <= place <= len(ordered) - least]  # fmt: skip
    gap, place = max(gaps)
    spread = max(iqr(ordered[:place]), iqr(ordered[place:]))
    return gap > precision * median(ordered) and gap > spread


def coarse(samples: Sequence[float], precision: float) -> bool:
    """Whether the few values that samples take lie further apart than ``precision``."""
    values = sorted(set(samples))
    if not 1 < len(values) <= len(samples) / 2:
        return False
    step = min(after - before for before, after in pairwise(values))
    return step > precision * median(samples)


# -------------------------------------------------------------------------------- comparisons


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many times as long the second of two takes, by pairs of turns next to each other."""

    ratio: float
    interval: tuple[float, float] | None

    @property
    def shown(self) -> bool:
        """Whether a difference is: not where the interval holds 1, or where there is none."""
        return self.interval is not None and not self.interval[0] <= 1 <= self.interval[1]

    @property
    def verdict(self) -> str:
        if not self.shown:
            return "no difference shown"
        return "slower" if self.ratio > 1 else "faster"


def compare(first: Sequence[Sequence[float]], second: Sequence[Sequence[float]]) -> Comparison:
    """The median of ratios of turns measured next to each other; those without a partner are out."""
    ratios = [median(b) / median(a) for a, b in zip(first, second, strict=False)]
    return Comparison(median(ratios), median_interval(ratios))
