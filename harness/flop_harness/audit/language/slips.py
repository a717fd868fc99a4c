"""What could have gone wrong with a figure that nothing reproduces: one slip that would explain it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from fractions import Fraction

from flop_harness.audit.language import consistent, described, left_out
from flop_harness.audit.language.described import Column, shape_of_columns
from flop_harness.audit.language.given import Given
from flop_harness.audit.language.quantities import (
    QUANTITIES,
    Interval,
    column,
    figure_of,
    filled,
    printed,
    read,
)
from flop_harness.audit.language.relations import Candidate
from flop_harness.conventions.transformers import parameters as weights
from flop_harness.errors import UserError
from flop_harness.records import Claim
from flop_harness.records.units import parse_figure
from flop_harness.suite.peaks import known as known_peaks

POWERS = {1: "ten times", 2: "a hundred times", 3: "a thousand times", 6: "a million times",
          9: "a billion times"}  # fmt: skip
AGAIN, HALF = (
    (Fraction(2), "twice what it should be"),
    (Fraction(1, 2), "half of what it should be"),
)
FACTORS = (
    (AGAIN[0], f"{AGAIN[1]}: FLOP for MAC, or counted again"),
    (HALF[0], f"{HALF[1]}: MAC for FLOP"),
    (Fraction(4, 3), "4/3 of what it should be: recomputation counted in"),
    (Fraction(3, 4), "3/4 of what it should be: recomputation left out"),
    (Fraction(3), "three times what it should be: the backward pass counted in"),
    (Fraction(1, 3), "a third of what it should be: the backward pass left out"),
)
Slip = Callable[[Claim, Given, list[Interval]], Iterator[str]]
FEW = 3
"""Fewer digits in each other's place fit more by chance than a factor does."""
MANY = 7
"""So many digits that two of them in each other's place fit nothing by chance."""
TRIFLE = Fraction(1, 200)
BY_PEAK = ("mfu", "mfu without attention", "hfu", "peak share")


def explained(claim: Claim, values: Iterable[Interval], clear: bool, near: bool = False) -> str:
    """The first slip that would turn one of ``values`` into the figure; empty if there is none.

    Where it is not clear what the figure should be, digits and factors explain too much: factors
    unless all that it may be lies ``near`` together, digits unless there are many, or it is far off
    such values.
    """
    values = list(values)
    given = Given(claim)
    slips: list[Slip] = [powers, against_sparse, against_another, active_alone, exchanged,
                         left_out.of_another, left_out.cell_beside, left_out.factor_beside, left_out.time_unit]  # fmt: skip
    digits = printed(claim.value)[0].digits
    if (clear or near) and digits < FEW:
        slips.append(factors)
    far = near and not any(is_little(figure_of(claim), value) for value in values)
    if clear or far or digits >= MANY:
        slips += [transposed, one_digit] if clear else [transposed]
    if (clear or near) and digits >= FEW:
        slips.append(factors)
    return next((words for slip in slips for words in slip(claim, given, values)), "")


def loosely(claim: Claim, text: str) -> Interval:
    """The same where it may also be cut off."""
    return read(claim.unit, text)[1]


def off_by(claim: Claim, factor: Fraction) -> Interval:
    """What a figure may stand for if it is a rounded one times a factor; zeros may fill it up."""
    name, prefix = column(claim.unit)
    whole = filled(name, claim.value, prefix) or figure_of(claim)
    plain, larger = figure_of(claim), max(factor, Fraction(1))
    steps = (plain.high - plain.low) / 2 * larger
    zeros = (whole.high - whole.low) / 2 * (larger if larger < 10 else 1)  # ten times has one more
    half = max(zeros, steps)
    return Interval(whole.middle - half, whole.middle + half)


def powers(claim: Claim, given: Given, values: list[Interval]) -> Iterator[str]:
    for power, told in POWERS.items():
        for factor, way in (
            (Fraction(10**power), "too large"),
            (Fraction(1, 10**power), "too small"),
        ):
            if any(off_by(claim, factor).meets(value * factor) for value in values):
                yield f"{told} {way}"


def against_sparse(claim: Claim, given: Given, values: list[Interval]) -> Iterator[str]:
    """A share of the sparse peak, printed as one of the dense."""
    dense, sparse = given.peak, given.sparse
    if claim.metric not in BY_PEAK or dense is None or sparse is None:
        return
    if any(figure_of(claim).meets(value * (dense / sparse)) for value in values):
        yield f"a share of the sparse peak, {float(sparse.low / 10**12):g} TFLOP/s"


