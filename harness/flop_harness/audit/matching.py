"""Which candidates a printed figure may stand for, and how many made-up figures they would fit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import log

from flop_harness.audit.candidates import (
    CUT,
    OTHER_PREFIX,
    OWN_RULES,
    UP,
    Candidate,
    Question,
    unprefixed,
)
from flop_harness.reconcile.bridges import whole
from flop_harness.records import Fit
from flop_harness.records.units import Printed, Printing

# ------------------------------------------------------------------------------------ matches

PRINTINGS: dict[Printing, tuple[int, str]] = {
    "rounded": (0, ""),
    "filled up with zeros": (0, ""),
    "filled up with a zero": (CUT, "rounded, and filled up with zeros"),
    "cut off": (CUT, "cut off instead of rounded"),
    "rounded up": (UP, "rounded up"),
}
PRINTED_SO = frozenset(told for _, told in PRINTINGS.values() if told)
EASY = (" called ", OTHER_PREFIX, *(told for cost, told in PRINTINGS.values() if 0 < cost < UP))
"""Words of departures that are no strain."""


@dataclass(frozen=True, slots=True)
class Match:
    """A candidate within what the printed digits can stand for."""

    candidate: Candidate
    cost: int
    departures: tuple[str, ...]
    printing: Printing = "rounded"

    @property
    def way(self) -> tuple[str, tuple[str, ...]]:
        """Who counts, and how it is read, however it was printed."""
        read = tuple(told for told in self.departures if told not in PRINTED_SO)
        return self.candidate.counting, read

    @property
    def strains(self) -> int:
        """How many of its departures are far-fetched."""
        return sum(not any(words in told for words in EASY) for told in self.departures)

    @property
    def plain(self) -> bool:
        """Whether it was rounded as usual."""
        return PRINTINGS[self.printing][0] == 0

    @property
    def reading(self) -> tuple[str, ...]:
        """What departs, but for whose rules it is counted by."""
        return tuple(told for told in self.departures if told != OWN_RULES)

    @property
    def prefixed(self) -> bool:
        """Whether the prefix has to mean what it does not say."""
        return unprefixed(self.departures) != self.departures


def matches(question: Question, found: Iterable[Candidate]) -> list[Match]:
    """Those that fit, the cheapest first, each with the cheapest way in which it was printed.

    A figure without a digit, as 0.00, says of nothing but 0 what it is; but of shares, which add up.
    """
    if not question.printed.value and question.unit.base != "share":
        found = [candidate for candidate in found if candidate.number == 0]
    made = []
    for candidate in found:
        printing = question.printed.printing_of(candidate.number)
        if printing:
            cost, told = PRINTINGS[printing]
            how = (*candidate.departures, told) if told else candidate.departures
            made.append(Match(candidate, candidate.cost + cost, how, printing))
    return sorted(made, key=lambda match: match.cost)


def loosest(found: Iterable[Match]) -> Printing:
    """The freest way in which any of them was printed."""
    ways: list[Printing] = [match.printing for match in found]
    return max(ways, key=lambda printing: PRINTINGS[printing][0], default="rounded")


def fit_of(question: Question, candidate: Candidate, departures: tuple[str, ...] = ()) -> Fit:
    """A candidate as a record, its value without the claim's prefix."""
    value = candidate.amount
    told = departures or candidate.departures
    misnamed = any(each.endswith(f"called {question.unit.base}s") for each in told)
    gap = float(question.printed.value / candidate.number - 1) if candidate.number else float("inf")
    return Fit(
        candidate.counting,
        whole(float(value)) if value.denominator != 1 else int(value),
        candidate.unit if misnamed else question.unit.base or candidate.unit,
        candidate.inputs,
        told,
        question.exact and candidate.number == question.printed.value,
        gap,
    )


def nearest(question: Question, found: Iterable[Candidate], count: int = 3) -> list[Candidate]:
    """The candidates that come nearest, one of each value."""
    apart: dict[Fraction, Candidate] = {}
    for candidate in sorted(found, key=lambda c: c.cost):
        if candidate.number > 0:
            apart.setdefault(candidate.number, candidate)
    value = question.printed.value
    ranked = sorted(apart, key=lambda number: abs(number / value - 1) if value else number)
    return [apart[number] for number in ranked[:count]]


# ------------------------------------------------------------------------------------- chance


def chance(question: Question, found: Iterable[Candidate], printing: Printing = "rounded") -> float:
    """The share of made-up figures, as precise and about as large, that something would fit.

    About as large is within a factor of two either way; made up is even on a logarithmic scale. A
    made-up figure may be printed as freely as ``printing`` says.
    """
    value = float(question.printed.value)
    if value <= 0:
        return 1.0
    below, above = reach(question.printed, printing)
    low, high = log(value / 2), log(2 * value)
    covered, reached = 0.0, low
    for number in sorted({float(c.number) for c in found if value / 2 <= c.number <= 2 * value}):
        start = max(log(max(number - below, value / 4)), reached)
        reached = max(reached, min(log(number + above), high))
        covered += max(reached - start, 0.0)
    return min(covered / (high - low), 1.0)


def reach(printed: Printed, printing: Printing) -> tuple[float, float]:
    """How far below and above a number its figure may lie, printed so or more simply."""
    below = above = 0.0
    for name, low, high in printed.intervals():
        if PRINTINGS[name][0] <= PRINTINGS[printing][0] and (
            name == printing or not name.startswith("filled")
        ):
            below = max(below, float(high - printed.value))
            above = max(above, float(printed.value - low))
    return below, above
