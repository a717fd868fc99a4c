"""What a column of figures about language models may be about, and what a cell may stand for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from flop_harness.errors import UserError, suggest
from flop_harness.records import Claim
from flop_harness.records.units import Printed, parse_figure, with_unit


@dataclass(frozen=True, slots=True)
class Quantity:
    """The unit of a column's figures, what one of it is worth, and whether it is counted exactly."""

    unit: str
    scale: Fraction = Fraction(1)
    counted: bool = False


SIZES = (
    "params", "active params", "non-embedding params", "embedding params", "tokens", "batch tokens",
)  # fmt: skip
WHOLE = (
    "layers", "heads", "head size", "width", "kv heads", "mlp width", "mlp matrices", "experts",
    "active experts", "shared experts", "expert width", "dense layers", "vocabulary", "length",
    "batch", "gpus", "steps",
)  # fmt: skip
"""Sizes of a shape and of a step: of things that are not halved."""
OF_SHAPE = WHOLE[: WHOLE.index("batch")]
MAY_BE_NONE = ("shared experts", "dense layers", "experts", "active experts", "expert width",
               "embedding params", "backward factor")  # fmt: skip
"""Of these a model may have none, and say so with a zero."""
SINGLE = ("parameter", "token", "FLOP", "MAC")
"""Units of which there is at least one, where there is anything."""
PERCENT, TERA, PETA = Fraction(1, 100), Fraction(10**12), Fraction(10**15)
QUANTITIES: Mapping[str, Quantity] = {
    "params": Quantity("parameter"),
    "active params": Quantity("parameter"),
    "non-embedding params": Quantity("parameter"),
    "embedding params": Quantity("parameter"),
    "layers": Quantity("layer", counted=True),
    "heads": Quantity("head", counted=True),
    "head size": Quantity("element", counted=True),
    "width": Quantity("element", counted=True),
    "kv heads": Quantity("head", counted=True),
    "mlp width": Quantity("element", counted=True),
    "mlp matrices": Quantity("matrix", counted=True),
    "experts": Quantity("expert", counted=True),
    "active experts": Quantity("expert", counted=True),
    "shared experts": Quantity("expert", counted=True),
    "expert width": Quantity("element", counted=True),
    "dense layers": Quantity("layer", counted=True),
    "vocabulary": Quantity("token", counted=True),
    "length": Quantity("token", counted=True),
    "batch": Quantity("sequence", counted=True),
    "batch tokens": Quantity("token"),
    "steps": Quantity("step", counted=True),
    "gpus": Quantity("device", counted=True),
    "tokens": Quantity("token"),
    "compute": Quantity("FLOP"),
    "pf-days": Quantity("PFLOP/s day"),
    "flop per token": Quantity("FLOP"),
    "flop per param": Quantity("FLOP"),
    "forward flop per param": Quantity("FLOP", counted=True),
    "backward factor": Quantity("", counted=True),
    "active share": Quantity("", counted=True),
    "tokens/s": Quantity("token/s"),
    "tokens/s/gpu": Quantity("token/s"),
    "samples/s": Quantity("sequence/s"),
    "steps/s": Quantity("step/s"),
    "step s": Quantity("s"),
    "tflops/gpu": Quantity("FLOP/s", TERA),
    "tflops/gpu without attention": Quantity("FLOP/s", TERA),
    "pflops": Quantity("FLOP/s", PETA),
    "peak": Quantity("FLOP/s", TERA, counted=True),
    "peak share": Quantity("share", PERCENT),
    "mfu": Quantity("share", PERCENT),
    "mfu without attention": Quantity("share", PERCENT),
    "hfu": Quantity("share", PERCENT),
    "days": Quantity("day"),
    "gpu hours": Quantity("hour"),
    "forward flop": Quantity("FLOP"),
    "forward macs": Quantity("MAC"),
    "training flop": Quantity("FLOP"),
    "training macs": Quantity("MAC"),
    "ratio": Quantity(""),
}

PREFIXES = {"k": 3, "K": 3, "M": 6, "G": 9, "B": 9, "T": 12, "P": 15, "E": 18, "Z": 21, "Y": 24}
HEAD = re.compile(r"(?P<name>[^()]+?)\s*(?:\((?P<prefix>[kKMGBTPEZY]|1e\d\d?)\))?$")


@dataclass(frozen=True, slots=True)
class Interval:
    """From the least to the greatest that a figure may stand for; positive."""

    low: Fraction
    high: Fraction

    @classmethod
    def of(cls, value: Fraction | int) -> Interval:
        return cls(Fraction(value), Fraction(value))

    def __mul__(self, other: Interval | Fraction | int) -> Interval:
        by = other if isinstance(other, Interval) else Interval.of(other)
        return Interval(self.low * by.low, self.high * by.high)

    def __truediv__(self, other: Interval | Fraction | int) -> Interval:
        by = other if isinstance(other, Interval) else Interval.of(other)
        return Interval(self.low / by.high, self.high / by.low)

    def meets(self, other: Interval) -> bool:
        return self.low <= other.high and other.low <= self.high

    @property
    def middle(self) -> Fraction:
        return (self.low + self.high) / 2


def column(head: str) -> tuple[str, Fraction]:
    """The quantity that a column's head names, and the worth of its prefix. UserError."""
    match = HEAD.match(head.strip())
    name = match["name"].strip() if match else head
    if name not in QUANTITIES:
        raise UserError(f"unknown quantity {name!r}{suggest(name, QUANTITIES)}")
    prefix = match["prefix"] if match else None
    return name, prefixed(prefix or "")


