"""A claim before its judge, and the verdict put into words."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property

from flop_harness.audit.candidates import (
    OWN_RULES,
    PREFIX,
    SEARCHED,
    STRAINED,
    UNIT,
    Candidate,
    Question,
)
from flop_harness.audit.claim_set import ENOUGH, ClaimSet, Way
from flop_harness.audit.matching import Match, chance, fit_of, loosest, matches, nearest
from flop_harness.counters.versions.catalogue import family
from flop_harness.records import Claim, Ruling, Verdict
from flop_harness.records.units import Printing, in_percent, shown

UNLIKELY = 0.05
"""The chance up to which an explanation that is strained, or was searched for, is taken."""

RARE = 0.01
"""The same where a source is said to be wrong, or a figure to be counted unlike its column."""


@dataclass
class Explanations:
    """A claim before its judge: what has been tried so far, and what of it fits, the best first."""

    question: Question
    claim_set: ClaimSet
    tried: list[Candidate]
    fitting: list[Match] = field(default_factory=list)

    @property
    def claim(self) -> Claim:
        return self.question.claim

    @cached_property
    def usual(self) -> set[Way]:
        return self.claim_set.usual_ways(self.claim)

    @property
    def best(self) -> list[Match]:
        """The explanations that none comes before."""
        return [match for match in self.fitting if self.rank(match) == self.rank(self.fitting[0])]

    @property
    def rivals(self) -> list[Match]:
        """What reads the figure as the best do, but follows rules of its own."""
        readings = {match.reading for match in self.best}
        return [m for m in self.fitting if OWN_RULES in m.departures and m.reading in readings]

    def rank(self, match: Match) -> tuple[bool, int]:
        """What is as stated first, then what fits most of the column, then what departs least."""
        return match.cost > 0 and match.way not in self.usual, match.cost

    def try_also(self, found: list[Candidate]) -> None:
        self.tried = [*self.tried, *found]
        fitting = matches(self.question, self.tried)
        if any(match.prefixed for match in fitting) and not self._in_powers():
            fitting = [match for match in fitting if not match.prefixed]
        self.fitting = sorted(fitting, key=self.rank)

    def _in_powers(self) -> bool:
        """Whether a prefix may mean something else: in all of its column, or hardly by chance.

        Sizes in memory are often in powers of two; of counts a whole column has to be.
        """
        if self.claim.table and self.claim_set.in_powers(self.claim):
            return True
        alone = not self.claim.table or self.claim.metric in ("size", "traffic")
        return alone and self.luck(PREFIX) <= UNLIKELY

    @property
    def credible(self) -> bool:
        """Whether the best depart little, explain most of the column, or fit hardly by chance.

        A column is counted one way: what explains one figure of it alone has to be rarer, and so has
        what is far-fetched twice over.
        """
        first = self.fitting[0]
        if first.cost < STRAINED or first.way in self.usual:
            return True
        alone = first.cost < SEARCHED and len(list(self.claim_set.alike(self.claim))) >= ENOUGH
        return self.chance <= (RARE if alone or first.strains > 1 else UNLIKELY)

    @property
    def chance(self) -> float:
        """That something as simple as the best fits a made-up figure."""
        if not self.fitting:
            return self.luck(0)
        cost = max(match.candidate.cost for match in self.best)
        return self.luck(cost, loosest(self.best))

    def luck(self, cost: int, printing: Printing = "rounded") -> float:
        return chance(self.question, [c for c in self.tried if c.cost <= cost], printing)


# ----------------------------------------------------------------------------------- verdicts


def ruled(explanations: Explanations, ruling: Ruling) -> Verdict:
    """A verdict of what fits best."""
    best, rivals, question = explanations.best, explanations.rivals, explanations.question
    told = [*best, *(match for match in rivals if match not in best)]
    fits = tuple(fit_of(question, match.candidate, match.departures) for match in told)
    names = {match.candidate.counting for match in best}
    speaks = any(candidate.counting in question.named for candidate in explanations.tried)
    named = bool(names & question.named) if speaks else None
    verdict = Verdict(explanations.claim.id, ruling, why(explanations, named), fits, named=named,
                      ambiguous=unrelated(explanations, told))  # fmt: skip
    return counted(verdict, explanations)


def unrelated(explanations: Explanations, told: list[Match]) -> bool:
    """Whether what fits equally well are explanations, or kinds of count, of different sorts."""
    ways = {(match.reading, match.candidate.inputs) for match in told}
    if len(ways) > 1 or explanations.claim.metric != "compute" or explanations.question.named:
        return len(ways) > 1
    kinds: dict[Fraction, set[str]] = {}  # those that agree on a figure are one
    for match in told:
        kinds.setdefault(match.candidate.amount, set()).add(family(match.candidate.counting))
    return not set.intersection(*kinds.values())


def error(explanations: Explanations, reason: str) -> Verdict:
    return counted(
        replace(blank(explanations), ruling="error in the source", reason=reason), explanations
    )


def unexplained(explanations: Explanations) -> Verdict:
    open_verdict = blank(explanations)
    near = open_verdict.nearest
    reason = "nothing fits"
    if (
        explanations.claim_set.price(explanations.claim).executed
        and explanations.claim.metric == "compute"
    ):
        reason = (
            "the model looks at values: with other weights, or other data, it computes more or less"
        )
    elif explanations.fitting:
        how = "; ".join(explanations.fitting[0].departures)
        reason = f"what fits ({how}) could be chance: {odds(explanations.chance)} made-up figures fit too"
    elif near:
        how = "".join(f", {told}" for told in near[0].departures)
        reason = f"nothing fits; the nearest is {near[0].counting}{how}: {apart(near[0].gap)}"
    return counted(replace(open_verdict, reason=reason), explanations)


def odds(share: float) -> str:
    """A share of many, in words: ``1 in 4``, ``most``."""
    return "most" if share > 0.6 else f"1 in {round(1 / share)}"


def apart(gap: float) -> str:
    """How far a figure is from what comes nearest: ``+3.10 %``, ``18.2 times as much``."""
    if -0.5 < gap < 1:
        return in_percent(gap, 2, signed=True)
    if gap == -1:
        return "a figure of 0 for something"
    return f"{1 + gap:.3g} times as much" if gap > 0 else f"1/{1 / (1 + gap):.3g} of it"


def blank(explanations: Explanations) -> Verdict:
    """An open verdict that lists what comes nearest."""
    question = explanations.question
    close = nearest(question, [c for c in explanations.tried if c.cost <= UNIT])
    fits = tuple(fit_of(question, candidate) for candidate in close)
    return Verdict(explanations.claim.id, "unexplained", "", nearest=fits)


def counted(verdict: Verdict, explanations: Explanations) -> Verdict:
    """With how much was tried, and how much of it lies within what is printed."""
    numbers = {candidate.number for candidate in explanations.tried}
    within = {match.candidate.number for match in explanations.fitting}
    others = len(explanations.fitting) - len(verdict.fits)
    return replace(verdict, tried=len(numbers), within=len(within), others=others,
                   chance=explanations.chance)  # fmt: skip


def why(explanations: Explanations, named: bool | None) -> str:
    """The verdict in a sentence: what departs, who counts so, and whether the author says so."""
    best = explanations.best
    ways = dict.fromkeys("; ".join(match.departures) for match in best)
    names = named_once([match.candidate for match in best])
    value = explanations.question.printed.value
    exact = explanations.question.exact and all(m.candidate.number == value for m in best)
    how = "exactly" if exact else "to the printed precision"
    told = f"{listed(names)} {'give' if len(names) > 1 else 'gives'} it {how}"
    numbers = [match.candidate.number for match in best]
    least, most = shown(min(numbers), 6), shown(max(numbers), 6)
    if least != most:
        told += f", from {least} to {most}"
    departures = " or ".join(filter(None, ways))
    if named is False and not departures:
        told += f"; {explanations.claim.counts} does not"
    if best[0].cost >= STRAINED and best[0].way in explanations.usual:
        told += ", as most of its column"
    return (f"{departures}: " if departures else "") + told


def named_once(found: list[Candidate]) -> list[str]:
    """Who gives a figure, and how; twice the MACs are the FLOPs, told once."""
    names = dict.fromkeys(each.name for each in found)
    if "flops" in names:
        names.pop("2 × macs", None)
    if "macs" in names:
        names.pop("0.5 × flops", None)
    return list(names)


def listed(names: list[str], most: int = 4) -> str:
    """``a, b and 3 others``."""
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} others"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
