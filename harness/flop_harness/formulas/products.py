"""Convolutions and matrix products."""

from __future__ import annotations

from math import prod

from flop_harness.formulas.registry import formula
from flop_harness.records import Call, Dict, Tensor
from flop_harness.records.work import Product, Work


def product_of(rows: int, inner: int, columns: int, bias: bool = False, term: str = "") -> Product:
    """(rows x inner) @ (inner x columns)."""
    outputs = rows * columns
    return Product(rows * inner * columns, outputs, outputs if bias else 0, term)


@formula("aten.convolution", "aten._convolution", "aten.convolution_overrideable")
def convolution(call: Call) -> Work:
    """x (N, Cin, *in), weight (Cout, Cin/g, *k) or transposed (Cin, Cout/g, *k).

    Each output position sums Cin/g x k products; a transposed convolution spreads each input
    position over Cout/g x k products instead, some of which ``padding`` cuts off.
    """
    x, weight, bias = call.args[:3]
    outputs = call.output.numel
    biased = outputs if bias is not None else 0
    if call.argument(6, "transposed", False) is True:
        macs = x.numel * prod(weight.shape[1:])
        return Work((Product(macs, outputs, biased, added=overlaps(call)),))
    return forward_convolution(call, bias)


def overlaps(call: Call) -> int:
    """Additions of a transposed convolution: products that meet in an output, less one for each.

    An output that no product reaches, in the gaps of a stride wider than the kernel, has none.
    """
    x, weight = call.args[:2]
    spatial = len(weight.shape) - 2
    stride, padding, dilation = (
        values * spatial if len(values) == 1 else values for values in call.args[3:6]
    )
    meeting = x.shape[0] * prod(weight.shape[:2])
    reached = x.shape[0] * weight.shape[1] * call.args[8]
    for axis in range(spatial):
        size, length, taps = call.output.shape[2 + axis], x.shape[2 + axis], weight.shape[2 + axis]
        places = spread(length, taps, stride[axis], dilation[axis], padding[axis])
        inside = [place for place in places if 0 <= place < size]
        meeting *= len(inside)
        reached *= len(set(inside))
    return meeting - reached


def spread(length: int, taps: int, stride: int, dilation: int, padding: int) -> list[int]:
    """Where on an axis each of ``length`` windows puts each of its ``taps``, also past its ends."""
    return [i * stride + tap * dilation - padding for i in range(length) for tap in range(taps)]


@formula("aten.mkldnn_convolution", "aten.mps_convolution", "aten.miopen_convolution",
         "aten.miopen_depthwise_convolution")  # fmt: skip
def convolution_of_a_backend(call: Call) -> Work:
    """Input, weight, bias; not transposed."""
    return forward_convolution(call, call.args[2])


@formula("aten.cudnn_convolution")
def convolution_of_cudnn(call: Call) -> Work:
    """Input, weight; the bias is added by another operator."""
    return forward_convolution(call, None)


@formula("aten._slow_conv2d_forward", "aten.thnn_conv2d", "aten._conv_depthwise2d",
         "aten.slow_conv3d_forward", "aten.conv_depthwise3d", "aten.slow_conv_dilated2d",
         "aten.slow_conv_dilated3d")  # fmt: skip
def convolution_by_kernel_size(call: Call) -> Work:
    """Input, weight, kernel size, bias."""
    return forward_convolution(call, call.argument(3, "bias"))


def forward_convolution(call: Call, bias: object) -> Work:
    weight, outputs = call.args[1], call.output.numel
    return Work(
        (Product(outputs * prod(weight.shape[1:]), outputs, 0 if bias is None else outputs),)
    )


@formula("aten.convolution_backward")
def convolution_gradient(call: Call) -> Work:
    """As many products for the gradient of the input, and of the weight, as the forward pass has."""
    dy, x, weight = call.args[:3]
    wanted = call.args[10][:2]
    positions = x.numel if call.args[7] is True else dy.numel
    macs = positions * prod(weight.shape[1:])
    sizes = (x.numel, weight.numel)
    return Work(
        tuple(
            Product(macs, size, term="convolution")
            for size, asked in zip(sizes, wanted, strict=True)
            if asked
        )
    )


