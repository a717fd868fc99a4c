"""Convolutions and matrix products."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TypeAlias

from flop_harness.formulas.registry import formula
from flop_harness.records import Call, Dict, Tensor
from flop_harness.records.work import Product, Work


def product_of(rows: int, inner: int, columns: int, bias: bool = False, term: str = "") -> Product:
    """(rows x inner) @ (inner x columns)."""
    outputs = rows * columns
    return Product(rows * inner * columns, outputs, outputs if bias else 0, term)


@formula("aten.convolution", "aten._convolution", "aten.convolution_overrideable")
def convolution(call: Call) -> Work:
    """x (N, Cin, *in), weight (Cout, Cin/g, *k): each output position sums Cin/g x k products."""
    if call.argument(6, "transposed", False) is True:
        return transposed_convolution(call, (3, 4, 5, 8), call.args[2])
    return forward_convolution(call, call.args[2])


TRANSPOSED: dict[str, tuple[tuple[int, int, int, int], int | None]] = {
    "aten.cudnn_convolution_transpose": ((4, 2, 5, 6), None),
    "aten._mps_convolution_transpose": ((4, 2, 5, 6), None),
    "aten.miopen_convolution_transpose": ((5, 3, 6, 7), 2),
    "aten.slow_conv_transpose2d": ((4, 5, 7, 99), 3),
    "aten.slow_conv_transpose3d": ((4, 5, 7, 99), 3),
}
"""Where stride, padding, dilation and groups stand among the arguments; where the bias does."""


@formula(*TRANSPOSED)
def transposed_convolution_of_a_backend(call: Call) -> Work:
    places, bias = TRANSPOSED[call.packet]
    return transposed_convolution(call, places, bias and call.argument(bias, "bias"))


def transposed_convolution(call: Call, places: tuple[int, ...], bias: object) -> Work:
    """x (N, Cin, *in), weight (Cin, Cout/g, *k): each input position spreads over Cout/g x k.

    Some of these products ``padding`` cuts off.
    """
    x, weight, output = *call.args[:2], call.output
    stride, padding, dilation, groups = (
        call.argument(at, "", usual)
        for at, usual in zip(places, ((1,), (0,), (1,), 1), strict=True)
    )
    sums = overlaps(x.shape, weight.shape, output.shape, stride, padding, dilation, groups)
    macs = x.numel * prod(weight.shape[1:])
    biased = 0 if bias is None else output.numel
    return Work((Product(macs, output.numel, biased, "transposed convolution", sums),))


Shape: TypeAlias = tuple[int, ...]


def overlaps(
    x: Shape, weight: Shape, output: Shape, stride: Shape, padding: Shape, dilation: Shape,
    groups: int,
) -> int:  # fmt: skip
    """Additions of a transposed convolution: products that meet in an output, less one for each.

    An output that no product reaches, in the gaps of a stride wider than the kernel, has none.
    """
    spatial = len(weight) - 2
    stride, padding, dilation = (
        values * spatial if len(values) == 1 else values for values in (stride, padding, dilation)
    )
    meeting = x[0] * prod(weight[:2])
    reached = x[0] * weight[1] * groups
    for axis in range(spatial):
        size, length, taps = output[2 + axis], x[2 + axis], weight[2 + axis]
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


@formula("aten.conv_tbc")
def convolution_of_sequences(call: Call) -> Work:
    """x (T, N, Cin), weight (k, Cin, Cout)."""
    outputs = call.output.numel
    return Work((Product(outputs * prod(call.args[1].shape[:2]), outputs, outputs),))


@formula("torchvision.deform_conv2d")
def deformable_convolution(call: Call) -> Work:
    """weight (Cout, Cin/g, kh, kw); the products only, not the sampling."""
    return forward_convolution(call, call.args[4])


def matrices(x: Tensor, y: Tensor, bias: bool = False) -> Work | None:
    """(..., m, k) @ (..., k, n); of a sparse matrix what it stores.

    None where both are sparse: how many pairs meet hangs on where their elements are.
    """
    inner, columns = y.shape[-2:]
    rows = prod(x.shape[:-1])
    whole = product_of(rows, inner, columns, bias)
    if x.stored is None and y.stored is None:
        return Work((whole,))
    if x.stored is not None and y.stored is not None:
        return None
    macs = y.stored * rows if x.stored is None else x.stored * columns  # type: ignore[operator]
    sparse = replace(whole, macs=macs, term="sparse matrix product", dense=whole.macs)
    return Work((sparse,))


@formula("aten.mm", "aten._int_mm")
def mm(call: Call) -> Work | None:
    """(m, k) @ (k, n)."""
    return matrices(*call.args[:2])


@formula("aten.addmm", "aten.addmm_", "aten._addmm_activation")
def addmm(call: Call) -> Work | None:
    """bias + (m, k) @ (k, n)."""
    x, y = call.args[1:3]
    return matrices(x, y, added(call))


def added(call: Call) -> bool:
    """Whether what a product is to be added to counts: not if it is multiplied by 0."""
    return call.argument(3, "beta", 1) != 0


@formula("aten.bmm", "aten.matmul")
def bmm(call: Call) -> Work | None:
    """(b, m, k) @ (b, k, n); of nested tensors, whose matmul is one operator, each by itself."""
    x, y = call.args[:2]
    if isinstance(x, Tensor) and isinstance(y, Tensor):
        return matrices(x, y)
    pairs = zip(sequences(x), sequences(call.output), strict=True)
    return Work(tuple(product_of(out.numel, each.shape[-1], 1) for each, out in pairs))


@formula("aten.baddbmm", "aten.baddbmm_")
def baddbmm(call: Call) -> Work | None:
    """bias + (b, m, k) @ (b, k, n)."""
    x, y = call.args[1:3]
    return matrices(x, y, added(call))


@formula("aten.addbmm", "aten.addbmm_")
def addbmm(call: Call) -> Work:
    """bias + the sum over b of (b, m, k) @ (b, k, n)."""
    x, y = call.args[1:3]
    return Work((product_of(x.shape[1], x.shape[0] * x.shape[2], y.shape[2], added(call)),))


@formula("aten.mv")
def mv(call: Call) -> Work | None:
    """(m, k) @ (k,)."""
    return matrix_and_vector(call.args[0])


@formula("aten.addmv", "aten.addmv_")
def addmv(call: Call) -> Work | None:
    """bias + (m, k) @ (k,)."""
    return matrix_and_vector(call.args[1], added(call))


def matrix_and_vector(x: Tensor, bias: bool = False) -> Work | None:
    return matrices(x, Tensor((x.shape[1], 1), x.dtype), bias)


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
    """The sum over some axes of i1 i2 i3, each of which lacks some axes of the whole.

    i1 i2 first, summed over what i3 lacks; then its product with i3. Bilinear layers have i1
    (n, in1), i2 the weight (out, in1, in2) and i3 (n, in2), summed over in1 and in2. ATen goes
    through one axis step by step (Linear.cpp): nothing is summed over it before the end, and
    i1 i2 are repeated if neither has it.
    """
    *tensors, lacks1, lacks2, lacks3, summed = call.args[:7]
    steps = call.argument(7, "unroll_dim", 1)
    lengths = lengths_of(tensors, (lacks1, lacks2, lacks3))
    first = {a: n for a, n in lengths.items() if a == steps or not (a in lacks1 and a in lacks2)}
    half = {a: n for a, n in first.items() if a == steps or a not in summed or a not in lacks3}
    second = {a: n for a, n in lengths.items() if a in half or a not in lacks3}
    outputs = prod(n for a, n in lengths.items() if a not in summed)
    return Work(
        (
            Product(prod(first.values()), prod(half.values())),
            Product(prod(second.values()), outputs),
        )
    )


def lengths_of(tensors: list[Tensor], lacking: tuple[Shape, ...]) -> dict[int, int]:
    """The length of each axis of the whole, by the tensors that have it."""
    rank = len(tensors[0].shape) + len(lacking[0])
    lengths: dict[int, int] = {}
    for tensor, lacks in zip(tensors, lacking, strict=True):
        lengths |= zip((a for a in range(rank) if a not in lacks), tensor.shape, strict=True)
    return lengths


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
