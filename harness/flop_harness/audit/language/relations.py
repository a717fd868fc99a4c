"""From the figures of a row to another one: the arithmetic that its source means, or may mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from flop_harness.audit.language.described import counts
from flop_harness.audit.language.given import Given
from flop_harness.audit.language.parts import PARTS
from flop_harness.audit.language.quantities import Interval
from flop_harness.conventions.transformers import parameters as weights
from flop_harness.conventions.transformers.catalogue import FORMULAS
from flop_harness.records import Claim
from flop_harness.records.transformer import Transformer

SECONDS_A_DAY, PF_DAY = 86400, Fraction(10**15 * 86400)
UNNAMED, RECOMPUTING, UNCOVERED, FAR = 1, 3, 4, 5
"""Costs: a formula that the source does not name; one that counts recomputation where model FLOPs
are meant; one that does not cover the model; a reading that needs a reason."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a figure would be, in its quantity's unit, counted in one way.

    ``certain`` marks arithmetic on the row's own figures, which holds whatever anybody counts.
    """

    counting: str
    value: Interval
    cost: int = 0
    departures: tuple[str, ...] = ()
    certain: bool = False

    @property
    def way(self) -> tuple[str, tuple[str, ...]]:
        return self.counting, self.departures


Relation = Callable[[Given], Iterator[Candidate]]


def sure(counting: str, value: Interval | None) -> Iterator[Candidate]:
    if value is not None:
        yield Candidate(counting, value, certain=True)


def by_formulas(
    given: Given, scopes: tuple[str, ...], turn: Callable[[Interval], Interval]
) -> Iterator[Candidate]:
    """Each formula's FLOP per token, turned into the quantity; those of hardware cost more."""
    for formula, amount, covered in given.formulas(*scopes):
        told = () if covered else ("by a formula that does not cover the model",)
        cost = UNNAMED if covered else UNCOVERED
        if formula.id == given.claim.counts:
            cost = 0
        elif formula.scope == "hardware" and "training" in scopes:
            told, cost = (*told, "with recomputation"), max(cost, RECOMPUTING)
        yield Candidate(formula.id, turn(amount), cost, told)


# ------------------------------------------------------------------------------ shapes and counts


def params(given: Given) -> Iterator[Candidate]:
    if given.described is not None:
        for counting, amount in counts(given.described):
            yield Candidate(counting, Interval.of(amount), UNNAMED)
        return
    shape = given.shape
    if shape is None:
        return
    parts = weights.parameters(shape)
    whole = sum(parts.values())
    yield Candidate("all parameters", Interval.of(whole))
    yield Candidate("active parameters", Interval.of(weights.active(shape)), RECOMPUTING)
    bare = replace(shape, biases=False, qkv_biases=False, norm="scale")
    yield Candidate("without biases", Interval.of(weights.count(bare)), RECOMPUTING)
    yield Candidate("without positions", Interval.of(whole - parts["positions"]), RECOMPUTING)
    rest = whole - parts["head"]
    yield Candidate("without the head", Interval.of(rest), RECOMPUTING)
    bare_layers = whole - parts["embedding"] - parts["positions"] - parts["head"]
    yield Candidate("without embeddings", Interval.of(bare_layers), UNCOVERED)


def width(given: Given) -> Iterator[Candidate]:
    heads, size = given.get("heads"), given.get("head size")
    if heads and size:
        yield from sure("heads x head size", heads * size)


def of_model(size: Callable[[Transformer], int]) -> Relation:
    """A size that stands in the row of a model whose shape is known."""

    def relation(given: Given) -> Iterator[Candidate]:
        if "model" in given.claim.given and given.shape is not None:
            name = given.claim.given["model"]
            yield from sure(f"the shape of {name}", Interval.of(size(given.shape)))

    return relation


def flop_per_param(given: Given) -> Iterator[Candidate]:
    back, ahead = given.get("backward factor"), given.get("forward flop per param")
    if back and ahead:
        share = given.get("active share") or Interval.of(1)
        yield Candidate("backward factor x forward x active share", back * ahead * share)
        yield Candidate("backward factor x forward, active share inside", back * ahead)


