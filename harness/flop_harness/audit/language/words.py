"""What is told of a figure, in words: what it is about, what a candidate gives, what explains it besides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from flop_harness.audit.language.possible import Candidate
from flop_harness.audit.language.quantities import (
    QUANTITIES,
    column,
    figure_of,
    printed,
    worth,
)
from flop_harness.audit.language.question import Match, Question
from flop_harness.records import Claim, Fit, Verdict


def fit(claim: Claim) -> Callable[[Match], Fit]:
    """A match as a record of its claim."""

    def made(match: Match) -> Fit:
        value = match.candidate.value.middle
        whole = int(value) if value.denominator == 1 else float(value)
        gap = float(figure_of(claim).middle / value - 1) if value else float("inf")
        unit = QUANTITIES[claim.metric].unit
        exact = match.candidate.value.low == match.candidate.value.high and not gap
        return Fit(match.candidate.counting, whole, unit, about(claim), match.told, exact, gap)

    return made


def about(claim: Claim) -> str:
    return f"{claim.given['length']} tokens" if "length" in claim.given else ""


def told_value(claim: Claim, candidate: Candidate) -> str:
    """A candidate in the column's own unit, or its range."""
    name, prefix = column(claim.unit)
    _, letter = printed(claim.value)
    scale = worth(name, prefix, letter)
    low, high = float(candidate.value.low / scale), float(candidate.value.high / scale)
    first, last = f"{low:,.6g}", f"{high:,.6g}"
    return first if first == last else f"{first} to {last}"


def counted(question: Question, made: Verdict) -> Verdict:
    """With how much was tried, and how much of it fits."""
    numbers = {each.value for each in question.tried}
    within = {match.candidate.value for match in question.matches}
    cost = question.matches[0].cost if question.matches else 0
    return replace(made, tried=len(numbers), within=len(within), chance=question.chance(cost),
                   others=max(len(question.matches) - len(made.fits), 0))  # fmt: skip


def listed(names: list[str], most: int = 4) -> str:
    """``a, b and 3 others``."""
    if len(names) > most:
        names = [*names[: most - 1], f"{len(names) - most + 1} others"]
    between = "; " if any(", " in name for name in names) else ", "
    last = f"{between}and ".replace(", and", " and")
    return last.join(filter(None, [between.join(names[:-1]), names[-1]]))
