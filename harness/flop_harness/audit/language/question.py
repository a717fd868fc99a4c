"""A figure about a language model, all that it may be, and what of that fits its digits."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from math import log

from flop_harness.audit.language.given import TOLD, Given, Mode
from flop_harness.audit.language.possible import Candidate
from flop_harness.audit.language.quantities import (
    QUANTITIES,
    Interval,
    column,
    figure_of,
    printed,
    worth,
)
from flop_harness.audit.language.relations import candidates
from flop_harness.audit.matching import PRINTINGS
from flop_harness.records import Claim

READ_OTHERWISE = 1
READ_SO: tuple[Mode, ...] = ("filled", "cut", "samples", "seconds")
Way = tuple[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Match:
    """A candidate within what the printed digits can stand for."""

    candidate: Candidate
    cost: int
    told: tuple[str, ...]


@dataclass
class Question:
    """A claim, all that it may be, and what of that fits its digits."""

    claim: Claim
    usual: set[Way] = field(default_factory=set)
    agreed: float = 0.0
    """The share of its column that the usual ways explain."""
    beside: float = 0.0
    """The same of the figures beside it, where they do not explain it."""

    @cached_property
    def plain(self) -> list[Candidate]:
        """With the figures beside it rounded as usual."""
        return candidates(Given(self.claim))

    @cached_property
    def otherwise(self) -> list[Candidate]:
        """With the figures beside it filled up with zeros, cut off, or out of rounded ones."""
        return [
            replace(
                each, cost=each.cost + READ_OTHERWISE, departures=(*each.departures, TOLD[mode])
            )
            for mode in READ_SO
            if (given := Given(self.claim, mode)).is_read_so
            for each in candidates(given)
        ]

    @cached_property
    def tried(self) -> list[Candidate]:
        """What was held against the figure: more only where nothing simple fits."""
        simple = [match for match in self.fitting(self.plain) if match.cost <= READ_OTHERWISE]
        return self.plain if simple else [*self.plain, *self.otherwise]

    @cached_property
    def matches(self) -> list[Match]:
        """What fits, the cheapest first."""
        return self.fitting(self.tried)

    def fitting(self, found: list[Candidate]) -> list[Match]:
        made = []
        for each in found:
            for (cost, told), interval in self.printings:
                if interval.meets(each.value):
                    departs = (*each.departures, told) if told else each.departures
                    made.append(Match(each, each.cost + cost, departs))
                    break
        return sorted(made, key=lambda match: match.cost)

    @cached_property
    def printings(self) -> list[tuple[tuple[int, str], Interval]]:
        """(cost and words, what may stand behind the digits) of each way of printing."""
        name, prefix = column(self.claim.unit)
        figure, letter = printed(self.claim.value)
        scale = worth(name, prefix, letter)
        if QUANTITIES[name].counted:
            return [((0, ""), Interval.of(figure.value * scale))]
        return [(PRINTINGS[printing], Interval(low * scale, high * scale))
                for printing, low, high in figure.intervals()]  # fmt: skip

    @property
    def ways(self) -> set[Way]:
        return {way_of(match.candidate) for match in self.matches}

    @property
    def ways_read_as_usual(self) -> set[Way]:
        """Those that need no digits cut off or filled up."""
        return {way for match in self.matches if (way := way_of(match.candidate))[1] == match.told}

    @cached_property
    def best(self) -> list[Match]:
        """What explains its column, else what departs least."""
        chosen = [m for m in self.matches if way_of(m.candidate) in self.usual] or self.matches
        named = [match for match in chosen if match.candidate.counting == self.claim.counts]
        chosen = named or chosen
        return [match for match in chosen if match.cost == chosen[0].cost]

    def chance(self, cost: int) -> float:
        """The share of made-up figures of this precision that something as simple would fit."""
        figure = figure_of(self.claim)
        middle, half = float(figure.middle), float((figure.high - figure.low) / 2)
        reached, covered = log(middle / 2), 0.0
        for each in sorted((c.value for c in self.tried if c.cost <= cost), key=lambda v: v.low):
            low = max(log(max(float(each.low) - half, middle / 4)), reached)
            high = min(log(float(each.high) + half), log(2 * middle))
            covered += max(high - low, 0.0)
            reached = max(reached, high)
        return min(covered / log(4), 1.0)


def way_of(candidate: Candidate) -> Way:
    """Who counts, and how, whatever the figures beside it stand for."""
    read = {told for told in TOLD.values() if told}
    return candidate.counting, tuple(told for told in candidate.departures if told not in read)
