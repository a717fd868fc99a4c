"""What a pass of torch's own module of attention follows from, beside its parameters.

Only the plain one is told: self-attention or not, in eval mode, without masks, added keys or weights
that are asked for. It is many operators, and most of them views that are never remembered themselves.
"""

from __future__ import annotations

from operator import attrgetter, itemgetter
from types import NoneType

import torch
from torch import nn
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear

SETTINGS = attrgetter("embed_dim", "num_heads", "head_dim", "batch_first", "kdim", "vdim")
INNER = itemgetter("_in_projection_packed", "_canonical_mask", "_mha_shape_check", "_none_or_dtype")
"""Functions inside that nobody watches"""
SWITCHES = (
    torch.backends.mha.get_fastpath_enabled,
    torch.are_deterministic_algorithms_enabled,
    torch.backends.cuda.flash_sdp_enabled,
    torch.backends.cuda.mem_efficient_sdp_enabled,
    torch.backends.cuda.math_sdp_enabled,
    torch.backends.cuda.cudnn_sdp_enabled,
)
"""By which one of several kernels is chosen"""


def told_by(layer: nn.MultiheadAttention, args: tuple, kwargs: dict) -> tuple[list, tuple] | None:
    """(tensors, all else) that a pass follows from; None where that is not known."""
    if len(args) != 3 or kwargs.get("need_weights", True):
        return None
    if not {NoneType, bool}.issuperset(map(type, kwargs.values())):
        return None
    if layer.training or layer.add_zero_attn or not layer._qkv_same_embed_dim:
        return None
    held, out = layer._parameters, layer.out_proj
    if layer.bias_k is not None or type(out) is not NonDynamicallyQuantizableLinear:
        return None
    if "weight" in vars(out) or "bias" in vars(out):
        return None  # made elsewhere
    query, key, value = args
    told = (
        query is key, key is value, query.device.type, *kwargs.items(), *SETTINGS(layer),
        *INNER(vars(nn.functional)), *[switch() for switch in SWITCHES],
    )  # fmt: skip
    return [*args, *held.values(), *out._parameters.values()], told
