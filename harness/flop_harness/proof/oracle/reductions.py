"""Many numbers made one: sums, means, extremes, norms, and sums that run on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from math import prod
from typing import Any, TypeAlias

import numpy as np

from flop_harness.proof.oracle.algorithms import mean
from flop_harness.proof.oracle.registry import algorithm, spread
from flop_harness.proof.oracle.scalar import (
    Scalar,
    add_up,
    array_of,
    counted,
    empty,
    exp,
    larger,
    largest,
    log,
    raw,
    smaller,
    smallest,
    special,
    sqrt,
)

Array: TypeAlias = np.ndarray


def reduced(merge: Callable[[list], Any]) -> Callable[..., Array]:
    """``merge`` of the elements along ``dim``, of all without one."""

    def carried_out(
        self: Array, dim: Sequence[int] | int | None = None, keepdim: bool = False, **_: Any
    ) -> Array:
        axes = (dim,) if isinstance(dim, int) else tuple(dim or range(self.ndim))
        axes = tuple(axis % max(self.ndim, 1) for axis in axes) if self.ndim else ()
        kept = [axis for axis in range(self.ndim) if axis not in axes]
        apart, together = ([self.shape[i] for i in some] for some in (kept, axes))
        rows = np.transpose(self, (*kept, *axes)).reshape(*apart, prod(together))
        made = empty(rows.shape[:-1])
        for place in np.ndindex(made.shape):
            made[place] = merge(list(rows[place]))
        return np.expand_dims(made, axes) if keepdim else made

    return carried_out


def place_of(winner: Callable[[list], Scalar]) -> Callable[[list], Scalar]:
    """Where the winner of comparisons stands."""
    return lambda values: Scalar(list(map(raw, values)).index(raw(winner(values))))


def or_of_two(merge: Callable[[list], Scalar], choice: Callable) -> Callable[..., Array]:
    """An extreme along axes, or of two tensors element by element."""

    def carried_out(self: Array, other: Any = None, **named: Any) -> Array:
        return reduced(merge)(self, **named) if other is None else spread(choice, (self, other))

    return carried_out


def either(values: list, found: Callable[[list], bool]) -> Scalar:
    for _ in values[1:]:
        counted("comparisons", 0)
    return Scalar(found(list(map(raw, values))))


algorithm("aten.sum", "aten.nansum")(reduced(add_up))
algorithm("aten.mean")(reduced(mean))
algorithm("aten.prod")(reduced(lambda values: reduce(lambda x, y: x * y, values)))
algorithm("aten.amax")(reduced(largest))
algorithm("aten.amin")(reduced(smallest))
algorithm("aten.max")(or_of_two(largest, larger))
algorithm("aten.min")(or_of_two(smallest, smaller))
algorithm("aten.argmax")(reduced(place_of(largest)))
algorithm("aten.argmin")(reduced(place_of(smallest)))
algorithm("aten.any", "aten._is_any_true")(reduced(lambda values: either(values, any)))
algorithm("aten.all", "aten._is_all_true")(reduced(lambda values: either(values, all)))


@algorithm("aten.aminmax")
def both_extremes(**named: Any) -> Array:
    least = reduced(smallest)(**named)
    reduced(largest)(**named)
    return least


@algorithm("aten.count_nonzero")
def count_nonzero(self: Array, dim: Any = None, **_: Any) -> Array:
    def count(values: list) -> Scalar:
        return add_up([counted("comparisons", float(raw(x) != 0)) for x in values])

    return reduced(count)(self, dim)


@algorithm("aten.trace")
def trace(self: Array) -> Array:
    return array_of([add_up(np.diagonal(self))], ())


def variance(root: bool) -> Callable[..., Array]:
    """In two passes: the mean, then the squares of what deviates from it."""

    def carried_out(
        self: Array, dim: Any = None, unbiased: bool = True, correction: float | None = None,
        keepdim: bool = False,
    ) -> Array:  # fmt: skip
        less = int(unbiased) if correction is None else correction

        def merge(values: list) -> Scalar:
            middle = add_up(values) / len(values)
            deviations = [value - middle for value in values]
            square = add_up([d * d for d in deviations]) / (len(values) - less)
            return sqrt(square) if root else square

        return reduced(merge)(self, dim, keepdim)

    return carried_out


algorithm("aten.var", "aten.var_mean")(variance(root=False))
algorithm("aten.std", "aten.std_mean")(variance(root=True))


@algorithm("aten.logsumexp")
def logsumexp(self: Array, dim: Any, keepdim: bool = False) -> Array:
    def merge(values: list) -> Scalar:
        top = largest(values)
        return top + log(add_up([exp(x - top) for x in values]))  # type: ignore[no-any-return]

    return reduced(merge)(self, dim, keepdim)


def norm_of(values: Sequence[Scalar], order: float | None = 2) -> Scalar:
    """(sum |x|^p)^(1/p); 2 by squares and a root, 1 without powers, infinity by comparisons."""
    sizes = [Scalar(abs(raw(x))) for x in values]
    if order in (None, 2):
        return sqrt(add_up([x * x for x in values]))
    if order == 1:
        return add_up(sizes)
    if order == 0:
        return add_up([counted("comparisons", float(raw(x) != 0)) for x in values])
    if order == float("inf"):
        return largest(sizes)
    if order == float("-inf"):
        return smallest(sizes)
    powers = [special(lambda x: x**order)(x) for x in sizes]
    return special(lambda x: x ** (1 / order))(add_up(powers))


@algorithm("aten.linalg_vector_norm", "aten.norm")
def norm(self: Array, ord: Any = 2, p: Any = None, dim: Any = None, keepdim: bool = False,
         **_: Any) -> Array:  # fmt: skip
    order = ord if p is None else p
    return reduced(lambda values: norm_of(values, order))(self, dim, keepdim)


def running(step: Callable[[Any, Any], Any]) -> Callable[..., Array]:
    def row(values: Array) -> list:
        made = [values[0]]
        for value in values[1:]:
            made.append(step(made[-1], value))
        return made

    def carried_out(self: Array, dim: int, **_: Any) -> Array:
        rows = np.moveaxis(self, dim, -1)
        made = [row(values) for values in rows.reshape(-1, rows.shape[-1])]
        return np.moveaxis(array_of(made, rows.shape), -1, dim)

    return carried_out


algorithm("aten.cumsum", "aten.cumsum_")(running(lambda x, y: x + y))
algorithm("aten.cumprod")(running(lambda x, y: x * y))
algorithm("aten.cummax")(running(larger))
algorithm("aten.cummin")(running(smaller))
