"""Operators that move, allocate or reinterpret data and compute nothing."""

from __future__ import annotations

from flop_harness.formulas.registry import formula
from flop_harness.records.work import FREE

MOVEMENT = """alias arange as_strided _assert_async bernoulli_ broadcast_to cat chunk clone
    constant_pad_nd contiguous copy_ detach detach_ diagonal dropout empty empty_like
    empty_strided expand fill fill_ flip full full_like gather index index_copy index_put
    index_put_ index_select im2col lift_fresh linspace matrix_H narrow new_empty
    new_empty_strided new_full new_ones new_zeros ones ones_like permute pixel_shuffle
    pixel_unshuffle reflection_pad1d reflection_pad2d reflection_pad3d repeat
    replication_pad1d replication_pad2d replication_pad3d _reshape_alias reshape resize_
    roll scalar_tensor scatter scatter_ select select_scatter set_ slice slice_scatter split
    split_with_sizes squeeze squeeze_ stack t t_ tile to _to_copy transpose transpose_ tril
    triu unbind unfold unsafe_split unsafe_chunk _unsafe_view unsqueeze unsqueeze_ view
    view_as_complex view_as_real zero_ zeros zeros_like embedding masked_select
    channel_shuffle _local_scalar_dense item cudnn_is_acceptable rand randn normal_ uniform_
    randint sym_size sym_stride is_same_size _pack_padded_sequence _nested_tensor_size
    flatten unflatten expand_as view_as type_as movedim swapaxes atleast_1d meshgrid rot90
    tensor_split hsplit vsplit hstack vstack dstack concat concatenate is_nonzero equal
    nonzero feature_dropout alpha_dropout numpy_T mT ravel real imag upsample_nearest1d
    upsample_nearest2d upsample_nearest3d _upsample_nearest_exact1d _upsample_nearest_exact2d
    _upsample_nearest_exact3d as_strided_ eye complex dropout_ broadcast_tensors resize_as_
    resolve_conj resolve_neg _conj _neg_view result_type max_unpool2d max_unpool3d to_padded_tensor
    _nested_tensor_from_mask _nested_tensor_from_mask_left_aligned _nested_tensor_from_tensor_list
    _nested_view_from_jagged _nested_get_values rand_like randn_like randint_like
    randperm bernoulli exponential_ random_ _has_compatible_shallow_copy_type
    _linalg_check_errors swapdims take take_along_dim""".split()

for _name in MOVEMENT:
    formula(f"aten.{_name}")(lambda call: FREE)
for _name in ("quantized.cat", "profiler._record_function_enter_new",
              "profiler._record_function_exit"):  # fmt: skip
    formula(_name)(lambda call: FREE)
