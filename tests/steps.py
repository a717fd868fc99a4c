"""Models of which a training step is compared, each with its inputs."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

N = 3


class Branches(nn.Module):
    """Grouped, transposed, recurrent, attention; two outputs."""

    def __init__(self):
        super().__init__()
        self.grouped = nn.Conv2d(8, 16, 3, padding=1, groups=4)
        self.transposed = nn.ConvTranspose2d(16, 8, 2, stride=2, groups=2)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.recurrent = nn.LSTM(8, 5, batch_first=True)
        self.head = nn.Linear(5, 3)

    def forward(self, x):
        y = self.transposed(self.grouped(x)).flatten(2).transpose(1, 2)
        y = self.attention(y, y, y, need_weights=False)[0]
        return self.head(self.recurrent(y)[0]), y


class Checkpointed(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4), nn.Tanh())

    def forward(self, x):
        return checkpoint(self.block, x, use_reentrant=False)


class WrittenByHalves(nn.Module):
    """A layer's output written into views of a buffer that has no gradient of its own."""

    def __init__(self, view):
        super().__init__()
        self.layer = nn.Linear(4, 6, bias=False)
        self.view = view

    def forward(self, x):
        y = self.layer(x)
        buffer = y.new_zeros(y.shape)
        for half in (slice(0, 3), slice(3, 6)):
            self.view(buffer, half).copy_(y[:, half])
        return buffer @ y.T


class LooksAtMask(nn.Module):
    """Attention that asks whether anything is masked at all, as those of transformers do."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(8, 8)

    def forward(self, x, mask):
        y = self.layer(x)
        seen = None if mask.all() else mask
        return nn.functional.scaled_dot_product_attention(y, y, y, seen)


def linear():
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2)), (torch.ones(N, 4),)


def batch_norm():
    return nn.Sequential(nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4)), (torch.ones(N, 4, 5, 5),)


def grouped():
    return nn.Conv2d(8, 12, 3, groups=4), (torch.ones(N, 8, 6, 6),)


def grouped_inside():
    layers = nn.Conv2d(4, 8, 1), nn.Conv2d(8, 12, 3, groups=4)
    return nn.Sequential(*layers), (torch.ones(N, 4, 6, 6),)


def grouped_and_frozen():
    depthwise = nn.Conv2d(8, 8, 3, groups=8).requires_grad_(False)
    return nn.Sequential(nn.Conv2d(4, 8, 1), depthwise), (torch.ones(N, 4, 6, 6),)


def transposed_grouped():
    layers = nn.Conv1d(4, 8, 1), nn.ConvTranspose1d(8, 6, 3, groups=2)
    return nn.Sequential(*layers), (torch.ones(N, 4, 6),)


def normalised():
    return nn.Sequential(nn.Linear(4, 4), nn.GELU(), nn.LayerNorm(4)), (torch.ones(N, 4),)


def encoder():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0.0)
    return layer, (torch.ones(N, 5, 8),)


def encoder_with_dropout():
    return nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), (torch.ones(N, 5, 8),)


def branches():
    return Branches(), (torch.ones(N, 8, 4, 4),)


def checkpointed():
    return nn.Sequential(nn.Linear(4, 4), Checkpointed()), (torch.ones(N, 4),)


def written_by_halves():
    return WrittenByHalves(lambda buffer, half: buffer[:, half]), (torch.ones(N, 4),)


def looks_at_mask():
    return LooksAtMask(), (torch.ones(1, 2, N, 8), torch.ones(N, N, dtype=torch.bool))


STEPS = (
    "linear", "batch_norm", "grouped", "grouped_inside", "grouped_and_frozen",
    "transposed_grouped", "normalised", "encoder", "encoder_with_dropout", "branches",
    "checkpointed", "written_by_halves",
)  # fmt: skip
