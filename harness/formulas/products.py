"""Convolutions and matrix products."""

from __future__ import annotations

from math import prod

from harness.formulas.registry import formula
from harness.records import Call, Dict, Tensor
from harness.work import Product, Work


def product_of(rows: int, inner: int, columns: int, bias: bool = False, term: str = "") -> Product:
    """(rows x inner) @ (inner x columns)."""
    outputs = rows * columns
    return Product(rows * inner * columns, outputs, outputs if bias else 0, term)


@formula("aten.convolution", "aten._convolution", "aten.cudnn_convolution")
def convolution(call: Call) -> Work:
    """x (N, Cin, *in), weight (Cout, Cin/g, *k) or transposed (Cin, Cout/g, *k).

    Each output position sums Cin/g x k products; a transposed convolution spreads each input
    position over Cout/g x k products instead.
    """
    x, weight, bias = call.args[:3]
    transposed = call.argument(6, "transposed", False) is True
    positions = prod((x if transposed else call.output).shape[2:])
    macs = x.shape[0] * positions * weight.numel
    outputs = call.output.numel
    return Work((Product(macs, outputs, outputs if bias is not None else 0),))


@formula("aten.mkldnn_convolution", "aten.mps_convolution", "aten.miopen_convolution")
def plain_convolution(call: Call) -> Work:
    weight, bias = call.args[1:3]
    outputs = call.output.numel
    macs = outputs * prod(weight.shape[1:])
    return Work((Product(macs, outputs, outputs if bias is not None else 0),))


@formula("torchvision.deform_conv2d")
def deformable_convolution(call: Call) -> Work:
    """weight (Cout, Cin/g, kh, kw); the products only, not the sampling."""
    weight, bias = call.args[1], call.args[4]
    outputs = call.output.numel
    macs = outputs * prod(weight.shape[1:])
    return Work((Product(macs, outputs, outputs if bias is not None else 0),))


@formula("aten.mm", "aten._int_mm")
def mm(call: Call) -> Work:
    """(m, k) @ (k, n)."""
    x, y = call.args[:2]
    return Work((product_of(x.shape[0], x.shape[1], y.shape[1]),))


@formula("aten.addmm", "aten._addmm_activation")
def addmm(call: Call) -> Work:
    """bias + (m, k) @ (k, n)."""
    x, y = call.args[1:3]
    return Work((product_of(x.shape[0], x.shape[1], y.shape[1], bias=True),))


@formula("aten.bmm")
def bmm(call: Call) -> Work:
    """(b, m, k) @ (b, k, n)."""
    x, y = call.args[:2]
    return Work((product_of(x.shape[0] * x.shape[1], x.shape[2], y.shape[2]),))


@formula("aten.baddbmm")
def baddbmm(call: Call) -> Work:
    """bias + (b, m, k) @ (b, k, n)."""
    x, y = call.args[1:3]
    return Work((product_of(x.shape[0] * x.shape[1], x.shape[2], y.shape[2], bias=True),))


@formula("aten.addbmm")
def addbmm(call: Call) -> Work:
    """bias + the sum over b of (b, m, k) @ (b, k, n)."""
    x, y = call.args[1:3]
    return Work((product_of(x.shape[1], x.shape[0] * x.shape[2], y.shape[2], bias=True),))


@formula("aten.mv")
def mv(call: Call) -> Work:
    """(m, k) @ (k,)."""
    x = call.args[0]
    return Work((product_of(x.shape[0], x.shape[1], 1),))


@formula("aten.addmv")
def addmv(call: Call) -> Work:
    x = call.args[1]
    return Work((product_of(x.shape[0], x.shape[1], 1, bias=True),))


@formula("aten.dot", "aten.vdot")
def dot(call: Call) -> Work:
    return Work((product_of(1, call.args[0].numel, 1),))


@formula("aten.linear", "aten.mkldnn_linear", "aten._mps_linear")
def linear(call: Call) -> Work:
    """x (..., in) @ weight (out, in) transposed, where linear is one kernel."""
    x, weight = call.args[:2]
    inner = weight.shape[-1]
    rows = sum(part.numel for part in sequences(x)) // max(inner, 1)
    bias = call.argument(2, "bias") is not None
    return Work((product_of(rows, inner, weight.shape[0], bias),))


@formula("aten._trilinear")
def trilinear(call: Call) -> Work:
    """x1 (n, in1), weight (out, in1, in2), x2 (n, in2): x1 @ weight, then the result @ x2."""
    weight = call.args[1]
    out, in1, in2 = weight.shape[-3:]
    rows = call.output.numel // max(out, 1)
    first = Product(rows * out * in1 * in2, rows * out * in2)
    return Work((first, Product(rows * out * in2, rows * out)))


def sequences(value: Tensor | Dict) -> tuple[Tensor, ...]:
    """A batch as it is; a nested tensor as batches of one."""
    if isinstance(value, Tensor):
        return (value,)
    return tuple(Tensor((1, *each.shape), each.dtype) for each in value.values[0])
