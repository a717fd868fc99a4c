"""Products of two sparse matrices: how many of their elements meet hangs on where those are."""

from __future__ import annotations

import torch
from torch.utils._python_dispatch import _disable_current_modes

from flop_harness.records import Call
from flop_harness.records.work import Product, Work
from flop_harness.trace.encoding import SPARSE

FACTORS = {
    "aten.mm.default": 0,
    "aten._sparse_sparse_matmul.default": 0,
    "aten.addmm.default": 1,
    "aten._sparse_addmm.default": 1,
}
"""Where the first of two factors stands; before it stands what their product is added to"""


def sparse_product(call: Call, args: tuple) -> Work | None:
    """(m, k) @ (k, n) of two sparse matrices; None of any others, or where there are no values.

    Each element stored in a column of the first meets each that is stored in that row of the second.
    """
    first = FACTORS[call.name]
    x, y = args[first : first + 2]
    if x.layout not in SPARSE or y.layout not in SPARSE or x.is_meta:
        return None
    with _disable_current_modes():
        macs = int(stored_along(x, 1) @ stored_along(y, 0))
    outputs = call.output.numel if call.output.stored is None else call.output.stored
    added = first == 1 and call.argument(3, "beta", 1) != 0
    dense = x.shape[0] * x.shape[1] * y.shape[1]
    bias = outputs if added else 0
    return Work((Product(macs, outputs, bias, "sparse matrix product", dense=dense),))


def stored_along(matrix: torch.Tensor, dimension: int) -> torch.Tensor:
    """How many elements are stored at each place of a dimension, whatever their values."""
    places = matrix.detach().to_sparse_coo().coalesce().indices()[dimension]
    return torch.bincount(places, minlength=matrix.shape[dimension])
