"""The shape that a row's own columns describe, where it names no model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from flop_harness.audit.language.quantities import Interval
from flop_harness.conventions.transformers import parameters as weights
from flop_harness.errors import UserError
from flop_harness.records.transformer import Experts, Norm, Transformer

Column = Callable[[str], Interval | None]
"""What a row's cell of this quantity stands for."""


def shape_of_columns(column: Column) -> Transformer | None:
    """A decoder with one matrix for tokens in and out, and an MLP of four widths unless one is given.

    None where layers or width are missing. Without a vocabulary it is 0, and the layers are all.
    UserError for sizes that do not go together.
    """

    def size(name: str, usual: int) -> int:
        cell = column(name)
        return int(cell.low) if cell is not None else usual

    layers, width = size("layers", 0), size("width", 0)
    if not layers or not width:
        return None
    head = size("head size", 0) or width // size("heads", 1) or 1
    heads = size("heads", width // head)
    mlp = size("mlp width", 4 * width)
    if not heads:
        raise UserError(f"heads of {head} do not fit into a width of {width}")
    if heads % size("kv heads", heads):
        raise UserError(f"{heads} heads do not share {size('kv heads', heads)} kv heads evenly")
    if size("mlp matrices", 2) not in (2, 3):
        raise UserError("an MLP has 2 matrices, or 3 where it is gated")
    return Transformer(
        "its row's columns", layers, width, heads, size("kv heads", heads), head,
        mlp, size("mlp matrices", 2), size("vocabulary", 0),
        size("length", 0), tied=True, norm="layer", biases=True, experts=experts(size, mlp, layers),
    )  # fmt: skip


def experts(size: Callable[[str, int], int], mlp: int, layers: int) -> Experts | None:
    """Experts as wide as the MLP unless a width is given; None where the row has none."""
    routed = size("experts", 0)
    if not routed:
        return None
    each, shared = size("expert width", mlp), size("shared experts", 0)
    active, dense = size("active experts", routed), size("dense layers", 0)
    if active > routed or dense > layers:
        raise UserError("more experts are active than there are, or more layers dense")
    return Experts(routed, active, each, shared, shared * each, dense)


@dataclass(frozen=True, slots=True)
class Small:
    """Norms and biases that a count takes in; a ``norm`` of None leaves all of them out."""

    told: str
    norm: Norm | None
    biases: bool = False
    qkv_biases: bool = False
    layer_norms: int = 2
    embedding_norm: bool = False

    def of(self, shape: Transformer) -> int:
        if self.norm is None:
            return 0
        held = replace(shape, norm=self.norm, biases=self.biases, qkv_biases=self.qkv_biases,
                       layer_norms=self.layer_norms, embedding_norm=self.embedding_norm)  # fmt: skip
        return weights.norms(held) + weights.biases(held)

    def told_of(self, stem: str) -> str:
        parts = (f"matrices{stem}" if stem else "matrices of the layers") if self.norm is None else (
            f"layers{stem}, {self.told}" if stem else f"layers with {self.told}"
        )  # fmt: skip
        return parts


SMALL = (
    Small("no norms", None),
    Small("norms and biases", "layer", biases=True),
    Small("norms and biases, one norm after the embedding", "layer", True, embedding_norm=True),
    Small("norms alone", "layer"),
    Small("RMS norms", "rms"),
    Small("RMS norms, biases of queries, keys and values", "rms", qkv_biases=True),
    Small("RMS norms and biases", "rms", biases=True),
    Small("four RMS norms", "rms", layer_norms=4),
)


BOTH_INPUTS = "an MLP's width is that of its gate and its input together"


def meant(shape: Transformer) -> Iterator[tuple[tuple[str, ...], Transformer]]:
    """(what departs, shape): as its columns say, and with half of a gated MLP's width (Gemma's tables)."""
    yield (), shape
    if shape.mlp_matrices == 3 and shape.mlp_width % 2 == 0 and not shape.experts:
        yield (BOTH_INPUTS,), replace(shape, mlp_width=shape.mlp_width // 2)


def layers(shape: Transformer) -> Iterator[tuple[str, int]]:
    """(how parameters are counted, how many) of the layers alone."""
    matrices = sum(weights.matrices(shape).values())
    for small in SMALL:
        yield small.told_of(""), matrices + small.of(shape)


def counts(shape: Transformer) -> Iterator[tuple[str, int]]:
    """(how parameters are counted, how many) for a shape of which columns tell no more."""
    yield from layers(shape)
    if not shape.vocabulary:
        return
    matrices = sum(weights.matrices(shape).values())
    tokens = shape.vocabulary * shape.width
    relative = shape.layers * weights.relative(replace(shape, positions="relative"))
    for small in SMALL:
        whole = matrices + tokens + small.of(shape)
        yield small.told_of(" and embedding"), whole
        yield small.told_of(", embedding and a head of its own"), whole + tokens
        yield small.told_of(", embedding and relative positions"), whole + relative
        if shape.context:
            yield small.told_of(", embedding and positions"), whole + shape.context * shape.width


PADDED = 128
VOCABULARIES = (30522, 32000, 40478, 50257, 50304, 51200)
"""Of BERT, LLaMA, GPT, GPT-2, the same padded, and padded for eight ways of parallelism."""


def counts_of_another_vocabulary(shape: Transformer) -> Iterator[tuple[str, str, int]]:
    """(how counted, what departs, how many) with the vocabulary padded, or of another model."""
    if not shape.vocabulary:
        return
    padded = -(-shape.vocabulary // PADDED) * PADDED
    for size in {padded, *VOCABULARIES} - {shape.vocabulary}:
        for counting, amount in counts(replace(shape, vocabulary=size)):
            yield counting, f"a vocabulary of {size:,}, not {shape.vocabulary:,}", amount
