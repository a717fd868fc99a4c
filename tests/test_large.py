"""A decoder of the published shape of a 405-billion-parameter Llama, counted on meta."""

from __future__ import annotations

import time

import torch
import torch.nn.functional as F
from torch import nn

import flop_harness

LAYERS, WIDTH, HEADS, GROUPS, FFN, VOCABULARY, TOKENS = 126, 16_384, 128, 8, 53_248, 128_256, 8_192
HEAD = WIDTH // HEADS


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.before, self.between = nn.RMSNorm(WIDTH), nn.RMSNorm(WIDTH)
        self.query, self.out = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(2))
        self.key, self.value = (nn.Linear(WIDTH, GROUPS * HEAD, bias=False) for _ in range(2))
        self.gate, self.up = (nn.Linear(WIDTH, FFN, bias=False) for _ in range(2))
        self.down = nn.Linear(FFN, WIDTH, bias=False)

    def forward(self, x):
        y = self.before(x)
        q, k, v = (
            part(y).unflatten(-1, (-1, HEAD)).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        x = x + self.out(y.transpose(1, 2).flatten(-2))
        y = self.between(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


def test_a_decoder_of_405_billion_parameters_is_counted_in_seconds():
    with torch.device("meta"):
        blocks = [Block() for _ in range(LAYERS)]
        head = nn.Linear(WIDTH, VOCABULARY, bias=False)
        model = nn.Sequential(nn.Embedding(VOCABULARY, WIDTH), *blocks, nn.RMSNorm(WIDTH), head)
        tokens = torch.zeros(1, TOKENS, dtype=torch.long)
    started = time.perf_counter()
    counted = flop_harness.count(model, tokens)
    assert time.perf_counter() - started < 10
    projections = WIDTH * (2 * WIDTH + 2 * GROUPS * HEAD) + 3 * WIDTH * FFN
    attention = 2 * HEADS * TOKENS * HEAD
    assert counted.macs == TOKENS * (LAYERS * (projections + attention) + WIDTH * VOCABULARY)
    norms = (2 * LAYERS + 1) * WIDTH
    assert counted.params == LAYERS * projections + 2 * WIDTH * VOCABULARY + norms
