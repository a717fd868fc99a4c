"""Interpolation: each output a weighted sum of its neighbours; the weights hang on sizes alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, TypeAlias

import numpy as np

from flop_harness.proof.oracle.registry import algorithm
from flop_harness.proof.oracle.scalar import add_up, empty

Array: TypeAlias = np.ndarray
Taps: TypeAlias = list[tuple[int, float]]
"""(place, weight) of the neighbours along one axis."""


def source(i: int, length: int, size: int, corners: bool, factor: float | None) -> float:
    """Where output ``i`` of an axis lies on the input."""
    if corners:
        return i * (length - 1) / max(size - 1, 1)
    step = 1 / factor if factor else length / size
    return (i + 0.5) * step - 0.5


def linear(where: float, length: int) -> Taps:
    where = max(where, 0.0)
    low = min(int(where), length - 1)
    share = min(where - low, 1.0)
    return [(low, 1 - share), (min(low + 1, length - 1), share)]


def cubic(where: float, length: int) -> Taps:
    """Keys' kernel with a = -0.75, as ATen has it; places beyond the border stand for it."""
    low = math.floor(where)
    return [(min(max(low + i, 0), length - 1), keys(where - low - i, -0.75)) for i in (-1, 0, 1, 2)]


def keys(distance: float, a: float) -> float:
    d = abs(distance)
    if d <= 1:
        return ((a + 2) * d - (a + 3)) * d * d + 1
    return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a if d < 2 else 0.0


def upsample(taps: Callable[[float, int], Taps], axes: int) -> Callable[..., Array]:
    def carried_out(
        self: Array | None = None, output_size: Sequence[int] | None = None,
        align_corners: bool = False, scale_factors: Sequence[float] | None = None,
        input: Array | None = None, **scales: Any,
    ) -> Array:  # fmt: skip
        x = self if input is None else input
        assert x is not None
        factors: Sequence[float | None] = scale_factors or [scales.get(n) for n in SCALES[axes]]
        lengths = x.shape[2:]
        sizes = output_size or [int(n * (f or 1)) for n, f in zip(lengths, factors, strict=True)]
        along = [
            [taps(source(i, n, m, align_corners, f), n) for i in range(m)]
            for n, m, f in zip(lengths, sizes, factors, strict=True)
        ]
        made = empty((*x.shape[:2], *sizes))
        for n, channel, *place in np.ndindex(made.shape):
            neighbours = product(*(along[axis][i] for axis, i in enumerate(place)))
            made[(n, channel, *place)] = add_up(
                x[(n, channel, *(at for at, _ in each))] * math.prod(w for _, w in each)
                for each in neighbours
            )
        return made

    return carried_out


SCALES = {1: ("scales",), 2: ("scales_h", "scales_w"), 3: ("scales_d", "scales_h", "scales_w")}

for _name, _taps, _axes in (
    ("linear1d", linear, 1), ("bilinear2d", linear, 2), ("trilinear3d", linear, 3),
    ("bicubic2d", cubic, 2),
):  # fmt: skip
    algorithm(f"aten.upsample_{_name}")(upsample(_taps, _axes))


# ------------------------------------------------------------------------- without aliasing


def triangle(distance: float) -> float:
    return max(1.0 - abs(distance), 0.0)


def covering(length: int, size: int, corners: bool, factor: float | None,
             filter: Callable[[float], float], reach: int) -> list[Taps]:  # fmt: skip
    """What each output of an axis reads, as ATen's UpSampleKernel.cpp has it: a filter as wide as
    the axis shrinks, and weights that add up to one."""
    if corners:
        step = (length - 1) / (size - 1) if size > 1 else 0.0
    else:
        step = 1 / factor if factor else length / size
    wide = max(step, 1.0)
    made = []
    for i in range(size):
        centre = step * (i + 0.5)
        first = max(int(centre - reach * wide + 0.5), 0)
        last = min(int(centre + reach * wide + 0.5), length)
        weights = [filter((j - centre + 0.5) / wide) for j in range(first, last)]
        made.append([(first + j, w / sum(weights)) for j, w in enumerate(weights)])
    return made


def smooth(filter: Callable[[float], float], reach: int) -> Callable[..., Array]:
    """Rows, then columns."""

    def carried_out(
        self: Array | None = None, output_size: Sequence[int] | None = None,
        align_corners: bool = False, input: Array | None = None,
        scale_factors: Sequence[float] | None = None, **scales: Any,
    ) -> Array:  # fmt: skip
        x = self if input is None else input
        assert x is not None
        factors: Sequence[float | None] = scale_factors or [scales.get(n) for n in SCALES[2]]
        sizes = output_size or [
            int(n * (f or 1)) for n, f in zip(x.shape[2:], factors, strict=True)
        ]
        down, across = (
            covering(n, m, align_corners, f, filter, reach)
            for n, m, f in zip(x.shape[2:], sizes, factors, strict=True)
        )
        return along_last(along_last(x, across).swapaxes(2, 3), down).swapaxes(2, 3)

    return carried_out


def along_last(x: Array, taps: list[Taps]) -> Array:
    made = empty((*x.shape[:-1], len(taps)))
    for place in np.ndindex(made.shape):
        made[place] = add_up(x[(*place[:-1], at)] * w for at, w in taps[place[-1]])
    return made


algorithm("aten._upsample_bilinear2d_aa")(smooth(triangle, 1))
algorithm("aten._upsample_bicubic2d_aa")(smooth(lambda distance: keys(distance, -0.5), 2))
