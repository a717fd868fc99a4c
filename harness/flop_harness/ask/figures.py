"""Figures as people write them, and which amounts they may be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from flop_harness.ask.ways import Amount
from flop_harness.errors import UserError
from flop_harness.records.units import Printed, Unit, parse_figure, parse_unit, with_unit

FLOPS = {"MAC": 2, "FLOP": 1}
BARE = (10**9, 10**6, 10**12, 10**3)
"""What a figure without a unit may be counted in, the usual first: G, M, T, k"""


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

    def is_of(self, amount: Amount) -> bool:
        """Whether it is the amount, rounded or cut off as figures are; a MAC is two FLOPs."""
        base = self.unit.base
        if base in ("", amount.unit) or self.is_label(amount):
            return self._stands_for(Fraction(amount.total))
        if base in FLOPS and amount.unit in FLOPS:
            return self._stands_for(Fraction(amount.total) * FLOPS[amount.unit] / FLOPS[base])
        return False

    def is_label(self, amount: Amount) -> bool:
        """Whether its unit is what the tool itself calls its figures."""
        words = amount.label.split(" ")[0]
        return bool(words) and self.unit.base == called(words)

    def is_misnamed(self, amount: Amount) -> bool:
        """Whether it would be the amount under another name of the unit: MACs called FLOPs."""
        swapped = self.unit.base in FLOPS and amount.unit in FLOPS
        return swapped and self._stands_for(Fraction(amount.total))

    def _stands_for(self, value: Fraction) -> bool:
        """A figure without a digit, as 0.00, tells of nothing but 0."""
        if not self.printed.value:
            return value == 0
        number = value / self.unit.scale
        return any(low <= number <= high for _, low, high in self.printed.intervals())


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

    @property
    def how(self) -> str:
        """What departs from what is written; empty where nothing does."""
        misnamed = self.figure.is_misnamed(self.amount) and not self.figure.is_of(self.amount)
        renamed = f"{self.amount.unit}s called {self.figure.unit.base}s" if misnamed else ""
        return ", ".join(filter(None, [renamed, self.figure.powers]))


def identified(figure: Figure, amounts: Iterable[Amount]) -> list[Identified]:
    """The amounts that a figure may be, each way of counting once; the plainest reading first.

    As it is written; without a unit, in thousands, millions and so on; MACs called FLOPs; then the
    same with a prefix in powers of two.
    """
    known = list(amounts)
    found: dict[str, Identified] = {}
    for read, fits in interpretations(figure):
        for amount in known:
            if fits(read, amount):
                found.setdefault(amount.way, Identified(read, amount))
    return list(found.values())


def interpretations(figure: Figure) -> Iterator[tuple[Figure, Callable[[Figure, Amount], bool]]]:
    for reads in (list(figure.readings()), list(figure.in_powers())):
        for fits in (Figure.is_of, Figure.is_misnamed):
            for read in reads:
                yield read, fits