# -------------------------------------------------------------------------------------- training


def compute(given: Given) -> Iterator[Candidate]:
    """FLOP of a training run, or of one part of it."""
    tokens, printed_params = given.get("tokens"), given.get("params")
    if tokens is None:
        return
    if "part" in given.claim.given:
        yield from part_compute(given, tokens)
        return
    each = given.get("flop per param")
    if printed_params and each:
        yield from sure("FLOP per parameter x N x D, as printed", printed_params * tokens * each)
    elif printed_params:
        yield from sure("6 N D, as printed", printed_params * tokens * 6)
    yield from by_formulas(given, ("training", "hardware"), lambda amount: amount * tokens)


def part_compute(given: Given, tokens: Interval) -> Iterator[Candidate]:
    assert given.shape is not None and given.length is not None
    part = PARTS[given.claim.given["part"]]
    for passes, told in ((3, "forward and backward"), (4, "and recomputation"), (1, "forward")):
        for counting, amount in part(given.shape, given.length):
            yield Candidate(f"{counting}, {told}", tokens * amount * passes)


def pf_days(given: Given) -> Iterator[Candidate]:
    total = given.get("compute")
    yield from sure("FLOP / 8.64e19", total / PF_DAY if total else None)


def days(given: Given) -> Iterator[Candidate]:
    tokens, gpus, rate = given.get("tokens"), given.get("gpus"), given.get("tflops/gpu")
    share = given.get("peak share")
    if rate is None and share and given.peak:
        rate = given.peak * share
    if tokens is None or gpus is None or rate is None:
        return
    speed, count = gpus * rate * SECONDS_A_DAY, given.get("params")
    if count:
        yield Candidate("8 N D / (GPUs x rate)", count * tokens * 8 / speed, UNNAMED)
        yield Candidate("6 N D / (GPUs x rate)", count * tokens * 6 / speed, UNNAMED)
    yield from by_formulas(given, ("training", "hardware"), lambda amount: amount * tokens / speed)


# ----------------------------------------------------------------------------------------- rates


def tokens_per_second(given: Given) -> Iterator[Candidate]:
    samples, length = given.get("samples/s"), given.get("length")
    if samples and length:
        yield from sure("samples per second x length", samples * length)


def tokens_per_second_per_gpu(given: Given) -> Iterator[Candidate]:
    whole, gpus = given.get("tokens/s"), given.get("gpus")
    if whole and gpus:
        yield from sure("tokens per second / GPUs", whole / gpus)


def tflops_per_gpu(given: Given) -> Iterator[Candidate]:
    work, step = given.get("training flop"), given.get("step s")
    if work and step:
        yield from sure("FLOP of a step / its seconds", work / step)
    if (rate := given.rate) is not None:
        yield from by_formulas(given, ("training", "hardware"), lambda amount: amount * rate)
        share = given.get("mfu")
        yield from sure("MFU x peak", given.peak * share if share and given.peak else None)


def pflops(given: Given) -> Iterator[Candidate]:
    each, gpus = given.get("tflops/gpu"), given.get("gpus")
    yield from sure("TFLOP/s x GPUs", each * gpus if each and gpus else None)


def peak_share(given: Given) -> Iterator[Candidate]:
    each = given.get("tflops/gpu")
    yield from sure("TFLOP/s / peak", each / given.peak if each and given.peak else None)


# ----------------------------------------------------------------------------------- utilisation


def mfu(given: Given, scopes: tuple[str, ...] = ("training", "hardware")) -> Iterator[Candidate]:
    rate, peak = given.rate, given.peak
    if peak is None:
        return
    if rate is not None:
        yield from by_formulas(given, scopes, lambda amount: amount * rate / peak)
        return
    yield from peak_share(given)
    linear, bare = given.get("tflops/gpu without attention"), given.per_token(FORMULAS["epoch"])
    if linear and bare:
        yield from by_formulas(given, scopes, lambda amount: linear * amount / bare / peak)


