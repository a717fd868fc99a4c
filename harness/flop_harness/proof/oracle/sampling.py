"""Sampling by a grid, folding, grids and distances, additions by index, bags of embeddings."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, TypeAlias

import numpy as np

from flop_harness.proof.oracle.algorithms import matrix_product
from flop_harness.proof.oracle.reductions import norm_of
from flop_harness.proof.oracle.registry import algorithm, spread
from flop_harness.proof.oracle.scalar import (
    Scalar,
    add_up,
    array_of,
    each,
    empty,
    exp,
    filled,
    larger,
    largest,
    raw,
    smaller,
    special,
    sqrt,
)

Array: TypeAlias = np.ndarray
Weights: TypeAlias = list[tuple[int, Any]]
"""(place, weight) of the neighbours along one axis."""
BILINEAR, NEAREST, BICUBIC = 0, 1, 2
ZEROS, BORDER = 0, 1
floor, nearest = special(math.floor), special(round)


def linear(where: Any) -> Weights:
    low = floor(where)
    share = where - low
    return [(int(raw(low)), 1 - share), (int(raw(low)) + 1, share)]


def cubic(where: Any) -> Weights:
    """Keys' kernel with a = -0.75, as ATen's UpSample.h has it."""
    low, a = floor(where), -0.75
    t = where - low
    u = 1 - t

    def near(d: Any) -> Any:
        return (d * (a + 2) - (a + 3)) * d * d + 1

    def far(d: Any) -> Any:
        return ((d * a - 5 * a) * d + 8 * a) * d - 4 * a

    weights = far(t + 1), near(t), near(u), far(u + 1)
    return [(int(raw(low)) + i - 1, weight) for i, weight in enumerate(weights)]


def place(coordinate: Any, length: int, corners: bool) -> Any:
    """From [-1, 1] to places of an axis: a product and an addition."""
    scale = (length - 1) / 2 if corners else length / 2
    return coordinate * scale + (length - 1) / 2


@algorithm("aten.grid_sampler_2d", "aten.grid_sampler_3d", "aten._grid_sampler_2d_cpu_fallback")
def grid_sampler(
    input: Array, grid: Array, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Array:
    """A place of the grid, whose axes stand in reverse, serves every channel."""
    if padding_mode != ZEROS:
        raise ValueError("padding other than by zeros is not carried out")
    lengths = input.shape[2:]
    made = empty((*input.shape[:2], *grid.shape[1:-1]))
    for n, *at in np.ndindex(grid.shape[:-1]):
        found = [place(c, length, align_corners)
                 for c, length in zip(grid[(n, *at)][::-1], lengths, strict=True)]  # fmt: skip
        if interpolation_mode == NEAREST:
            where = [int(raw(nearest(one))) for one in found]
            for channel in range(input.shape[1]):
                made[(n, channel, *at)] = value_at(input[n, channel], where)
            continue
        along = [(cubic if interpolation_mode == BICUBIC else linear)(one) for one in found]
        neighbours = [([i for i, _ in each], weight_of([w for _, w in each]))
                      for each in product(*along)]  # fmt: skip
        for channel in range(input.shape[1]):
            made[(n, channel, *at)] = add_up(
                value_at(input[n, channel], where) * weight for where, weight in neighbours
            )
    return made


def weight_of(weights: Sequence[Any]) -> Any:
    whole = weights[0]
    for weight in weights[1:]:
        whole = whole * weight
    return whole


def value_at(x: Array, where: Sequence[int]) -> Scalar:
    inside = all(0 <= i < n for i, n in zip(where, x.shape, strict=True))
    return x[tuple(where)] if inside else Scalar(0.0)


@algorithm("aten.col2im")
def fold(
    self: Array, output_size: Sequence[int], kernel_size: Sequence[int], dilation: Sequence[int],
    padding: Sequence[int], stride: Sequence[int],
) -> Array:  # fmt: skip
    """Columns (N, C x k, L) put back to their places, added up where they overlap."""
    x = self if self.ndim == 3 else self[None]
    axes = range(2)
    spans = [output_size[i] + 2 * padding[i] - dilation[i] * (kernel_size[i] - 1) - 1 for i in axes]
    blocks = [span // stride[i] + 1 for i, span in enumerate(spans)]
    columns = x.reshape(x.shape[0], -1, *kernel_size, *blocks)
    sums: dict[tuple[int, ...], Any] = {}
    for n, channel, *rest in np.ndindex(columns.shape):
        taps, block = rest[:2], rest[2:]
        at = [block[i] * stride[i] + taps[i] * dilation[i] - padding[i] for i in axes]
        if all(0 <= at[i] < output_size[i] for i in axes):
            key, value = (n, channel, *at), columns[(n, channel, *rest)]
            sums[key] = sums[key] + value if key in sums else value
    made = filled((x.shape[0], columns.shape[1], *output_size))
    for key, value in sums.items():
        made[key] = value
    return made if self.ndim == 3 else made[0]


@algorithm("aten.affine_grid_generator")
def affine_grid(theta: Array, size: Sequence[int], align_corners: bool) -> Array:
    """theta (N, d, d + 1) times the homogeneous coordinates of each place."""
    lengths = size[2:]

    def coordinate(i: int, n: int) -> float:
        step = 2 * i / max(n - 1, 1) - 1 if align_corners else (2 * i + 1) / n - 1
        return 0.0 if align_corners and n == 1 else step

    made = empty((size[0], *lengths, len(lengths)))
    for n, *at in np.ndindex(made.shape[:-1]):
        spot = [coordinate(i, m) for i, m in zip(at, lengths, strict=True)][::-1]
        for row in range(len(lengths)):
            factors = zip(theta[n, row], (*spot, 1.0), strict=True)
            made[(n, *at, row)] = add_up(t * c for t, c in factors)
    return made


@algorithm("aten._euclidean_dist")
def euclidean_distances(x1: Array, x2: Array) -> Array:
    """|a|^2 - 2 a b + |b|^2 as one product of width d + 2, as ATen's Distance.cpp takes it."""
    a, b = (x.reshape(-1, *x.shape[-2:]) for x in (x1, x2))
    made = empty((a.shape[0], a.shape[1], b.shape[1]))
    for n in range(a.shape[0]):
        norms = [[add_up(v * v for v in row) for row in rows] for rows in (a[n], b[n])]
        one = [Scalar(1.0)]
        left = [[*(v * -2 for v in row), s, *one] for row, s in zip(a[n], norms[0], strict=True)]
        right = [[*row, *one, s] for row, s in zip(b[n], norms[1], strict=True)]
        squares = matrix_product(array_of(left, (len(left), len(left[0]))),
                                 array_of(right, (len(right), len(right[0]))).T)  # fmt: skip
        made[n] = each(lambda v: sqrt(larger(v, 0)), squares)
    return made.reshape(*x1.shape[:-2], *made.shape[1:])