@formula("torchvision.deform_conv2d")
def deformable_convolution(call: Call) -> Work:
    """weight (Cout, Cin/g, kh, kw); the products only, not the sampling."""
    return forward_convolution(call, call.args[4])


@formula("aten.mm", "aten._int_mm")
def mm(call: Call) -> Work:
    """(m, k) @ (k, n)."""
    x, y = call.args[:2]
    return Work((product_of(x.shape[0], x.shape[1], y.shape[1]),))


@formula("aten.addmm", "aten.addmm_", "aten._addmm_activation")
def addmm(call: Call) -> Work:
    """bias + (m, k) @ (k, n)."""
    x, y = call.args[1:3]
    return Work((product_of(x.shape[0], x.shape[1], y.shape[1], added(call)),))


def added(call: Call) -> bool:
    """Whether what a product is to be added to counts: not if it is multiplied by 0."""
    return call.argument(3, "beta", 1) != 0


@formula("aten.bmm")
def bmm(call: Call) -> Work:
    """(b, m, k) @ (b, k, n)."""
    x, y = call.args[:2]
    return Work((product_of(x.shape[0] * x.shape[1], x.shape[2], y.shape[2]),))


@formula("aten.baddbmm", "aten.baddbmm_")
def baddbmm(call: Call) -> Work:
    """bias + (b, m, k) @ (b, k, n)."""
    x, y = call.args[1:3]
    return Work((product_of(x.shape[0] * x.shape[1], x.shape[2], y.shape[2], added(call)),))


@formula("aten.addbmm", "aten.addbmm_")
def addbmm(call: Call) -> Work:
    """bias + the sum over b of (b, m, k) @ (b, k, n)."""
    x, y = call.args[1:3]
    return Work((product_of(x.shape[1], x.shape[0] * x.shape[2], y.shape[2], added(call)),))


@formula("aten.mv")
def mv(call: Call) -> Work:
    """(m, k) @ (k,)."""
    x = call.args[0]
    return Work((product_of(x.shape[0], x.shape[1], 1),))


@formula("aten.addmv", "aten.addmv_")
def addmv(call: Call) -> Work:
    """bias + (m, k) @ (k,)."""
    x = call.args[1]
    return Work((product_of(x.shape[0], x.shape[1], 1, added(call)),))


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


@formula("aten._euclidean_dist")
def euclidean_distances(call: Call) -> Work:
    """Rows x1 (..., m, d), x2 (..., n, d): |a|^2 - 2 a b + |b|^2 as one product of width d + 2.

    Between the squared norms and the roots: torch takes this way for more than 25 rows.
    """
    x, y, outputs = *call.args[:2], call.output.numel
    norms, rows = x.numel + y.numel, prod(x.shape[:-1]) + prod(y.shape[:-1])
    product = product_of(prod(x.shape[:-1]), x.shape[-1] + 2, y.shape[-2], term="distance")
    return Work(
        (product,),
        "distance",
        additions=norms - rows,
        multiplications=norms + x.numel,
        comparisons=outputs,
        specials=outputs,
    )


@formula("aten.affine_grid_generator", "aten.cudnn_affine_grid_generator")
def affine_grid(call: Call) -> Work:
    """theta (N, d, d + 1) times the homogeneous coordinates of each output position."""
    grid = call.output.shape
    return Work((product_of(prod(grid[:-1]), grid[-1] + 1, grid[-1]),))


def sequences(value: Tensor | Dict) -> tuple[Tensor, ...]:
    """A batch as it is; a nested tensor as batches of one."""
    if isinstance(value, Tensor):
        return (value,)
    return tuple(Tensor((1, *each.shape), each.dtype) for each in value.values[0])
