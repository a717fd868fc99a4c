"""Formulas that a project writes out product by product, for the models that it trains."""

from __future__ import annotations

from fractions import Fraction

from flop_harness.conventions.transformers import coverage as asks
from flop_harness.conventions.transformers import switches as sw
from flop_harness.conventions.transformers.formula import Formula, Symbols
from flop_harness.conventions.transformers.papers import ABSOLUTE, reference
from flop_harness.records.transformer import Transformer

PLAIN = (sw.NO_ROUTER, sw.NO_RELATIVE)


# ---------------------------------------------------------------------------------------- NeMo

VOCABULARIES = {
    "gpt2": 51200, "gpt3": 51200, "llama": 32000, "llama2": 32000, "llama3": 128256,
    "mixtral": 32000, "bert": 29000,
}  # fmt: skip
"""LLM_VOCAB_SIZE_MAP, nemo/collections/common/parts/perf_metrics_utils.py."""

IN_4H = ("gpt2", "gpt3", "bert")
NEMO_FAMILIES = (*VOCABULARIES, "qwen3-moe")


def nemo(s: Symbols, half: bool) -> Fraction:
    """gpt3, bert; llama2, llama3, mixtral and qwen3 by groups and experts."""
    family = s.shape.family
    causal = Fraction(1, 2) if half and family != "bert" else 1
    vocabulary = VOCABULARIES.get(family, s.V)
    layer = 12 * s.h**2 * (1 + Fraction(s.kv, s.H)) + 12 * s.T * s.h * causal
    mlp = 48 * s.L * s.h**2 if family in IN_4H else 6 * s.ffn(3)
    return s.L * layer + mlp + 6 * s.h * vocabulary


def nemo_mlp(shape: Transformer, length: int, so_far: Fraction) -> Fraction:
    four_h = Fraction(16 * shape.layers * shape.width**2)
    return four_h if shape.family in IN_4H else so_far * 3 / shape.mlp_matrices


def nemo_transformer(s: Symbols) -> Fraction:
    """With experts in half of the layers, and no third matrix."""
    routed = s.shape.experts.active if s.shape.experts else 0
    with_experts = s.L // 2 if routed else 0
    widths = s.ff * (s.L - with_experts) + s.ff * routed * with_experts
    attention = s.L * s.h**2 * (1 + Fraction(s.kv, s.H) + Fraction(s.T, s.h))
    return 12 * (attention + s.h * widths) + 6 * s.h * s.V


