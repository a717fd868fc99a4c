"""What torch.profiler charges each operator that it writes down, by the sizes of its inputs.

Rules after computeFlops in torch/csrc/profiler/util.cpp of torch 2.14; kernels that call the six operators
themselves, after aten/src/ATen/native.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from flop_harness.counters.pricing import torch_profiler_sparse as sparse
from flop_harness.counters.pricing.matched import matched, products_of
from flop_harness.counters.pricing.recurrent import Charges
from flop_harness.counters.pricing.torch_profiler_kernels import ELEMENTWISE, called_inside
from flop_harness.records import Dict, Tensor
from flop_harness.trace.walk import Visit


def convolution(args: tuple) -> int:
    """MACs of a batch of images, from stride, padding and dilation as numbers for both sides."""
    if len(args) < 2:
        return 0
    usual: tuple[Any, ...] = ((1, 1), (0, 0), (1, 1), 1)
    stride, padding, dilation, groups = (*args[3:], *usual[max(len(args) - 3, 0) :])
    x, weight = args[0].shape, args[1].shape
    sides = [
        tuple(each) if not isinstance(each, (str, int)) else ()
        for each in (stride, padding, dilation)
    ]
    if len(x) != 4 or len(weight) != 4 or any(len(each) not in (1, 2) for each in sides):
        return 0
    stride, padding, dilation = (each * (2 // len(each)) for each in sides)
    out = [
        (size + 2 * pad - wide * (kernel - 1) - 1) // step + 1
        for size, kernel, step, pad, wide in zip(
            x[2:], weight[2:], stride, padding, dilation, strict=True
        )
    ]
    return x[0] * prod(out) * prod(weight[2:]) * x[1] * weight[0] // groups


def product(args: tuple) -> int:
    """MACs of (..., M, K) by (..., K, N); where they do not fit, by the sizes of the second."""
    left, right = args[-2].shape, args[-1].shape
    return prod(left[:-1]) * prod(right[-2:])


def matrix_product(args: tuple) -> int:
    """Of a sparse matrix an ``addmm`` does it, which counts too."""
    return product(args[:2]) * (1 + sparse.called_by_mm(*args[:2]))


OWN: dict[str, Callable[[tuple], int]] = {
    "aten.conv2d": convolution,
    **dict.fromkeys(("aten.mm", "aten.bmm"), lambda args: product(args[:2])),
    **dict.fromkeys(("aten.addmm", "aten.baddbmm"), lambda args: product(args[1:3])),
}
"""MACs of an operator itself by its arguments"""


PRODUCTS: dict[str, Callable[[tuple], int]] = {
    **OWN,
    "aten.mm": matrix_product,
    "aten.addmm": lambda args: product(args[1:3]) * (1 + sparse.called_by_addmm(*args[1:3])),
}
"""With what they call"""
PADDED_BY_NAME = "aten.conv2d.padding"
"""``padding="valid"`` is a word too, of which nothing is computed."""
IN_PLACE = ("aten.linear", "aten._scaled_dot_product_attention_math")
"""Where a bias or a mask is added in place."""


# ------------------------------------------------------- kernels that call those operators themselves


def run_inside(visit: Visit) -> Charges:
    return [*products_of(visit).items()]


def attention(visit: Visit) -> Charges:
    """Nested sequences are padded to the longest for the two products over positions."""
    first, padding = visit.call.args[0], 0
    if isinstance(first, Dict):
        lengths = [each.shape[0] for each in first.values[0]]
        missing = len(lengths) * max(lengths) ** 2 - sum(length**2 for length in lengths)
        padding = 2 * missing * first.values[0][0].shape[-1]
    return [*run_inside(visit), ("attention over padding", padding)]


def encoder_layer(visit: Visit) -> Charges:
    """All products but the first of the two layers behind attention, which runs with its activation."""
    return [(name, macs // 2 if name == "linear" else macs) for name, macs in attention(visit)]


def affine_grid(visit: Visit) -> Charges:
    """(N, points, 3 or 4) by (N, 3 or 4, 2 or 3)."""
    batch, _, *sides = visit.call.args[1]
    return matched(visit, batch * prod(sides) * (len(sides) + 1) * len(sides))


def unless_in_parts(visit: Visit) -> Charges:
    """A layer on nested sequences runs on all of their rows; on others its parts are seen."""
    return [] if visit.call.children else run_inside(visit)


def distances(visit: Visit) -> Charges:
    """(..., P, M) against (..., R, M), each with two columns more."""
    left, right = visit.call.args[0].shape, visit.call.args[1].shape
    return matched(visit, prod(left[:-1]) * (left[-1] + 2) * right[-2])


def sparse_product(visit: Visit) -> Charges:
    """(M, K) by (K, N), zeros that a sparse matrix does not store too; the sum is not charged."""
    return matched(visit, product(visit.call.args[1:3]))


FUSED: dict[str, Callable[[Visit], Charges]] = {
    "aten._native_multi_head_attention": attention,
    "aten._trilinear": run_inside,
    "torchvision.deform_conv2d": run_inside,
    "aten._transformer_encoder_layer_fwd": encoder_layer,
    "aten._euclidean_dist": distances,
    "aten._sparse_addmm": sparse_product,
    "aten.affine_grid_generator": affine_grid,
    **dict.fromkeys(("aten.linear", "aten.linalg_pinv"), unless_in_parts),
    **dict.fromkeys(
        (
            "aten._scaled_mm",
            "aten._scaled_mm_v2",
            "aten.linalg_matrix_sqrth",
            "aten.linalg_polar",
            "torch_nn._linear_cross_entropy_batch_chunked",
            "torch_nn._linear_cross_entropy_batch_chunked_no_reduction",
        ),
        run_inside,
    ),
}
"""The products that they run."""


def charged(visit: Visit) -> Charges:
    """FLOPs of one operator, products under their names, then once more as additions."""
    call, products = visit.call, []
    if call.packet in PRODUCTS and call.name != PADDED_BY_NAME:
        products = matched(visit, PRODUCTS[call.packet](call.args))
    elif call.packet in FUSED:
        products = FUSED[call.packet](visit)
    additions = [("2 FLOPs per MAC", sum(amount for _, amount in products))]
    return [*products, *additions, *by_element(visit), *called_inside(visit)]


def own_charges(visit: Visit) -> Charges:
    """FLOPs of one of the six operators itself, without what it calls."""
    call = visit.call
    if call.packet not in PRODUCTS:
        return by_element(visit)
    macs = OWN[call.packet](call.args)
    return [*matched(visit, macs), ("2 FLOPs per MAC", macs)]


def by_element(visit: Visit) -> Charges:
    """``add`` and ``mul``; what is added in place unless it is watched does not count."""
    call, outer = visit.call, visit.around[-1]
    first = call.args[0] if call.args else None
    if call.packet not in ELEMENTWISE or not isinstance(first, Tensor):
        return []
    unwatched = call.packet == "aten.add" and outer.packet in IN_PLACE
    return [] if unwatched else [(ELEMENTWISE[call.packet], first.numel)]
