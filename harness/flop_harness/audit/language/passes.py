"""The FLOP and MACs of one sequence or one batch, forward alone or with the backward pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from flop_harness.audit.language.given import Given
from flop_harness.audit.language.parts import PARTS
from flop_harness.audit.language.possible import (
    FAR,
    RECOMPUTING,
    UNNAMED,
    Candidate,
    by_formulas,
    sure,
)
from flop_harness.audit.language.quantities import Interval
from flop_harness.conventions.transformers.catalogue import FORMULAS
from flop_harness.records.transformer import Transformer


def forward_flop(given: Given) -> Iterator[Candidate]:
    yield from passes(given, Fraction(1, 3))
    yield from macs_for_flop(given, Fraction(1, 6))


def forward_macs(given: Given) -> Iterator[Candidate]:
    if "part" not in given.claim.given:
        yield from passes(given, Fraction(1, 6))
    elif given.shape and given.length and (tokens := given.pass_tokens):
        part = PARTS[given.claim.given["part"]]
        for counting, amount in part(given.shape, given.length):
            yield Candidate(counting, tokens * amount * Fraction(1, 2))


def training_flop(given: Given) -> Iterator[Candidate]:
    ahead = given.get("forward flop")
    yield from sure("three forward passes", ahead * 3 if ahead else None)
    if ahead is None:
        yield from passes(given, Fraction(1))
        yield from macs_for_flop(given, Fraction(1, 2))


def training_macs(given: Given) -> Iterator[Candidate]:
    ahead = given.get("forward macs")
    yield from sure("three forward passes", ahead * 3 if ahead else None)


def passes(given: Given, share: Fraction) -> Iterator[Candidate]:
    """A share of forward and backward over the row's tokens; softmax and activations of calflops."""
    tokens = given.pass_tokens
    if given.shape is None or given.length is None or tokens is None:
        return
    yield from by_formulas(given, ("training",), lambda amount: amount * tokens * share)
    plain = given.per_token(FORMULAS["ref-full"])
    if plain:
        yield from of_base_and_eager(given.shape, given.length, plain / 3, share * 3, tokens)


def macs_for_flop(given: Given, share: Fraction) -> Iterator[Candidate]:
    """Products alone, each multiplication with its addition as one."""
    products = given.per_token(FORMULAS["ref-full"])
    if products is not None and (tokens := given.pass_tokens):
        yield Candidate("ref-full", products * tokens * share, FAR, ("MACs called FLOP",))


@dataclass(frozen=True, slots=True)
class Elementwise:
    """What counters of patched functions charge beside products, FLOP per score or element.

    DeepSpeed's and calflops' rules: 1 for a softmax, an activation and what baddbmm adds to scores, 5
    for a layer norm. An activation that a model took hold of before they were patched stays unseen.
    """

    told: str
    activation: bool = False
    addition: bool = False
    norms: bool = False

    def of(self, shape: Transformer, length: int) -> int:
        """FLOP per token of a forward pass."""
        scores = shape.layers * shape.heads * length * (2 if self.addition else 1)
        active = shape.layers * shape.mlp_width if self.activation else 0
        norms = 5 * shape.width * (2 * shape.layers + 1 + shape.embedding_norm)
        return scores + active + (norms if self.norms else 0)


ELEMENTWISE = (
    Elementwise("softmax and activation 1 each", activation=True),
    Elementwise("softmax, activation and what is added to scores 1 each", True, True),
)
WITH_NORMS = (
    Elementwise("softmax 1, layer norms 5", norms=True),
    Elementwise(
        "softmax and what is added to scores 1 each, layer norms 5", addition=True, norms=True
    ),
)
"""For models with layer norms; RMS norms are no function that is patched."""


def of_base_and_eager(
    shape: Transformer, length: int, ahead: Interval, share: Fraction, tokens: Interval
) -> Iterator[Candidate]:
    """Without the head, without a product that counters miss, and with what they charge beside products."""
    for lacking, less in products_left_out(shape, length):
        name = f"ref-full{lacking}"
        products = Interval.of(ahead.low - less)
        if less:
            yield Candidate(name, products * tokens * share, RECOMPUTING)
        cost = RECOMPUTING if less else UNNAMED
        both = (*ELEMENTWISE, *(WITH_NORMS if shape.norm == "layer" else ()))
        for each in both if share == 1 else ():
            whole = Interval.of(products.low + each.of(shape, length))
            yield Candidate(f"{name}, {each.told}", whole * tokens, cost)


def products_left_out(shape: Transformer, length: int) -> Iterator[tuple[str, int]]:
    """(words, FLOP per token): the logits of a base model, scores by a method that is not patched."""
    head = 2 * shape.width * shape.vocabulary
    yield "", 0
    yield " without the head", head
    if shape.positions == "alibi":  # Bloom adds them by Tensor.baddbmm
        scores = 2 * shape.layers * shape.query_width * length
        yield " without head and baddbmm", head + scores
