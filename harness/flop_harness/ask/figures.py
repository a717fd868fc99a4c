"""Figures as people write them, and which amounts they may be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import get_args

from flop_harness.ask.ways import Amount
from flop_harness.errors import UserError
from flop_harness.records.units import Printed, Printing, Unit, parse_figure, parse_unit, with_unit

FLOPS = {"MAC": 2, "FLOP": 1}
BARE = (10**9, 10**6, 10**12, 10**3)
"""What a figure without a unit may be counted in, the usual first: G, M, T, k"""
PRINTINGS: tuple[Printing, ...] = get_args(Printing)
CHANGED = ("cut off", "rounded up")
"""How a figure came about that is not the nearest: it has to be said"""
RAISED = 3
"""So many digits at least are rounded up: fewer would be the figure of too many counters"""


@dataclass(frozen=True)
class Figure:
    """A printed figure and its unit, as somebody wrote it; ``powers`` tells a prefix read as 2^30."""

    text: str
    printed: Printed
    unit: Unit
    powers: str = ""

    def readings(self) -> Iterator[Figure]:
        """As it stands; a bare number that is no count of anything also in G, M, T or k."""
        yield self
        if not self.unit.base and self.unit.scale == 1 and self.printed.value < BARE[0]:
            for scale in BARE:
                yield replace(self, unit=replace(self.unit, scale=scale))

    def in_powers(self) -> Iterator[Figure]:
        """Its prefix as some mean it: G for 2^30."""
        if self.unit.binary:
            power = self.unit.binary.scale.bit_length() - 1
            yield replace(self, unit=self.unit.binary, powers=f"its prefix stands for 2^{power}")

    def as_written(self, amount: Amount) -> Printing | None:
        """How the amount was printed so; a MAC is two FLOPs. None where it is not the amount."""
        base = self.unit.base
        if base in ("", amount.unit) or self.is_label(amount):
            return self._printing_of(Fraction(amount.total))
        if base in FLOPS and amount.unit in FLOPS:
            return self._printing_of(Fraction(amount.total) * FLOPS[amount.unit] / FLOPS[base])
        return None

    def is_label(self, amount: Amount) -> bool:
        """Whether its unit is what the tool itself calls its figures."""
        words = amount.label.split(" ")[0]
        return bool(words) and self.unit.base == called(words)

    def misnamed(self, amount: Amount) -> Printing | None:
        """How the amount was printed under another name of its unit: MACs called FLOPs."""
        swapped = self.unit.base in FLOPS and amount.unit in FLOPS
        return self._printing_of(Fraction(amount.total)) if swapped else None

    def _printing_of(self, value: Fraction) -> Printing | None:
        """A figure without a digit, as 0.00, tells of nothing but 0; one of a few is not rounded up."""
        if not self.printed.value:
            return "rounded" if value == 0 else None
        printing = self.printed.printing_of(value / self.unit.scale)
        return None if printing == "rounded up" and self.printed.digits < RAISED else printing


def called(label: str) -> str:
    try:
        return parse_unit(label).base
    except UserError:
        return ""


def parse(text: str) -> Figure:
    """``4.089GMac``, ``4.1 GFLOPs``, ``25,557,032``. Raises UserError."""
    digits, unit = with_unit(text)
    return Figure(text, parse_figure(digits), parse_unit(unit))


@dataclass(frozen=True)
class Identified:
    """An amount that a figure may be, and the figure as it was read for that."""

    figure: Figure
    amount: Amount
    printing: Printing

    @property
    def is_misnamed(self) -> bool:
        """Whether it is the amount only under another name of its unit."""
        return self.figure.as_written(self.amount) != self.printing

    @property
    def how(self) -> str:
        """What departs from what is written; empty where nothing does."""
        renamed = f"{self.amount.unit}s called {self.figure.unit.base}s" if self.is_misnamed else ""
        printed = self.printing if self.printing in CHANGED else ""
        return ", ".join(filter(None, [renamed, printed, self.figure.powers]))


def identified(figure: Figure, amounts: Iterable[Amount]) -> list[Identified]:
    """The amounts that a figure may be, each way of counting once; the plainest reading first.

    Prefixes in powers of ten before those in powers of two; of these what is rounded to the nearest
    before what is cut off, and that before what is rounded up; of these as it is written before MACs
    called FLOPs.
    """
    known = list(amounts)
    every = [Identified(read, amount, printing)
             for read, fits in interpretations(figure) for amount in known
             if (printing := fits(read, amount))]  # fmt: skip
    every.sort(key=lambda each: (bool(each.figure.powers), PRINTINGS.index(each.printing)))
    found: dict[str, Identified] = {}
    for each in every:
        found.setdefault(each.amount.way, each)
    return list(found.values())


def interpretations(
    figure: Figure,
) -> Iterator[tuple[Figure, Callable[[Figure, Amount], Printing | None]]]:
    for reads in (list(figure.readings()), list(figure.in_powers())):
        for fits in (Figure.as_written, Figure.misnamed):
            for read in reads:
                yield read, fits
