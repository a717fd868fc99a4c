"""The reference of a transformer's forward pass: FLOP per token of each product that runs.

One MAC for each multiplication of a product, two FLOP for each MAC; attention on the full square;
logits of every token. The matrix of relative positions is taken to meet each token once.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Literal, TypeAlias

from flop_harness.conventions.transformers import parameters as weights
from flop_harness.records.transformer import Transformer

Part: TypeAlias = Literal[
    "qkv", "output", "scores", "mlp", "router", "relative", "logits",
    "prediction", "embedding", "softmax", "norms", "biases", "positions",
]  # fmt: skip
"""Products of the reference, and what some formulas count besides."""

Charges: TypeAlias = dict[Part, Fraction]


def forward(shape: Transformer, length: int) -> Charges:
    """FLOP per token, by part, of a pass over ``length`` tokens."""
    further, shape = shape.predictions, deeper(shape)
    return {
        "qkv": Fraction(2 * shape.layers * weights.query_key_value(shape)),
        "output": Fraction(2 * shape.layers * weights.output(shape)),
        "scores": Fraction(2 * shape.layers * score_macs(shape) * length),
        "mlp": Fraction(2 * mlp(shape)),
        "router": Fraction(2 * weights.router(shape)),
        "relative": Fraction(2 * shape.layers * weights.relative(shape)),
        "logits": Fraction(2 * (1 + further) * shape.width * shape.vocabulary),
        "prediction": Fraction(2 * further * 2 * shape.width**2),
    }


def deeper(shape: Transformer) -> Transformer:
    """With the layers that predict further tokens among its layers.

    Each takes a token's state and its embedding, 2 h, down to h first: the part ``prediction``.
    """
    return replace(shape, layers=shape.layers + shape.predictions)


def score_macs(shape: Transformer) -> int:
    """MACs of one layer for one query and one key: the score, and the value that it weighs."""
    if shape.latent is None:
        return 2 * shape.query_width
    return shape.heads * (shape.latent.plain + shape.latent.rotary + shape.latent.value)


def mlp(shape: Transformer) -> int:
    """MACs of a token in MLPs and active experts, all layers together."""
    dense = shape.dense_layers * shape.mlp_matrices * shape.width * shape.mlp_width
    if shape.experts is None:
        return dense
    return dense + shape.expert_layers * weights.expert_weights(shape, shape.experts.active)


def seen(length: int, window: int = 0, causal: bool = True) -> Fraction:
    """Keys that a query meets on average: of its past alone, in a window if there is one."""
    reach = min(window, length) if window else length
    if not causal:
        return Fraction(reach)
    return Fraction(reach * (reach + 1) // 2 + (length - reach) * reach, length)
