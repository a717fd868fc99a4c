"""The register of naive algorithms: operator -> how it is carried out, number by number."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import numpy as np

from flop_harness.proof.oracle.scalar import Scalar, each

Algorithm: TypeAlias = Callable[..., Any]
"""The operator's arguments by name, tensors as arrays of Scalars -> its first result."""

ALGORITHMS: dict[str, Algorithm] = {}


def algorithm(*names: str) -> Callable[[Algorithm], Algorithm]:
    """Register an algorithm for operators by name, without overload. A second one raises."""

    def register(function: Algorithm) -> Algorithm:
        for name in names:
            if name in ALGORITHMS:
                raise ValueError(f"a second algorithm for {name}")
            ALGORITHMS[name] = function
        return function

    return register


def elementwise(names: str, function: Callable, operands: str = "self", options: str = "") -> None:
    """Register an algorithm for each element, also in place.

    ``function`` takes the ``operands``, broadcast against one another, and the ``options`` by name.
    """

    def carried_out(**named: Any) -> np.ndarray:
        given = {name: named[name] for name in options.split() if name in named}
        values = [named[name] for name in operands.split()]
        if not any(isinstance(each, np.ndarray) for each in values):
            values[0] = Scalar(values[0])  # two numbers, which count nothing themselves
        return spread(lambda *x: function(*x, **given), values)

    for name in names.split():
        algorithm(f"aten.{name}", f"aten.{name}_")(carried_out)


def spread(function: Callable, operands: Iterable[Any]) -> np.ndarray:
    """``function`` of each element of operands that are broadcast; a number is an array of one."""
    return each(function, *np.broadcast_arrays(*(np.asarray(x, dtype=object) for x in operands)))
