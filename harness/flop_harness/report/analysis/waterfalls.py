"""Bridges as waterfalls: a bar for each step, all those of a case on one scale.

A level is a distance from the reference, in MAC or parameters: a term is often a thousandth of the
reference, and a bar that starts at zero would show nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise

from flop_harness.records import Bridge
from flop_harness.report.analysis.causes import in_macs_each
from flop_harness.report.analysis.index import Index

APART = 20
"""Per cent of the width between zero and an end of the scale that is told beside it"""


@dataclass(frozen=True, slots=True)
class Bar:
    """A step of a waterfall in per cent of its width."""

    left: float
    width: float
    tone: str


@dataclass(frozen=True, slots=True)
class Scale:
    """The lowest and the highest level of waterfalls that stand side by side; 0 is between them."""

    low: Fraction
    high: Fraction

    @classmethod
    def of(cls, waterfalls: Iterable[Sequence[Fraction]]) -> Scale:
        every = [Fraction(0), *(level for levels in waterfalls for level in levels)]
        return cls(min(every), max(every))

    def part(self, amount: Fraction) -> float:
        """An amount in per cent of the width."""
        return round(float(100 * amount / ((self.high - self.low) or 1)), 2)

    def place(self, level: Fraction) -> float:
        return self.part(level - self.low)

    @property
    def ticks(self) -> list[Fraction]:
        """Zero, and the ends that are not too near to it."""
        ends = [end for end in (self.low, self.high) if abs(self.part(end)) >= APART]
        return sorted([Fraction(0), *ends])


def levels(index: Index, bridge: Bridge) -> list[Fraction]:
    """The level at the reference, after each step, and at the reading; a FLOP is half a MAC."""
    gap = Fraction(bridge.residual) / (2 if bridge.unit == "FLOP" else 1)
    return list(accumulate([*in_macs_each(index, bridge), gap], initial=Fraction(0)))


def own_levels(bridge: Bridge) -> list[Fraction]:
    """The same in the unit of the reading, of a bridge between two ways of counting."""
    moves = (*(step.amount for step in bridge.steps), bridge.residual)
    return list(accumulate(map(Fraction, moves), initial=Fraction(0)))


def bars(bridge: Bridge, levels: Sequence[Fraction], scale: Scale) -> tuple[Bar, ...]:
    """One for the reference, each step, the residual and the reading; none without any difference."""
    if not any((*(step.amount for step in bridge.steps), bridge.residual)):
        return ()
    drawn = [Bar(scale.place(Fraction(0)), 0, "base")]
    for start, end in pairwise(levels):
        tone = "up" if end > start else "down" if end < start else "base"
        drawn.append(Bar(scale.place(min(start, end)), scale.part(abs(end - start)), tone))
    if bridge.residual:
        drawn[-1] = Bar(drawn[-1].left, drawn[-1].width, "loud")
    end = levels[-1]
    return (*drawn, Bar(scale.place(min(Fraction(0), end)), scale.part(abs(end)), "base"))
