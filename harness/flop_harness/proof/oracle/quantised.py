"""Quantised layers at a scale of one, where eight bits hold small whole numbers as they are."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from flop_harness.proof.oracle.algorithms import convolution, matrix_product
from flop_harness.proof.oracle.elementwise import hard_sigmoid
from flop_harness.proof.oracle.registry import algorithm
from flop_harness.proof.oracle.scalar import Scalar, each, larger, raw, smaller, special

Array: TypeAlias = np.ndarray
round_off = special(round)


def rectified(x: Array) -> Array:
    return each(lambda value: larger(value, 0), x)


def convolved(qx: Array, packed_weight: Any = None, weight: Any = None, **_: Any) -> Array:
    held = packed_weight or weight
    axes = held["weight"].ndim - 2
    settings = {name: tuple(held[name])[-axes:] for name in ("stride", "padding", "dilation")}
    return convolution(qx, held["weight"], **settings, groups=held["groups"])


def linear(**named: Any) -> Array:
    x, weight = named["X"], named["W_prepack"]["weight"]
    rows = matrix_product(x.reshape(-1, x.shape[-1]), weight.T)
    return rows.reshape(*x.shape[:-1], weight.shape[0])


for _axes in (1, 2, 3):
    algorithm(f"quantized.conv{_axes}d")(convolved)
    algorithm(f"quantized.conv{_axes}d_relu")(lambda **named: rectified(convolved(**named)))
for _name in ("linear", "linear_dynamic"):
    algorithm(f"quantized.{_name}")(linear)
for _name in ("linear_relu", "linear_relu_dynamic"):
    algorithm(f"quantized.{_name}")(lambda **named: rectified(linear(**named)))


def added(qa: Array, qb: Array, **_: Any) -> Array:
    return each(lambda x, y: x + y, *np.broadcast_arrays(qa, qb))


def multiplied(qa: Array, qb: Array, **_: Any) -> Array:
    return each(lambda x, y: x * y, *np.broadcast_arrays(qa, qb))


for _name, _function in (("add", added), ("mul", multiplied)):
    algorithm(f"quantized.{_name}")(_function)
    algorithm(f"quantized.{_name}_relu")(lambda f=_function, **named: rectified(f(**named)))


@algorithm("quantized.hardswish")
def hardswish(input: Array, **_: Any) -> Array:
    """x clamp(x / 6 + 1 / 2, 0, 1), to the next number that eight bits hold."""
    return each(lambda x: Scalar(round(raw(x * hard_sigmoid(x)))), input)


@algorithm("aten.quantize_per_tensor")
def quantise(self: Array, scale: float, zero_point: int, **_: Any) -> Array:
    """round(x / scale) + zero point, within what eight bits hold; then read at that scale again."""

    def one(x: Any) -> Any:
        return smaller(larger(round_off(x / scale) + zero_point, 0), 255)

    return each(one, self)


@algorithm("aten.quantize_per_channel")
def quantise_by_channel(
    self: Array, scales: Array, zero_points: Array, axis: int, **_: Any
) -> Array:
    rows = np.moveaxis(self, axis, 0)
    made = [quantise(row, raw(scale), int(raw(zero)))
            for row, scale, zero in zip(rows, scales, zero_points, strict=True)]  # fmt: skip
    return np.moveaxis(np.stack(made), 0, axis)


@algorithm("aten.dequantize")
def dequantise(self: Array, **_: Any) -> Array:
    """(x - zero point) scale."""
    return each(lambda x: (x - 0) * 1.0, self)
