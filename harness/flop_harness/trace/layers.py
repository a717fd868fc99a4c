"""Layers of torch.nn that do the same whenever they look the same: their passes are remembered.

Only layers of exactly these classes, without hooks: what such a layer calls follows from its settings and
the shapes of its parameters, buffers and input, which is one tensor but for attention.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn.modules import module as hooks_of_all

from flop_harness.trace import attention, functions
from flop_harness.trace.signatures import signed
from flop_harness.trace.tensors import PLAIN

CLASSES = (
    nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear,
    nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.LayerNorm, nn.GroupNorm,
    nn.ReLU, nn.ReLU6, nn.GELU, nn.SiLU, nn.Hardswish, nn.Hardsigmoid, nn.Sigmoid, nn.Tanh,
    nn.LeakyReLU, nn.ELU, nn.Softmax, nn.Dropout, nn.Dropout2d, nn.Identity,
    nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d,
)  # fmt: skip
LAYERS = frozenset({*CLASSES, nn.MultiheadAttention})


@cache
def settings_of(kind: type) -> Callable[[Any], Any]:
    """What torch itself takes for the settings of a layer, and whether it is training."""
    return attrgetter("training", *getattr(kind, "__constants__", ()))


class Look(NamedTuple):
    """A hashable stand-in for a layer's pass, and the tensors that it is told from."""

    key: Any
    tensors: list[torch.Tensor | None]


def look(layer: nn.Module, args: tuple, kwargs: dict) -> Look | None:
    """What a layer's pass follows from; None where that cannot be told from its looks."""
    if is_watched(layer) or holds_tensors_beside(layer):
        return None
    if torch._C._is_any_autocast_enabled() or torch._C._len_torch_function_stack():
        return None  # functions do more than they do by themselves
    if is_replaced(layer):
        return None  # the model has put a function of its own in the place of torch's
    if torch._C._functorch.peek_interpreter_stack() is not None:
        return None  # a tensor may stand for many
    kind = type(layer)
    try:
        told = told_by(layer, args, kwargs)
        if told is None:
            return None
        tensors, settings = told
        looks = [None if tensor is None else kinded(tensor) for tensor in tensors]
        key = (
            kind,
            kind.forward,
            settings,
            torch.is_grad_enabled(),
            functions.generation(),
            *looks,
        )
        hash(key)
    except (
        AttributeError,
        TypeError,
        RuntimeError,
    ):  # one is gone, in a list, sparse, or still lazy
        return None
    return Look(key, tensors)


def told_by(layer: Any, args: tuple, kwargs: dict) -> tuple[list, Any] | None:
    """(tensors, settings) that a layer's pass follows from; None where they are not all."""
    kind: type = type(layer)
    if kind is nn.MultiheadAttention:
        return attention.told_by(layer, args, kwargs)
    if kwargs or len(args) != 1 or type(args[0]) not in PLAIN:
        return None
    if layer.training and layer._buffers:
        return None  # its statistics change
    held = [args[0], *layer._parameters.values(), *layer._buffers.values()]
    return held, settings_of(kind)(layer)


def kinded(tensor: torch.Tensor) -> tuple:
    if type(tensor) not in PLAIN:
        raise TypeError("a tensor of a class of its own may do anything")
    return signed(tensor)  # type: ignore[no-any-return]


FUNCTIONS_OF = {
    **{name: (function,) for name, function in {
        "Conv1d": "conv1d", "Conv2d": "conv2d", "Conv3d": "conv3d", "Linear": "linear",
        "BatchNorm1d": "batch_norm", "BatchNorm2d": "batch_norm", "BatchNorm3d": "batch_norm",
        "LayerNorm": "layer_norm", "GroupNorm": "group_norm", "ReLU": "relu", "ReLU6": "relu6",
        "GELU": "gelu", "SiLU": "silu", "Hardswish": "hardswish", "Hardsigmoid": "hardsigmoid",
        "LeakyReLU": "leaky_relu", "ELU": "elu", "Softmax": "softmax", "Dropout": "dropout",
        "Dropout2d": "dropout2d", "MaxPool2d": "max_pool2d", "AvgPool2d": "avg_pool2d",
        "AdaptiveAvgPool2d": "adaptive_avg_pool2d",
    }.items()},
    "MultiheadAttention": ("multi_head_attention_forward", "linear", "scaled_dot_product_attention"),
}  # fmt: skip
"""The functions that a layer is, as it looks them up in torch.nn.functional"""


def is_replaced(layer: nn.Module) -> bool:
    """Whether a function of the layer's is none that is watched."""
    found = vars(nn.functional)
    return any(
        type(found.get(name)) is not functions.StandIn
        for name in FUNCTIONS_OF.get(type(layer).__name__, ())
    )


def is_watched(layer: nn.Module) -> bool:
    """Whether anything else happens when the layer is called."""
    return bool(
        layer._forward_hooks
        or layer._forward_pre_hooks
        or hooks_of_all._global_forward_hooks
        or hooks_of_all._global_forward_pre_hooks
        or "forward" in vars(layer)
    )


def is_watched_back(layer: nn.Module) -> bool:
    """Whether anything else happens when gradients come back to the layer."""
    return bool(
        layer._backward_hooks
        or layer._backward_pre_hooks
        or hooks_of_all._global_backward_hooks
        or hooks_of_all._global_backward_pre_hooks
    )


TENSORS = frozenset(
    """weight bias running_mean running_var num_batches_tracked in_proj_weight in_proj_bias
    q_proj_weight k_proj_weight v_proj_weight""".split()
)


def holds_tensors_beside(layer: nn.Module) -> bool:
    """Whether a weight lies where no parameters and no buffers do: it was made elsewhere."""
    return not TENSORS.isdisjoint(vars(layer))