def nemo_gpt_oss(s: Symbols) -> Fraction:
    """gpt_oss(): exact causal pairs, in windows too; three matrices for each expert."""
    full = (s.L - s.shape.windowed) * Fraction(s.T + 1, 2)
    reach = min(s.shape.window, s.T)
    banded = s.shape.windowed * Fraction(reach * (reach + 1) // 2 + (s.T - reach) * reach, s.T)
    linear = s.L * s.h * s.Q * (2 * s.H + 2 * s.kv) + s.ffn(3)
    return 6 * (linear + 2 * s.H * s.Q * (full + banded)) + 6 * s.h * s.V


def half_with_experts(shape: Transformer, length: int, so_far: Fraction) -> int:
    routed = shape.experts.active if shape.experts else 0
    with_experts = shape.layers // 2 if routed else 0
    mlps = shape.layers - with_experts + with_experts * routed
    return 4 * shape.width * shape.mlp_width * mlps


def nemo_causal(shape: Transformer, length: int, so_far: Fraction) -> Fraction:
    return so_far if shape.family == "bert" else so_far / 2


NEMO = "NVIDIA/NeMo nemo/utils/flops_formulas.py"
NEMO_SWITCHES = (
    *sw.GROUPED_SQUARE, *PLAIN, sw.Switch("mlp", "an MLP by family", nemo_mlp),
    sw.Switch("logits", "a vocabulary fixed by family", sw.fixed_vocabulary(VOCABULARIES)),
)  # fmt: skip
NEMOS = (
    Formula("nemo-2025-07", "a function for each family, full attention", f"{NEMO} @6251117f4c^",
            lambda s: nemo(s, half=False), NEMO_SWITCHES,
            covers=(asks.family(*NEMO_FAMILIES),), strict=True,
            project="NeMo", date="to 2025-08", commit="6251117f4c^"),
    Formula("nemo", "a function for each family, half of the square", f"{NEMO} @8cfedd72",
            lambda s: nemo(s, half=True),
            (*NEMO_SWITCHES, sw.Switch("scores", "half of the square", nemo_causal)),
            covers=(asks.family(*NEMO_FAMILIES),), strict=True,
            project="NeMo", date="since 2025-08", commit="8cfedd72"),
    Formula("nemo-gpt-oss", "gpt_oss(): exact causal pairs, in windows too", f"{NEMO} @8cfedd72",
            nemo_gpt_oss, (sw.NO_GATE, sw.THREE_MATRICES, *PLAIN, sw.CAUSAL_EXACT),
            covers=(asks.family("gpt-oss"), asks.decoder), strict=True),
    Formula("nemo-transformer", "transformer(): two matrices, experts in half of the layers",
            f"{NEMO} @8cfedd72", nemo_transformer,
            (*sw.GROUPED_SQUARE, *PLAIN,
             sw.Switch("mlp", "two matrices, experts in half of the layers", half_with_experts)),
            covers=(asks.square, asks.plain_positions)),
)  # fmt: skip


# ------------------------------------------------------------------------------- MaxText, Levanter


def maxtext(s: Symbols) -> int:
    return 6 * (s.L * s.attention + s.ffn(s.m) + s.routers) + 6 * s.h * s.V


def maxtext_scores(s: Symbols) -> int:
    reach = min(s.shape.window, s.T) if s.shape.window else s.T
    return 6 * s.pair * (s.shape.windowed * reach + (s.L - s.shape.windowed) * s.T)


def levanter(s: Symbols) -> Fraction:
    layer = 2 * s.h * (s.h + 2 * s.kv * Fraction(s.h, s.H)) + 2 * s.h**2
    attention = 2 * s.T * s.h + 3 * s.T * s.H + 2 * s.T * s.h
    mlp = 2 * s.ffn(s.m) + 2 * s.routers
    return 3 * (s.L * (layer + attention) + mlp + 2 * s.h * s.V)


MAXTEXT = "AI-Hypercomputer/maxtext src/maxtext/utils/maxtext_utils.py"
JAX = (
    Formula("maxtext-2025-06", "each product, full attention", "AI-Hypercomputer/maxtext "
            "@a4c01726^", lambda s: maxtext(s) + maxtext_scores(s),
            (sw.NO_GATE, sw.NO_RELATIVE, sw.NO_SHARED_GATE, sw.WINDOWS),
            covers=(asks.plain_positions,), latent=True,
            project="MaxText", date="to 2025-07", commit="a4c01726^"),
    Formula("maxtext", "each product, half of the square", f"{MAXTEXT}:1149 @e591f30c",
            lambda s: maxtext(s) + Fraction(maxtext_scores(s), 2),
            (sw.NO_GATE, sw.NO_RELATIVE, sw.NO_SHARED_GATE, sw.WINDOWS, sw.CAUSAL_HALF),
            covers=(asks.plain_positions, asks.decoder), latent=True,
            project="MaxText", date="since 2025-07", commit="e591f30c"),
    Formula("levanter", "each product, router and softmax too", "stanford-crfm/levanter "
            "src/levanter/utils/flop_utils.py:10 @9263f81e", levanter,
            (*sw.GROUPED_SQUARE, sw.softmax(3), sw.NO_RELATIVE, sw.NO_SHARED_GATE),
            covers=(asks.square, asks.all_layers_alike, asks.plain_positions)),
)  # fmt: skip


# ------------------------------------------------------------------------------------ calculators


def grouped_layers(s: Symbols, mlp: int) -> Fraction:
    """A forward pass of the layers with heads h wide together, and so many weights of MLPs."""
    layer = 2 * s.h**2 * (1 + Fraction(2 * s.kv, s.H)) + 2 * s.h**2 + 4 * s.T * s.h
    return s.L * layer + 2 * mlp


def cookbook_old(s: Symbols) -> Fraction:
    return 4 * grouped_layers(s, 8 * s.L * s.h**2) + 6 * s.h * s.V


def cookbook(s: Symbols, factor: int) -> Fraction:
    return factor * grouped_layers(s, s.ffn(s.m)) + 4 * s.h + 2 * s.h * s.V


def llm_analysis(s: Symbols) -> Fraction:
    return 3 * (grouped_layers(s, s.L * s.m * s.h * s.ff) + 2 * s.h * s.V)


def nanotron(s: Symbols) -> Fraction:
    return 3 * (grouped_layers(s, s.L * 3 * s.h * s.ff) + 2 * s.h * s.V)


COOKBOOK = "EleutherAI/cookbook calc/calc_transformer_flops.py"
COOKBOOK_SWITCHES = (*sw.GROUPED_SQUARE, *PLAIN, sw.EMBED_4H)
IN_COOKBOOK = (asks.square, asks.no_experts, asks.plain_positions)
CALCULATORS = (
    Formula("cookbook-05c40662", "factor 4 and an MLP of 16 h^2; 6 h V", f"{COOKBOOK} @05c40662",
            cookbook_old, (*sw.GROUPED_SQUARE, *ABSOLUTE), (sw.RECOMPUTED,), "hardware",
            (asks.two_matrices, asks.four_wide, *IN_COOKBOOK),
            project="cookbook", date="before fce1d1c", commit="05c40662"),
    Formula("cookbook-ckpt", "factor 4; logits forward only", f"{COOKBOOK} @827ee3b2",
            lambda s: cookbook(s, 4), COOKBOOK_SWITCHES, (sw.RECOMPUTED, *sw.FORWARD_LOGITS),
            "hardware", IN_COOKBOOK, project="cookbook", date="since fce1d1c", commit="827ee3b2"),
    Formula("cookbook", "factor 3; logits forward only", f"{COOKBOOK} @827ee3b2",
            lambda s: cookbook(s, 3), COOKBOOK_SWITCHES, sw.FORWARD_LOGITS, covers=IN_COOKBOOK,
            project="cookbook", date="since fce1d1c", commit="827ee3b2"),
    Formula("llm-analysis", "each product, no experts", "cli99/llm-analysis "
            "llm_analysis/analysis.py:921 @d841e40a", llm_analysis,
            (*sw.GROUPED_SQUARE, *PLAIN, sw.ONE_MLP), covers=IN_COOKBOOK),
    Formula("nanotron", "each product, the MLP always gated", "huggingface/nanotron "
            "src/nanotron/models/llama.py @03b83fc8", nanotron,
            (*sw.GROUPED_SQUARE, *PLAIN, sw.ONE_MLP, sw.THREE_MATRICES),
            covers=(asks.three_matrices, *IN_COOKBOOK)),
)  # fmt: skip


# --------------------------------------------------------------------------------- fine-tuning


def verl(s: Symbols) -> int:
    latent = s.shape.latent
    size = latent.plain + latent.rotary if latent else s.Q
    reach = min(s.shape.window, s.T) if s.shape.window else s.T
    keys = s.shape.windowed * reach + (s.L - s.shape.windowed) * s.T
    weights = s.L * s.attention + s.ffn(s.m) + s.routers + 2 * s.V * s.h
    return 6 * weights + 12 * keys * size * s.H


def trl(s: Symbols) -> int:
    head = 0 if s.shape.tied else 2 * s.h * s.V
    layers = 2 * (s.L * s.attention + s.ffn(3)) + 2 * s.L * s.pair * s.T
    return 3 * (2 * s.V * s.h + layers + head)


LLAMAS = ("llama", "llama2", "llama3", "mistral", "qwen2", "qwen3")
FINE_TUNING = (
    Formula("verl", "6 N with the embedding in N, 12 d T L", "volcengine/verl "
            "verl/utils/flops_counter.py @02cf355f", verl,
            (sw.EMBEDDING, sw.NO_GATE, sw.QUERY_SIZED, sw.WINDOWS, sw.NO_RELATIVE, sw.NO_SHARED_GATE),
            covers=(asks.family(*LLAMAS, "qwen3-moe", "gemma3", "deepseek-v3", "gpt-oss"),),
            latent=True),
    Formula("trl", "each product, the embedding too, a tied head left out", "huggingface/trl "
            "trl/trainer/utils.py:1520 @f2cd5771", trl,
            (sw.EMBEDDING, sw.NO_TIED_HEAD, sw.NO_GATE, *PLAIN, sw.THREE_MATRICES),
            covers=(asks.three_matrices, asks.no_experts, asks.family(*LLAMAS))),
    Formula("olmo-core", "6 for each weight of a module, 12 H hd T", "allenai/OLMo-core "
            "src/olmo_core/nn/attention/__init__.py:791 @fa6c5014",
            lambda s: reference(s) - 6 * s.positions, (sw.NO_RELATIVE,),
            covers=(asks.plain_positions,)),
)  # fmt: skip

FORMULAS = (*NEMOS, *JAX, *CALCULATORS, *FINE_TUNING)