def prefixed(prefix: str) -> Fraction:
    """What ``M`` or ``1e6`` is worth; 1 for none."""
    if prefix.startswith("1e"):
        return Fraction(10 ** int(prefix[2:]))
    return Fraction(10 ** PREFIXES[prefix]) if prefix else Fraction(1)


LEAST, MOST = Fraction(1, 10**12), Fraction(10**36)
LARGEST = 10**9
"""Of what is counted in a shape, as in files of shapes."""
MISPRINTED = re.compile(r"\d+,\d{1,2}")
"""A comma where the point belongs: no thousands are grouped so."""


def misprinted(cell: str) -> bool:
    return bool(MISPRINTED.fullmatch(cell.strip()))


def printed(cell: str) -> tuple[Printed, Fraction]:
    """A cell's digits, and the worth of a letter behind them (``125M``, ``44%``). UserError."""
    figure, worth = digits_of(cell)
    if figure.value <= 0:
        raise UserError(f"{cell!r}: no figure above 0")
    return figure, worth


def digits_of(cell: str) -> tuple[Printed, Fraction]:
    """The same, which may be a zero. UserError."""
    meant = cell.replace(",", ".") if misprinted(cell) else cell
    digits, letter = with_unit(meant.strip().replace("%", ""))
    figure = parse_figure(digits)
    if letter and letter not in PREFIXES:
        raise UserError(f"{cell!r}: {letter!r} is no prefix such as K, M, B or T")
    return figure, prefixed(letter)


def is_zero(cell: str) -> bool:
    """Whether a cell holds a zero, as in ``0``, ``0.0%`` and ``0B``."""
    try:
        return digits_of(cell)[0].value == 0
    except UserError:  # no figure at all
        return False


def rounded_away(head: str, cell: str) -> Fraction:
    """What a zero of this column may stand for at most: half of its last digit, in its quantity's unit."""
    name, prefix = column(head)
    figure, letter = digits_of(cell)
    return (
        Fraction(0) if QUANTITIES[name].counted else figure.step / 2 * worth(name, prefix, letter)
    )


def is_no_such_thing(head: str, cell: str) -> bool:
    """Whether a cell is a zero where there is at least one: no layers, no devices, 0 tokens.

    A rate or a time that is printed as 0 may be less than half of its last digit.
    """
    if not is_zero(cell):
        return False
    quantity = QUANTITIES[column(head)[0]]
    single = quantity.unit in SINGLE and rounded_away(head, cell) < 1
    return quantity.counted or single


def check_figure(name: str, cell: str, prefix: Fraction) -> None:
    """UserError for half a layer, and for more of anything than a model or a machine has."""
    figure, letter = printed(cell)
    value = figure.value * worth(name, prefix, letter)
    if not LEAST <= value <= MOST:
        raise UserError(f"{cell!r}: a figure from 1e-12 to 1e36")
    if name in WHOLE and (value.denominator != 1 or value > LARGEST):
        raise UserError(f"{cell!r}: a whole number from 1 to 1e9")


def worth(name: str, prefix: Fraction, letter: Fraction) -> Fraction:
    """What one of a printed figure is worth in its quantity's unit."""
    return QUANTITIES[name].scale * (letter if letter != 1 else prefix)


@lru_cache(maxsize=100_000)
def stands_for(name: str, cell: str, prefix: Fraction = Fraction(1)) -> Interval:
    """What a figure that others follow from may stand for: half a step either way, if not counted.

    Parameters and tokens of a single digit, as in ``1e9``, name a size rather than round one.
    """
    figure, letter = printed(cell)
    scale = worth(name, prefix, letter)
    if QUANTITIES[name].counted:
        return Interval.of(figure.value * scale)
    half = min(figure.step / 2, figure.value * loosest(name))
    return Interval((figure.value - half) * scale, (figure.value + half) * scale)


def loosest(name: str) -> Fraction:
    """The share by which a figure may be off at most; a rate may be printed as 5 or 0.3."""
    return Fraction(1, 20) if name in SIZES else Fraction(1, 2)


def filled(name: str, cell: str, prefix: Fraction = Fraction(1)) -> Interval | None:
    """The same where its last zeros only fill it up, as in 400 and 430, but not in 30."""
    figure, letter = printed(cell)
    if QUANTITIES[name].counted or figure.step != 1 or figure.value % 10 or figure.value < 100:
        return None
    zeros = len(str(figure.value)) - len(str(figure.value).rstrip("0"))
    half = min(Fraction(10**zeros, 2), figure.value * loosest(name))
    scale = worth(name, prefix, letter)
    return Interval((figure.value - half) * scale, (figure.value + half) * scale)


def cut(name: str, cell: str, prefix: Fraction = Fraction(1)) -> Interval:
    """The same where its digits are cut off: up to a step more."""
    figure, letter = printed(cell)
    scale = worth(name, prefix, letter)
    more = min(figure.step, 2 * figure.value * loosest(name))
    return Interval(figure.value * scale, (figure.value + more) * scale)


def figure_of(claim: Claim, text: str | None = None) -> Interval:
    """What a figure may stand for, half a step either way, in its quantity's unit."""
    return read(claim.unit, text or claim.value)[0]


@lru_cache(maxsize=100_000)
def read(head: str, text: str) -> tuple[Interval, Interval]:
    """What a cell under this head stands for if it is rounded, and if it may be cut off too."""
    name, prefix = column(head)
    rounded = stands_for(name, text, prefix)
    figure, letter = printed(text)
    last = (figure.value + figure.step) * worth(name, prefix, letter)
    return rounded, Interval(rounded.low, last)