def mfu_without_attention(given: Given) -> Iterator[Candidate]:
    each = FORMULAS["epoch"]
    amount = given.per_token(each)
    if amount and given.rate and given.peak:
        yield Candidate("6 N", amount * given.rate / given.peak)


def hfu(given: Given) -> Iterator[Candidate]:
    share = given.get("mfu")
    if share and given.recomputed is not None:
        factor = Fraction(4, 3) if given.recomputed else Fraction(1)
        counting = "4/3 of the MFU" if given.recomputed else "the MFU, nothing recomputed"
        yield from sure(counting, share * factor)
    yield from mfu(given, ("hardware",))


# ---------------------------------------------------------------------------------- one sequence


def forward_flop(given: Given) -> Iterator[Candidate]:
    yield from passes(given, Fraction(1, 3))


def forward_macs(given: Given) -> Iterator[Candidate]:
    if "part" not in given.claim.given:
        yield from passes(given, Fraction(1, 6))
    elif given.shape and given.length:
        part = PARTS[given.claim.given["part"]]
        tokens = (given.get("batch") or Interval.of(1)) * given.length
        for counting, amount in part(given.shape, given.length):
            yield Candidate(counting, tokens * amount * Fraction(1, 2))


def training_flop(given: Given) -> Iterator[Candidate]:
    ahead = given.get("forward flop")
    yield from sure("three forward passes", ahead * 3 if ahead else None)
    if ahead is None:
        yield from passes(given, Fraction(1))


def training_macs(given: Given) -> Iterator[Candidate]:
    ahead = given.get("forward macs")
    yield from sure("three forward passes", ahead * 3 if ahead else None)


def passes(given: Given, share: Fraction) -> Iterator[Candidate]:
    """A share of forward and backward over the row's tokens; softmax and activations of calflops."""
    if given.shape is None or given.length is None:
        return
    tokens = (given.get("batch") or Interval.of(1)) * given.length
    yield from by_formulas(given, ("training",), lambda amount: amount * tokens * share)
    plain = given.per_token(FORMULAS["ref-full"])
    if plain:
        yield from of_base_and_eager(given.shape, given.length, plain / 3, share * 3, tokens)


def of_base_and_eager(
    shape: Transformer, length: int, ahead: Interval, share: Fraction, tokens: Interval
) -> Iterator[Candidate]:
    """Without the head, and with what counters of FLOPs add: softmax and activation, 1 each."""
    head = 2 * shape.width * shape.vocabulary
    more = shape.layers * (shape.heads * length + shape.mlp_width) if share == 1 else 0
    base = Interval.of(ahead.low - head)
    yield Candidate("ref-full without the head", base * tokens * share, RECOMPUTING)
    if more:
        told = "softmax and activation 1 each"
        yield Candidate(f"ref-full, {told}", Interval.of(ahead.low + more) * tokens, UNNAMED)
        eager = Interval.of(base.low + more) * tokens
        yield Candidate(f"ref-full without the head, {told}", eager, RECOMPUTING)


TARGETS: dict[str, Relation] = {
    "params": params, "width": width, "layers": of_model(lambda shape: shape.layers),
    "heads": of_model(lambda shape: shape.heads), "flop per param": flop_per_param,
    "compute": compute, "pf-days": pf_days, "days": days, "tokens/s": tokens_per_second,
    "tokens/s/gpu": tokens_per_second_per_gpu, "tflops/gpu": tflops_per_gpu, "pflops": pflops,
    "peak share": peak_share, "mfu": mfu, "mfu without attention": mfu_without_attention,
    "hfu": hfu, "gpu hours": lambda given: iter(()), "forward flop": forward_flop,
    "forward macs": forward_macs, "training flop": training_flop, "training macs": training_macs,
}  # fmt: skip
"""How each quantity follows from others; a figure of any other is taken as given."""


def candidates(given: Given) -> list[Candidate]:
    """Everything that a figure may be, as its row is read."""
    return list(TARGETS[given.claim.metric](given))


def follows(claim: Claim) -> bool:
    """Whether a figure follows from anything in its row; hours say at what rate at least."""
    return (
        claim.metric == "gpu hours" or next(TARGETS[claim.metric](Given(claim)), None) is not None
    )
