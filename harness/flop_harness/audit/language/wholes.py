"""Figures that cannot stand beside each other: a share above the peak, a part that is more than its whole."""

from __future__ import annotations

from dataclasses import replace

from flop_harness.audit.language.given import Given
from flop_harness.audit.language.quantities import column, figure_of
from flop_harness.audit.language.question import Question
from flop_harness.audit.language.slips import BY_PEAK
from flop_harness.records import Claim

WHOLES = {"active params": ("params", "all parameters", "the active parameters"),
          "mfu": ("hfu", "the HFU", "the MFU")}  # fmt: skip
"""A part -> (its whole, in words, and the part in words)."""


def contradicted(question: Question) -> str:
    """What a figure cannot be beside another of its row; empty where only that other one is wrong.

    Of two figures that cannot stand together, one that follows from the rest of its row is right;
    where each follows in the other's place, they changed places, and both are wrong.
    """
    claim = question.claim
    if claim.metric in BY_PEAK and figure_of(claim).low > 1:
        return "more than the machine has"
    told, head = beside_other(claim)
    if not told:
        return ""
    other = in_place_of(claim, head, claim.given[head], claim.value)
    if other.metric in BY_PEAK and figure_of(other).low > 1:
        return ""
    if in_each_others_place(claim, other):
        return told
    mine, theirs = follows_as_stated(question), follows_as_stated(Question(other))
    if mine != theirs:
        return told if theirs else ""
    return f"one of the two is wrong: {told}"


def beside_other(claim: Claim) -> tuple[str, str]:
    """(what a part or a whole cannot be, the other's head); empty where they go together."""
    given, figure = Given(claim), figure_of(claim)
    for part, (whole, whole_told, part_told) in WHOLES.items():
        name = whole if claim.metric == part else part
        other = given.get(name) if claim.metric in (part, whole) else None
        if other is None:
            continue
        if claim.metric == part and figure.low > other.high:
            return f"more than {whole_told} beside it", head_of(claim, name)
        if claim.metric == whole and figure.high < other.low:
            return f"less than {part_told} beside it", head_of(claim, name)
    return "", ""


def head_of(claim: Claim, name: str) -> str:
    """The head of a cell of this quantity beside a claim."""
    cells = Given(claim).figures
    return next(head for head in claim.given
                if head.partition(" (")[0] in cells and column(head)[0] == name)  # fmt: skip


def in_place_of(claim: Claim, head: str, cell: str, beside: str) -> Claim:
    """A claim on another cell of the same row, with what stands in the first one's place."""
    rest = {key: each for key, each in claim.given.items() if key != head}
    return replace(claim, metric=column(head)[0], unit=head, value=cell,
                   given={**rest, claim.unit: beside})  # fmt: skip


def in_each_others_place(claim: Claim, other: Claim) -> bool:
    mine = replace(claim, value=other.value, given={**claim.given, other.unit: claim.value})
    theirs = replace(other, value=claim.value, given={**other.given, claim.unit: other.value})
    return all(follows_as_stated(Question(each)) for each in (mine, theirs))


def follows_as_stated(question: Question) -> bool:
    """Whether something gives the figure, and nothing departs from what is stated."""
    return any(not match.candidate.departures for match in question.matches)
