"""Gradients of normalisation, one number at a time."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, TypeAlias

import numpy as np

from flop_harness.proof.oracle.registry import algorithm, spread
from flop_harness.proof.oracle.scalar import add_up, array_of, sqrt

Array: TypeAlias = np.ndarray


def times(*arrays: Array) -> Array:
    return spread(lambda x, y: x * y, arrays)


def minus(*arrays: Array) -> Array:
    return spread(lambda x, y: x - y, arrays)


def added(x: Array) -> Array:
    """The sum of each row of (rows, n), as (rows, 1)."""
    return array_of([add_up(row) for row in x], (len(x), 1))


def over(x: Array, n: int) -> Array:
    return spread(lambda value: value / n, (x,))


def of_rows(g: Array, y: Array, rstd: Array, sums: tuple[Any, Any]) -> Array:
    """(g - sum(g) / n - y sum(g y) / n) rstd, of rows of n numbers."""
    n = g.shape[1]
    means, slopes = (over(total, n) for total in sums)
    return times(minus(minus(g, means), times(y, slopes)), rstd)


def gradients(
    dy: Array, x: Array, rows: int, mean: Array, rstd: Array, weight: Array | None,
    mask: Sequence[bool], across: Any,
) -> tuple[Array | None, ...]:  # fmt: skip
    """``across`` puts what shares an element of weight and bias in rows."""
    dx = dw = db = None
    mean, rstd = mean.reshape(-1, 1), rstd.reshape(-1, 1)
    if mask[0] or mask[1]:
        y = times(minus(x.reshape(rows, -1), mean), rstd)
    if mask[0]:
        g = (dy if weight is None else times(dy, weight)).reshape(rows, -1)
        dx = of_rows(g, y, rstd, (added(g), added(times(g, y)))).reshape(x.shape)
    if mask[1]:
        dw = added(across(times(dy, y.reshape(x.shape))))
    if mask[2]:
        db = added(across(dy))
    return dx, dw, db


@algorithm("aten.native_layer_norm_backward")
def layer_norm(
    grad_out: Array, input: Array, normalized_shape: Sequence[int], mean: Array, rstd: Array,
    weight: Array | None, bias: Array | None, output_mask: Sequence[bool],
) -> tuple[Array | None, ...]:  # fmt: skip
    width = prod(normalized_shape)
    made = gradients(grad_out, input, input.size // width, mean, rstd, weight, output_mask,
                     lambda each: each.reshape(-1, width).T)  # fmt: skip
    return shaped(made, tuple(normalized_shape))


@algorithm("aten.native_group_norm_backward")
def group_norm(
    grad_out: Array, input: Array, mean: Array, rstd: Array, weight: Array | None, N: int, C: int,
    HxW: int, group: int, output_mask: Sequence[bool],
) -> tuple[Array | None, ...]:  # fmt: skip
    wide = None if weight is None else weight.reshape(1, C, *[1] * (input.ndim - 2))
    made = gradients(grad_out, input, N * group, mean, rstd, wide, output_mask, by_channel)
    return shaped(made, (C,))


def by_channel(x: Array) -> Array:
    return np.moveaxis(x, 1, 0).reshape(x.shape[1], -1)


def shaped(made: tuple[Array | None, ...], shape: tuple[int, ...]) -> tuple[Array | None, ...]:
    dx, *affine = made
    return (dx, *(None if each is None else each.reshape(shape) for each in affine))


@algorithm("aten.native_batch_norm_backward")
def batch_norm(
    grad_out: Array, input: Array, weight: Array | None, running_mean: Array | None,
    running_var: Array | None, save_mean: Array | None, save_invstd: Array | None, train: bool,
    eps: float, output_mask: Sequence[bool],
) -> tuple[Array | None, ...]:  # fmt: skip
    dy, x = by_channel(grad_out), by_channel(input)
    scale = None if weight is None else weight.reshape(-1, 1)
    if train:
        made = of_batch(dy, x, save_mean, save_invstd, scale, output_mask)
    else:
        made = of_kept_statistics(dy, x, running_mean, running_var, scale, eps, output_mask)
    dx, dw, db = (each if asked else None for each, asked in zip(made, output_mask, strict=True))
    if dx is not None:
        swapped = (input.shape[1], input.shape[0], *input.shape[2:])
        dx = np.moveaxis(dx.reshape(swapped), 0, 1)
    return shaped((dx, dw, db), (input.shape[1],))


def of_batch(dy, x, mean, rstd, scale, mask) -> tuple[Any, ...]:
    dx = dw = db = None
    mean, rstd = mean.reshape(-1, 1), rstd.reshape(-1, 1)
    if mask[0] or mask[1]:
        y = times(minus(x, mean), rstd)
        dw = added(times(dy, y))
    if mask[0] or mask[2]:
        db = added(dy)
    if mask[0]:
        dx = of_rows(dy, y, rstd if scale is None else times(scale, rstd), (db, dw))
    return dx, dw, db


def of_kept_statistics(dy, x, mean, variance, scale, eps, mask) -> tuple[Any, ...]:
    dx = dw = db = None
    if mask[0] or mask[1]:
        rstd = spread(lambda v: 1 / sqrt(v + eps), (variance.reshape(-1, 1),))
    if mask[0]:
        dx = times(dy, rstd if scale is None else times(scale, rstd))
    if mask[1]:
        dw = times(added(times(dy, minus(x, mean.reshape(-1, 1)))), rstd)
    if mask[2]:
        db = added(dy)
    return dx, dw, db


@algorithm("aten._weight_norm_interface_backward")
def weight_norm(
    grad_w: Array, saved_v: Array, saved_g: Array, saved_norms: Array, dim: int
) -> tuple[Array, Array]:
    dw, v = (np.moveaxis(x, dim, 0).reshape(x.shape[dim], -1) for x in (grad_w, saved_v))
    g, norm = saved_g.reshape(-1, 1), saved_norms.reshape(-1, 1)
    sums = added(times(v, dw))
    dg = spread(lambda s, n: s / n, (sums, norm))
    slope = spread(lambda s, n: s / (n * n), (sums, norm))
    factor = spread(lambda a, n: a / n, (g, norm))
    dv = times(minus(dw, times(v, slope)), factor)
    moved = (saved_v.shape[dim], *np.delete(saved_v.shape, dim))
    return np.moveaxis(dv.reshape(moved), 0, dim), dg.reshape(saved_g.shape)
