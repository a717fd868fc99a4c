"""Products that no run on ones tells apart: of gradients, and of three tensors."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any, TypeAlias

import numpy as np

from flop_harness.proof.oracle.algorithms import (
    batched_product,
    by_row,
    convolution,
    padded,
    plus,
    transposed_convolution,
)
from flop_harness.proof.oracle.registry import algorithm
from flop_harness.proof.oracle.scalar import Scalar, add_up, each, empty, exp

Array: TypeAlias = np.ndarray


@algorithm("aten.conv_tbc")
def convolution_of_sequences(self: Array, weight: Array, bias: Array, pad: int) -> Array:
    """x (T, N, Cin), weight (k, Cin, Cout)."""
    made = convolution(self.transpose(1, 2, 0), weight.transpose(2, 1, 0), bias,
                       stride=(1,), padding=(pad,), dilation=(1,))  # fmt: skip
    return made.transpose(2, 0, 1)


@algorithm("aten.slow_conv_transpose2d", "aten.slow_conv_transpose3d")
def transposed(self: Array, weight: Array, kernel_size: Any, bias: Array | None = None,
               **settings: Any) -> Array:  # fmt: skip
    made = transposed_convolution(self, weight, **settings)
    return made if bias is None else plus(made, bias.reshape(-1, *[1] * (made.ndim - 2)))


@algorithm("aten.convolution_backward")
def convolution_gradients(
    grad_output: Array, input: Array, weight: Array, stride: Sequence[int], padding: Sequence[int],
    dilation: Sequence[int], transposed: bool, groups: int, output_mask: Sequence[bool],
    output_padding: Sequence[int], bias_sizes: Any = None,
) -> tuple[Array | None, ...]:  # fmt: skip
    """The gradient of the input is a convolution of the other kind; padding is data."""
    stride, padding, dilation = (
        for_each_axis(values, input.ndim - 2) for values in (stride, padding, dilation)
    )
    settings = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    dx = dw = db = None
    if output_mask[0] and transposed:
        dx = convolution(grad_output, weight, **settings)
    elif output_mask[0]:
        least = transposed_lengths(
            grad_output.shape[2:], weight.shape[2:], stride, padding, dilation
        )
        extra = [n - m for n, m in zip(input.shape[2:], least, strict=True)]
        dx = transposed_convolution(grad_output, weight, output_padding=extra, **settings)
    if output_mask[1]:
        small, large = (input, grad_output) if transposed else (grad_output, input)
        dw = kernel_gradient(small, large, weight.shape, stride, padding, dilation, groups)
    if output_mask[2]:
        channels = np.moveaxis(grad_output, 1, 0).reshape(grad_output.shape[1], -1)
        db = empty(channels.shape[:1])
        db[:] = [add_up(channel) for channel in channels]
    return dx, dw, db


def for_each_axis(values: Sequence[int], axes: int) -> tuple[int, ...]:
    """One number may stand for all axes, as in the gradient of a convolution padded ``valid``."""
    return tuple(values) * axes if len(values) == 1 else tuple(values)


def transposed_lengths(lengths, kernel, stride, padding, dilation) -> list[int]:
    settings = zip(lengths, kernel, stride, padding, dilation, strict=True)
    return [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, k, s, p, d in settings]


def kernel_gradient(small, large, shape, stride, padding, dilation, groups) -> Array:
    """For each weight the sum over all windows of what it met; ``large`` is what was windowed."""
    large, own = padded(large, padding), shape[0] // groups
    made = empty(shape)
    for out, channel, *tap in np.ndindex(shape):
        first = out // own * shape[1]
        terms = []
        for n, *place in product(range(small.shape[0]), *map(range, small.shape[2:])):
            at = [p * s + t * d for p, s, t, d in zip(place, stride, tap, dilation, strict=True)]
            terms.append(small[(n, out, *place)] * large[(n, first + channel, *at)])
        made[(out, channel, *tap)] = add_up(terms)
    return made


@algorithm("aten._scaled_dot_product_flash_attention_for_cpu_backward")
def attention_gradients(
    grad_out: Array, query: Array, key: Array, value: Array, out: Array, logsumexp: Array,
    **_: Any,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """The weights from the logarithm of their sums; then the gradients, one product each."""
    shapes = query.shape, key.shape, value.shape
    do, q, k, v, o = (x.reshape(-1, *x.shape[-2:]) for x in (grad_out, query, key, value, out))
    scores = batched_product(q, k.transpose(0, 2, 1))
    sums = logsumexp.reshape(*scores.shape[:2], 1)
    weights = each(lambda s, total: exp(s - total), scores, np.broadcast_to(sums, scores.shape))
    dv = batched_product(weights.transpose(0, 2, 1), do)
    dw = batched_product(do, v.transpose(0, 2, 1))
    pairs = np.concatenate([o, do], axis=-1)
    row = by_row(lambda both: [dotted(both)] * len(both), pairs)[..., :1]
    ds = each(lambda w, d, r: w * (d - r), weights, dw, np.broadcast_to(row, dw.shape))
    dq, dk = batched_product(ds, k), batched_product(ds.transpose(0, 2, 1), q)
    return tuple(x.reshape(shape) for x, shape in zip((dq, dk, dv), shapes, strict=True))  # type: ignore[return-value]


def dotted(both: Array) -> Scalar:
    """The sum of the products of the first half of a row with its second."""
    half = len(both) // 2
    return add_up([x * y for x, y in zip(both[:half], both[half:], strict=True)])


@algorithm("aten._trilinear")
def trilinear(
    i1: Array, i2: Array, i3: Array, expand1: Sequence[int], expand2: Sequence[int],
    expand3: Sequence[int], sumdim: Sequence[int], unroll_dim: int = 1,
) -> Array:  # fmt: skip
    """Step by step along one axis: i1 i2 summed over what i3 lacks, then its product with i3."""
    wide = [np.expand_dims(x, tuple(lacks)) for x, lacks in
            zip((i1, i2, i3), (expand1, expand2, expand3), strict=True)]  # fmt: skip
    steps = max(x.shape[unroll_dim] for x in wide)
    early = tuple(axis for axis in sumdim if axis in expand3)
    late = tuple(axis for axis in sumdim if axis not in expand3 and axis != unroll_dim)
    made = []
    for step in range(steps):
        a, b, c = (np.take(x, [min(step, x.shape[unroll_dim] - 1)], unroll_dim) for x in wide)
        made.append(summed(times(summed(times(a, b), early), c), late))
    whole = np.concatenate(made, unroll_dim)
    if unroll_dim in sumdim:
        whole = summed(whole, (unroll_dim,))
    return np.squeeze(whole, tuple(sumdim))


def times(x: Array, y: Array) -> Array:
    return each(lambda a, b: a * b, *np.broadcast_arrays(x, y))


def summed(x: Array, axes: tuple[int, ...]) -> Array:
    """Sums along axes, which are kept."""
    kept = [axis for axis in range(x.ndim) if axis not in axes]
    rows = np.transpose(x, (*kept, *axes)).reshape(*(x.shape[axis] for axis in kept), -1)
    made = empty(rows.shape[:-1])
    for place in np.ndindex(made.shape):
        made[place] = add_up(rows[place])
    return np.expand_dims(made, axes)
