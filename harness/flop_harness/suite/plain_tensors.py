"""Plain tensors in the place of those that a pass cannot be watched on: fake ones, and those of inference mode."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn


def is_fake(tensor: torch.Tensor) -> bool:
    """Whether it is one of ``FakeTensorMode``, which has a shape and no values."""
    return type(tensor).__name__ == "FakeTensor"


def is_plain(tensor: torch.Tensor) -> bool:
    from torch.nn.parameter import is_lazy

    return bool(is_lazy(tensor)) or not (is_fake(tensor) or tensor.is_inference())


def plain(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor itself; in the place of a fake one another on meta, of one of inference mode a copy."""
    import torch

    if is_plain(tensor):
        return tensor
    with torch.no_grad(), torch.inference_mode(False):
        if is_fake(tensor):
            shape, strides = tuple(tensor.shape), tensor.stride()
            made = torch.empty_strided(shape, strides, dtype=tensor.dtype, device="meta")
        else:
            made = tensor.clone()
    if isinstance(tensor, torch.nn.Parameter):
        return torch.nn.Parameter(made, requires_grad=tensor.requires_grad)
    return made.requires_grad_(tensor.requires_grad)


def make_plain(module: nn.Module) -> None:
    """Exchange the parameters and buffers of a model that are not plain; what is shared stays shared."""
    made: dict[int, torch.Tensor] = {}
    for part in module.modules():
        for held in (part._parameters, part._buffers):
            for name, tensor in held.items():
                if tensor is not None and not is_plain(tensor):
                    held[name] = made.setdefault(id(tensor), plain(tensor))  # type: ignore[assignment]


def all_plain(module: nn.Module, values: Any) -> bool:
    """Whether all tensors of a model and its inputs are plain, and the inputs have no history."""
    import torch
    from torch.utils._pytree import tree_leaves

    given = [each for each in tree_leaves(values) if isinstance(each, torch.Tensor)]
    held = chain(module.parameters(), module.buffers(), given)
    return all(map(is_plain, held)) and all(each.is_leaf for each in given)
