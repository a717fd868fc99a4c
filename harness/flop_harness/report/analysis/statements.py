"""Sentences about time: each with its interval, and whether the samples show it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flop_harness.report.words.text import digits

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence; where it is not shown, ``why`` says what is in the way."""

    text: str
    shown: bool = True
    why: str = ""


def with_interval(value: float, interval: Interval, unit: str = "") -> str:
    """``1.22 (95 %: 1.18 to 1.27)``"""
    low, high = (digits(each) + unit for each in interval)
    return f"{digits(value)}{unit} (95 %: {low} to {high})"


def shown(statements: Iterable[Statement]) -> list[str]:
    return [each.text for each in statements if each.shown]


def not_shown(statements: Iterable[Statement]) -> list[Statement]:
    return [each for each in statements if not each.shown]
