"""What the models of the stress suite are made of."""

from __future__ import annotations

import types

import torch
from torch import nn


class Functional(nn.Module):
    """A module around a function of itself and its inputs."""

    def __init__(self, function, **parts):
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)
        self.forward = types.MethodType(function, self)


def image(channels: int = 4, size: int = 8, batch: int = 2) -> torch.Tensor:
    return torch.rand(batch, channels, size, size)


def rows(width: int = 6, count: int = 3) -> torch.Tensor:
    return torch.rand(count, width)


def weight(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.rand(*shape))
