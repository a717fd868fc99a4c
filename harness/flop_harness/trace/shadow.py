"""A copy of a module that shares its parameters: what a forward pass leaves behind stays on it."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from torch import nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy


def shadow(module: nn.Module) -> nn.Module:
    """Copy the structure of ``module``; tensors are shared, not copied, unless still lazy."""
    return copy.deepcopy(module, {id(tensor): twin(tensor) for tensor in tensors(module)})


def twin(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor itself; of an uninitialised one, which a pass would fill, another."""
    if not is_lazy(tensor):
        return tensor
    kind = {"device": tensor.device, "dtype": tensor.dtype}
    if isinstance(tensor, nn.Parameter):
        return UninitializedParameter(requires_grad=tensor.requires_grad, **kind)
    return UninitializedBuffer(requires_grad=tensor.requires_grad, **kind)


def tensors(root: nn.Module) -> Iterator[torch.Tensor]:
    """Parameters, buffers and plain attributes (weight norm keeps what it computes as one)."""
    yield from root.parameters()
    yield from root.buffers()
    for module in root.modules():
        for value in vars(module).values():
            if isinstance(value, torch.Tensor):
                yield value
