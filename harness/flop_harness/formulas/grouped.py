"""Products of many matrices in one kernel, and of matrices in few bits.

Scaling by what a matrix was quantised with is not counted; nor where a group ends: rows that no
group takes are padding, and count as if they were data.
"""

from __future__ import annotations

from math import prod

from flop_harness.formulas.products import product_of
from flop_harness.formulas.registry import formula
from flop_harness.records import Call
from flop_harness.records.work import Product, Work


@formula("aten._grouped_mm", "aten._scaled_grouped_mm", "aten._scaled_grouped_mm_v2")
def grouped_mm(call: Call) -> Work:
    """A product for each of G groups, told apart by offsets along an axis that both, or one, lack.

    (S, K) @ (G, K, N) and (G, M, K) @ (K, S): each row, or column, meets the matrix of its group.
    (M, S) @ (S, N): the sum over S in G parts. (G, M, K) @ (G, K, N): one by one.
    """
    x, y = call.args[:2]
    rows, inner, columns = x.shape[-2], x.shape[-1], y.shape[-1]
    if len(x.shape) == len(y.shape) == 3:
        rows *= x.shape[0]
    macs, outputs = rows * inner * columns, call.output.numel
    bias = call.argument(GROUPED_BIAS[call.packet], "bias")
    return Work((Product(macs, outputs, 0 if bias is None else outputs),))


GROUPED_BIAS = {
    "aten._grouped_mm": 3,
    "aten._scaled_grouped_mm": 5,
    "aten._scaled_grouped_mm_v2": 9,
}


@formula("aten._foreach_mm")
def foreach_mm(call: Call) -> Work:
    """Lists of (m, k) and of (k, n)."""
    pairs = zip(*call.args[:2], strict=True)
    return Work(tuple(product_of(x.shape[0], x.shape[1], y.shape[1]) for x, y in pairs))


BIAS = {"aten._scaled_mm": 4, "aten._scaled_mm_v2": 8, "aten._mixed_dtypes_linear": 3}


@formula(
    *BIAS, "aten._weight_int8pack_mm", "aten._weight_int4pack_mm",
    "aten._weight_int4pack_mm_for_cpu", "aten._weight_int4pack_mm_with_scales_and_zeros",
    "aten._dyn_quant_matmul_4bit",
)  # fmt: skip
def packed_mm(call: Call) -> Work:
    """x (..., k) and a weight packed in a way of its own, whose n columns the result shows."""
    x, outputs, at = call.args[0], call.output.numel, BIAS.get(call.packet)
    biased = at is not None and call.argument(at, "bias") is not None
    return Work((Product(outputs * x.shape[-1], outputs, outputs if biased else 0),))


STORED = {
    "aten._sparse_semi_structured_mm": (0, 2),
    "aten._sparse_semi_structured_addmm": (1, 3),
}


@formula(*STORED)
def semi_structured_mm(call: Call) -> Work:
    """(m, k) of which two of four are stored, as (m, k / 2), @ (k, n)."""
    x, y = (call.args[at] for at in STORED[call.packet])
    return Work((product_of(x.shape[0], x.shape[1], y.shape[1], "addmm" in call.packet),))


@formula("aten._sparse_semi_structured_linear")
def semi_structured_linear(call: Call) -> Work:
    """x (..., k), weight (n, k), stored as (n, k / 2)."""
    x, weight = call.args[:2]
    columns, inner = weight.shape
    biased = call.argument(3, "bias") is not None
    return Work((product_of(prod(x.shape[:-1]), inner, columns, biased),))