def against_another(claim: Claim, given: Given, values: list[Interval]) -> Iterator[str]:
    """A share of another peak of the device, or of another device's of the same number type."""
    dense, own = given.peak, known_peaks().get(claim.given.get("peak", ""))
    if claim.metric not in BY_PEAK or dense is None or own is None:
        return
    here = [each for each in known_peaks().values() if each.device == own.device]
    there = [
        each
        for each in known_peaks().values()
        if (each.dtype, each.sparse) == (own.dtype, own.sparse)
    ]
    for other in (*here, *there):
        against = (value * (dense / other.flops) for value in values)
        if other.flops != dense.low and any(map(figure_of(claim).meets, against)):
            yield f"a share of the peak of {other.id}, {float(other.flops / 10**12):g} TFLOP/s"


def active_alone(claim: Claim, given: Given, values: list[Interval]) -> Iterator[str]:
    """Of a mixture of experts the parameters that one token meets."""
    shape = given.shape or given.described
    if claim.metric != "params" or shape is None or shape.experts is None:
        return
    if loosely(claim, claim.value).meets(Interval.of(weights.active(shape))):
        yield "the active parameters for all"


EXCHANGED = (("width", "mlp width"), ("layers", "heads"), ("heads", "kv heads"), ("layers", "width"),
             ("heads", "head size"), ("experts", "active experts"))  # fmt: skip
"""Columns of a shape that change places easily."""
LITTLE = Fraction(1, 10)
"""Parameters that are off by less may count something else."""


def is_little(figure: Interval, value: Interval) -> bool:
    return abs(figure.middle / value.middle - 1) < LITTLE


def exchanged(claim: Claim, given: Given, values: list[Interval]) -> Iterator[str]:
    """Parameters that follow where two other columns of the row change places, and else are far off."""
    near = any(is_little(figure_of(claim), value) for value in values)
    if claim.metric != "params" or given.described is None or near:
        return
    for pair in EXCHANGED:
        if not all(name in given.cells for name in pair):
            continue
        turned = with_exchanged(given, pair)
        try:
            shape = shape_of_columns(turned) if consistent.fits(given, turned) else None
        except UserError:  # they describe no shape so
            continue
        counted = described.counts(shape) if shape else ()
        if any(figure_of(claim).meets(Interval.of(amount)) for _, amount in counted):
            yield f"{pair[0]} and {pair[1]} beside it changed places"


def with_exchanged(given: Given, pair: tuple[str, str]) -> Column:
    other = {pair[0]: pair[1], pair[1]: pair[0]}
    return lambda name: given.get(other.get(name, name))


def prefix_of(cell: str) -> str:
    """The letter behind a cell's digits, as in ``1.5T`` and ``44%``."""
    found = re.search(r"[a-zA-Z%]*$", cell.strip())
    return found[0] if found else ""


def transposed(claim: Claim, given: Given, values: list[Interval]) -> Iterator[str]:
    """Two neighbouring digits changed places."""
    figure, letter = printed(claim.value)[0], prefix_of(claim.value)
    for other in figure.transposed():
        meant = off_by(replace(claim, value=f"{other.text}{letter}"), Fraction(1))
        if any(meant.meets(value) for value in values):
            yield f"two digits changed places: {other.text}{letter}"


def factors(claim: Claim, given: Given, values: list[Interval]) -> Iterator[str]:
    """Of work and its rates; a number of things is at most counted twice, a size of a shape never."""
    quantity = QUANTITIES[claim.metric]
    of_work = "FLOP" in quantity.unit or quantity.unit in ("MAC", "share")
    for factor, told in () if quantity.counted else FACTORS if of_work else (AGAIN, HALF):
        if any(off_by(claim, factor).meets(value * factor) for value in values):
            yield told


def one_digit(claim: Claim, given: Given, values: list[Interval]) -> Iterator[str]:
    """One digit of at least four is another, and not by a trifle."""
    figure, letter = printed(claim.value)[0], prefix_of(claim.value)
    middle, text = figure_of(claim).middle, figure.text
    if figure.digits < 4 or any(abs(middle / v.middle - 1) < TRIFLE for v in values):
        return
    for place, old in enumerate(text):
        for digit in "0123456789" if old.isdigit() else "":
            other = text[:place] + digit + text[place + 1 :]
            if digit == old or not parse_figure(other).value:
                continue
            if any(figure_of(claim, f"{other}{letter}").meets(value) for value in values):
                yield f"a digit is wrong: {other}{letter}"


# ------------------------------------------------------------------------------- beside each other


def swapped(
    claim: Claim, candidates: list[Candidate], others: Iterable[tuple[Claim, list[Candidate]]]
) -> str:
    """Another claim that this figure belongs to, and whose figure belongs here."""
    for other, theirs in others:
        if other.value == claim.value:
            continue
        there, here = loosely(other, claim.value), loosely(claim, other.value)
        if any(there.meets(c.value) for c in theirs) and any(
            here.meets(c.value) for c in candidates
        ):
            place = other.metric if other.row == claim.row else f"row {other.row}"
            return f"changed places with {place} ({other.value})"
    return ""
