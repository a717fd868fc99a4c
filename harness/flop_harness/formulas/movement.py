"""Operators that move, allocate or reinterpret data and compute nothing."""

from __future__ import annotations

from flop_harness.formulas.registry import formula
from flop_harness.records.work import FREE

MOVEMENT = """alias arange as_strided _assert_async bernoulli_ broadcast_to cat chunk clone
    constant_pad_nd contiguous copy_ detach detach_ diagonal dropout empty empty_like
    empty_strided expand fill fill_ flip full full_like gather index index_copy index_select im2col lift_fresh linspace matrix_H narrow new_empty
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
    _linalg_check_errors swapdims take take_along_dim lift copy _copy_from empty_permuted alias_copy
    detach_copy as_strided_copy expand_copy permute_copy squeeze_copy unsqueeze_copy transpose_copy
    t_copy view_copy unfold_copy unbind_copy split_copy split_with_sizes_copy select_copy slice_copy
    diagonal_copy _reshape_copy _reshape_alias_copy as_strided_scatter diagonal_scatter slice_inverse
    narrow_copy view_as_real_copy view_as_complex_copy _conj_copy _conj_physical conj_physical_ sgn
    conj_physical diag_embed diag block_diag tril_ triu_ tril_indices triu_indices index_fill
    index_fill_ index_copy_ masked_scatter masked_scatter_ masked_scatter_backward put put_
    repeat_interleave unsafe_split_with_sizes _unsafe_index _lazy_clone _pin_memory is_pinned
    _has_same_storage_numel is_set_to record_stream resize set _resize_output_ zero _efficientzerotensor
    _new_zeros_with_same_feature_meta _assert_scalar _functional_assert_scalar _functional_assert_async
    _assert_tensor_metadata sym_constrain_range sym_constrain_range_for_size
    _functional_sym_constrain_range _functional_sym_constrain_range_for_size _print sym_numel
    sym_storage_offset select_backward slice_backward diagonal_backward _nested_get_offsets
    _nested_get_lengths _nested_get_ragged_idx _nested_get_min_seqlen _nested_get_max_seqlen
    _nested_tensor_strides _nested_tensor_storage_offsets _nested_view_from_buffer
    _nested_from_padded _nested_compute_contiguous_strides_offsets _jagged_to_padded_dense_forward
    _padded_dense_to_jagged_forward range logspace random geometric_ cauchy_ log_normal_ normal
    uniform poisson binomial multinomial exponential geometric normal_functional cauchy log_normal
    _standard_gamma _sample_dirichlet _fused_sdp_choice _use_cudnn_ctc_loss _cudnn_init_dropout_state
    _make_dual _fw_primal _unpack_dual _is_zerotensor lu_unpack nonzero_static _cudnn_rnn_flatten_weight to_mkldnn _mkldnn_reshape _mkldnn_transpose
    mkldnn_reorder_conv2d_weight mkldnn_reorder_conv3d_weight int_repr q_scale q_zero_point
    q_per_channel_scales q_per_channel_zero_points q_per_channel_axis qscheme
    _empty_affine_quantized _empty_per_channel_affine_quantized empty_quantized
    _make_per_tensor_quantized_tensor _make_per_channel_quantized_tensor _chunk_cat _stack
    _convert_weight_to_int4pack _convert_weight_to_int4pack_for_cpu _foreach_copy _foreach_copy_
    _foreach_zero _foreach_zero_ _foreach_clone hann_window hamming_window blackman_window
    bartlett_window kaiser_window fft_fftfreq fft_rfftfreq triu_indices""".split()

for _name in dict.fromkeys(MOVEMENT):
    formula(f"aten.{_name}")(lambda call: FREE)
for _name in ("quantized.cat", "profiler._record_function_enter_new",
              "profiler._record_function_exit", "profiler._record_function_enter",
              "torchvision._cuda_version"):  # fmt: skip
    formula(_name)(lambda call: FREE)
