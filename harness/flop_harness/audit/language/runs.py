"""A training run: its tokens, its FLOP, and how long so many devices take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from flop_harness.audit.language.given import Given
from flop_harness.audit.language.parts import PARTS
from flop_harness.audit.language.possible import FAR, UNNAMED, Candidate, by_formulas, sure
from flop_harness.audit.language.quantities import Interval

SECONDS_A_DAY, PF_DAY = 86400, Fraction(10**15 * 86400)


def flop_per_param(given: Given) -> Iterator[Candidate]:
    back, ahead = given.get("backward factor"), given.get("forward flop per param")
    if back and ahead:
        if share := given.usually("active share", 1):
            yield Candidate("backward factor x forward x active share", back * ahead * share)
        yield Candidate("backward factor x forward, active share inside", back * ahead)


def flop_per_token(given: Given) -> Iterator[Candidate]:
    """Of a training step, or of a forward pass alone."""
    size = given.size
    for share, told in ((Fraction(1), ""), (Fraction(1, 3), ", forward")):
        if size:
            yield Candidate(f"{6 * share} N, as printed", size * 6 * share, UNNAMED)
        for each in by_formulas(given, ("training", "hardware"), lambda amount: amount):
            yield replace(each, value=each.value * share, counting=f"{each.counting}{told}")


def compute(given: Given) -> Iterator[Candidate]:
    """FLOP of a training run, or of one part of it."""
    tokens = given.get("tokens")
    if tokens is not None and "part" in given.claim.given:
        yield from part_compute(given, tokens)
        return
    if tokens is not None:
        yield from of_tokens(given, tokens)
    yield from of_time(given)


def of_tokens(given: Given, tokens: Interval) -> Iterator[Candidate]:
    """6 N D with the figures as printed, of the active parameters if they are; each formula."""
    printed, each = given.get("params"), given.get("flop per param")
    active, all_meant = given.get("active params"), "active params" not in given.zeros
    if printed and each:
        yield from sure("FLOP per parameter x N x D, as printed", printed * tokens * each)
    elif active:
        counting = "6 N D of the active parameters, as printed"
        yield Candidate(counting, active * tokens * 6, usual=True)
        if printed:
            told = ("all experts for the active ones",)
            yield Candidate("6 N D, as printed", printed * tokens * 6, FAR, told)
    elif printed and all_meant:
        yield Candidate("6 N D, as printed", printed * tokens * 6, usual=True)
    yield from by_formulas(given, ("training", "hardware"), lambda amount: amount * tokens)


def of_time(given: Given) -> Iterator[Candidate]:
    """What so many devices do in their time: the rate is of model FLOPs, or of the hardware's."""
    seconds = given.device_seconds
    if seconds is not None:
        for counting, rate in given.rates_of_flop:
            yield Candidate(f"device hours x {counting}", seconds * rate, UNNAMED)


def part_compute(given: Given, tokens: Interval) -> Iterator[Candidate]:
    assert given.shape is not None and given.length is not None
    part = PARTS[given.claim.given["part"]]
    for passes, told in ((3, "forward and backward"), (4, "and recomputation"), (1, "forward")):
        for counting, amount in part(given.shape, given.length):
            yield Candidate(f"{counting}, {told}", tokens * amount * passes)


def pf_days(given: Given) -> Iterator[Candidate]:
    total = given.get("compute")
    if total is not None:
        yield from sure("FLOP / 8.64e19", total / PF_DAY)
        return
    for each in compute(given):
        yield replace(each, value=each.value / PF_DAY)


# ------------------------------------------------------------------------------- tokens and time


def batch_tokens(given: Given) -> Iterator[Candidate]:
    batch, length = given.get("batch"), given.get("length")
    if batch and "length" in given.cells and length:
        yield Candidate("batch x length", batch * length)


def tokens(given: Given) -> Iterator[Candidate]:
    steps, each = given.get("steps"), given.step_tokens
    yield from sure("steps x tokens of a step", steps * each if steps and each else None)


def run_seconds(given: Given) -> Iterator[Candidate]:
    """Seconds of one device: from a rate of tokens, or from FLOP and the rate of these."""
    count, whole = given.get("tokens"), given.get("compute")
    if count and given.rate:
        yield Candidate("tokens / tokens per second", count / given.rate)
    for counting, rate in given.rates_of_flop:
        if whole:
            yield Candidate(f"FLOP / ({counting})", whole / rate, UNNAMED)
        if count:
            yield from of_work(given, count, counting, rate)


def of_work(given: Given, count: Interval, told: str, rate: Interval) -> Iterator[Candidate]:
    size = given.size
    for factor in (8, 6) if size else ():
        assert size is not None
        yield Candidate(f"{factor} N D / ({told})", size * count * factor / rate, UNNAMED)
    yield from by_formulas(given, ("training", "hardware"), lambda amount: amount * count / rate)


def days(given: Given) -> Iterator[Candidate]:
    gpus, hours = given.get("gpus"), given.get("gpu hours")
    if gpus and hours:
        yield from sure("device hours / devices", hours / gpus / 24)
    devices = given.usually("gpus", 1)
    if devices and (gpus or given.get("tokens/s")):
        for each in run_seconds(given):
            yield replace(each, value=each.value / devices / SECONDS_A_DAY)


def gpu_hours(given: Given) -> Iterator[Candidate]:
    gpus, time = given.get("gpus"), given.get("days")
    yield from sure("devices x days", gpus * time * 24 if gpus and time else None)
    for each in run_seconds(given):
        yield replace(each, value=each.value / 3600)
