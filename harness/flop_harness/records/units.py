"""Figures as they are printed: their digits, their precision and the unit behind them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Literal

from flop_harness.errors import UserError, suggest

Base = Literal["", "MAC", "FLOP", "parameter", "byte", "element", "share"]

WORDS: dict[Base, str] = {
    "FLOP": "flop flops floating-point-operations operations ops",
    "MAC": "mac macs madd madds mult-add mult-adds multadds multiply-add multiply-adds",
    "parameter": "param params parameter parameters weights",
    "byte": "b byte bytes",
    "element": "element elements activation activations",
    "share": "% percent",
}
BASES: Mapping[str, Base] = {word: base for base, words in WORDS.items() for word in words.split()}

PREFIXES = {
    "": 1, "k": 10**3, "thousand": 10**3, "万": 10**4, "m": 10**6, "million": 10**6,
    "g": 10**9, "b": 10**9, "billion": 10**9, "t": 10**12, "trillion": 10**12, "p": 10**15,
    "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40, "pi": 2**50,
}  # fmt: skip
WORDED = ("thousand", "万", "million", "b", "billion", "trillion")
BINARY = {10**3: 2**10, 10**6: 2**20, 10**9: 2**30, 10**12: 2**40, 10**15: 2**50}
"""What a decimal prefix stands for where its author counts in powers of two."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What a figure counts, ``scale`` at a time; an empty base leaves it open.

    ``worded`` tells that the scale is a word, which has one meaning, and not a letter.

    >>> parse_unit("GFLOPs")
    Unit(base='FLOP', scale=1000000000, worded=False)
    """

    base: Base
    scale: int = 1
    worded: bool = False

    @property
    def binary(self) -> Unit | None:
        """The same letters meant in powers of two; None without a decimal prefix."""
        if self.worded or self.scale not in BINARY:
            return None
        return replace(self, scale=BINARY[self.scale])

    @property
    def decimal(self) -> Unit | None:
        """The same letters meant in powers of ten; None without a binary prefix."""
        scales = {two: ten for ten, two in BINARY.items()}
        return replace(self, scale=scales[self.scale]) if self.scale in scales else None


def parse_unit(text: str, metric: str = "") -> Unit:
    """The unit of such words as ``GFLOPs``, ``M params``, ``MiB``, ``%`` or ``M``.

    A ``B`` alone is a billion, unless the metric is counted in bytes. Raises UserError.
    """
    words = "-".join(text.lower().split())
    if words in BASES and (words != "b" or metric in ("size", "traffic")):
        return Unit(BASES[words])
    for prefix in sorted(PREFIXES, key=len, reverse=True):
        rest = words.removeprefix(prefix).lstrip("-")
        if words.startswith(prefix) and (rest == "" or rest in BASES) and words:
            return Unit(BASES.get(rest, ""), PREFIXES[prefix], prefix in WORDED)
    if not words:
        return Unit("")
    raise UserError(
        f"unknown unit {text!r}{suggest(words, BASES)}; such as GFLOPs, MMACs, M, MB, %"
    )


# ------------------------------------------------------------------------------------- digits

FIGURE = re.compile(
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?P<power>e[+-]?\d{1,3})?",
    re.IGNORECASE | re.ASCII,
)
NEIGHBOURS = re.compile(r"(?=(\d)(\.?)(\d))", re.ASCII)
FILLED = 3
"""So many zeros at the end of an integer, or one less after several digits, may fill it up."""

Printing = Literal[
    "rounded", "filled up with zeros", "filled up with a zero", "cut off", "rounded up"
]


@dataclass(frozen=True, slots=True)
class Printed:
    """A printed number: its value and what one unit of its last digit is worth."""

    text: str
    value: Fraction
    step: Fraction

    def intervals(self) -> Iterator[tuple[Printing, Fraction, Fraction]]:
        """What may stand behind the digits: how they came about, and from where to where.

        Both ends belong to an interval, but for the upper end of one that was cut off and the lower
        end of one that was rounded up. Of a single digit that is no figure: 5 would be 4.1.
        """
        half = self.step / 2
        yield "rounded", self.value - half, self.value + half
        filled = self._filled()
        if filled is not None:
            yield filled[0], self.value - filled[1] / 2, self.value + filled[1] / 2
        yield "cut off", self.value, self.value + self.step
        if self.digits > 1:
            yield "rounded up", self.value - self.step, self.value

    def printing_of(self, number: Fraction) -> Printing | None:
        """How a number was printed so, the most usual way that fits; None where it cannot be.

        >>> parse_figure("1.82").printing_of(Fraction("1.819")), parse_figure("5").printing_of(Fraction(4))
        ('rounded', None)
        """
        for printing, low, high in self.intervals():
            open_end = {"cut off": high, "rounded up": low}.get(printing)
            if low <= number <= high and number != open_end:
                return printing
        return None

    @property
    def span(self) -> tuple[Fraction, Fraction]:
        """From the least to the greatest that may stand behind the digits."""
        ends = [(low, high) for _, low, high in self.intervals()]
        return min(low for low, _ in ends), max(high for _, high in ends)

    def _filled(self) -> tuple[Printing, Fraction] | None:
        """How its last zeros may fill it up, and the worth of the digit before them."""
        if self.step != 1 or not self.value:
            return None
        digits = str(self.value.numerator)
        kept = digits.rstrip("0")
        zeros = len(digits) - len(kept)
        if zeros >= FILLED - (len(kept) > 1):
            return "filled up with zeros", Fraction(10**zeros)
        return ("filled up with a zero", Fraction(10**zeros)) if zeros and len(kept) > 2 else None

    def transposed(self) -> Iterator[Printed]:
        """The figures that become this one where two neighbouring digits change places.

        Neither a comma nor the point parts them: the point stays where it is. Those around it come last.

        >>> [each.text for each in parse_figure("45.4").transposed()]
        ['54.4', '44.5']
        """
        text = self.text.replace(",", "")
        for pair in sorted(NEIGHBOURS.finditer(text), key=lambda found: found[2]):
            first, point, second = pair.groups()
            if first != second:
                swapped = f"{second}{point}{first}"
                yield parse_figure(text[: pair.start()] + swapped + text[pair.end(3) :])

    def shifted(self, places: int) -> Printed:
        """The same digits times a power of ten."""
        factor = Fraction(10) ** places
        return replace(self, value=self.value * factor, step=self.step * factor)

    @property
    def digits(self) -> int:
        """How many digits are printed, from the first that is no zero."""
        return len(str(floor(self.value / self.step))) if self.value else 1


def in_percent(share: float | Fraction, decimals: int = 0, signed: bool = False) -> str:
    """A share as it is printed, with a space before the sign of per cent.

    >>> in_percent(0.1234, 1), in_percent(Fraction(1, 50), signed=True)
    ('12.3 %', '+2 %')
    """
    return f"{100 * float(share):{'+' if signed else ''}.{decimals}f} %"


def shown(number: Fraction, digits: int = 4) -> str:
    """An integer with its digits grouped, unless it is astronomic; else so many significant digits.

    >>> shown(Fraction(15602810880)), shown(Fraction(25557032, 10**6), 5), shown(Fraction(6 * 10**23))
    ('15,602,810,880', '25.557', '6e+23')
    """
    if number.denominator == 1 and abs(number) < 10**15:
        return f"{number.numerator:,}"
    return f"{float(number):.{digits}g}"


def with_unit(text: str) -> tuple[str, str]:
    """A figure and the unit that stands behind it, if one does.

    >>> with_unit("4.1 GMac")
    ('4.1', 'GMac')
    """
    match = FIGURE.match(text.strip())
    rest = text.strip()[match.end() :].strip() if match else ""
    if match is None or not (rest[:1].isalpha() or rest == "%"):
        return text, ""
    return match[0], rest


def parse_figure(text: str) -> Printed:
    """``61,100,840``, ``15.5``, ``6e7`` (one digit, of tens of millions). Raises UserError.

    >>> parse_figure("4.10").step
    Fraction(1, 100)
    """
    match = FIGURE.fullmatch(text.strip())
    if match is None:
        raise UserError(f"{text!r} is no printed number, such as 61,100,840 or 15.5 or 3.6e9")
    number = Decimal(match["digits"].replace(",", "") + (match["power"] or ""))
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)  # of a finite number
    return Printed(text.strip(), Fraction(number), Fraction(10) ** exponent)
