"""Fused kernels of attention: their projections and their two products."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TypeAlias

from flop_harness.formulas.normalisation import softmax_work
from flop_harness.formulas.products import product_of, sequences
from flop_harness.formulas.registry import formula
from flop_harness.records import Call, Tensor
from flop_harness.records.work import Product, Work

QUERY_KEY, ATTENTION_VALUE = "attention product", "attention product"
PROJECTION = "attention projection"


def attention_products(query: Tensor, key: Tensor, value: Tensor) -> tuple[Product, Product]:
    """query (..., Hq, L, E), key (..., H, S, E), value (..., H, S, Ev); H divides Hq.

    Masks skip nothing: a causal product is charged whole.
    """
    heads = prod(query.shape[:-2])
    length, width = query.shape[-2:]
    source = key.shape[-2]
    return (
        product_of(heads * length, width, source, term=QUERY_KEY),
        product_of(heads * length, source, value.shape[-1], term=ATTENTION_VALUE),
    )


@formula(
    "aten._scaled_dot_product_flash_attention",
    "aten._scaled_dot_product_flash_attention_for_cpu",
    "aten._scaled_dot_product_efficient_attention",
    "aten._scaled_dot_product_cudnn_attention",
    "aten._scaled_dot_product_fused_attention_overrideable",
    "aten._scaled_dot_product_attention_math_for_mps",
    "aten._cudnn_attention_forward",
    "aten._triton_scaled_dot_attention",
)
def fused_attention(call: Call) -> Work:
    query, key, value = call.args[:3]
    scores = prod(query.shape[:-1]) * key.shape[-2]
    return softmax_work(attention_products(query, key, value), scores, prod(query.shape[:-1]))


PACKED = {
    "aten._flash_attention_forward": (0, 3, 5, 6),
    "aten._flash_attention_forward_no_dropout_inplace": (1, 4, 6, 7),
    "aten._efficient_attention_forward": (0, 4, 6, 7),
    "aten._flash_attention_backward": (1, 6, 8, 9),
    "aten._efficient_attention_backward": (1, 6, 8, 9),
}
"""Where query, the bounds of packed sequences and the longest query and key stand among the arguments.

Positions stand before heads here: query (N, L, H, E), or packed (total, H, E) or (1, total, H, E).
"""


Lengths: TypeAlias = Sequence[tuple[int, int]]
"""Of each packed sequence, its queries and its keys"""


@formula(*(name for name in PACKED if "forward" in name))
def flash_attention(call: Call, lengths: Lengths | None = None) -> Work:
    rows, scores, width, other = packed_sizes(call, lengths)
    return softmax_work(
        (
            Product(scores * width, scores, term=QUERY_KEY),
            Product(scores * other, rows * other, term=ATTENTION_VALUE),
        ),
        scores,
        rows,
    )


def packed_sizes(call: Call, lengths: Lengths | None = None) -> tuple[int, int, int, int]:
    """(rows of scores, scores, width of a key, width of a value).

    How long packed sequences are hangs on values: without ``lengths`` each is taken for as long as the longest.
    """
    at, bounds_at, longest_at, source_at = PACKED[call.packet]
    query, key, value = call.args[at : at + 3]
    bounds, heads = call.args[bounds_at], query.shape[-2]
    widths = query.shape[-1], value.shape[-1]
    if bounds is None:
        rows = query.numel // max(widths[0], 1)
        return rows, rows * key.shape[-3], *widths
    if lengths is None:
        longest = call.args[longest_at], call.args[source_at]
        lengths = (longest,) * max(bounds.numel - 1, 0)
    rows = heads * sum(length for length, _ in lengths)
    return rows, heads * sum(length * source for length, source in lengths), *widths


@formula("aten._native_multi_head_attention", "aten._triton_multi_head_attention")
def native_attention(call: Call) -> Work:
    """query (N, L, E), key and value (N, S, E); packed projection (3E, E); output (E, E)."""
    query, key, _value, embed, heads = call.args[:5]
    pairs = zip(sequences(query), sequences(key), strict=True)
    return Work(tuple(p for q, k in pairs for p in self_attention(q, k, embed, heads)))


def self_attention(query: Tensor, key: Tensor, embed: int, heads: int) -> tuple[Product, ...]:
    batch, length, _ = query.shape
    source = key.shape[1]
    head = Tensor((batch, heads, length, embed // heads), query.dtype)
    other = Tensor((batch, heads, source, embed // heads), query.dtype)
    return (
        product_of(batch * length, embed, embed, True, PROJECTION),
        product_of(batch * source, embed, 2 * embed, True, PROJECTION),
        *attention_products(head, other, other),
        product_of(batch * length, embed, embed, True, PROJECTION),
    )


@formula("aten._transformer_encoder_layer_fwd")
def encoder_layer(call: Call) -> Work:
    """The fused encoder layer: self-attention, then two linear layers of widths ffn and E."""
    source, embed, heads = call.args[:3]
    ffn = next(w for w in call.args[14:] if isinstance(w, Tensor) and len(w.shape) == 2).shape[0]
    products: list[Product] = []
    for part in sequences(source):
        rows = part.numel // embed
        products += self_attention(part, part, embed, heads)
        products.append(product_of(rows, embed, ffn, True, "linear"))
        products.append(product_of(rows, ffn, embed, True, "linear"))
    return Work(tuple(products))
