"""Probes of fused attention: both products, seen through the softmax between them.

A fused kernel gives its output and, for each row, the logarithm of the sum of the exponentials of
its scores. With queries of zero every exponential is one, and the exponential of that logarithm is
the number of scores in the row; the output times it is the sum of weights of one times values of
one, as it was before the softmax divided. On ones the logarithm is larger by a score: the sum of
one query-key product.
"""

from __future__ import annotations

from math import prod
from typing import Any, TypeAlias

import torch

from flop_harness.proof.probe.measurement import (
    Measured,
    fits,
    in_parts,
    parts,
    probe,
    whole_numbers,
)
from flop_harness.proof.replay import arguments, run
from flop_harness.records import Call


@probe(
    "aten._scaled_dot_product_flash_attention",
    "aten._scaled_dot_product_flash_attention_for_cpu",
    "aten._scaled_dot_product_efficient_attention",
    "aten._scaled_dot_product_cudnn_attention",
    "aten._scaled_dot_product_fused_attention_overrideable",
    "aten._scaled_dot_product_attention_math_for_mps",
)
def fused_attention(call: Call) -> Measured:
    """query (N, ..., Hq, L, E), key (N, ..., H, S, E), value (N, ..., H, S, Ev), in double precision."""
    named = arguments(call)
    runs = in_batches(named)
    method = f"run on ones, and with queries of zero{in_parts(sum(times for times, _ in runs))}"
    if any(named.get(name) is not None for name in ("attn_mask", "attn_bias")):
        method += ", without its mask"
    whole = both_products(call.name, {**named, "is_causal": False}, runs)
    everything = sum(macs for macs, _ in whole)
    if named.get("is_causal") is not True:
        return Measured(everything, everything, method, whole)
    reached = sum(macs for macs, _ in both_products(call.name, named, runs))
    return Measured(reached, everything, f"{method}, with its causal mask too", whole, "masking")


def in_batches(named: dict[str, Any]) -> list[tuple[int, int]]:
    """(how many, size) of the parts of the batch that are run."""
    query, key = named["query"].shape, named["key"].shape
    each = prod(query[1:-1]) * key[-2]
    macs = each * (query[-1] + named["value"].shape[-1])
    found = parts(
        {"batch": query[0]}, ("batch",), lambda s: fits(s["batch"] * each, s["batch"] * macs)
    )
    return [(times, part["batch"]) for times, part in found]


Products: TypeAlias = tuple[tuple[int, int], tuple[int, int]]
"""(multiplications, outputs) of the query-key product and of the product with the values"""


def both_products(name: str, named: dict[str, Any], runs: list[tuple[int, int]]) -> Products:
    done = [(times, of_a_batch(name, named, size)) for times, size in runs]
    keys, values = (
        tuple(sum(times * found[which][what] for times, found in done) for what in (0, 1))
        for which in (0, 1)
    )
    return keys, values  # type: ignore[return-value]


def of_a_batch(name: str, named: dict[str, Any], batch: int) -> Products:
    ones = {each: torch.ones((batch, *named[each].shape[1:]), dtype=torch.float64)
            for each in ("query", "key", "value")}  # fmt: skip
    plain = {"dropout_p": 0.0, "attn_mask": None, "attn_bias": None, "compute_log_sumexp": True}
    named = {**named, **{each: plain[each] for each in plain if each in named}, "scale": 1.0}
    no_query = torch.zeros_like(ones["query"])
    average, zero = run(name, {**named, **ones, "query": no_query})[:2]
    _, one = run(name, {**named, **ones})[:2]
    scores = zero.exp()
    keys = whole_numbers(scores * (one - zero))
    values = whole_numbers(average * scores.unsqueeze(-1))
    return (keys, whole_numbers(scores)), (values, average.numel())
