"""How well a count predicts seconds: by rank, and by a power law that has not seen the family.

A family is left out, ``log seconds = a + b log count`` is fitted to the others and asked for the
family's models. Models of a family are alike, so the bootstrap draws families, not models (the cluster
bootstrap; Davison and Hinkley 1997, section 3.8).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

DRAWS = 4000
FEWEST_FAMILIES = 3
Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Points:
    """Models with their counts and seconds, all positive, and the family of each."""

    cases: tuple[str, ...]
    families: tuple[str, ...]
    counts: tuple[float, ...]
    seconds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Prediction:
    """How well a count predicts, with intervals of 95 % over draws of families.

    ``rank`` is Spearman's correlation. ``factor`` is what a prediction is off by: exp of the mean
    |log(predicted / measured)| over models whose family was not fitted. ``exponent`` is the b of the
    fit to all of them. ``errors`` are the log(predicted / measured) by case.
    """

    rank: float
    rank_interval: tuple[float, float]
    factor: float
    factor_interval: tuple[float, float]
    exponent: float
    errors: Mapping[str, float]

    @property
    def middle(self) -> float:
        """The factor that half of the models are off by at most."""
        return float(np.exp(np.median(np.abs([*self.errors.values()]))))

    @property
    def worst(self) -> float:
        return float(np.exp(np.abs([*self.errors.values()]).max()))


def predict(points: Points, seed: int = 0) -> Prediction | None:
    """None where there are fewer than three families, or the counts are all the same."""
    x, y = np.log(points.counts), np.log(points.seconds)
    groups = members(points.families)
    if len(groups) < FEWEST_FAMILIES or np.ptp(x) == 0:
        return None
    return judged(points, held_out_errors(x, y, groups), float(np.polyfit(x, y, 1)[0]), seed)


def judged(points: Points, errors: Array, exponent: float, seed: int = 0) -> Prediction:
    """What errors, made on models whose family was not fitted, say of a predictor."""
    x, y = np.log(points.counts), np.log(points.seconds)
    draws = drawn(members(points.families), seed)
    sizes = mean(np.abs(errors), draws)
    return Prediction(
        spearman(x, y),
        interval(spearmans(x, y, draws)),
        float(np.exp(np.abs(errors).mean())),
        interval(np.exp(sizes)),
        exponent,
        dict(zip(points.cases, map(float, errors), strict=True)),
    )


def difference(
    first: Prediction, second: Prediction, families: Mapping[str, str],
    comparisons: int = 1, seed: int = 0,
) -> tuple[float, tuple[float, float]]:  # fmt: skip
    """By what factor the second is further off than the first, on the cases that both predict.

    With its interval; where that holds 1, no difference is shown. Of several ``comparisons`` all
    intervals hold together with 95 % (Bonferroni).
    """
    shared = [case for case in first.errors if case in second.errors]
    gaps = np.array([abs(second.errors[case]) - abs(first.errors[case]) for case in shared])
    draws = drawn(members([families[case] for case in shared]), seed)
    return float(np.exp(gaps.mean())), interval(np.exp(mean(gaps, draws)), 0.05 / comparisons)


# ------------------------------------------------------------------------------------- parts


def members(families: Sequence[str]) -> list[Array]:
    """The places of each family's models."""
    return [np.flatnonzero(np.array(families) == name) for name in dict.fromkeys(families)]


def held_out_errors(x: Array, y: Array, groups: Sequence[Array]) -> Array:
    """log(predicted / measured) of each model, by a line through the models of other families."""
    errors = np.empty_like(y)
    for group in groups:
        others = np.setdiff1d(np.arange(len(x)), group)
        if np.ptp(x[others]) == 0:  # nothing to put a line through: the mean is all there is
            errors[group] = y[others].mean() - y[group]
            continue
        slope, offset = np.polyfit(x[others], y[others], 1)
        errors[group] = offset + slope * x[group] - y[group]
    return errors


def drawn(groups: Sequence[Array], seed: int) -> Array:
    """How often each model is there when as many families as there are are drawn with replacement.

    One row for each of the draws, one column for each model.
    """
    families = len(groups)
    places = np.random.default_rng(seed).integers(families, size=(DRAWS, families))
    times = (places[:, :, None] == np.arange(families)).sum(axis=1)
    owner = np.empty(sum(map(len, groups)), dtype=int)
    for family, group in enumerate(groups):
        owner[group] = family
    return times[:, owner]


def mean(values: Array, draws: Array) -> Array:
    """The mean of each draw."""
    means: Array = (draws @ values) / draws.sum(axis=1)
    return means


def spearman(x: Array, y: Array) -> float:
    """Rank correlation, ties at the mean of their ranks; 0 where all values are the same."""
    return float(spearmans(x, y, np.ones((1, len(x)), dtype=int))[0])


def spearmans(x: Array, y: Array, draws: Array) -> Array:
    """The rank correlation of each draw."""
    a, b = (centred(ranks(values, draws), draws) for values in (x, y))
    spread = np.sqrt((draws * a * a).sum(axis=1) * (draws * b * b).sum(axis=1))
    together = (draws * a * b).sum(axis=1)
    found: Array = np.divide(together, spread, out=np.zeros_like(spread), where=spread > 0)
    return found


def centred(values: Array, draws: Array) -> Array:
    moved: Array = values - (draws * values).sum(axis=1, keepdims=True) / draws.sum(
        axis=1, keepdims=True
    )
    return moved


def ranks(values: Array, draws: Array) -> Array:
    """The place of each model in the order of each draw, the mean place for equal ones."""
    distinct, place = np.unique(values, return_inverse=True)
    counts = draws @ (place[:, None] == np.arange(len(distinct)))
    return (np.cumsum(counts, axis=1) - (counts - 1) / 2)[:, place]


def interval(values: Sequence[float] | Array, outside: float = 0.05) -> tuple[float, float]:
    """The middle 95 %, or what is left without so large a share at both ends together."""
    low, high = np.quantile(np.asarray(values), (outside / 2, 1 - outside / 2))
    return float(low), float(high)
