"""Slips in the arithmetic of a row: a factor beside it left out, another unit of time, one cell that is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from flop_harness.audit.language import consistent, described
from flop_harness.audit.language.described import Column
from flop_harness.audit.language.given import Given
from flop_harness.audit.language.quantities import Interval, figure_of, printed
from flop_harness.conventions.transformers import parameters as weights
from flop_harness.records import Claim
from flop_harness.records.transformer import Transformer
from flop_harness.suite.shapes import known as known_shapes

FACTORS_BESIDE = ("gpus", "length", "batch")
OF_RUNS = ("tokens", "batch tokens", "compute", "pf-days", "days", "gpu hours", "tokens/s", "tokens/s/gpu",
           "samples/s", "tflops/gpu", "pflops")  # fmt: skip
"""Quantities that are products of devices, sequences, their lengths and times."""
TIMES = {24: "days for hours", 60: "minutes for hours, or seconds for minutes", 3600: "hours for seconds",
         86400: "days for seconds"}  # fmt: skip
LEAST = 4
"""A smaller factor is told as twice, a third, ..."""
EXACT = 6
"""So many digits that one cell changed fits them by chance in one of ten thousand rows."""


def factor_beside(claim: Claim, given: Given, values: list[Interval]) -> Iterator[str]:
    """A number of devices, sequences or tokens of the row: left out, or multiplied once too often."""
    figure = figure_of(claim)
    for name in FACTORS_BESIDE if claim.metric in OF_RUNS else ():
        factor = given.get(name) if name in given.cells else None
        if factor is None or factor.low < LEAST:
            continue
        if any((figure * factor).meets(value) for value in values):
            yield f"the {name} beside it left out"
        if any(figure.meets(value * factor) for value in values):
            yield f"multiplied by the {name} beside it once too often"


def time_unit(claim: Claim, given: Given, values: list[Interval]) -> Iterator[str]:
    """Another unit of time than its column's, or none where there should be one."""
    figure = figure_of(claim)
    for factor, told in TIMES.items() if claim.metric in OF_RUNS else ():
        if any((figure * factor).meets(value) for value in values):
            yield f"{factor:,} times too small: {told}"
        if any(figure.meets(value * factor) for value in values):
            yield f"{factor:,} times too large: {' and '.join(turned(told))}"


def turned(told: str) -> list[str]:
    """``days for hours`` the other way round."""
    return [" for ".join(reversed(each.split(" for "))) for each in told.split(", or ")]


def cell_beside(claim: Claim, given: Given, values: list[Interval]) -> Iterator[str]:
    """One cell of a shape is wrong: with another its parameters are the figure, to many digits."""
    shape = given.described
    if claim.metric != "params" or shape is None or printed(claim.value)[0].digits < EXACT:
        return
    figure = figure_of(claim)
    for name, size, other in neighbours(shape):
        if name not in given.cells or not consistent.fits(given, with_size(given, name, size)):
            continue
        if any(figure.meets(Interval.of(amount)) for _, amount in described.counts(other)):
            yield f"the {name} beside it should be {size:,}"


def with_size(given: Given, name: str, size: int) -> Column:
    return lambda asked: Interval.of(size) if asked == name else given.get(asked)


def neighbours(shape: Transformer) -> Iterator[tuple[str, int, Transformer]]:
    """(cell, what it should be, the shape with that): a layer more or less, a usual width, a known vocabulary."""
    for layers in (shape.layers - 1, shape.layers + 1):
        if layers > 0:
            yield "layers", layers, replace(shape, layers=layers)
    alike = [each for each in known_shapes().models.values() if each.width == shape.width]
    for width in {4 * shape.width, *(each.mlp_width for each in alike)} - {shape.mlp_width}:
        yield "mlp width", width, replace(shape, mlp_width=width)
    padded = {-(-shape.vocabulary // by) * by for by in (64, 128, 1024)}
    vocabularies = {each.vocabulary for each in known_shapes().models.values()}
    for vocabulary in (
        sorted((padded | vocabularies) - {shape.vocabulary}) if shape.vocabulary else ()
    ):
        yield "vocabulary", vocabulary, replace(shape, vocabulary=vocabulary)
    if shape.kv_heads != shape.heads:
        yield "kv heads", shape.heads, replace(shape, kv_heads=shape.heads)


def of_another(claim: Claim, given: Given, values: list[Interval]) -> Iterator[str]:
    """The parameters of another model of its family, or of one of another generation."""
    shape, figure = given.named, figure_of(claim)
    near = Fraction(1, 100)
    if claim.metric != "params" or shape is None or any(
        abs(figure.middle / value.middle - 1) < near for value in values
    ):  # fmt: skip
        return
    for other in known_shapes().models.values():
        if family(other) == family(shape) and figure.meets(Interval.of(weights.count(other))):
            yield f"the parameters of {other.id}"


def family(shape: Transformer) -> str:
    return shape.family.rstrip("0123456789.-")
