"""What raw samples say, without assuming how they are distributed."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from math import exp, lgamma, log


def median(samples: Sequence[float]) -> float:
    """The middle sample, or the mean of the middle two. ValueError without any."""
    if not samples:
        raise ValueError("no samples, no median")
    return statistics.median(samples)


def iqr(samples: Sequence[float]) -> float:
    """Interquartile range (quartiles interpolated, the extremes being quantiles 0 and 1).

    0 for one sample; ValueError without any.
    """
    if not samples:
        raise ValueError("no samples, no quartiles")
    if len(samples) == 1:
        return 0.0
    first, _, third = statistics.quantiles(samples, n=4, method="inclusive")
    return third - first


def median_interval(
    samples: Sequence[float], confidence: float = 0.95
) -> tuple[float, float] | None:
    """The narrowest pair of order statistics (r-th lowest, r-th highest) that holds the median
    of the population with at least ``confidence``; None where there are too few samples.

    Samples fall below the median like a fair coin: the pair misses it only when fewer than r of
    them lie on one side, with probability 2 P(Binomial(n, 1/2) < r). Independence is assumed.
    """
    rank = interval_rank(len(samples), confidence)
    if rank == 0:
        return None
    ordered = sorted(samples)
    return ordered[rank - 1], ordered[-rank]


def interval_rank(count: int, confidence: float) -> int:
    """The largest r <= count / 2 with 2 P(Binomial(count, 1/2) < r) <= 1 - confidence, or 0."""
    rank, missed = 0, 0.0
    while rank < count // 2:
        missed += 2 * fair_binomial(count, rank)
        if missed > 1 - confidence:
            break
        rank += 1
    return rank


def fair_binomial(count: int, successes: int) -> float:
    """P(Binomial(count, 1/2) = successes); by logarithms, as binomials overflow floats."""
    ways = lgamma(count + 1) - lgamma(successes + 1) - lgamma(count - successes + 1)
    return exp(ways - count * log(2))


def half_width(samples: Sequence[float], confidence: float = 0.95) -> float | None:
    """Half the interval of the median as a share of it; None where no interval is known."""
    interval = median_interval(samples, confidence)
    if interval is None:
        return None
    low, high = interval
    return (high - low) / 2 / median(samples) if high > low else 0.0


def outliers(samples: Sequence[float], fence: float = 3.0) -> tuple[int, ...]:
    """Places of samples that lie more than ``fence`` interquartile ranges outside the quartiles.

    Tukey's "far out" (Exploratory Data Analysis, 1977). They are told, never dropped. Where most
    samples are equal the range is 0, and whatever differs is far out.
    """
    if len(samples) < 4:
        return ()
    first, _, third = statistics.quantiles(samples, n=4, method="inclusive")
    reach = fence * (third - first)
    return tuple(
        place
        for place, sample in enumerate(samples)
        if sample < first - reach or sample > third + reach
    )
