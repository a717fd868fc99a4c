"""Whether a change of some cells of a shape goes together with the other cells of its row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

from flop_harness.audit.language import described
from flop_harness.audit.language.described import Column, shape_of_columns
from flop_harness.audit.language.given import Given
from flop_harness.audit.language.quantities import Interval
from flop_harness.conventions.transformers import parameters as weights
from flop_harness.records.transformer import Transformer


def fits(given: Given, changed: Column) -> bool:
    """Heads are no further from their width, and no other parameters cease to follow. UserError.

    The claim's own figure is not asked: it is what a change is to explain.
    """
    if off_width(changed) > off_width(given.get):
        return False
    return following(given, given.get) <= following(given, changed)


def off_width(cell: Column) -> Fraction:
    """How many times heads together are wider than the model, or narrower; 1 where nothing tells."""
    width, heads, size = cell("width"), cell("heads"), cell("head size")
    if width is None or heads is None or size is None:
        return Fraction(1)
    times = heads.low * size.low / width.low
    return max(times, 1 / times)


def following(given: Given, cell: Column) -> set[str]:
    """The other cells of parameters that follow from a shape."""
    shape = shape_of_columns(cell)
    if shape is None:
        return set()
    printed = ((name, given.get(name), amounts) for name, amounts in AMOUNTS.items())
    return {name for name, figure, amounts in printed
            if figure and any(figure.meets(Interval.of(each)) for each in amounts(shape))}  # fmt: skip


def whole(shape: Transformer) -> Iterator[int]:
    return (amount for _, amount in described.counts(shape))


def active(shape: Transformer) -> Iterator[int]:
    idle = weights.idle_experts(shape) if shape.experts else 0
    return (amount - idle for amount in whole(shape))


def of_layers(shape: Transformer) -> Iterator[int]:
    return (amount for _, amount in described.layers(shape))


def of_tokens(shape: Transformer) -> Iterator[int]:
    tokens = shape.vocabulary * shape.width
    yield from (tokens, 2 * tokens)


AMOUNTS: dict[str, Callable[[Transformer], Iterator[int]]] = {
    "params": whole, "active params": active, "non-embedding params": of_layers,
    "embedding params": of_tokens,
}  # fmt: skip
