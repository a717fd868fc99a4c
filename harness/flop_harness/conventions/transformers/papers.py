"""Formulas of papers and books, and the reference with its two usual refinements."""

from __future__ import annotations

from fractions import Fraction

from flop_harness.conventions.transformers import coverage as asks
from flop_harness.conventions.transformers import switches as sw
from flop_harness.conventions.transformers.formula import Formula, Symbols
from flop_harness.conventions.transformers.forward import seen

ABSOLUTE = (sw.FOUR_H, sw.NO_ROUTER, sw.NO_RELATIVE)
"""Of formulas in h alone."""


def linear(s: Symbols) -> int:
    """Weights of products in all layers, those that a token meets."""
    return s.L * s.attention + s.gates + s.ffn(s.m) + s.gate + s.positions


def reference(s: Symbols) -> int:
    return 6 * (linear(s) + s.predicted) + 6 * s.h * s.V + 6 * s.L * s.pair * s.T


def causal(s: Symbols) -> Fraction:
    keys = (s.L - s.shape.windowed) * seen(s.T, causal=s.shape.causal)
    keys += s.shape.windowed * seen(s.T, s.shape.window, s.shape.causal)
    return 6 * (linear(s) + s.predicted) + 6 * s.h * s.V + 6 * s.pair * keys


def flash(s: Symbols) -> Fraction:
    half = Fraction(1, 2) if s.shape.causal else 1
    linears = 6 * (linear(s) + s.predicted) + 6 * s.h * s.V
    return linears + Fraction(7, 2) * 2 * s.L * s.pair * s.T * half


def checkpointed(s: Symbols) -> int:
    return 8 * linear(s) + 6 * (s.predicted + s.h * s.V) + 8 * s.L * s.pair * s.T


def kaplan(s: Symbols) -> int:
    return 6 * linear(s)


def kaplan_literal(s: Symbols) -> int:
    return 6 * 2 * s.h * s.L * (2 * s.d + s.ff)


def kaplan_table(s: Symbols) -> int:
    return 3 * (2 * linear(s) + 2 * s.L * s.T * s.d)


def all_parameters(s: Symbols) -> int:
    return 6 * s.N_all


def active_parameters(s: Symbols) -> int:
    return 6 * s.N_act


def chinchilla(s: Symbols) -> int:
    attention = 2 * 3 * s.h * s.d + 2 * s.T * s.d + 3 * s.H * s.T + 2 * s.T * s.d + 2 * s.d * s.h
    return 3 * (2 * s.V * s.h + s.L * attention + 2 * s.ffn(s.m) + 2 * s.h * s.V)


def palm(s: Symbols) -> int:
    return 6 * s.N_act + 12 * s.L * s.H * s.Q * s.T


def megatron(s: Symbols) -> Fraction:
    inner = 1 + Fraction(s.T, 6 * s.h) + Fraction(s.V, 16 * s.L * s.h)
    return 96 * s.L * s.h**2 * inner


def korthikanti(s: Symbols) -> Fraction:
    inner = 1 + Fraction(s.T, 6 * s.h) + Fraction(s.V, 12 * s.h * s.L)
    return 72 * s.L * s.h**2 * inner


def korthikanti_hardware(s: Symbols) -> Fraction:
    inner = 1 + Fraction(s.T, 3 * s.h) + Fraction(s.V, 12 * s.h * s.L)
    return 72 * s.L * s.h**2 * inner


def bigscience(s: Symbols) -> int:
    return 4 * 2 * s.N_all


def scaling_book(s: Symbols) -> int:
    layers = 6 * s.ffn(s.m) + s.L * (12 * s.h * (s.H + s.kv) * s.Q + 12 * s.T * s.d)
    return layers + 6 * s.h * s.V


IN_H = (asks.own_keys, asks.two_matrices, asks.four_wide, asks.square, asks.no_experts,
        asks.plain_positions)  # fmt: skip
OURS = "the reference: one MAC for each multiplication of a product, backward twice the forward"
EQUATION_3 = "Narayanan et al. 2021, arXiv:2104.04473, eq. 3"
APPENDIX_A = "Korthikanti et al. 2022, arXiv:2205.05198, appendix A"

