"""A copy of a module that shares its parameters: what a forward pass leaves behind stays on it."""

from __future__ import annotations

import copy
from itertools import chain

from torch import nn


def shadow(module: nn.Module) -> nn.Module:
    """Copy the structure of ``module``; tensors are shared, not copied."""
    tensors = chain(module.parameters(), module.buffers())
    return copy.deepcopy(module, {id(tensor): tensor for tensor in tensors})
