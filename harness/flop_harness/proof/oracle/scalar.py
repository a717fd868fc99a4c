"""A number that counts what is done to it.

An array is a numpy array of ``Scalar``; numpy only holds and indexes it. Negation, sign and
absolute value are free, as they are in hardware; choosing between two values is a comparison.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from functools import reduce
from typing import Any

import numpy as np

done: Counter[str] = Counter()
"""Operations carried out since ``forget``."""


def forget() -> None:
    done.clear()


def by_real(operation: Callable[..., Scalar]) -> Callable[..., Scalar]:
    """An operation with another real number; a complex one knows by itself what it does with a real one."""

    def done_with(own: Scalar, other: Any) -> Scalar:
        if hasattr(other, "__complex__") and not hasattr(other, "__float__"):
            return NotImplemented
        return operation(own, other)

    return done_with


class Scalar:
    """A number that counts each operation on it."""

    __slots__ = ("value",)

    def __init__(self, value: float) -> None:
        self.value = float(value)

    @by_real
    def __add__(self, other):
        return counted("additions", self.value + raw(other))

    @by_real
    def __sub__(self, other):
        return counted("additions", self.value - raw(other))

    def __rsub__(self, other):
        return counted("additions", raw(other) - self.value)

    @by_real
    def __mul__(self, other):
        return counted("multiplications", self.value * raw(other))

    @by_real
    def __truediv__(self, other):
        return counted("divisions", self.value / raw(other))

    def __rtruediv__(self, other):
        return counted("divisions", raw(other) / self.value)

    def __neg__(self):
        return Scalar(-self.value)

    __radd__, __rmul__ = __add__, __mul__


def raw(value):
    """The plain number: complex of a complex one."""
    if isinstance(value, Scalar):
        return value.value
    return complex(value) if hasattr(value, "__complex__") else float(value)


def counted(kind: str, value: float) -> Scalar:
    done[kind] += 1
    return Scalar(value)


def special(function: Callable[..., float]) -> Callable[[Scalar], Scalar]:
    return lambda x: counted("specials", function(raw(x)))


exp, log, sqrt, tanh, erf = map(special, (math.exp, math.log, math.sqrt, math.tanh, math.erf))


def larger(x, y) -> Scalar:
    return counted("comparisons", max(raw(x), raw(y)))


def smaller(x, y) -> Scalar:
    return counted("comparisons", min(raw(x), raw(y)))


def choose(condition: bool, yes, no) -> Scalar:
    return counted("comparisons", raw(yes if condition else no))


def add_up(values: Iterable[Scalar]) -> Scalar:
    """Their sum; of none it is 0."""
    found = list(values)
    return reduce(lambda x, y: x + y, found) if found else Scalar(0.0)


def largest(values: Iterable[Scalar]) -> Scalar:
    return reduce(larger, values)


def smallest(values: Iterable[Scalar]) -> Scalar:
    return reduce(smaller, values)


def scalars(values) -> np.ndarray:
    """Numbers -> an array of Scalars."""
    return each(Scalar, np.asarray(values))


def numbers(array: np.ndarray) -> np.ndarray:
    return np.vectorize(raw, otypes=[float])(array)


def empty(shape: tuple[int, ...]) -> np.ndarray:
    return np.empty(shape, dtype=object)


def each(function: Callable, *arrays: np.ndarray) -> np.ndarray:
    """``function`` of the elements of arrays of one shape."""
    made = empty(arrays[0].shape)
    for place in np.ndindex(made.shape):
        made[place] = function(*(array[place] for array in arrays))
    return made


def filled(shape: tuple[int, ...], value: float = 0.0) -> np.ndarray:
    return scalars(np.full(shape, value))


def array_of(values, shape: tuple[int, ...]) -> np.ndarray:
    """Scalars in nested lists, in the order in which they stand, as an array of this shape."""
    made = empty(shape)
    made.reshape(-1)[:] = np.array(values, dtype=object).reshape(-1)
    return made