FORMULAS = (
    Formula("ref-full", "every matrix product, attention on the full square", OURS, reference,
            latent=True, predicts=True),
    Formula("ref-causal", "attention on the pairs that count, T (T + 1) / 2", OURS, causal,
            (sw.CAUSAL_EXACT,), latent=True, predicts=True),
    Formula("ref-flash", "as a fused kernel runs it: causal half, backward 2.5 forwards",
            "after Dao 2023, arXiv:2307.08691, section 4.1", flash, (sw.CAUSAL_HALF_IF,),
            (sw.FUSED,), "hardware", latent=True, predicts=True),
    Formula("ref-checkpointed", "every layer recomputed, the logits not", OURS, checkpointed,
            passes=(sw.RECOMPUTED,), scope="hardware", latent=True, predicts=True),
    Formula("kaplan-6N", "6 N, N the matrices of the layers", "Kaplan et al. 2020, "
            "arXiv:2001.08361, section 2.1", kaplan, (sw.NO_LOGITS, sw.NO_SCORES), latent=True),
    Formula("kaplan-literal", "6 N with N = 2 d L (2 d_attn + d_ff)", "Kaplan et al. 2020, "
            "arXiv:2001.08361, table 1", kaplan_literal,
            (sw.OWN_KEYS, sw.TWO_MATRICES, sw.NO_ROUTER, sw.NO_RELATIVE, sw.NO_LOGITS,
             sw.NO_SCORES),
            covers=(asks.two_matrices, asks.own_keys, asks.no_experts, asks.plain_positions)),
    Formula("kaplan-T1", "3 (2 N + 2 L T d)", "Kaplan et al. 2020, arXiv:2001.08361, table 1 and "
            "eq. 2.2", kaplan_table, (sw.NO_LOGITS, sw.CAUSAL_HALF)),
    Formula("gpt3-D1", "6 N, N all parameters", "Brown et al. 2020, arXiv:2005.14165, appendix D",
            all_parameters, (*sw.ALL_PARAMETERS, sw.NO_SCORES, sw.ALL_EXPERTS),
            covers=(asks.no_experts,), latent=True),
    Formula("chinchilla-F", "each product, embedding and softmax too", "Hoffmann et al. 2022, "
            "arXiv:2203.15556, appendix F", chinchilla,
            (sw.EMBEDDING, sw.OWN_KEYS, sw.softmax(3), sw.NO_ROUTER, sw.NO_RELATIVE),
            covers=(asks.two_matrices, asks.own_keys, asks.no_experts)),
    Formula("palm", "6 N + 12 L H Q T, N the active parameters", "Chowdhery et al. 2022, "
            "arXiv:2204.02311, appendix B", palm, sw.ALL_PARAMETERS),
    Formula("megatron21", "96 L h^2 (1 + T / 6 h + V / 16 L h), recomputation inside", EQUATION_3,
            megatron, (*sw.SQUARE, *ABSOLUTE), (sw.RECOMPUTED,), "hardware", IN_H,
            project="Megatron-LM", date="2021-04", commit="arXiv:2104.04473"),
    Formula("korthikanti", "72 L h^2 (1 + T / 6 h + V / 12 h L)", APPENDIX_A, korthikanti,
            (*sw.SQUARE, *ABSOLUTE), covers=IN_H),
    Formula("korthikanti-hw", "the same with T / 3 h: attention again", APPENDIX_A,
            korthikanti_hardware, (*sw.SQUARE, *ABSOLUTE), (sw.ATTENTION_AGAIN,), "hardware", IN_H),
    Formula("epoch", "6 N, N the active parameters", "Epoch AI, Estimating training compute of "
            "deep learning models, method 1", active_parameters,
            (*sw.ALL_PARAMETERS, sw.NO_SCORES), latent=True),
    Formula("bigscience", "8 N, recomputation inside", "bigscience-workshop/bigscience "
            "math/README.md:32 @9e64edec", bigscience,
            (*sw.ALL_PARAMETERS, sw.NO_SCORES, sw.ALL_EXPERTS), (sw.RECOMPUTED_ALL,), "hardware",
            latent=True),
    Formula("scaling-book", "18 h ff + 12 h (H + kv) hd + 12 T d in each layer, 6 h V",
            "jax-ml/scaling-book transformers.md @0819a7d8", scaling_book,
            (sw.NO_GATE, sw.NO_ROUTER, sw.NO_RELATIVE), covers=(asks.plain_positions,)),
)  # fmt: skip
