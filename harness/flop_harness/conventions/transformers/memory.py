"""Bytes that a transformer takes: weights, cache, optimizer, activations."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from flop_harness.conventions.transformers import coverage as asks
from flop_harness.conventions.transformers import parameters as weights
from flop_harness.records.transformer import Transformer
from flop_harness.records.utilisation import Held

BYTES = {
    "fp32": Fraction(4), "bf16": Fraction(2), "fp16": Fraction(2), "fp8": Fraction(1),
    "int8": Fraction(1), "fp4": Fraction(1, 2), "int4": Fraction(1, 2),
}  # fmt: skip

OPTIMIZERS = {
    "sgd": (0, "no state"),
    "momentum": (4, "one moment in fp32"),
    "adam": (8, "two moments in fp32"),
}
"""Bytes of state for each parameter."""


def cache_elements(shape: Transformer, length: int) -> int:
    """Elements of keys and values that one sequence of this length keeps, all layers together."""
    if shape.latent is not None:
        return shape.layers * length * (shape.latent.kv_rank + shape.latent.rotary)
    apart = shape.windowed * min(length, shape.window) if shape.window else 0
    kept = apart + (shape.layers - shape.windowed) * length
    return 2 * shape.kv_width * kept


def touched(shape: Transformer, tokens: int) -> int:
    """Weights that a pass over so many tokens reads at most: experts up to all there are."""
    experts = shape.experts
    lookup = 0 if shape.tied else shape.vocabulary * shape.width
    read = weights.count(shape) - lookup
    if experts is None:
        return read
    met = min(experts.routed, tokens * experts.active)
    each = shape.mlp_matrices * shape.width * experts.width
    return read - shape.expert_layers * (experts.routed - met) * each


def held(
    shape: Transformer, length: int, batch: int, dtype: str, optimizer: str = "adam"
) -> Iterator[Held]:
    """What is in memory, each with how it is reckoned."""
    size, parameters = BYTES[dtype], weights.count(shape)
    state, told = OPTIMIZERS[optimizer]
    yield Held("weights", parameters * size, f"{dtype}, {float(size):g} bytes each")
    yield Held("cache of keys and values", batch * cache_elements(shape, length) * size,
               f"{batch} x {length:,} tokens in {dtype}")  # fmt: skip
    yield Held("gradients", parameters * size, f"{dtype}")
    if size < 4:
        yield Held("master weights", Fraction(4 * parameters), "fp32")
    yield Held(f"optimizer ({optimizer})", Fraction(state * parameters), told)
    yield from activations(shape, length, batch)


def activations(shape: Transformer, length: int, batch: int) -> Iterator[Held]:
    """What a GPT's training step keeps for the backward pass, in 16 bits.

    Korthikanti et al. 2022, arXiv:2205.05198, equations 1, 2 and 6: s b h L (34 + 5 a s / h), without
    the part that depends on attention, and inputs of the layers alone.
    """
    outside = next(filter(None, (ask(shape) for ask in GPT_BLOCK)), "")
    layers = length * batch * shape.width * shape.layers
    scores = 5 * shape.heads * length**2 * batch * shape.layers
    for what, kept in (
        ("activations", 34 * layers + scores),
        ("activations, attention recomputed", 34 * layers),
        ("activations, layers recomputed", 2 * layers),
    ):
        how = f"{batch} x {length:,} tokens, arXiv:2205.05198"
        yield Held(what, None if outside else Fraction(kept), how, outside)


GPT_BLOCK = (asks.two_matrices, asks.four_wide, asks.own_keys, asks.square, asks.no_experts)
