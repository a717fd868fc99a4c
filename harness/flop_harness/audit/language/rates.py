"""Rates of tokens, of FLOP, and what share of a peak they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from flop_harness.audit.language.given import Given
from flop_harness.audit.language.possible import UNNAMED, Candidate, by_formulas, sure
from flop_harness.audit.language.quantities import Interval
from flop_harness.conventions.transformers.catalogue import FORMULAS


def tokens_per_second(given: Given) -> Iterator[Candidate]:
    samples, length = given.get("samples/s"), given.get("length")
    if samples and length:
        yield from sure("samples per second x length", samples * length)
    if given.steps:
        yield Candidate("tokens of a step / its seconds", given.steps, UNNAMED)


def tokens_per_second_per_gpu(given: Given) -> Iterator[Candidate]:
    whole, gpus = given.get("tokens/s"), given.get("gpus")
    if whole and gpus:
        yield from sure("tokens per second / GPUs", whole / gpus)
        return
    if given.steps and gpus:
        yield Candidate("tokens of a step / its seconds / GPUs", given.steps / gpus, UNNAMED)
    tokens, seconds = given.get("tokens"), given.device_seconds
    if tokens and seconds:
        yield Candidate("tokens / device hours", tokens / seconds, UNNAMED)


def samples_per_second(given: Given) -> Iterator[Candidate]:
    batch, seconds = given.get("batch"), given.get("step s")
    if batch and seconds:
        yield Candidate("batch / seconds of a step", batch / seconds)


def tflops_per_gpu(given: Given) -> Iterator[Candidate]:
    work, step = given.get("training flop"), given.get("step s")
    if work and step:
        yield from sure("FLOP of a step / its seconds", work / step)
    if (rate := given.rate) is not None:
        yield from by_formulas(given, ("training", "hardware"), lambda amount: amount * rate)
        share = given.get("mfu")
        yield from sure("MFU x peak", given.peak * share if share and given.peak else None)
    yield from over_a_run(given)


def over_a_run(given: Given, per: Interval | None = None) -> Iterator[Candidate]:
    """FLOP per second of a device over a whole run, divided by ``per``."""
    seconds, tokens, work = given.device_seconds, given.get("tokens"), given.get("compute")
    if seconds is None or given.rate is not None:
        return
    over = seconds * per if per else seconds
    if work:
        yield Candidate("FLOP / device hours", work / over)
    if tokens:
        yield from by_formulas(given, ("training", "hardware"), lambda each: each * tokens / over)
        yield from of_parameters(given, tokens / over)


def of_parameters(given: Given, rate: Interval) -> Iterator[Candidate]:
    """By the parameters as printed, where no shape says more; with recomputation unless it is an MFU."""
    size = given.size if given.shape is None else None
    for factor in (6,) if given.claim.metric == "mfu" else (8, 6):
        if size:
            yield Candidate(f"{factor} N D / device hours", size * factor * rate, UNNAMED)


def pflops(given: Given) -> Iterator[Candidate]:
    each, gpus = given.get("tflops/gpu"), given.get("gpus")
    if gpus is None:
        return
    if each:
        yield from sure("TFLOP/s x GPUs", each * gpus)
        return
    share, rate = given.get("mfu"), given.rate
    if share and given.peak:
        yield Candidate("MFU x peak x GPUs", given.peak * share * gpus)
    if rate:
        yield from by_formulas(given, ("training", "hardware"), lambda flop: flop * rate * gpus)


def peak_share(given: Given) -> Iterator[Candidate]:
    each = given.get("tflops/gpu")
    yield from sure("TFLOP/s / peak", each / given.peak if each and given.peak else None)


def ratio(given: Given) -> Iterator[Candidate]:
    """Of a formula to 6 N, with N as printed."""
    count = given.size
    if count:
        yield from by_formulas(given, ("training", "hardware"), lambda each: each / (count * 6))


# ----------------------------------------------------------------------------------- utilisation


def mfu(given: Given, scopes: tuple[str, ...] = ("training", "hardware")) -> Iterator[Candidate]:
    rate, peak = given.rate, given.peak
    if peak is None:
        return
    if rate is not None:
        yield from by_formulas(given, scopes, lambda amount: amount * rate / peak)
        return
    yield from of_flop_rate(given)
    linear, bare = given.get("tflops/gpu without attention"), given.per_token(FORMULAS["epoch"])
    if linear and bare:
        yield from by_formulas(given, scopes, lambda amount: linear * amount / bare / peak)
    yield from over_a_run(given, peak)


def of_flop_rate(given: Given) -> Iterator[Candidate]:
    """TFLOP/s are of model FLOPs or of the hardware's; certain where one share alone is printed."""
    both = {"mfu", "hfu"} <= {given.claim.metric, *given.cells}
    for each in peak_share(given):
        yield replace(each, certain=not both, cost=UNNAMED if both else 0)


def without_recomputation(given: Given) -> Iterator[Candidate]:
    """MFU from an HFU beside it; where a rate is given too, that says more."""
    share = given.get("hfu")
    if share and given.rate is None and given.recomputed is not False:
        yield Candidate("3/4 of the HFU", share * Fraction(3, 4), UNNAMED)


def model_utilisation(given: Given) -> Iterator[Candidate]:
    yield from mfu(given)
    yield from without_recomputation(given)


def mfu_without_attention(given: Given) -> Iterator[Candidate]:
    each = FORMULAS["epoch"]
    amount = given.per_token(each)
    if amount and given.rate and given.peak:
        yield Candidate("6 N", amount * given.rate / given.peak)


def hfu(given: Given) -> Iterator[Candidate]:
    share, said = given.get("mfu"), given.recomputed
    if share and said is not None:
        factor = Fraction(4, 3) if said else Fraction(1)
        counting = "4/3 of the MFU" if said else "the MFU, nothing recomputed"
        yield from sure(counting, share * factor)
    elif share and given.rate is None:
        yield Candidate("4/3 of the MFU", share * Fraction(4, 3), UNNAMED)
    yield from mfu(given, ("hardware",))
