"""Gradients of activations, softmax, losses, pools and normalisation, one number at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from flop_harness.proof.oracle.algorithms import by_row
from flop_harness.proof.oracle.elementwise import scaled
from flop_harness.proof.oracle.losses import MEAN
from flop_harness.proof.oracle.registry import algorithm, elementwise, spread
from flop_harness.proof.oracle.scalar import Scalar, add_up, choose, erf, exp, raw, tanh

Array: TypeAlias = np.ndarray
DY = "grad_output self"


def sigmoid(x: Any) -> Any:
    return 1 / (1 + exp(-x))


def between(x: Any, low: float, high: float, inside: Any, outside: Any) -> Scalar:
    """Two comparisons, one for each bound."""
    return choose(raw(x) > low, choose(raw(x) < high, inside, outside), outside)


def hardswish(dy: Any, x: Any) -> Scalar:
    curved = dy * (x / 3 + 0.5)
    return choose(raw(x) < -3, 0, choose(raw(x) < 3, curved, dy))


def softplus(dy: Any, x: Any, beta: float, threshold: float) -> Scalar:
    z = exp(x * beta)
    return choose(raw(x) * beta > threshold, dy, dy * z / (z + 1))


def elu(dy: Any, y: Any, alpha: float, scale: float, input_scale: float, is_result: bool) -> Scalar:
    factor = input_scale * alpha * scale
    if is_result:
        curved = scaled(dy * (y + alpha * scale), input_scale)
    else:
        curved = dy * (exp(scaled(y, input_scale)) * factor)
    return choose(raw(y) > 0, scaled(dy, scale), curved)


def gelu(dy: Any, x: Any, approximate: str) -> Any:
    if approximate == "tanh":
        b, k = math.sqrt(2 / math.pi), 0.044715
        square = x * x
        t = tanh((x + square * x * k) * b)
        slope = (square * (3 * k) + 1) * b
        return dy * ((1 + t) * 0.5 + x * 0.5 * (1 - t * t) * slope)
    share = (1 + erf(x * math.sqrt(0.5))) * 0.5
    return dy * (share + x * (exp(x * x * -0.5) * (1 / math.sqrt(2 * math.pi))))


def log_sigmoid(dy: Any, x: Any, buffer: Any) -> Any:
    """What is kept is exp(-|x|)."""
    share = buffer / (1 + buffer)
    negative = choose(raw(x) < 0, 1, 0)
    return dy * (negative - (share if raw(negative) else -share))


elementwise("hardsigmoid_backward", lambda dy, x: between(x, -3, 3, dy / 6, 0), DY)
elementwise("hardswish_backward", hardswish, DY)
elementwise("hardtanh_backward", lambda dy, x, min_val, max_val: between(x, min_val, max_val, dy, 0),
            DY, "min_val max_val")  # fmt: skip
elementwise("hardshrink_backward", lambda dy, x, lambd: between(x, -lambd, lambd, 0, dy),
            "grad_out self", "lambd")  # fmt: skip
elementwise(
    "softshrink_backward", lambda dy, x, lambd: between(x, -lambd, lambd, 0, dy), DY, "lambd"
)
elementwise("leaky_relu_backward",
            lambda dy, x, negative_slope: choose(raw(x) > 0, dy, dy * negative_slope),
            DY, "negative_slope")  # fmt: skip
elementwise("softplus_backward", softplus, DY, "beta threshold")
elementwise("elu_backward", elu, "grad_output self_or_result", "alpha scale input_scale is_result")
elementwise("gelu_backward", gelu, DY, "approximate")
elementwise("log_sigmoid_backward", log_sigmoid, "grad_output self buffer")
elementwise("native_dropout_backward", lambda dy, mask, scale: dy * mask * scale,
            "grad_output mask", "scale")  # fmt: skip


@algorithm("aten.rrelu_with_noise_backward")
def rrelu(
    grad_output: Array, self: Array, noise: Array, lower: float, upper: float, training: bool,
    self_is_result: bool,
) -> Array:  # fmt: skip
    if training:
        return spread(lambda dy, r: dy * r, (grad_output, noise))
    slope = (lower + upper) / 2
    return spread(lambda dy, x: choose(raw(x) > 0, dy, dy * slope), (grad_output, self))


@algorithm("aten._prelu_kernel_backward")
def prelu(grad_output: Array, self: Array, weight: Array) -> tuple[Array, Array]:
    operands = grad_output, self, weight
    return (
        spread(lambda dy, x, w: choose(raw(x) > 0, dy, dy * w), operands),
        spread(lambda dy, x, w: choose(raw(x) > 0, 0, dy * x), operands),
    )


@algorithm("aten.glu_backward")
def glu(grad_output: Array, self: Array, dim: int) -> Array:
    a, b = np.split(self, 2, dim)
    s = spread(sigmoid, (b,))
    da = spread(lambda dy, share: dy * share, (grad_output, s))
    db = spread(lambda d, share, x: d * (1 - share) * x, (da, s, a))
    return np.concatenate([da, db], dim)


def along(dim: int, row: Any, *arrays: Array) -> Array:
    """``row`` of what lies along an axis in arrays of one shape."""
    moved = [np.moveaxis(x, dim, -1) for x in arrays]
    width, pairs = moved[0].shape[-1], np.concatenate(moved, -1)

    def both(values: Array) -> list:
        made = row(*(values[i * width : (i + 1) * width] for i in range(len(arrays))))
        return list(made) + [Scalar(0)] * (len(values) - width)

    return np.moveaxis(by_row(both, pairs)[..., :width], -1, dim)


@algorithm("aten._softmax_backward_data")
def softmax(grad_output: Array, output: Array, dim: int, **_: Any) -> Array:
    def row(dy: Sequence[Scalar], y: Sequence[Scalar]) -> list:
        total = add_up([a * b for a, b in zip(dy, y, strict=True)])
        return [b * (a - total) for a, b in zip(dy, y, strict=True)]

    return along(dim, row, grad_output, output)


@algorithm("aten._log_softmax_backward_data")
def log_softmax(grad_output: Array, output: Array, dim: int, **_: Any) -> Array:
    def row(dy: Sequence[Scalar], y: Sequence[Scalar]) -> list:
        total = add_up(dy)
        return [a - exp(b) * total for a, b in zip(dy, y, strict=True)]

    return along(dim, row, grad_output, output)


# -------------------------------------------------------------------------------------- losses


def loss(name: str, slope: Any, options: str = "") -> None:
    """``slope`` of dy, x and y; a mean divides the one dy that comes in."""

    @algorithm(f"aten.{name}_backward")
    def carried_out(
        grad_output: Array,
        self: Array,
        target: Array,
        reduction: int,
        weight: Any = None,
        **named: Any,
    ) -> Array:
        dy = grad_output / np.array(self.size, dtype=object) if reduction == MEAN else grad_output
        given = [named[option] for option in options.split()]
        made = spread(lambda d, x, y: slope(d, x, y, *given), (dy, self, target))
        return made if weight is None else spread(lambda d, w: d * w, (made, weight))


def huber(dy: Any, x: Any, y: Any, delta: float) -> Scalar:
    d = x - y
    bound = dy * delta
    return choose(raw(d) < -delta, -bound, choose(raw(d) > delta, bound, dy * d))


def smooth_l1(dy: Any, x: Any, y: Any, beta: float) -> Scalar:
    d = x - y
    return choose(raw(d) < -beta, -dy, choose(raw(d) > beta, dy, dy * d / beta))


def soft_margin(dy: Any, x: Any, y: Any) -> Any:
    z = exp(-(x * y))
    return -(dy * (y * z / (1 + z)))


loss("mse_loss", lambda dy, x, y: dy * (x - y) * 2)
loss("smooth_l1_loss", smooth_l1, "beta")
loss("huber_loss", huber, "delta")
loss("soft_margin_loss", soft_margin)
loss("binary_cross_entropy", lambda dy, x, y: dy * (x - y) / larger_than(x * (1 - x)))


def larger_than(x: Any) -> Scalar:
    return choose(raw(x) > 1e-12, x, 1e-12)
