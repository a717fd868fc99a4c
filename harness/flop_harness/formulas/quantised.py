"""Quantised layers, whose weights come packed: the products; scaling the results back is not counted."""

from __future__ import annotations

from math import prod

from flop_harness.formulas.products import matrices, product_of
from flop_harness.formulas.registry import formula
from flop_harness.records import Call, Dict, Tensor
from flop_harness.records.work import Product, Work

AXES = (1, 2, 3)
CONVOLUTIONS = tuple(f"quantized.conv{axes}d{more}" for axes in AXES for more in ("", "_relu"))
LINEAR = tuple(f"quantized.linear{more}" for more in ("", "_relu", "_dynamic", "_relu_dynamic"))
RARER = {
    "convolution": tuple(f"quantized.conv{axes}d_dynamic" for axes in AXES),
    "linear": tuple(
        f"quantized.linear{more}"
        for more in ("_leaky_relu", "_tanh", "_dynamic_fp16", "_relu_dynamic_fp16")
    ),
    "transposed convolution": tuple(
        f"quantized.conv_transpose{axes}d{more}" for axes in AXES for more in ("", "_dynamic")
    ),
}
"""Layers that no probe runs"""


def unpacked(call: Call) -> tuple[Tensor, Tensor | None] | None:
    """The weight and the bias of a layer; None if they cannot be seen."""
    held = call.args[1]
    seen = isinstance(held, Dict) and held.keys[:2] == ("weight", "bias")
    return held.values[:2] if seen else None


@formula(*CONVOLUTIONS, *RARER["convolution"])
def convolution(call: Call) -> Work | None:
    """weight (Cout, Cin/g, *k)."""
    held = unpacked(call)
    if held is None:
        return None
    (weight, bias), n = held, call.output.numel
    product = Product(n * prod(weight.shape[1:]), n, 0 if bias is None else n, "convolution")
    return Work((product,), "activation", comparisons=rectified(call))


@formula(*LINEAR, *RARER["linear"])
def linear(call: Call) -> Work | None:
    """x (..., in), weight (out, in)."""
    held = unpacked(call)
    if held is None:
        return None
    weight, bias = held
    rows = call.args[0].numel // max(weight.shape[1], 1)
    product = product_of(rows, weight.shape[1], weight.shape[0], bias is not None, "linear")
    return Work((product,), "activation", comparisons=rectified(call))


@formula(*RARER["transposed convolution"])
def transposed_convolution(call: Call) -> Work | None:
    """weight (Cin, Cout/g, *k): each input position meets all of its channel."""
    held = unpacked(call)
    if held is None:
        return None
    (weight, bias), n = held, call.output.numel
    macs, term = call.args[0].numel * prod(weight.shape[1:]), "transposed convolution"
    return Work((Product(macs, n, 0 if bias is None else n, term),))


@formula("quantized.matmul")
def matmul(call: Call) -> Work | None:
    """(..., m, k) @ (..., k, n)."""
    x, y = call.args[:2]
    return matrices(x, y)


@formula("quantized.add", "quantized.add_relu", "quantized.mul", "quantized.mul_relu")
def elementwise(call: Call) -> Work:
    n = call.output.numel
    if ".mul" in call.packet:
        return Work((), "element-wise", multiplications=n, comparisons=rectified(call))
    return Work((), "element-wise", additions=n, comparisons=rectified(call))


@formula("quantized.hardswish")
def hardswish(call: Call) -> Work:
    """x clamp(x / 6 + 1 / 2, 0, 1)."""
    n = call.output.numel
    return Work((), "activation", n, multiplications=n, comparisons=2 * n, divisions=n)


def rectified(call: Call) -> int:
    """One comparison per output with a ReLU in the same kernel."""
    return call.output.numel if "_relu" in call.packet else 0
