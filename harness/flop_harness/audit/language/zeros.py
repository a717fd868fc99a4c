"""Verdicts on zeros: there is no such thing as 0 devices, but 0 days may be less than half a day."""

from __future__ import annotations

from flop_harness.audit.language.given import Given
from flop_harness.audit.language.possible import Candidate
from flop_harness.audit.language.quantities import (
    Interval,
    column,
    digits_of,
    is_no_such_thing,
    rounded_away,
    worth,
)
from flop_harness.audit.language.relations import candidates
from flop_harness.records import Claim, Verdict


def verdict(claim: Claim) -> Verdict:
    """On a cell that is printed as 0; nothing follows from it."""
    name, _ = column(claim.unit)
    found = sorted(candidates(Given(claim)), key=lambda each: each.cost)
    small = [each for each in found if each.value.low <= rounded_away(claim.unit, claim.value)]
    told = f"; {found[0].counting} gives {in_column(claim, found[0])}" if found else ""
    if is_no_such_thing(claim.unit, claim.value):
        reason = f"{name}: there is no such thing as 0{told}"
        return Verdict(claim.id, "error in the source", f"{reason}; nothing is followed from it")
    if small:
        reason = f"{small[0].counting} gives less than half of its last digit"
        return Verdict(claim.id, "reproduced", reason)
    if found:
        return Verdict(claim.id, "error in the source", f"not 0{told}")
    reason = (
        "less than half of its last digit, or nothing: its row does not say what it follows from"
    )
    return Verdict(claim.id, "unexplained", reason)


def in_column(claim: Claim, candidate: Candidate) -> str:
    """What a figure should be, in its column's unit."""
    name, prefix = column(claim.unit)
    meant: Interval = candidate.value
    return f"{float(meant.middle / worth(name, prefix, digits_of(claim.value)[1])):,.6g}"
