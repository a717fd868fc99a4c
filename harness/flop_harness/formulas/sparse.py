"""Products of sparse matrices: what is stored multiplies; the dense count stands beside it."""

from __future__ import annotations

from math import prod

from flop_harness.formulas.products import matrices, product_of
from flop_harness.formulas.registry import formula
from flop_harness.records import Call
from flop_harness.records.work import FREE, Product, Work


@formula("aten._sparse_mm", "aten._sparse_sparse_matmul", "aten.hspmm")
def sparse_mm(call: Call) -> Work | None:
    """(m, k) @ (k, n)."""
    return matrices(*call.args[:2])


@formula("aten._sparse_addmm")
def sparse_addmm(call: Call) -> Work | None:
    """bias + (m, k) @ (k, n); torch adds zeros where there is no bias."""
    x, y = call.args[1:3]
    return matrices(x, y, call.argument(3, "beta", 1) != 0)


@formula("aten.sspaddmm")
def sparse_sum(call: Call) -> Work | None:
    """What is stored of (m, n), added to (m, k) @ (k, n)."""
    added, x, y = call.args[:3]
    product = matrices(x, y)
    return product and product + Work(additions=added.stored or 0)


@formula("aten.sparse_sampled_addmm")
def sampled_product(call: Call) -> Work:
    """(m, k) @ (k, n) where a matrix (m, n) stores something, and there added to it."""
    stored, x, y = call.args[:3]
    n = stored.stored or 0
    dense = product_of(x.numel // max(x.shape[-1], 1), x.shape[-1], y.shape[-1])
    added = n if call.argument(3, "beta", 1) != 0 else 0
    return Work((Product(n * x.shape[-1], n, added, SPARSE, dense=dense.macs),))


SPARSE = "sparse matrix product"


@formula("aten._sparse_mm_reduce_impl")
def reduced_product(call: Call) -> Work:
    """Rows of y, each times an element stored in x, added up, averaged or the largest of them."""
    x, y, kind = call.args[:3]
    n = x.stored * y.shape[1]
    if kind in ("sum", "mean"):
        product = Product(n, prod(call.output[0].shape), term=SPARSE, dense=x.numel * y.shape[1])
        return Work((product,), "reduction", divisions=product.outputs if kind == "mean" else 0)
    return Work((), "reduction", multiplications=n, comparisons=max(n - call.output[0].numel, 0))


@formula("aten._sparse_mm_reduce_impl_backward")
def reduced_product_back(call: Call) -> Work:
    """Of x what it stores, a row of the gradient with a row of y each; of y x turned by the gradient.

    The largest of several passes its gradient on to itself alone.
    """
    x, gradient, y, kind, _, wanted = call.args[:6]
    n, width = x.stored, y.shape[-1]
    if kind not in ("sum", "mean"):
        return Work((), "reduction", multiplications=sum(wanted) * gradient.numel)
    outputs = [each for each, asked in zip((n, y.numel), wanted, strict=True) if asked]
    dense = x.numel * width
    return Work(tuple(Product(n * width, each, term=SPARSE, dense=dense) for each in outputs))


for _name in (
    "_indices _values indices values crow_indices col_indices ccol_indices row_indices "
    "_coalesced_ is_coalesced _nnz sparse_dim dense_dim _dimI _dimV to_dense _to_dense _to_sparse "
    "_to_sparse_csr _to_sparse_csc _to_sparse_bsr _to_sparse_bsc to_sparse to_sparse_csr sparse_mask "
    "_sparse_mask_projection sparse_coo_tensor sparse_compressed_tensor sparse_resize_ "
    "_sparse_coo_tensor_with_dims_and_tensors _sparse_coo_tensor_with_dims copy_sparse_to_sparse_ "
    "_validate_compressed_sparse_indices _validate_sparse_coo_tensor_args "
    "_sparse_coo_tensor_unsafe _sparse_compressed_tensor_unsafe _sparse_csr_tensor_unsafe "
    "sparse_resize_and_clear_ resize_as_sparse_ _sparse_broadcast_to _spdiags "
    "_convert_indices_from_coo_to_csr _convert_indices_from_csr_to_coo"
).split():
    formula(f"aten.{_name}")(lambda call: FREE)


@formula("aten._coalesce")
def coalesce(call: Call) -> Work:
    """Values of one place added up."""
    before, after = call.args[0].stored or 0, call.output.stored or 0
    return Work((), "reduction", additions=max(before - after, 0))