@algorithm("aten._cdist_forward")
def distances(x1: Array, x2: Array, p: float, **_: Any) -> Array:
    """The norm of the difference of each pair of rows."""
    a, b = (x.reshape(-1, *x.shape[-2:]) for x in (x1, x2))
    made = empty((a.shape[0], a.shape[1], b.shape[1]))
    for n, i, j in np.ndindex(made.shape):
        made[n, i, j] = norm_of([u - v for u, v in zip(a[n, i], b[n, j], strict=True)], p)
    return made.reshape(*x1.shape[:-2], *made.shape[1:])


# ------------------------------------------------------------------------------- by an index


@algorithm("aten.scatter_add", "aten.scatter_add_")
def scatter_add(self: Array, dim: int, index: Array, src: Array) -> Array:
    made = self.copy()
    for at in np.ndindex(index.shape):
        to = list(at)
        to[dim] = int(raw(index[at]))
        made[tuple(to)] = made[tuple(to)] + src[at]
    return made


STEPS: dict[str, Callable[[Any, Any], Any]] = {
    "sum": lambda x, y: x + y, "mean": lambda x, y: x + y, "prod": lambda x, y: x * y,
    "amax": larger, "amin": smaller,
}  # fmt: skip


@algorithm("aten.scatter_reduce", "aten.scatter_reduce_")
def scatter_reduce(
    self: Array, dim: int, index: Array, src: Array, reduce: str, include_self: bool = True
) -> Array:
    """What is there is one of the elements; a mean divides every result."""
    if not include_self:
        raise ValueError("leaving out what is there is not carried out")
    made, met = self.copy(), np.ones(self.shape, dtype=int)
    for at in np.ndindex(index.shape):
        to = list(at)
        to[dim] = int(raw(index[at]))
        made[tuple(to)] = STEPS[reduce](made[tuple(to)], src[at])
        met[tuple(to)] += 1
    return spread(lambda x, n: x / n, (made, met)) if reduce == "mean" else made


@algorithm("aten.index_add", "aten.index_add_")
def index_add(self: Array, dim: int, index: Array, source: Array, alpha: float = 1) -> Array:
    if alpha != 1:
        raise ValueError("a factor is not carried out")
    made = np.moveaxis(self.copy(), dim, 0)
    for place, row in zip(index.reshape(-1), np.moveaxis(source, dim, 0), strict=True):
        i = int(raw(place))
        made[i] = made[i] + row
    return np.moveaxis(made, 0, dim)


BAGS: dict[int, Callable[[list], Any]] = {
    0: add_up, 1: lambda values: add_up(values) / len(values), 2: largest,
}  # fmt: skip


@algorithm("aten._embedding_bag", "aten._embedding_bag_forward_only")
def embedding_bag(
    weight: Array, indices: Array, offsets: Array, mode: int = 0,
    per_sample_weights: Array | None = None, include_last_offset: bool = False, **_: Any,
) -> Array:  # fmt: skip
    """Rows of a table added up, averaged, or the largest of each column, bag by bag."""
    rows = [weight[int(raw(i))] for i in indices]
    if per_sample_weights is not None:
        rows = [spread(lambda x, w=w: x * w, (row,)) for row, w in
                zip(rows, per_sample_weights, strict=True)]  # fmt: skip
    starts = [int(raw(start)) for start in offsets]
    ends = starts[1:] if include_last_offset else [*starts[1:], len(rows)]
    starts = starts[: len(ends)]
    made = [[BAGS[mode](list(column)) for column in zip(*rows[a:b], strict=True)]
            for a, b in zip(starts, ends, strict=True)]  # fmt: skip
    return array_of(made, (len(made), weight.shape[1]))


# ------------------------------------------------------------------------------- of two halves


@algorithm("aten.glu", "aten.glu_")
def glu(self: Array, dim: int = -1) -> Array:
    """x times the sigmoid of its gate."""
    value, gate = np.split(self, 2, axis=dim)
    return spread(lambda x, g: x * (1 / (1 + exp(-g))), (value, gate))


@algorithm("aten.addr", "aten.addr_")
def addr(self: Array, vec1: Array, vec2: Array, **_: Any) -> Array:
    return spread(lambda s, x, y: s + x * y, (self, vec1[:, None], vec2[None, :]))
