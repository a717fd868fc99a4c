"""Parameters, widths and counts: what follows from a shape, or from the columns that describe one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from flop_harness.audit.language import described
from flop_harness.audit.language.described import shape_of_columns
from flop_harness.audit.language.given import Given
from flop_harness.audit.language.possible import (
    FAR,
    RECOMPUTING,
    UNCOVERED,
    UNNAMED,
    Candidate,
    Relation,
    sure,
)
from flop_harness.audit.language.quantities import OF_SHAPE, Interval, figure_of
from flop_harness.conventions.transformers import parameters as weights
from flop_harness.records.transformer import Transformer

ACTIVE = "active parameters where all are meant"
ALL = "all parameters where the active ones are meant"
NO_BIASES: dict[str, Any] = dict.fromkeys(
    ("biases", "qkv_biases", "output_bias", "mlp_biases", "expert_biases", "sinks"), False
)


def params(given: Given) -> Iterator[Candidate]:
    if given.described is not None:
        yield from of_columns(given.described)
    elif given.shape is not None:
        yield from of_shape(given.shape)


def of_columns(shape: Transformer) -> Iterator[Candidate]:
    for told, each in described.meant(shape):
        for counting, amount in described.counts(each):
            yield Candidate(counting, Interval.of(amount), FAR if told else UNNAMED, told)
    for counting, other, amount in described.counts_of_another_vocabulary(shape):
        yield Candidate(counting, Interval.of(amount), FAR, (other,), shared=True)
    if shape.experts:
        for counting, amount in described.counts(shape):
            active = Interval.of(amount - idle(shape))
            yield Candidate(counting, active, RECOMPUTING, (ACTIVE,))


def of_shape(shape: Transformer) -> Iterator[Candidate]:
    parts = weights.parameters(shape)
    whole = sum(parts.values())
    yield Candidate("all parameters", Interval.of(whole))
    if shape.experts:
        active = Interval.of(weights.active(shape))
        yield Candidate("active parameters", active, RECOMPUTING, (ACTIVE,))
    bare = replace(shape, **NO_BIASES, norm="scale")
    yield Candidate("without biases", Interval.of(weights.count(bare)), RECOMPUTING)
    yield Candidate("without positions", Interval.of(whole - parts["positions"]), RECOMPUTING)
    rest = whole - parts["head"]
    yield Candidate("without the head", Interval.of(rest), RECOMPUTING)
    yield Candidate("without embeddings", Interval.of(whole - embeddings(shape)), UNCOVERED)


def embeddings(shape: Transformer) -> int:
    """Parameters that are no layer's and no norm's: of tokens, positions and the head."""
    parts = weights.parameters(shape)
    return parts["embedding"] + parts["positions"] + parts["head"]


def idle(shape: Transformer) -> int:
    """Matrices of the experts that a token does not meet."""
    return weights.idle_experts(replace(shape, **NO_BIASES))


def active_params(given: Given) -> Iterator[Candidate]:
    """Of the experts, those that a token meets; some leave out what is only looked up."""
    if given.described is not None:
        shape = given.described
        for counting, amount in described.counts(shape):
            yield Candidate(counting, Interval.of(amount - idle(shape)), UNNAMED)
    elif given.shape is not None:
        shape = given.shape
        active, parts = weights.active(shape), weights.parameters(shape)
        yield Candidate("active parameters", Interval.of(active))
        if shape.experts:
            whole = Interval.of(weights.count(shape))
            yield Candidate("all parameters", whole, RECOMPUTING, (ALL,))
        looked_up = parts["embedding"] if parts["head"] else 0
        yield Candidate("without the embedding", Interval.of(active - looked_up), UNNAMED)
        bare = Interval.of(active - embeddings(shape))
        yield Candidate("without embedding and head", bare, UNNAMED)
    together, share = given.get("params"), given.get("active share")
    yield from sure("parameters x active share", together * share if together and share else None)


def layer_params(given: Given) -> Iterator[Candidate]:
    if given.described is not None:
        for told, each in described.meant(given.described):
            for counting, amount in described.layers(each):
                yield Candidate(counting, Interval.of(amount), FAR if told else UNNAMED, told)
    elif given.shape is not None:
        shape = given.shape
        rest = weights.count(shape) - embeddings(shape)
        yield Candidate("without embeddings", Interval.of(rest))
        head = weights.parameters(shape)["head"]
        yield Candidate("without the embedding", Interval.of(rest + head), UNNAMED)
    whole, looked_up = given.get("params"), given.get("embedding params")
    if whole and looked_up and whole.low > looked_up.high:
        less = Interval(whole.low - looked_up.high, whole.high - looked_up.low)
        yield Candidate("parameters less those of embeddings", less)


def embedding_params(given: Given) -> Iterator[Candidate]:
    shape = given.shape
    if shape is None or not shape.vocabulary:
        return
    tokens = shape.vocabulary * shape.width
    yield Candidate("vocabulary x width", Interval.of(tokens))
    yield Candidate("twice vocabulary x width, with the head", Interval.of(2 * tokens), UNNAMED)
    places = weights.parameters(shape)["positions"]
    yield Candidate("with positions", Interval.of(tokens + places), UNNAMED)


def width(given: Given) -> Iterator[Candidate]:
    """Heads x head size, unless the model is known to have heads that are wider together."""
    heads, size, named = given.get("heads"), given.get("head size"), given.named
    if named is not None and (named.query_width != named.width or not (heads and size)):
        yield from sure(f"the shape of {given.claim.given['model']}", Interval.of(named.width))
    elif heads and size:
        together = Interval.of(heads.low * size.low)
        yield Candidate("heads x head size", together, certain=named is not None, usual=True)
        own = figure_of(given.claim)
        if own.low != together.low and fits_parameters(given, own) > fits_parameters(
            given, together
        ):
            yield Candidate("its parameters, unlike heads x head size,", own)


def fits_parameters(given: Given, width: Interval) -> bool:
    """Whether the row's parameters follow from its other columns with this width."""
    printed = given.get("params") or given.get("non-embedding params")
    if given.zeros & set(OF_SHAPE):
        return False
    shape = shape_of_columns(lambda name: width if name == "width" else given.get(name))
    if shape is None or printed is None:
        return False
    return any(printed.meets(Interval.of(amount)) for _, each in described.meant(shape)
               for _, amount in described.counts(each))  # fmt: skip


def of_model(*sizes: Callable[[Transformer], int]) -> Relation:
    """A size that stands in the row of a model whose shape is known, or one of several."""

    def relation(given: Given) -> Iterator[Candidate]:
        if given.named is not None:
            name = given.claim.given["model"]
            for size in dict.fromkeys(size(given.named) for size in sizes):
                yield from sure(f"the shape of {name}", Interval.of(size) if size else None)

    return relation


def expert_width(shape: Transformer) -> int:
    return shape.experts.width if shape.experts else 0


def value_size(shape: Transformer) -> int:
    """Of a head over a compressed cache, which its keys exceed."""
    return shape.latent.value if shape.latent else shape.head_size


def both_inputs(shape: Transformer) -> int:
    """Of a gated MLP, the width of gate and input together (Gemma's tables)."""
    return 2 * shape.mlp_width if shape.mlp_matrices == 3 else shape.mlp_width
