"""Formulas in the code of training frameworks, dated by commit."""

from __future__ import annotations

from fractions import Fraction

from flop_harness.conventions.transformers import coverage as asks
from flop_harness.conventions.transformers import parameters as weights
from flop_harness.conventions.transformers import switches as sw
from flop_harness.conventions.transformers.formula import Formula, Symbols
from flop_harness.conventions.transformers.forward import seen
from flop_harness.conventions.transformers.papers import (
    ABSOLUTE,
    IN_H,
    korthikanti,
    megatron,
    palm,
)

COMPRESSED_NORMS = sw.Switch(
    "norms", "norms of compressed vectors",
    lambda s, t, _: 2 * s.layers * (s.latent.query_rank + s.latent.kv_rank) if s.latent else 0,
)  # fmt: skip


# --------------------------------------------------------------------------------- Megatron-LM


def megatron_2023(s: Symbols) -> Fraction:
    inner = 1 + Fraction(s.kv, 5 * s.H) + Fraction(s.T, 5 * s.h) + Fraction(s.V, 10 * s.L * s.h)
    return 60 * s.L * s.h**2 * inner


def megatron_products(s: Symbols) -> int:
    """Attention, MLPs and logits; norms of compressed vectors, no router."""
    latent = s.shape.latent
    extra = latent.query_rank + latent.kv_rank if latent else 0
    return 6 * (s.L * (s.attention + extra) + s.ffn(s.m)) + 6 * s.h * s.V


def megatron_full(s: Symbols) -> int:
    return megatron_products(s) + 6 * s.L * s.pair * s.T


def megatron_half(s: Symbols) -> int:
    return megatron_products(s) + 3 * s.L * s.pair * s.T


