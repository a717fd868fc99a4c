"""Small decoders of four kinds, asked for a prompt (prefill) or for one more token (decode).

Architectures as published: GPT-2 (Radford et al. 2019), Llama 3 with grouped queries (Dubey et al. 2024),
GPT-J's parallel blocks (Wang and Komatsuzaki 2021) with multi-query attention (Shazeer 2019), and
Mixtral's two experts of eight (Jiang et al. 2024). Sizes are small enough to be timed on a CPU; weights
are random.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

VOCABULARY = 8192
POSITIONS = 4096
HEAD = 64
EXPERTS, CHOSEN = 8, 2

Cache = tuple[Tensor, Tensor]


class Attention(nn.Module):
    """Causal attention of ``width // 64`` heads, sharing ``groups`` heads of keys and values."""

    def __init__(self, width: int, groups: int) -> None:
        super().__init__()
        self.heads, self.groups = width // HEAD, groups
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, groups * HEAD, bias=False)
        self.value = nn.Linear(width, groups * HEAD, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor, cache: Cache | None) -> Tensor:
        query = self.split(self.query(x), self.heads)
        key, value = (self.split(each(x), self.groups) for each in (self.key, self.value))
        if cache is not None:
            key, value = (torch.cat(pair, 2) for pair in zip(cache, (key, value), strict=True))
        shared = self.heads // self.groups
        key, value = (each.repeat_interleave(shared, 1) for each in (key, value))
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=cache is None)
        return self.out(mixed.transpose(1, 2).flatten(2))

    def split(self, x: Tensor, heads: int) -> Tensor:
        return x.unflatten(2, (heads, HEAD)).transpose(1, 2)


class Gelu(nn.Sequential):
    """Two matrices, four times as wide between them."""

    def __init__(self, width: int) -> None:
        super().__init__(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))


class Gated(nn.Module):
    """Three matrices, 8/3 times as wide between them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        inner = 8 * width // 3
        self.gate = nn.Linear(width, inner, bias=False)
        self.up = nn.Linear(width, inner, bias=False)
        self.down = nn.Linear(inner, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.silu(self.gate(x)) * self.up(x))


class Experts(nn.Module):
    """Every token goes through two gated experts of eight, in turn, so that shapes tell the work."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.router = nn.Linear(width, EXPERTS, bias=False)
        self.experts = nn.ModuleList(Gated(width) for _ in range(EXPERTS))

    def forward(self, x: Tensor) -> Tensor:
        weight = self.router(x).softmax(-1)
        parts = x.flatten(0, 1).tensor_split(min(EXPERTS, x.shape[1]))
        mixed = [
            self.experts[place](part) + self.experts[(place + 1) % EXPERTS](part)
            for place, part in enumerate(parts)
        ]
        return torch.cat(mixed).view_as(x) * weight.amax(-1, keepdim=True)


class Block(nn.Module):
    """Norm, attention, norm, feed-forward; or both beside each other after one norm."""

    def __init__(self, width: int, norm: type, groups: int, inner: type, parallel: bool) -> None:
        super().__init__()
        self.parallel = parallel
        self.before = norm(width)
        self.attention = Attention(width, groups)
        self.between = nn.Identity() if parallel else norm(width)
        self.inner = inner(width)

    def forward(self, x: Tensor, cache: Cache | None) -> Tensor:
        if self.parallel:
            normed = self.before(x)
            return x + self.attention(normed, cache) + self.inner(normed)
        x = x + self.attention(self.before(x), cache)
        return x + self.inner(self.between(x))


class Decoder(nn.Module):
    """Token ids (1, T) and a cache of keys and values for each layer -> logits of the last token."""

    norm: type = nn.RMSNorm
    inner: type = Gated
    parallel = False

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(VOCABULARY, width)
        self.positions = nn.Embedding(POSITIONS, width)
        self.blocks = nn.ModuleList(
            Block(width, self.norm, self.groups(width), self.inner, self.parallel)
            for _ in range(layers)
        )
        self.last = self.norm(width)
        self.head = nn.Linear(width, VOCABULARY, bias=False)

    def groups(self, width: int) -> int:
        """Heads of keys and values."""
        return width // HEAD

    def forward(self, ids: Tensor, places: Tensor, caches: list[Cache] | None = None) -> Tensor:
        x = self.tokens(ids) + self.positions(places)
        for place, block in enumerate(self.blocks):
            x = block(x, caches[place] if caches else None)
        return self.head(self.last(x[:, -1]))


class Gpt2(Decoder):
    norm, inner = nn.LayerNorm, Gelu


class Llama(Decoder):
    def groups(self, width: int) -> int:
        return max(1, width // HEAD // 4)


class GptJ(Decoder):
    norm, inner, parallel = nn.LayerNorm, Gelu, True

    def groups(self, width: int) -> int:
        return 1


class Mixtral(Decoder):
    inner = Experts


KINDS = {"gpt2": Gpt2, "llama": Llama, "gptj": GptJ, "mixtral": Mixtral}


def prefill(kind: str, width: int, layers: int, length: int) -> tuple[nn.Module, tuple]:
    """A prompt of ``length`` tokens, nothing cached."""
    model = KINDS[kind](width, layers)
    ids = torch.arange(length).remainder(VOCABULARY)[None]
    return model, (ids, torch.arange(length)[None])


def decode(kind: str, width: int, layers: int, cached: int) -> tuple[nn.Module, tuple]:
    """One more token after ``cached`` of them."""
    model = KINDS[kind](width, layers)
    shape = (1, model.groups(width), cached, HEAD)
    caches = [(torch.ones(shape), torch.ones(shape)) for _ in range(layers)]
    return model, (torch.ones(1, 1, dtype=torch.long), torch.full((1, 1), cached), caches)
