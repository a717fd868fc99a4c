"""The shape that a row's own columns describe, where it names no model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from flop_harness.audit.language.quantities import Interval
from flop_harness.conventions.transformers import parameters as weights
from flop_harness.records.transformer import Transformer

Column = Callable[[str], Interval | None]
"""What a row's cell of this quantity stands for."""


def shape_of_columns(column: Column) -> Transformer | None:
    """A decoder with one matrix for tokens in and out, and an MLP of four widths unless one is given.

    None where layers or width are missing. Without a vocabulary it is 0, and the layers are all.
    """

    def size(name: str, usual: int) -> int:
        cell = column(name)
        return int(cell.low) if cell is not None else usual

    layers, width = size("layers", 0), size("width", 0)
    if not layers or not width:
        return None
    head = size("head size", 0) or width // size("heads", 1) or 1
    heads = size("heads", width // head)
    return Transformer(
        "its row's columns", layers, width, heads, size("kv heads", heads), head,
        size("mlp width", 4 * width), size("mlp matrices", 2), size("vocabulary", 0),
        size("length", 0), tied=True, norm="layer", biases=True,
    )  # fmt: skip


def counts(shape: Transformer) -> Iterator[tuple[str, int]]:
    """(how parameters are counted, how many) for a shape of which columns tell no more."""
    matrices = sum(weights.matrices(shape).values())
    small = weights.norms(shape) + weights.biases(shape)
    yield "matrices of the layers", matrices
    yield "layers with norms and biases", matrices + small
    if not shape.vocabulary:
        return
    tokens = shape.vocabulary * shape.width
    whole = weights.count(shape)
    yield "layers and embedding, norms and biases", whole
    yield "layers, embedding and a head of its own, norms and biases", whole + tokens
    yield "matrices and embedding", matrices + tokens
    yield "matrices, embedding and a head of its own", matrices + 2 * tokens
    relative = weights.matrices(replace(shape, positions="relative"))["relative positions"]
    yield "matrices, embedding and relative positions", matrices + relative + tokens
    if shape.context:
        learned = weights.count(replace(shape, positions="learned"))
        yield "layers, embedding and positions, norms and biases", learned
