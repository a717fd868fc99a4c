"""Operators for which there is no algorithm that could be held against them, and why."""

from __future__ import annotations

from flop_harness.formulas.attention import PACKED
from flop_harness.formulas.backward_elementwise import ADDED_BACK
from flop_harness.formulas.backward_products import ATTENTION_GRADIENTS
from flop_harness.formulas.lists import SINGLE
from flop_harness.formulas.quantised import RARER
from flop_harness.formulas.recurrent import CELLS
from flop_harness.formulas.resampling import SUPPORT, TAPS

ITERATES = "it iterates, and how often hangs on values: the usual count"
TEXTBOOK = "the usual count of a textbook, whose lower terms are left out"
HALF = "half of a complex transform, by the usual count"
ADDED_ONCE = "where each element is added hangs on values, or on what the forward pass kept"
BACKWARDS = "it reads backwards what the forward pass does, which is carried out"
SPARSE = tuple(f"aten.{name}" for name in
               """_sparse_mm _sparse_addmm sspaddmm _sparse_sparse_matmul hspmm sparse_sampled_addmm
               _sparse_mm_reduce_impl _sparse_mm_reduce_impl_backward""".split())  # fmt: skip
ON_A_GPU = (
    *(f"aten.{name}" for name in
      """_weight_int4pack_mm _weight_int4pack_mm_with_scales_and_zeros _mixed_dtypes_linear
      _dyn_quant_matmul_4bit _scaled_grouped_mm _scaled_grouped_mm_v2 _scaled_mm_v2
      _sparse_semi_structured_mm _sparse_semi_structured_addmm _sparse_semi_structured_linear
      _cudnn_attention_forward _triton_scaled_dot_attention _triton_multi_head_attention
      cudnn_convolution_transpose _mps_convolution_transpose miopen_convolution_transpose
      convolution_backward_overrideable linear_backward matmul_backward mkldnn_linear_backward
      mkldnn_linear_backward_input mkldnn_linear_backward_weights _fused_rms_norm_backward
      cudnn_batch_norm_backward miopen_batch_norm_backward batch_norm_backward _cudnn_rnn_backward miopen_rnn
      miopen_rnn_backward _masked_softmax_backward""".split()),
    *PACKED, "torchvision._deform_conv2d_backward", *ATTENTION_GRADIENTS,
)  # fmt: skip
STORED_ELEMENTS = "where its elements are hangs on values; those stored multiply"
BY_VALUES = "its comparisons hang on values, and the formula gives the worst case of one algorithm"
REASONS = {
    "aten.matmul": "of nested tensors alone, whose parts have sizes of their own",
    **{f"aten.{name}": BY_VALUES for name in
       """sort argsort msort topk kthvalue median nanmedian _unique _unique2 unique_consecutive
       searchsorted bucketize""".split()},
    "aten.histc": "which elements lie within its bounds hangs on values; the formula says all",
    "torchvision.nms": BY_VALUES,
    **dict.fromkeys(("aten._thnn_fused_lstm_cell", "aten._thnn_fused_gru_cell",
                     "aten.cudnn_affine_grid_generator", "aten.cudnn_grid_sampler"),
                    "only a GPU has a kernel of it"),
    "aten.quantize_per_tensor_dynamic": "at which scale it rounds hangs on values",
    "aten.embedding_renorm_": "which rows it scales hangs on values; the formula says all",
    "aten.fractional_max_pool2d": "where its windows lie is drawn at random",
    "aten.fractional_max_pool3d": "where its windows lie is drawn at random",
    "aten.native_dropout": "what it drops is drawn at random",
    **dict.fromkeys((f"aten.{name}" for name in
                     """_linalg_svd _linalg_eigh linalg_eig _linalg_eigvals
                     linalg_pinv linalg_matrix_exp linalg_matrix_sqrth linalg_polar""".split()), ITERATES),
    **dict.fromkeys((f"aten.{name}" for name in
                     """linalg_qr geqrf linalg_householder_product ormqr linalg_lstsq
                     linalg_ldl_factor_ex linalg_ldl_solve cholesky_inverse""".split()), TEXTBOOK),
    "aten.linalg_lu_solve": "its rows are exchanged as another operator found; else it is a solution",
    "aten._fft_r2c": HALF,
    "aten._fft_c2r": HALF,
    **{f"aten.{name}_backward": ADDED_ONCE for name in ADDED_BACK},
    **dict.fromkeys(("aten.index_put", "aten.index_put_", "aten._unsafe_index_put",
                     "aten._index_put_impl_", "aten._coalesce"), ADDED_ONCE),
    **{f"aten.upsample_{mode}_backward": BACKWARDS for mode in TAPS},
    **{f"{name}_backward": BACKWARDS for name in
       (*SUPPORT, "aten.grid_sampler_2d", "aten.grid_sampler_3d", "aten._grid_sampler_2d_cpu_fallback")},
    **{f"aten._foreach_{name}{place}": f"it does what aten.{single} does, tensor by tensor"
       for name, single in SINGLE.items() for place in ("", "_")},
    **dict.fromkeys(("aten.nll_loss_backward", "aten.nll_loss2d_backward"),
                    "which elements it reaches hangs on the target"),
    **dict.fromkeys(("torch_nn._linear_cross_entropy_batch_chunked",
                     "torch_nn._linear_cross_entropy_batch_chunked_no_reduction"),
                    "between its product and its result stands a logarithm"),
    **dict.fromkeys((*(name for names in RARER.values() for name in names), "quantized.matmul", "aten.quantized_lstm",
                     "aten.quantized_gru", *(f"quantized.quantized_{kind}_cell_dynamic" for kind in CELLS)),
                    "no probe is written for this way of packing"),
    **dict.fromkeys(ON_A_GPU, "only a GPU has a kernel of it"),
    **dict.fromkeys(SPARSE, STORED_ELEMENTS),
    **dict.fromkeys(("aten._embedding_bag_backward", "aten._embedding_bag_dense_backward"),
                    ADDED_ONCE),
}  # fmt: skip
"""Why there is no algorithm that could be held against the operator."""
