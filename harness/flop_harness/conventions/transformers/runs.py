"""The products of a traced forward pass in the order in which they run, as a transformer's parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from math import prod
from typing import NamedTuple, TypeAlias

from flop_harness.conventions.products import works
from flop_harness.records import Call, Tensor, Trace


class NotRecognised(Exception):
    """The trace is of no transformer that a shape describes; the text says in what it is none."""


class Dense(NamedTuple):
    """A product with a weight of (inner, outer), met by so many rows."""

    rows: int
    inner: int
    outer: int


class Attention(NamedTuple):
    """``length`` keys of ``size`` and values of ``value`` elements meet each query of a head."""

    heads: int
    length: int
    size: int
    value: int


class Grouped(NamedTuple):
    """A product of each row with one of several weights of (inner, outer): a layer's experts."""

    rows: int
    inner: int
    outer: int


Weighed: TypeAlias = Dense | Grouped


def sequences(trace: Trace) -> tuple[int, int]:
    """(batch, length) of the first input of whole numbers."""
    given = (*trace.root.args, *(value for _, value in trace.root.kwargs))
    for value in given:
        if isinstance(value, Tensor) and value.dtype.startswith("int") and len(value.shape) == 2:
            return value.shape[0], value.shape[1]
    raise NotRecognised("it is not called with the numbers of tokens, (batch, length)")


def runs(trace: Trace, batch: int, length: int) -> Iterator[Weighed | Attention]:
    """The products of the forward pass; the two of attention as one, none of rotary positions."""
    scores: Tensors | None = None
    for call in producers(trace):
        tensors = tuple(value for value in call.args if isinstance(value, Tensor))
        if call.packet in BATCHED:
            operands = tensors[-2:]
            if scores is not None and operands[0].shape == result(scores):
                x, y = scores
                yield Attention(x.shape[0] // batch, y.shape[2], x.shape[2], operands[1].shape[2])
                scores = None
                continue
            rows = grouped(operands) if length > 1 else None
            if rows is not None:
                yield rows
                continue
            if scores is not None and not is_outer(scores):
                raise NotRecognised("a product of two tensors is no part of attention")
            scores = operands
        elif call.packet in ("aten.mm", "aten.addmm"):
            x, w = tensors[-2:]
            yield Dense(x.shape[0], *w.shape)
        elif "scaled_dot_product" in call.packet:
            query, key, value = tensors[:3]
            yield Attention(query.shape[1], key.shape[2], query.shape[3], value.shape[3])
        elif call.packet == "aten._grouped_mm" and len(tensors[1].shape) == 3:
            yield Grouped(tensors[0].shape[0], *tensors[1].shape[1:])
        else:
            raise NotRecognised(f"{call.packet} is no part of attention, an MLP or experts")


def grouped(operands: Tensors) -> Grouped | None:
    """Rows that each meet a weight of their own, laid beside one another; one row is one or the other's."""
    x, y = operands
    (n, rows, inner), columns = x.shape, y.shape[2]
    if inner == 1 or (rows == 1) == (columns == 1):
        return None
    return Grouped(n, inner, max(rows, columns))


def with_experts(
    found: Iterable[Weighed | Attention], tokens: int
) -> Iterator[Weighed | Attention]:
    """The same, where experts that run one by one, over the rows sent to each, are one product over all."""
    for apart, some in groupby(found, lambda each: isinstance(each, Dense) and each.rows != tokens):
        parts = list(some)
        dense = [each for each in parts if isinstance(each, Dense)]
        yield from together(dense) if apart else parts


def together(dense: Sequence[Dense]) -> Sequence[Weighed]:
    """One product of each kind, where experts of two matrices or of three follow one another; else as it is."""
    for matrices in (2, 3):
        experts = [dense[start : start + matrices] for start in range(0, len(dense), matrices)]
        shapes = {tuple(each[1:] for each in expert) for expert in experts}
        sent = [{each.rows for each in expert} for expert in experts]
        if len(shapes) == 1 and all(len(rows) == 1 for rows in sent):
            rows = sum(expert[0].rows for expert in experts)
            return [Grouped(rows, each.inner, each.outer) for each in experts[0]]
    return dense


BATCHED = ("aten.bmm", "aten.baddbmm")
Tensors: TypeAlias = tuple[Tensor, ...]


def producers(trace: Trace) -> Iterator[Call]:
    """The operators of the forward pass that have products."""
    for visit, work in works(trace):
        if work is not None and work.products and visit.phase == "forward":
            yield visit.call


def result(operands: Tensors) -> tuple[int, ...]:
    x, y = operands
    return (*x.shape[:2], y.shape[2])


def is_outer(operands: Tensors) -> bool:
    """Frequencies times places, the angles of rotary positions: nothing is summed."""
    return operands[0].shape[2] == 1


def angles(trace: Trace) -> int:
    """MACs of rotary positions, where their angles are a product: one that sums nothing."""
    found = [tuple(value for value in call.args if isinstance(value, Tensor))[-2:]
             for call in producers(trace) if call.packet in BATCHED]  # fmt: skip
    after = [*found[1:], None][: len(found)]
    return sum(
        prod(result(one))
        for one, then in zip(found, after, strict=True)
        if is_outer(one) and (then is None or then[0].shape != result(one))
        and not any(one[0].shape == result(other) for other in found)
    )  # fmt: skip
