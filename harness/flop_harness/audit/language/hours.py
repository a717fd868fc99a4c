"""GPU hours: no rate stands beside them, so they say at what share of the peak a run would have gone."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from flop_harness.audit.language.given import Given
from flop_harness.audit.language.quantities import Interval, figure_of
from flop_harness.conventions.transformers.catalogue import FORMULAS
from flop_harness.records import Claim, Verdict
from flop_harness.records.units import in_percent

FORMULA = "palm"
HOURS_A_DAY = 24
ALIKE = 1.5
"""Within so much of the median of its column, a run is like the others."""
APART = 2.5
"""So far from the median of its column, a run is another, or a figure is wrong."""


def implied(claim: Claim) -> float | None:
    """The model FLOPs utilisation that the hours imply; None where the row does not say enough."""
    given = Given(claim)
    tokens, peak, amount = given.get("tokens"), given.peak, per_token(given)
    if tokens is None or peak is None or amount is None:
        return None
    return float((tokens * amount[1] / (figure_of(claim) * 3600 * peak)).middle)


def per_token(given: Given) -> tuple[str, Interval] | None:
    """(how it is counted, FLOP per token): palm, the reference where that says nothing, or 6 N."""
    for name in (FORMULA, "ref-full"):
        amount = given.per_token(FORMULAS[name])
        if amount is not None:
            return name, amount
    size = given.get("active params") or given.get("params")
    return ("6 N", size * 6) if size else None


def on_hours(claim: Claim, column: Iterable[Claim]) -> Verdict:
    """Wrong where it takes more than the peak, or a rate unlike that of its column."""
    share = implied(claim)
    if share is None:
        return Verdict(claim.id, "unexplained", "its row does not say what it follows from")
    counted = per_token(Given(claim))
    told = f"{in_percent(share, 1)} of the peak by {counted[0] if counted else FORMULA}"
    beside = [each for other in column if (each := implied(other)) is not None]
    middle = median(beside)
    if share > 1:
        days = len(beside) >= 3 and 1 / ALIKE <= share / HOURS_A_DAY / middle <= ALIKE
        reason = "days for hours" if days else "it takes more than the machine has"
        return Verdict(claim.id, "error in the source", f"{reason}: {told}")
    if len(beside) >= 3 and not 1 / APART <= share / middle <= APART:
        reason = f"{told}, where its column has {in_percent(middle, 1)}"
        return Verdict(claim.id, "error in the source", reason)
    return Verdict(
        claim.id, "unexplained", f"possible: {told}; the source does not say at what rate"
    )
