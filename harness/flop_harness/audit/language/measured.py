"""Measured figures that no other gives: hours and rates say at what share of the peak a run would have gone."""

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
RATES = ("tokens/s", "tokens/s/gpu", "samples/s", "tflops/gpu")
MEASURED = ("gpu hours", "days", *RATES)


def implied(claim: Claim) -> float | None:
    """The share of the peak that a measured figure implies; None where the row does not say enough."""
    given = Given(claim)
    work, time = flop(given), figure_of(claim)
    if given.peak is None or work is None:
        return None
    if claim.metric in RATES:
        return float((work * time / given.peak).middle)
    seconds = 3600 if claim.metric == "gpu hours" else 86400
    return float((work / (time * seconds * given.peak)).middle)


def flop(given: Given) -> Interval | None:
    """FLOP of one device: of a run, or for one of what a rate counts."""
    metric, gpus = given.claim.metric, given.get("gpus")
    if metric == "tflops/gpu":
        return Interval.of(1)
    counted = per_token(given)
    tokens = Interval.of(1) if metric in RATES else given.get("tokens")
    if metric == "samples/s":
        tokens = given.get("length")
    if metric in ("days", "tokens/s", "samples/s"):
        tokens = tokens / gpus if tokens and gpus else None
    return tokens * counted[1] if tokens and counted else None


def per_token(given: Given) -> tuple[str, Interval] | None:
    """(how it is counted, FLOP per token): palm, the reference where that says nothing, or 6 N."""
    for name in (FORMULA, "ref-full"):
        amount = given.per_token(FORMULAS[name])
        if amount is not None:
            return name, amount
    size = given.size
    return ("6 N", size * 6) if size else None


def on_measured(claim: Claim, column: Iterable[Claim]) -> Verdict:
    """Wrong where it takes more than the peak, or hours at a rate unlike that of their column."""
    share = implied(claim)
    if share is None:
        return Verdict(claim.id, "unexplained", lacking(Given(claim)))
    told = f"{in_percent(share, 1)} of the peak{counted_by(claim)}"
    timed = claim.metric not in RATES
    beside = [each for other in column if timed and (each := implied(other)) is not None]
    middle = median(beside) if len(beside) >= 3 else None
    if share > 1:
        days = claim.metric == "gpu hours" and middle is not None
        alike = days and 1 / ALIKE <= share / HOURS_A_DAY / (middle or 1) <= ALIKE
        reason = "days for hours" if alike else "it takes more than the machine has"
        return Verdict(claim.id, "error in the source", f"{reason}: {told}")
    if middle is not None and not 1 / APART <= share / middle <= APART:
        reason = f"{told}, where its column has {in_percent(middle, 1)}"
        return Verdict(claim.id, "error in the source", reason)
    why = "the source does not say at what rate" if timed else "it is measured, no figure gives it"
    return Verdict(claim.id, "unexplained", f"possible: {told}; {why}")


def counted_by(claim: Claim) -> str:
    counted = per_token(Given(claim)) if claim.metric != "tflops/gpu" else None
    return f" by {counted[0]}" if counted else ""


def lacking(given: Given) -> str:
    """What a row would have to say for its figure to follow from it."""
    metric = given.claim.metric
    model = given.shape or given.size
    asked: dict[str, object | None] = {"a model whose shape or parameters are known": model}
    if metric == "tflops/gpu":
        asked["a rate of tokens"] = given.rate
    elif metric not in RATES:
        asked["tokens"] = given.get("tokens")
    if metric in ("tokens/s", "samples/s", "days"):
        asked["how many devices"] = given.get("gpus")
    asked["the peak of the device"] = given.peak if metric != "tflops/gpu" else metric
    missing = [name for name, there in asked.items() if there is None]
    return f"its row does not say what it follows from: {', '.join(missing)}"
