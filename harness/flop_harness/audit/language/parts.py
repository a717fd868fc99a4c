"""Parts of a transformer that sources give figures for, in FLOP per token of a forward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from flop_harness.records.transformer import Transformer

Part = Callable[[Transformer, int], Iterator[tuple[str, int]]]
"""(how it is counted, FLOP per token)."""


def plain(amount: Callable[[Transformer, int], int]) -> Part:
    def part(shape: Transformer, length: int) -> Iterator[tuple[str, int]]:
        yield "the products", amount(shape, length)

    return part


def attentive(amount: Callable[[Transformer], int], layers: Callable[[Transformer], int]) -> Part:
    """A part that holds attention: with its scores, without, and with a softmax in their place."""

    def part(shape: Transformer, length: int) -> Iterator[tuple[str, int]]:
        linear, scores = amount(shape), 4 * layers(shape) * shape.query_width * length
        yield "every product", linear + scores
        yield "without attention scores", linear
        softmax = 2 * layers(shape) * shape.heads * length
        yield "without attention scores, softmax 1 MAC per score", linear + softmax

    return part


def projections(shape: Transformer) -> int:
    return 2 * shape.width * (shape.query_width + 2 * shape.kv_width)


def mlp(shape: Transformer) -> int:
    return 2 * shape.mlp_matrices * shape.width * shape.mlp_width


def attention(shape: Transformer) -> int:
    return projections(shape) + 2 * shape.query_width * shape.width


def one(shape: Transformer) -> int:
    return 1


def all_of(shape: Transformer) -> int:
    return shape.layers


PARTS: dict[str, Part] = {
    "query of a layer": plain(lambda s, t: 2 * s.width * s.query_width),
    "self-attention of a layer": attentive(projections, one),
    "attention of a layer": attentive(attention, one),
    "first MLP matrix of a layer": plain(lambda s, t: 2 * s.width * s.mlp_width),
    "second MLP matrix of a layer": plain(lambda s, t: 2 * s.mlp_width * s.width),
    "layer": attentive(lambda s: attention(s) + mlp(s), one),
    "layers": attentive(lambda s: s.layers * (attention(s) + mlp(s)), all_of),
    "queries, keys and values": plain(lambda s, t: s.layers * projections(s)),
    "attention matrix": plain(lambda s, t: 2 * s.layers * s.query_width * t),
    "attention over values": plain(lambda s, t: 2 * s.layers * s.query_width * t),
    "projections": plain(lambda s, t: 2 * s.layers * s.query_width * s.width),
    "MLPs": plain(lambda s, t: s.layers * mlp(s)),
    "logits": plain(lambda s, t: 2 * s.width * s.vocabulary),
}
