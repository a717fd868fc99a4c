"""Probes of fused attention: both products, seen through the softmax between them.

A fused kernel gives its output and, for each row, the logarithm of the sum of the exponentials of
its scores. With queries of zero every exponential is one, and the exponential of that logarithm is
the number of scores in the row; the output times it is the sum of weights of one times values of
one, as it was before the softmax divided. On ones the logarithm is larger by a score: the sum of
one query-key product.
"""

from __future__ import annotations

from typing import Any

import torch

from harness.probe.measurement import Measured, probe, whole_numbers
from harness.records import Call
from harness.replay import arguments, run


@probe(
    "aten._scaled_dot_product_flash_attention",
    "aten._scaled_dot_product_flash_attention_for_cpu",
    "aten._scaled_dot_product_efficient_attention",
    "aten._scaled_dot_product_cudnn_attention",
    "aten._scaled_dot_product_fused_attention_overrideable",
    "aten._scaled_dot_product_attention_math_for_mps",
)
def fused_attention(call: Call) -> Measured:
    """query (..., Hq, L, E), key (..., H, S, E), value (..., H, S, Ev), in double precision."""
    named = arguments(call)
    causal = named.get("is_causal") is True
    (keys, values), outputs = both_products(call.name, {**named, "is_causal": False})
    whole = keys + values
    method = "run on ones, and with queries of zero"
    if not causal:
        return Measured(whole, whole, method, ((keys, outputs[0]), (values, outputs[1])))
    reached = sum(both_products(call.name, named)[0])
    products = ((keys, outputs[0]), (values, outputs[1]))
    return Measured(
        reached, whole, f"{method}, with its causal mask and without", products, "masking"
    )


def both_products(name: str, named: dict[str, Any]) -> tuple[tuple[int, int], tuple[int, int]]:
    """(multiplications, outputs) of the query-key product and of the product with the values."""
    ones = {each: torch.ones(named[each].shape, dtype=torch.float64)
            for each in ("query", "key", "value")}  # fmt: skip
    plain = {"dropout_p": 0.0, "attn_mask": None, "attn_bias": None, "compute_log_sumexp": True}
    named = {**named, **{each: plain[each] for each in plain if each in named}, "scale": 1.0}
    no_query = torch.zeros_like(ones["query"])
    average, zero = run(name, {**named, **ones, "query": no_query})[:2]
    _, one = run(name, {**named, **ones})[:2]
    scores = zero.exp()
    keys = whole_numbers(scores * (one - zero))
    values = whole_numbers(average * scores.unsqueeze(-1))
    return (keys, values), (whole_numbers(scores), average.numel())
