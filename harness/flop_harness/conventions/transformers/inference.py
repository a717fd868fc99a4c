"""Formulas for a prompt (prefill) and for one token with a cache (decode)."""

from __future__ import annotations

from fractions import Fraction

from flop_harness.conventions.transformers import coverage as asks
from flop_harness.conventions.transformers import switches as sw
from flop_harness.conventions.transformers.formula import Formula, Symbols
from flop_harness.conventions.transformers.forward import seen
from flop_harness.conventions.transformers.papers import linear


def prefill(s: Symbols) -> Fraction:
    keys = seen(s.T, causal=s.shape.causal)
    return 2 * linear(s) + 2 * s.h * s.V + 2 * s.L * s.pair * keys


def decode(s: Symbols) -> int:
    return 2 * linear(s) + 2 * s.h * s.V + 2 * s.L * s.pair * s.T


def vllm_layers(s: Symbols) -> int:
    reach = min(s.shape.window, s.T) if s.shape.window else s.T
    keys = s.shape.windowed * reach + (s.L - s.shape.windowed) * s.T
    return 2 * (s.L * s.attention + s.ffn(3)) + 4 * s.d * keys


def vllm_prefill(s: Symbols) -> Fraction:
    return vllm_layers(s) + Fraction(2 * s.h * s.V, s.T)


def vllm_decode(s: Symbols) -> int:
    return vllm_layers(s) + 2 * s.h * s.V


def maxtext_prefill(s: Symbols) -> int:
    return 2 * s.N_all + 2 * s.H * s.Q * s.L * s.T


OURS = "the reference: one MAC for each multiplication of a product"
VLLM = "vllm-project/vllm vllm/v1/metrics/perf.py @00cee63e"
IN_VLLM = (sw.NO_GATE, sw.THREE_MATRICES, sw.NO_ROUTER, sw.NO_RELATIVE)
FORMULAS = (
    Formula("ref-prefill", "a prompt: exact causal pairs, logits of every token", OURS, prefill,
            scope="prefill", latent=True),
    Formula("vllm-prefill", "a prompt: the full square, logits of the last token", VLLM,
            vllm_prefill, (*IN_VLLM, sw.FULL_SQUARE, sw.WINDOWS, sw.LAST_LOGITS), scope="prefill",
            covers=(asks.plain_positions,)),
    Formula("maxtext-prefill", "2 N + half of the square, N all parameters",
            "AI-Hypercomputer/maxtext src/maxtext/utils/maxtext_utils.py:1396 @e591f30c",
            maxtext_prefill, (*sw.ALL_PARAMETERS, sw.ALL_EXPERTS, sw.HALF_SQUARE),
            scope="prefill"),
    Formula("ref-decode", "one token at context T", OURS, decode, scope="decode", latent=True),
    Formula("vllm-decode", "one token at context T, the MLP always gated", VLLM, vllm_decode,
            (*IN_VLLM, sw.WINDOWS), scope="decode", covers=(asks.plain_positions,)),
)  # fmt: skip
