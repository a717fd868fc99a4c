"""A claim before its judge, and the verdict put into words."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction

from harness.audit.candidates import (
    PREFIX,
    UNIT,
    Candidate,
    Match,
    Question,
    chance,
    fit_of,
    matches,
    nearest,
)
from harness.audit.docket import Docket
from harness.published import family
from harness.records import Claim, Ruling, Verdict

UNLIKELY = 0.05
"""The chance up to which an explanation that was searched for is taken."""

RARE = 0.01
"""The same where a source is said to be wrong."""


@dataclass
class Hearing:
    """A claim before its judge: what has been tried so far, and what of it fits."""

    question: Question
    docket: Docket
    tried: list[Candidate]
    fitting: list[Match] = field(default_factory=list)

    @property
    def claim(self) -> Claim:
        return self.question.claim

    @property
    def best(self) -> int | None:
        """The cost of the cheapest explanation."""
        return self.fitting[0].cost if self.fitting else None

    def try_also(self, found: list[Candidate]) -> None:
        self.tried = [*self.tried, *found]
        fitting = matches(self.question, self.tried)
        if any(match.prefixed for match in fitting) and not self._in_powers():
            fitting = [match for match in fitting if not match.prefixed]
        self.fitting = fitting

    def _in_powers(self) -> bool:
        """Whether a prefix may mean something else: in all of its column, or hardly by chance.

        Sizes in memory are often in powers of two; of counts a whole column has to be.
        """
        if self.claim.table and self.docket.in_powers(self.claim):
            return True
        alone = not self.claim.table or self.claim.metric in ("size", "traffic")
        return alone and self.chance(PREFIX) <= UNLIKELY

    def chance(self, cost: int) -> float:
        return chance(self.question, [c for c in self.tried if c.cost <= cost])


# ----------------------------------------------------------------------------------- verdicts


def ruled(hearing: Hearing, ruling: Ruling, cost: int) -> Verdict:
    """A verdict of what fits at this cost."""
    best = [match for match in hearing.fitting if match.cost == cost]
    question = hearing.question
    fits = tuple(fit_of(question, match.candidate, match.departures) for match in best)
    names = dict.fromkeys(fit.counting for fit in fits)
    named = bool(names.keys() & question.named) if question.named else None
    verdict = Verdict(hearing.claim.id, ruling, "", fits, named=named,
                      ambiguous=unrelated(hearing, best))  # fmt: skip
    return replace(counted(verdict, hearing, cost), reason=why(verdict, best, hearing))


def unrelated(hearing: Hearing, best: list[Match]) -> bool:
    """Whether what fits equally well are explanations, or kinds of count, of different sorts."""
    ways = {(match.departures, match.candidate.inputs) for match in best}
    if len(ways) > 1 or hearing.claim.metric != "compute" or hearing.question.named:
        return len(ways) > 1
    kinds: dict[Fraction, set[str]] = {}  # those that agree on a figure are one
    for match in best:
        kinds.setdefault(match.candidate.amount, set()).add(family(match.candidate.counting))
    return not set.intersection(*kinds.values())


def error(hearing: Hearing, reason: str) -> Verdict:
    return counted(replace(blank(hearing), ruling="error in the source", reason=reason), hearing, 0)


def unexplained(hearing: Hearing) -> Verdict:
    near = blank(hearing).nearest
    reason = "nothing fits"
    if hearing.docket.price(hearing.claim).executed and hearing.claim.metric == "compute":
        reason = (
            "the model looks at values: with other weights, or other data, it computes more or less"
        )
    elif hearing.best is not None:
        luck = hearing.chance(hearing.best)
        how = "; ".join(hearing.fitting[0].departures)
        reason = f"what fits ({how}) would fit {luck:.0%} of made-up figures too"
    elif near:
        gap = f"{near[0].gap:+.2%}" if near[0].gap < 10 else "far"
        reason = f"nothing fits; the nearest is {near[0].counting}, {gap} away"
    return counted(replace(blank(hearing), reason=reason), hearing, hearing.best or 0)


def blank(hearing: Hearing) -> Verdict:
    """An open verdict that lists what comes nearest."""
    question = hearing.question
    close = nearest(question, [c for c in hearing.tried if c.cost <= UNIT])
    fits = tuple(fit_of(question, candidate) for candidate in close)
    return Verdict(hearing.claim.id, "unexplained", "", nearest=fits)


def counted(verdict: Verdict, hearing: Hearing, cost: int) -> Verdict:
    """With how much was tried, and how much of it lies within what is printed."""
    numbers = {candidate.number for candidate in hearing.tried}
    within = {match.candidate.number for match in hearing.fitting}
    dearer = sum(match.cost > cost for match in hearing.fitting)
    return replace(verdict, tried=len(numbers), within=len(within), others=dearer,
                   chance=hearing.chance(cost))  # fmt: skip


def why(verdict: Verdict, best: list[Match], hearing: Hearing) -> str:
    """The verdict in a sentence: what departs, who counts so, and whether the author says so."""
    ways = dict.fromkeys("; ".join(match.departures) for match in best)
    names = list(dict.fromkeys(fit.counting for fit in verdict.fits))
    values = len({fit.value for fit in verdict.fits})
    how = "exactly" if all(fit.exact for fit in verdict.fits) else "to the printed precision"
    who = listed(names)
    told = f"{who} {'give' if len(names) > 1 else 'gives'} it {how}"
    if values > 1:
        told += f", with {values} distinct values"
    departures = " or ".join(filter(None, ways))
    author = ""
    if verdict.named is False and not departures:
        author = f"; {hearing.claim.counts} does not"
    return (f"{departures}: " if departures else "") + told + author


def listed(names: list[str], most: int = 4) -> str:
    """``a, b and 3 others``."""
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} others"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
