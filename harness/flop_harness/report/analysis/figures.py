"""What readings say: figures in one unit, and how far they lie from the reference."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from flop_harness.records import Metric, Reading
from flop_harness.report.words.text import Number, is_number, shorten

METRICS: tuple[Metric, ...] = ("compute", "params")
BASE_UNIT = {"compute": "MAC", "params": "parameter"}
REFERENCE = "analytic"
"""The counter that restates the reference: what is said of counters is said of the others"""


def in_macs(value: Number, unit: str) -> Fraction:
    """A figure in the unit in which figures are compared: a MAC is two FLOPs."""
    return Fraction(value) / (2 if unit == "FLOP" else 1)


def plain(value: Fraction) -> Number:
    """A fraction as the integer that it nearly always is, to the last digit."""
    return float(value) if value % 1 else int(value)


def deviation(value: Number | Fraction, reference: Number | Fraction) -> float:
    """How far a figure lies from the reference, as a share of it; computed exactly."""
    if reference == 0:
        return 0.0 if value == 0 else float("inf")
    share = Fraction(value) / Fraction(reference) - 1
    try:
        return float(share)
    except OverflowError:
        return float("inf")


def is_figure(reading: Reading) -> bool:
    """Whether the counter gave a figure: its status is ok and its value a finite number."""
    return reading.status == "ok" and is_number(reading.value)


def figures_of(readings: Iterable[Reading]) -> list[Reading]:
    """Those readings that hold a figure."""
    return [reading for reading in readings if is_figure(reading)]


def by_counters(readings: Iterable[Reading]) -> list[Reading]:
    """Figures of counters: the reference is what they are held against."""
    return [each for each in figures_of(readings) if each.counter != REFERENCE]


def where(reading: Reading) -> str:
    """Which reading this is, in words."""
    text = f"{reading.case}, {reading.counter} ({reading.context}), {reading.metric}"
    return shorten(text, 120)