def megatron_deepspeed(s: Symbols) -> int:
    groups = s.H // s.kv
    macs = s.L * (1 + 2 // groups + 1) * s.h**2 + s.L * 2 * (s.h // s.H) * s.H * s.T
    return 6 * (macs + s.ffn(s.m) + s.V * s.h)


MEGATRON = "NVIDIA/Megatron-LM megatron/training/training.py, num_floating_point_operations"
FILLED = "vocabulary filled up to a multiple of 128"
GENERAL = (sw.NO_GATE, sw.NO_ROUTER, sw.NO_RELATIVE, COMPRESSED_NORMS)
MEGATRONS = (
    Formula("megatron-2023", "60 L h^2 (1 + kv / 5 H + T / 5 h + V / 10 L h)",
            f"{MEGATRON} @2748e7c7d4", megatron_2023, (*sw.GROUPED_SQUARE, *ABSOLUTE),
            covers=(asks.square, asks.no_experts, asks.plain_positions),
            project="Megatron-LM", date="2023-11", commit="2748e7c7d4"),
    Formula("megatron-2025-02", "each product, full attention", f"{MEGATRON} @8873b55d^",
            megatron_full, GENERAL, covers=(asks.plain_positions,), latent=True,
            project="Megatron-LM", date="to 2025-03", commit="8873b55d^"),
    Formula("megatron-2026", "each product, half of the square", f"{MEGATRON} @d98e8a64",
            megatron_half, (*GENERAL, sw.CAUSAL_HALF),
            covers=(asks.plain_positions, asks.decoder), latent=True,
            project="Megatron-LM", date="since 2025-03", commit="d98e8a64"),
    Formula("megatron-deepspeed", "6 MACs, keys and values by integer division",
            "deepspeedai/Megatron-DeepSpeed megatron/utils.py:270 @4efb479d", megatron_deepspeed,
            (*sw.INTEGER_GROUPS, sw.NO_ROUTER, sw.NO_RELATIVE),
            covers=(asks.square, asks.plain_positions)),
)  # fmt: skip


# ----------------------------------------------------------------------------- Megatron-Bridge


def bridge_products(s: Symbols, matrices: int) -> int:
    """Megatron-LM's, further tokens and their three norms, the vocabulary filled up."""
    filled = -(-s.V // 128) * 128
    further = s.shape.predictions
    norms = 3 * further * s.h
    fill = (1 + further) * s.h * (filled - s.V)
    gate = s.ffn(matrices) - s.ffn(s.m)
    return megatron_products(s) + 6 * (s.predicted + norms + fill + gate)


def bridge_2025(s: Symbols) -> int:
    matrices = 2 if s.shape.family in OTHER_GATES else s.m
    return bridge_products(s, matrices) + 3 * s.L * s.pair * s.T


def bridge_2026(s: Symbols) -> Fraction:
    reach = min(s.shape.window, s.T)
    keys = s.shape.windowed * Fraction(reach, 2) + (s.L - s.shape.windowed) * Fraction(s.T, 2)
    return bridge_products(s, s.m) + 6 * s.pair * keys


def bridge_now(s: Symbols) -> Fraction:
    apart = s.shape.windowed * seen(s.T, s.shape.window) if s.shape.windowed else 0
    keys = apart + (s.L - s.shape.windowed) * Fraction(s.T, 2)
    return bridge_products(s, s.m) + 6 * s.pair * keys


BRIDGE = "NVIDIA-NeMo/Megatron-Bridge src/megatron/bridge/training/utils/flop_utils.py"
OTHER_GATES = ("gpt-oss", "gemma", "gemma2", "gemma3")
"""Families whose MLP is gated by another function than SiLU."""
PREDICTION_NORMS = sw.Switch(
    "norms", "norms of predictions", lambda s, t, so_far: so_far + 6 * s.predictions * s.width
)
UNGATED = sw.Switch(
    "mlp", "a gate other than SiLU is left out",
    lambda s, t, so_far: so_far * 2 / s.mlp_matrices if s.family in OTHER_GATES else so_far,
)  # fmt: skip
IN_BRIDGE = (*GENERAL, PREDICTION_NORMS, sw.Switch("logits", FILLED, sw.padded(128)))
BRIDGES = (
    Formula("megatron-bridge-2025", "each product, half of the square; gates of SiLU alone", BRIDGE,
            bridge_2025, (*IN_BRIDGE, UNGATED, sw.CAUSAL_HALF),
            covers=(asks.plain_positions, asks.decoder), latent=True, predicts=True,
            project="Megatron-Bridge", date="to 2026-05", commit="NeMo container 26.04"),
    Formula("megatron-bridge-2026", "each product, half of the square, half of a window", BRIDGE,
            bridge_2026, (*IN_BRIDGE, sw.HALF_WINDOWS),
            covers=(asks.plain_positions, asks.decoder), latent=True, predicts=True,
            project="Megatron-Bridge", date="2026-06", commit="NeMo container 26.06"),
    Formula("megatron-bridge", "each product, half of the square, the pairs of a window",
            f"{BRIDGE} @a5b3b5a4", bridge_now, (*IN_BRIDGE, sw.HALF_AND_PAIRS),
            covers=(asks.plain_positions, asks.decoder), latent=True, predicts=True,
            project="Megatron-Bridge", date="later", commit="a5b3b5a4"),
)  # fmt: skip


# ----------------------------------------------------------------------------- GPT-NeoX and GPTs


def neox(s: Symbols) -> Fraction:
    inner = 1 + Fraction(s.T, 6 * s.h) + Fraction(s.V, 16 * s.L * s.h)
    return 72 * s.L * s.h**2 * inner


def nanogpt(s: Symbols) -> int:
    learned = weights.positions(s.shape)
    return 6 * (s.N_all - learned) + 12 * s.L * s.H * s.Q * s.T


def llm_c(s: Symbols) -> int:
    filled = -(-s.V // 128) * 128
    parameters = s.N_all + (filled - s.V) * s.h * (1 if s.shape.tied else 2)
    return 6 * parameters + 6 * s.L * s.h * s.T


NEOX = "EleutherAI/gpt-neox megatron/logging.py"
NANOGPT = "karpathy/nanoGPT"
IN_NEOX = (asks.own_keys, asks.square, asks.no_experts, asks.plain_positions)
IN_GPT2 = (asks.tied, asks.learned_positions, asks.decoder, *IN_H)
GPTS = (
    Formula("neox-018b8a9e", "24 x 4 L h^2 (1 + T / 6 h + V / 16 L h)", f"{NEOX} @018b8a9e", megatron,
            (*sw.SQUARE, *ABSOLUTE), (sw.RECOMPUTED,), "hardware", IN_NEOX,
            project="GPT-NeoX", date="earlier", commit="018b8a9e"),
    Formula("neox-mfu", "72 L h^2 (1 + T / 6 h + V / 16 L h)", f"{NEOX}:163 @ea7aefd8", neox,
            (*sw.SQUARE, *ABSOLUTE), (sw.THREE_QUARTERS,), covers=IN_NEOX,
            project="GPT-NeoX", date="later", commit="ea7aefd8"),
    Formula("neox-hfu", "96 L h^2 (1 + T / 6 h + V / 16 L h)", f"{NEOX}:83 @ea7aefd8", megatron,
            (*sw.SQUARE, *ABSOLUTE), (sw.RECOMPUTED,), "hardware", IN_NEOX,
            project="GPT-NeoX", date="later", commit="ea7aefd8"),
    Formula("nanogpt-mfu", "6 N + 12 L H Q T, N without positions", f"{NANOGPT} model.py:289 "
            "@3adf61e1", nanogpt, (sw.UNTIED_EMBEDDING, *sw.SMALL, sw.ALL_EXPERTS),
            covers=IN_GPT2),
    Formula("nanogpt-sizing", "each product of a GPT", f"{NANOGPT} transformer_sizing.ipynb "
            "@3adf61e1", korthikanti, (*sw.SQUARE, *ABSOLUTE), covers=IN_GPT2),
    Formula("llm.c", "6 N + 6 L h T, the vocabulary filled up", "karpathy/llm.c train_gpt2.cu:1126 "
            "@f1e2ace6", llm_c,
            (*sw.ALL_PARAMETERS, sw.Switch("embedding", FILLED, sw.padded(128)),
             sw.Switch("logits", FILLED, sw.padded(128)), sw.ALL_EXPERTS, sw.SQUARE[2],
             sw.CAUSAL_HALF), covers=(asks.family("gpt2"),)),
)  # fmt: skip


# ------------------------------------------------------------------------------ parameter counts


def torchtitan(s: Symbols) -> Fraction:
    lookup = 0 if s.shape.tied else s.V * s.h
    reach = min(s.shape.window, s.T) if s.shape.window else s.T
    keys = s.shape.windowed * reach + (s.L - s.shape.windowed) * s.T
    return Fraction(6 * (s.N_act - lookup) + 6 * s.pair * keys)


def everything(s: Symbols) -> int:
    return 6 * s.N_all + 12 * s.L * s.H * s.Q * s.T


TITAN = "pytorch/torchtitan torchtitan/models/utils.py"
COUNTS = (
    Formula("torchtitan-2024-03", "6 N + 12 L H Q T, N all parameters", "pytorch/torchtitan "
            "@e5d1b8915", everything, (*sw.ALL_PARAMETERS, sw.ALL_EXPERTS),
            project="torchtitan", date="2024-03", commit="e5d1b8915"),
    Formula("torchtitan", "6 (N - embedding) + 12 L H Q T, N active", f"{TITAN}:412,462 @b5bcd76c",
            torchtitan, (sw.POSITIONS, *sw.SMALL, sw.WINDOWS), latent=True,
            project="torchtitan", date="later", commit="b5bcd76c"),
    Formula("llm-foundry", "3 (2 N + 4 L d T), N active", "mosaicml/llm-foundry "
            "llmfoundry/models/mpt/modeling_mpt.py:1588 @8c8dd48f", palm, sw.ALL_PARAMETERS),
    Formula("llm-foundry-hfu", "4 (2 N + 4 L d T), N active: everything recomputed",
            "mosaicml/llm-foundry scripts/train/benchmarking/README.md @8c8dd48f",
            lambda s: Fraction(4, 3) * palm(s), sw.ALL_PARAMETERS, (sw.RECOMPUTED_ALL,),
            "hardware"),
    Formula("litgpt", "3 (2 N + 4 L d T), N all parameters", "Lightning-AI/litgpt "
            "litgpt/utils.py:449 @26857050", everything, (*sw.ALL_PARAMETERS, sw.ALL_EXPERTS)),
)  # fmt: skip

FORMULAS = (*MEGATRONS, *BRIDGES, *GPTS, *COUNTS)
