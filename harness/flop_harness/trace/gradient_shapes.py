"""Results of common operators of the backward pass from the shapes of their arguments.

Their meta kernels are decompositions in Python, slower than those of the forward pass by far.
"""

from __future__ import annotations

import torch

from flop_harness.trace.shapes import dense, laid_out, ordered, shape_of
from flop_harness.trace.signatures import Spec, new

NOTHING: Spec = ("value", None)


def same(*tensors: torch.Tensor) -> bool:
    """Floating-point tensors of one shape and dtype, whose elements stand in one order."""
    first = tensors[0]
    alike = all(t.shape == first.shape and t.dtype == first.dtype for t in tensors)
    return alike and first.dtype.is_floating_point and ordered(*tensors)


@shape_of(
    "aten.threshold_backward.default",
    "aten.gelu_backward.default",
    "aten.silu_backward.default",
    "aten.sigmoid_backward.default",
    "aten.tanh_backward.default",
    "aten.hardtanh_backward.default",
    "aten.hardswish_backward.default",
    "aten.hardsigmoid_backward.default",
)
def activation_gradient(gradient, x, *args, **kwargs) -> Spec | None:
    return new(x.shape, x.dtype) if same(gradient, x) else None


@shape_of("aten.fractional_max_pool3d_backward.default")
def pooled_gradient(gradient, x, *args) -> Spec | None:
    """Which has no meta kernel; the other looks at where the largest elements stand."""
    return new(x.shape, x.dtype) if dense(x) else None


@shape_of("aten._softmax_backward_data.default", "aten._log_softmax_backward_data.default")
def softmax_gradient(gradient, y, dim, dtype) -> Spec | None:
    return new(y.shape, y.dtype) if same(gradient, y) and dtype is y.dtype else None


@shape_of("aten.convolution_backward.default")
def convolution_gradients(gradient, x, weight, biases, *settings) -> Spec | None:
    """``settings`` end with which of the three are wanted."""
    if not dense(gradient, x, weight):
        return None
    shapes = (x.shape, weight.shape, biases)
    made = [new(tuple(s), gradient.dtype) if wanted else NOTHING
            for s, wanted in zip(shapes, settings[-1], strict=True)]  # fmt: skip
    return ("many", tuple, made)


@shape_of("aten.native_batch_norm_backward.default")
def batch_norm_gradients(gradient, x, weight, *args) -> Spec | None:
    """``args`` end with which of the three are wanted; its meta kernel makes the first all the same."""
    wanted = (True, *args[-1][1:])
    return normalised_gradients(gradient, x, weight, (x.shape[1],), wanted)


@shape_of("aten.native_layer_norm_backward.default")
def layer_norm_gradients(gradient, x, shape, mean, rstd, weight, bias, wanted) -> Spec | None:
    return normalised_gradients(gradient, x, weight, tuple(shape), wanted)


@shape_of("aten.native_group_norm_backward.default")
def group_norm_gradients(
    gradient, x, mean, rstd, weight, n, c, area, groups, wanted
) -> Spec | None:
    return normalised_gradients(gradient, x, weight, (c,), wanted)


def normalised_gradients(gradient, x, weight, shape: tuple[int, ...], wanted) -> Spec | None:
    """Gradients of what is normalised, and of the scale and the shift, both of ``shape``."""
    narrow = x.dtype.itemsize < 4 or (weight is not None and weight.dtype != x.dtype)
    if narrow or not same(gradient, x) or not x.numel():
        return None
    specs = (laid_out(x), new(shape, x.dtype), new(shape, x.dtype))
    made = [spec if each else NOTHING for spec, each in zip(specs, wanted, strict=True)]
    return ("many", tuple, made)


@shape_of("aten._cudnn_rnn_backward.default")
def recurrent_gradients(
    x, weights, stride, buffer, hx, cx, y, dy, dhy, dcy, *settings
) -> Spec | None:
    """Of the input, the states and each weight, as the kernel has them, which goes back in training alone.

    ``settings``: mode, sizes, layers, batch first, dropout, training, both ways, batch sizes, state of
    the dropout, what the way there has kept, what is wanted. There is no meta kernel, and what has
    been kept is nothing. Source: aten/src/ATen/native/cudnn/RNN.cpp, torch 2.11.
    """
    batch_first, trained, packed, wanted = (settings[i] for i in (4, 6, 8, -1))
    if not trained:
        return None
    turned = batch_first and not packed
    first = lengths_first_in_memory(x) if turned else new(x.shape, x.dtype)
    states = [NOTHING if state is None else new(state.shape, state.dtype) for state in (hx, cx)]
    grown = [new(weight.shape, weight.dtype) for weight in weights] if wanted[-1] else []
    return ("many", tuple, [first, *states, ("many", list, grown)])


def lengths_first_in_memory(x) -> Spec:
    """(batch, length, width), each step of the whole batch after the other."""
    batch, _, width = x.shape
    return ("new", x.shape, (width, batch * width, 1), x.dtype)


@shape_of("aten.slice_backward.default", "aten.select_backward.default")
def padded_gradient(gradient, sizes, *place) -> Spec:
    """Zeros but for the part that was taken."""
    return new(tuple(sizes), gradient.dtype)
