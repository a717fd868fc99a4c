"""Results of common operators from the shapes of their arguments.

A shape function stands in for a meta kernel that is slow Python. It answers None where the case
is not the plain one it knows; the meta kernel is asked then.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from flop_harness.trace.signatures import Spec, new

SHAPES: dict[str, Callable[..., Spec | None]] = {}


def shape_of(*names: str) -> Callable:
    def register(function: Callable[..., Spec | None]) -> Callable[..., Spec | None]:
        for name in names:
            if name in SHAPES:
                raise ValueError(f"a second shape function for {name}")
            SHAPES[name] = function
        return function

    return register


def dense(*tensors: torch.Tensor | None) -> bool:
    return all(tensor is None or tensor.is_contiguous() for tensor in tensors)


def ordered(*tensors: torch.Tensor) -> bool:
    """Whether all are dense, or all row-major with gaps: what is made of them is dense then."""
    return dense(*tensors) or all(map(descends, tensors))


def descends(x: torch.Tensor) -> bool:
    """Whether each stride is larger than the next one, or as large and of a single element."""
    strides = x.stride()
    pairs = zip(strides, strides[1:], x.shape[1:], strict=False)
    return all(a > b or (a == b and n == 1) for a, b, n in pairs) and 0 not in strides


@shape_of("aten.convolution.default")
def convolution(
    x, weight, bias, stride, padding, dilation, transposed, output_padding, groups
) -> Spec | None:
    if transposed or not dense(x, weight):
        return None
    spatial = x.dim() - 2
    if not len(stride) == len(padding) == len(dilation) == spatial:
        return None
    sizes = [
        (size + 2 * pad - gap * (kernel - 1) - 1) // step + 1
        for size, kernel, step, pad, gap in zip(
            x.shape[2:], weight.shape[2:], stride, padding, dilation, strict=True
        )
    ]
    fits = weight.shape[1] * groups == x.shape[1] and min(sizes, default=1) > 0
    return new((x.shape[0], weight.shape[0], *sizes), x.dtype) if fits else None


@shape_of("aten.native_batch_norm.default")
def native_batch_norm(x, weight, bias, mean, variance, training, momentum, eps) -> Spec | None:
    saved = new(
        (x.shape[1] if training else 0,), torch.float32 if x.dtype.itemsize < 4 else x.dtype
    )
    return ("many", tuple, [laid_out(x), saved, saved])


@shape_of("aten.native_group_norm.default")
def native_group_norm(x, weight, bias, n, c, area, groups, eps) -> Spec | None:
    if x.dtype.itemsize < 4:
        return None
    statistic = new((n, groups), x.dtype)
    return ("many", tuple, [laid_out(x), statistic, statistic])


def laid_out(x: torch.Tensor) -> Spec:
    """As kernels lay out what they make of ``x``: with channels last or dense; meta kernels differ."""
    layout = {4: torch.channels_last, 5: torch.channels_last_3d}.get(x.dim())
    kept = layout is not None and not dense(x) and x.is_contiguous(memory_format=layout)
    return ("new", x.shape, x.stride(), x.dtype) if kept else new(x.shape, x.dtype)


@shape_of("aten.native_layer_norm.default")
def native_layer_norm(x, normalized_shape, weight, bias, eps) -> Spec | None:
    if not dense(x) or x.dtype.itemsize < 4:
        return None
    outer = x.dim() - len(normalized_shape)
    statistic = new((*x.shape[:outer], *([1] * len(normalized_shape))), x.dtype)
    return ("many", tuple, [new(x.shape, x.dtype), statistic, statistic])


@shape_of("aten.addmm.default")
def addmm(bias, x, weight, *, beta=1, alpha=1) -> Spec | None:
    return mm(x, weight)


@shape_of("aten.mm.default")
def mm(x, y) -> Spec | None:
    if x.dim() != 2 or y.dim() != 2 or x.shape[1] != y.shape[0] or x.dtype != y.dtype:
        return None
    return new((x.shape[0], y.shape[1]), x.dtype)


@shape_of("aten.bmm.default")
def bmm(x, y) -> Spec | None:
    if x.dim() != 3 or y.dim() != 3 or x.shape[2] != y.shape[1] or x.dtype != y.dtype:
        return None
    return new((x.shape[0], x.shape[1], y.shape[2]), x.dtype)


@shape_of("aten._grouped_mm.default")
def grouped_mm(x, y, offs=None, bias=None, out_dtype=None) -> Spec | None:
    """Of any dtype: the meta kernel asks for what a GPU asks for, and a CPU takes float32 too."""
    if x.shape[-1] != y.shape[-2] or x.dtype != y.dtype:
        return None
    groups = [] if offs is None else [offs.shape[0]]
    lead = {(2, 2): groups, (3, 3): [x.shape[0]]}.get((x.dim(), y.dim()), [])
    return new((*lead, x.shape[-2], y.shape[-1]), out_dtype or x.dtype)


@shape_of("aten._scaled_mm.default")
def scaled_mm(
    x, y, scale_x, scale_y, bias=None, scale=None, out_dtype=None, use_fast_accum=False
) -> Spec | None:
    """Of any length, as a CPU takes it."""
    fits = x.dim() == y.dim() == 2 and x.shape[1] == y.shape[0]
    return new((x.shape[0], y.shape[1]), out_dtype or x.dtype) if fits else None


@shape_of("aten._weight_int4pack_mm.default")
def int4_mm(x, packed, group, scales) -> Spec:
    """packed (n / 8, ...): its meta kernel wants a fake tensor."""
    return new((x.shape[0], packed.shape[0] * 8), x.dtype)


@shape_of("aten._mixed_dtypes_linear.default")
def mixed_linear(x, weight, scale, *, bias=None, activation=None) -> Spec:
    """weight (k, n); there is no meta kernel."""
    return new((*x.shape[:-1], weight.shape[1]), x.dtype)


@shape_of(
    "aten.relu.default",
    "aten.gelu.default",
    "aten.silu.default",
    "aten.sigmoid.default",
    "aten.tanh.default",
    "aten.hardtanh.default",
    "aten.hardswish.default",
    "aten.hardsigmoid.default",
)
def activation(x, *args, **kwargs) -> Spec | None:
    return new(x.shape, x.dtype) if ordered(x) and x.dtype.is_floating_point else None


@shape_of("aten._softmax.default", "aten._log_softmax.default", "aten._safe_softmax.default")
def softmax(x, dim, *args, **kwargs) -> Spec | None:
    plain = dense(x) and x.dtype.is_floating_point and not any(args)
    return new(x.shape, x.dtype) if plain and not kwargs.get("dtype") else None


@shape_of("aten.add.Tensor", "aten.mul.Tensor", "aten.sub.Tensor", "aten.div.Tensor")
def binary(x, y, *, alpha=1) -> Spec | None:
    if not isinstance(x, torch.Tensor) or not isinstance(y, torch.Tensor):
        return None
    same = x.shape == y.shape and x.dtype == y.dtype and x.dtype.is_floating_point
    return new(x.shape, x.dtype) if same and ordered(x, y) else None


@shape_of("aten.add.Scalar", "aten.mul.Scalar", "aten.sub.Scalar", "aten.div.Scalar")
def by_number(x, number, *args) -> Spec | None:
    """A tensor and a number that is real."""
    plain = x.dtype.is_floating_point and isinstance(number, (int, float))
    return new(x.shape, x.dtype) if plain and ordered(x) else None


@shape_of("aten.cat.default")
def cat(tensors, dim=0) -> Spec | None:
    first = tensors[0]
    if not dense(*tensors) or any(
        t.dim() != first.dim() or t.dtype != first.dtype or t.dim() == 0 for t in tensors
    ):
        return None
    if not -first.dim() <= dim < first.dim():
        return None
    dim %= first.dim()
    rest = first.shape[:dim] + first.shape[dim + 1 :]
    if any(t.shape[:dim] + t.shape[dim + 1 :] != rest for t in tensors):
        return None
    total = sum(t.shape[dim] for t in tensors)
    return new((*first.shape[:dim], total, *first.shape[dim + 1 :]), first.dtype)


@shape_of("aten._scaled_dot_product_flash_attention_for_cpu_backward.default")
def attention_gradients(do, query, key, value, *args, **kwargs) -> Spec:
    """As (batch, length, heads, size) in memory; the way to its meta kernel is long."""
    return ("many", tuple, [lengths_first(each) for each in (query, key, value)])


def lengths_first(x: torch.Tensor) -> Spec:
    _, heads, length, size = x.shape
    return ("new", x.shape, (heads * length * size, size, heads * size, 1), x.dtype)


@shape_of("aten._native_multi_head_attention.default")
def native_attention(query, key, value, embed, heads, *args, **kwargs) -> Spec | None:
    """The output, and the weights: averaged over the heads, of each head, or none."""
    if query.is_nested:
        return None
    wanted = args[5] if len(args) > 5 else kwargs.get("need_weights", True)
    averaged = args[6] if len(args) > 6 else kwargs.get("average_attn_weights", True)
    batch, length, source = query.shape[0], query.shape[1], key.shape[1]
    shape = (batch, length, source) if averaged else (batch, heads, length, source)
    weights = new(shape, query.dtype) if wanted else ("value", None)
    return ("many", tuple, [new((batch, length, embed), query.dtype), weights])


@shape_of("aten.clone.default")
def clone(x, *, memory_format=None) -> Spec | None:
    wanted = memory_format in (None, torch.preserve_format)
    if (wanted and dense(x)) or memory_format is torch.contiguous_format:
        return new(x.shape, x.dtype)
    return None
