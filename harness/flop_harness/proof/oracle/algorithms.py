"""Naive algorithms in pure Python, on arrays of numbers that count what is done to them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np

from flop_harness.proof.oracle.scalar import (
    Scalar,
    add_up,
    each,
    empty,
    exp,
    filled,
    largest,
    log,
    sqrt,
)

# --------------------------------------------------------------------------------- products


def matrix_product(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(m, k) @ (k, n)."""
    made = empty((x.shape[0], y.shape[1]))
    for i, j in np.ndindex(made.shape):
        made[i, j] = add_up(x[i, k] * y[k, j] for k in range(x.shape[1]))
    return made


def batched_product(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.stack([matrix_product(one, other) for one, other in zip(x, y, strict=True)])


def plus(array: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Add a bias to each element, broadcast at the left."""
    return each(lambda x, b: x + b, array, np.broadcast_to(bias, array.shape))


def padded(x: np.ndarray, padding: tuple[int, ...], value: float = 0.0) -> np.ndarray:
    """Spatial padding as if it were data."""
    sizes = [n + 2 * p for n, p in zip(x.shape[2:], padding, strict=True)]
    made = filled((*x.shape[:2], *sizes), value)
    inside = tuple(slice(p, p + n) for n, p in zip(x.shape[2:], padding, strict=True))
    made[(slice(None), slice(None), *inside)] = x
    return made


def convolution(x, weight, bias=None, *, stride, padding, dilation, groups=1):
    """x (N, Cin, *in), weight (Cout, Cin/g, *k); one number per axis."""
    x = padded(x, padding)
    kernel, own = weight.shape[2:], weight.shape[1]
    sizes = [
        (n - d * (k - 1) - 1) // s + 1
        for n, k, s, d in zip(x.shape[2:], kernel, stride, dilation, strict=True)
    ]
    made = empty((x.shape[0], weight.shape[0], *sizes))
    for n, out, *place in np.ndindex(made.shape):
        first = out // (weight.shape[0] // groups) * own
        terms = []
        for channel, *tap in product(range(own), *map(range, kernel)):
            at = [p * s + t * d for p, s, t, d in zip(place, stride, tap, dilation, strict=True)]
            terms.append(x[(n, first + channel, *at)] * weight[(out, channel, *tap)])
        made[(n, out, *place)] = add_up(terms)
    return made if bias is None else plus(made, bias.reshape(-1, *[1] * len(kernel)))


def transposed_convolution(x, weight, *, stride, padding, output_padding, groups=1, dilation=None):
    """x (N, Cin, *in), weight (Cin, Cout/g, *k): every input element meets every weight of its
    channel, also where the result is cut off."""
    kernel, own = weight.shape[2:], weight.shape[1]
    dilation = dilation or (1,) * len(kernel)
    axes = zip(x.shape[2:], kernel, stride, padding, dilation, output_padding, strict=True)
    sizes = [(n - 1) * s - 2 * p + d * (k - 1) + 1 + extra for n, k, s, p, d, extra in axes]
    sums: dict[tuple, Scalar] = {}
    for n, channel, *place in np.ndindex(x.shape):
        first = channel // (x.shape[1] // groups) * own
        for out, *tap in product(range(own), *map(range, kernel)):
            term = x[(n, channel, *place)] * weight[(channel, out, *tap)]
            settings = zip(place, stride, tap, dilation, padding, strict=True)
            at = [p * s + t * d - pad for p, s, t, d, pad in settings]
            if all(0 <= a < size for a, size in zip(at, sizes, strict=True)):
                key = (n, first + out, *at)
                sums[key] = sums[key] + term if key in sums else term
    made = filled((x.shape[0], own * groups, *sizes))
    for key, value in sums.items():
        made[key] = value
    return made


def bilinear(x1, weight, x2):
    """x1 (n, in1), weight (out, in1, in2), x2 (n, in2): x1 @ weight, then the result @ x2."""
    made = empty((x1.shape[0], weight.shape[0]))
    for n, out in np.ndindex(made.shape):
        half = matrix_product(x1[n : n + 1], weight[out])
        made[n, out] = add_up(h * x for h, x in zip(half[0], x2[n], strict=True))
    return made


def attention(query, key, value):
    """Softmax of query @ key transposed, times value, for each head; no scaling."""
    scores = batched_product(query, key.transpose(0, 2, 1))
    return batched_product(softmax(scores), value)


# ------------------------------------------------------------------------- along the last axis


def by_row(function: Callable[[np.ndarray], list], x: np.ndarray) -> np.ndarray:
    rows = x.reshape(-1, x.shape[-1])
    made = empty(rows.shape)
    for number, row in enumerate(rows):
        made[number] = function(row)
    return made.reshape(x.shape)


def softmax(x: np.ndarray) -> np.ndarray:
    def row(values):
        top = largest(values)
        powers = [exp(value - top) for value in values]
        total = add_up(powers)
        return [power / total for power in powers]

    return by_row(row, x)


def log_softmax(x: np.ndarray) -> np.ndarray:
    def row(values):
        top = largest(values)
        shifted = [value - top for value in values]
        total = log(add_up([exp(value) for value in shifted]))
        return [value - total for value in shifted]

    return by_row(row, x)


def statistics(values: np.ndarray) -> tuple[Scalar, Scalar]:
    """Mean and variance, in two passes."""
    mean = add_up(values) / len(values)
    deviations = [value - mean for value in values]
    return mean, add_up(d * d for d in deviations) / len(values)


def normalised(values, mean, variance, weight=None, bias=None, *, eps=1e-5) -> list:
    """A shift and a scale by 1 / sqrt(variance + eps); then each element's affine pair."""
    scale = 1 / sqrt(variance + eps)
    made = [(value - mean) * scale for value in values]
    if weight is not None:
        made = [value * w for value, w in zip(made, weight, strict=True)]
    if bias is not None:
        made = [value + b for value, b in zip(made, bias, strict=True)]
    return made


# ----------------------------------------------------------------------------------- windows


def pooled(
    x: np.ndarray,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    merge: Callable,
    dilation: tuple[int, ...] | None = None,
):
    """``merge`` of the elements of each window; x (N, C, *in), already padded."""
    dilation = dilation or (1,) * len(kernel)
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    sizes = [(n - k) // s + 1 for n, k, s in zip(x.shape[2:], spans, stride, strict=True)]
    made = empty((*x.shape[:2], *sizes))
    for n, channel, *place in np.ndindex(made.shape):
        corner = [p * s for p, s in zip(place, stride, strict=True)]
        reach = zip(corner, spans, dilation, strict=True)
        window = tuple(slice(c, c + span, d) for c, span, d in reach)
        made[(n, channel, *place)] = merge(list(x[(n, channel, *window)].flat))
    return made


def adaptively_pooled(x: np.ndarray, sizes: tuple[int, ...], merge: Callable):
    """Windows from floor(i in / out) to ceil((i + 1) in / out) along each axis."""
    made = empty((*x.shape[:2], *sizes))
    for n, channel, *place in np.ndindex(made.shape):
        window = tuple(
            slice(i * n_in // n_out, -(-(i + 1) * n_in // n_out))
            for i, n_in, n_out in zip(place, x.shape[2:], sizes, strict=True)
        )
        made[(n, channel, *place)] = merge(list(x[(n, channel, *window)].flat))
    return made


def mean(values: list) -> Scalar:
    return add_up(values) / len(values)
