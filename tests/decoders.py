"""Decoders and encoders written out: what formulas are asked about, by their products."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention, silu
from torch.utils.checkpoint import checkpoint


class Attention(nn.Module):
    """Heads that share keys and values in groups, and see their past alone."""

    def __init__(self, width: int, heads: int, groups: int, size: int, bias: bool) -> None:
        super().__init__()
        self.heads, self.groups, self.size = heads, groups, size
        self.q = nn.Linear(width, heads * size, bias=bias)
        self.k = nn.Linear(width, groups * size, bias=bias)
        self.v = nn.Linear(width, groups * size, bias=bias)
        self.o = nn.Linear(heads * size, width, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, length, _ = x.shape
        q, k, v = (
            part(x).view(batch, length, -1, self.size).transpose(1, 2)
            for part in (self.q, self.k, self.v)
        )
        y = scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        return self.o(y.transpose(1, 2).reshape(batch, length, -1))


class MLP(nn.Module):
    def __init__(self, width: int, inner: int, gated: bool, bias: bool) -> None:
        super().__init__()
        self.gate = nn.Linear(width, inner, bias=bias) if gated else None
        self.up = nn.Linear(width, inner, bias=bias)
        self.down = nn.Linear(inner, width, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.gate is None:
            return self.down(silu(self.up(x)))
        return self.down(silu(self.gate(x)) * self.up(x))


class Layer(nn.Module):
    def __init__(self, width, heads, groups, size, inner, gated, bias, norm) -> None:
        super().__init__()
        self.before, self.between = norm(width), norm(width)
        self.attention = Attention(width, heads, groups, size, bias)
        self.mlp = MLP(width, inner, gated, bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attention(self.before(x))
        return x + self.mlp(self.between(x))


class Decoder(nn.Module):
    """As GPT-2 (learned positions, biases, a tied head) or, without those, as Llama."""

    def __init__(
        self, layers=2, width=12, heads=3, groups=None, size=None, inner=48, vocabulary=50,
        positions=0, gated=False, bias=False, tied=False, checkpointed=False, norm=nn.RMSNorm,
    ) -> None:  # fmt: skip
        super().__init__()
        groups, size = groups or heads, size or width // heads
        self.tokens = nn.Embedding(vocabulary, width)
        self.places = nn.Embedding(positions, width) if positions else None
        self.layers = nn.ModuleList(
            Layer(width, heads, groups, size, inner, gated, bias, norm) for _ in range(layers)
        )
        self.norm = norm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)
        self.checkpointed = checkpointed
        if tied:
            self.head.weight = self.tokens.weight

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.tokens(ids)
        if self.places is not None:
            x = x + self.places(torch.arange(ids.shape[1], device=ids.device))
        for layer in self.layers:
            x = checkpoint(layer, x, use_reentrant=False) if self.checkpointed else layer(x)
        return self.head(self.norm(x))


def gpt(**more) -> Decoder:
    return Decoder(positions=16, bias=True, tied=True, norm=nn.LayerNorm, **more)


def llama(**more) -> Decoder:
    return Decoder(heads=6, groups=2, size=4, inner=20, gated=True, **more)


def large() -> Decoder:
    """As a Llama of 70 billion parameters, on meta."""
    with torch.device("meta"):
        return Decoder(80, 8192, 64, 8, 128, 28672, 128256, gated=True)
