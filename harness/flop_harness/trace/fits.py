"""Which arguments of operators go together for sure, by their shapes and types.

Torch's meta kernels look at less than its kernels do. Where a function here answers no, the kernel is asked.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from flop_harness.trace.tensors import on_meta

FITS: dict[str, Callable[..., bool]] = {}
"""Operator -> whether its arguments go together for sure; else its kernel is asked"""


def fits(*names: str) -> Callable:
    def register(function: Callable[..., bool]) -> Callable[..., bool]:
        FITS.update(dict.fromkeys(names, function))
        return function

    return register


def types(*tensors: torch.Tensor | None) -> set[torch.dtype]:
    """Of those that are there."""
    return {tensor.dtype for tensor in tensors if tensor is not None}


def alike(*tensors: torch.Tensor | None) -> bool:
    return len(types(*tensors)) == 1


def expands(small: torch.Size, shape: tuple[int, ...]) -> bool:
    """Whether one broadcasts to the other."""
    ends = zip(reversed(small), reversed(shape), strict=False)
    return len(small) <= len(shape) and all(one in (1, whole) for one, whole in ends)


def normalises(x: torch.Tensor, *others: torch.Tensor | None) -> bool:
    """Whether scales and statistics have a type that goes with it: its own, or single for half precision."""
    half = x.dtype in (torch.float16, torch.bfloat16) and not x.is_cuda
    mixed = half and types(*others) == {torch.float32}
    return x.is_floating_point() and (mixed or alike(x, *others))


def of_size(size: int, *tensors: torch.Tensor | None) -> bool:
    return all(tensor is None or tensor.shape == (size,) for tensor in tensors)


@fits("aten.convolution.default")
def convolution(
    x, weight, bias, stride, padding, dilation, transposed, output_padding, groups
) -> bool:
    """x (N, C, ...), weight (out, C / groups, ...), or (C, out / groups, ...) where it is transposed."""
    if x.dim() != weight.dim() or not alike(x, weight, bias) or weight.shape[0] % groups:
        return False
    ends = weight.shape[0], weight.shape[1] * groups
    ins, outs = ends if transposed else ends[::-1]
    beyond = zip(output_padding, map(max, stride, dilation), strict=False)
    return x.shape[1] == ins and of_size(outs, bias) and all(more < most for more, most in beyond)


@fits("aten.mm.default")
def mm(x, y) -> bool:
    return x.dim() == y.dim() == 2 and x.shape[1] == y.shape[0] and alike(x, y)


@fits("aten.addmm.default")
def addmm(bias, x, y, **factors) -> bool:
    return mm(x, y) and alike(x, bias) and expands(bias.shape, (x.shape[0], y.shape[1]))


@fits("aten.mv.default")
def mv(x, y) -> bool:
    return x.dim() == 2 and tuple(x.shape[1:]) == tuple(y.shape) and alike(x, y)


@fits("aten.addmv.default")
def addmv(bias, x, y, **factors) -> bool:
    return mv(x, y) and alike(x, bias) and expands(bias.shape, tuple(x.shape[:1]))


@fits("aten.bmm.default")
def bmm(x, y) -> bool:
    sized = x.dim() == y.dim() == 3 and (x.shape[0], x.shape[2]) == tuple(y.shape[:2])
    return sized and alike(x, y)


@fits("aten.addbmm.default")
def addbmm(bias, x, y, **factors) -> bool:
    return bmm(x, y) and alike(x, bias) and expands(bias.shape, (x.shape[1], y.shape[2]))


@fits("aten.native_layer_norm.default")
def layer_norm(x, shape, weight, bias, eps) -> bool:
    """The last dimensions are normalised, each place with a weight of its own."""
    wanted = tuple(shape)
    there = [tuple(each.shape) for each in (weight, bias) if each is not None]
    sized = tuple(x.shape[x.dim() - len(wanted) :]) == wanted and all(s == wanted for s in there)
    return sized and normalises(x, weight, bias)


@fits("aten.native_group_norm.default")
def group_norm(x, weight, bias, n, c, area, groups, eps) -> bool:
    sized = tuple(x.shape[:2]) == (n, c) and c % groups == 0 and of_size(c, weight, bias)
    return sized and normalises(x, weight, bias)


@fits("aten.native_batch_norm.default")
def batch_norm(x, weight, bias, mean, variance, *settings) -> bool:
    held = (weight, bias, mean, variance)
    return of_size(x.shape[1], *held) and normalises(x, *held)


@fits(*(f"aten.{kind}.default" for kind in """_softmax _log_softmax gelu silu mish elu hardswish hardsigmoid
    leaky_relu glu softplus _adaptive_avg_pool2d _adaptive_avg_pool3d adaptive_max_pool2d adaptive_max_pool3d
    im2col col2im""".split()))  # fmt: skip
def floating(x, *settings, **others) -> bool:
    """Of whole numbers most of these have no kernel."""
    return not is_whole(x)


@fits("aten.mul_.Tensor", "aten.mul_.Scalar", "aten.div_.Tensor_mode", "aten.div_.Scalar_mode")
def multiplied(whole, factor, **mode) -> bool:
    """What comes out has a type that can be written over the first factor."""
    if mode.get("rounding_mode", "floor") is None:
        return divided(whole, factor)
    return torch.can_cast(torch.result_type(whole, factor), whole.dtype)


@fits("aten.div_.Tensor", "aten.div_.Scalar")
def divided(whole, factor) -> bool:
    """Quotients are no whole numbers."""
    return not is_whole(whole) and multiplied(whole, factor)


@fits("aten.uniform_.default", "aten.logit_.default", "aten.frac_.default")
def written_over(whole, *settings, **others) -> bool:
    return not is_whole(whole)


def is_whole(tensor: torch.Tensor) -> bool:
    return not (tensor.is_floating_point() or tensor.is_complex())


@fits("aten.index_add.default", "aten.index_add_.default",
      "aten.index_copy.default", "aten.index_copy_.default")  # fmt: skip
def index_add(whole, dim, index, source, **factors) -> bool:
    """Of a dimension the source has as many places as there are in the index."""
    if whole.dim() != source.dim() or not -whole.dim() <= dim < whole.dim():
        return False
    wanted = list(whole.shape)
    wanted[dim] = index.numel()
    return list(source.shape) == wanted and alike(whole, source)


@fits("aten.masked_scatter.default", "aten.masked_scatter_.default")
def masked_scatter(whole, mask, source) -> bool:
    return expands(mask.shape, whole.shape) and alike(whole, source)


@fits("aten.index_put.default", "aten.index_put_.default")
def index_put(whole, indices, values, accumulate=False) -> bool:
    """What is put in the place of ``whole[indices]``; how much a mask names hangs on its values."""
    if any(index is not None and index.dtype in (torch.bool, torch.uint8) for index in indices):
        return True
    try:
        named = on_meta(whole)[tuple(slice(None) if i is None else on_meta(i) for i in indices)]
    except (RuntimeError, IndexError):
        return False
    return expands(values.shape, named.shape) and alike(whole, values)


@fits("aten._cdist_forward.default", "aten._euclidean_dist.default",
      "aten.grid_sampler_2d.default", "aten.grid_sampler_3d.default")  # fmt: skip
def beside(x, y, *settings) -> bool:
    return alike(x, y)


@fits(*(f"aten.{kind}.default" for kind in """upsample_nearest1d upsample_nearest2d upsample_nearest3d
    _upsample_nearest_exact1d _upsample_nearest_exact2d _upsample_nearest_exact3d upsample_linear1d
    upsample_bilinear2d upsample_bicubic2d upsample_trilinear3d _upsample_bilinear2d_aa
    _upsample_bicubic2d_aa""".split()))  # fmt: skip
def resized(x, size, *settings) -> bool:
    return floating(x) and all(each > 0 for each in size)


@fits("aten._native_multi_head_attention.default")
def native_attention(
    query, key, value, width, heads, inward, inward_bias, outward, outward_bias, *others
) -> bool:
    """Three of (batch, length, width), and weights of their type."""
    inputs, weights = (query, key, value), (inward, inward_bias, outward, outward_bias)
    sized = all(each.dim() == 3 and each.shape[-1] == width for each in inputs)
    return sized and projects(width, *weights) and alike(*inputs, *weights)


def projects(width: int, inward, inward_bias, outward, outward_bias) -> bool:
    """Whether weights make queries, keys and values of what is ``width`` wide, and an output."""
    shapes = tuple(inward.shape), tuple(outward.shape)
    biased = of_size(3 * width, inward_bias) and of_size(width, outward_bias)
    return biased and shapes == ((3 * width, width), (width, width))


@fits("aten._transformer_encoder_layer_fwd.default")
def native_encoder(x, width, heads, *others) -> bool:
    """x (batch, length, width), the weights of attention, three settings, those of norms and two layers."""
    weights, norms, layers = others[:4], others[7:11], others[11:15]
    first, first_bias, second, second_bias = layers
    inner = first.shape[0]
    sized = (tuple(first.shape), tuple(second.shape)) == ((inner, width), (width, inner))
    biased = of_size(width, *norms, second_bias) and of_size(inner, first_bias)
    return (x.dim() == 3 and x.shape[-1] == width and sized and biased
            and projects(width, *weights) and alike(x, *weights, *norms, *layers))  # fmt: skip


@fits("aten.mkldnn_rnn_layer.default")
def recurrent(x, inward, hidden, inward_bias, hidden_bias, hx, cx, *settings) -> bool:
    """x (length, batch, width), weights (gates, width) and (gates, hidden), biases for each gate."""
    gates = hidden.shape[0]
    sized = tuple(inward.shape) == (gates, x.shape[-1]) and hidden.dim() == 2
    biased = of_size(gates, inward_bias, hidden_bias)
    return sized and biased and alike(x, inward, hidden, inward_bias, hidden_bias, hx, cx)


@fits("aten._cudnn_rnn.default")
def recurrent_on_cuda(x, weights, stride, buffer, hx, cx, *settings) -> bool:
    return alike(x, *weights, hx, cx)


@fits("aten.embedding.default")
def embedding(weight, indices, *settings) -> bool:
    return weight.dim() == 2 and indices.dtype in (torch.int64, torch.int32)


@fits("aten._weight_norm_interface.default")
def weight_norm(direction, size, dim=0) -> bool:
    return direction.dim() == size.dim() and alike(direction, size)


@fits("torchvision.deform_conv2d.default")
def deformable(x, weight, offset, mask, bias, *settings) -> bool:
    """Offsets are two, and masks one, for each group, place of the window and place of the result.

    ``settings``: strides, padding, dilation, groups of weights and of offsets, whether masks are used.
    """
    groups, spread, masked = settings[6:9]
    places = spread * weight.shape[2] * weight.shape[3]
    area = [(x.shape[2 + i] + 2 * settings[2 + i] - settings[4 + i] * (weight.shape[2 + i] - 1) - 1)
            // settings[i] + 1 for i in (0, 1)]  # fmt: skip
    sized = tuple(offset.shape) == (x.shape[0], 2 * places, *area)
    used = not masked or tuple(mask.shape) == (x.shape[0], places, *area)
    return (sized and used and x.shape[1] == weight.shape[1] * groups
            and of_size(weight.shape[0], bias)
            and alike(x, weight, offset, mask if masked else None))  # fmt: skip
