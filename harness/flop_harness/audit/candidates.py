"""What a claim is held against: every price of its model, read in every way that has a reason.

Each departure from what the claim states has a cost; a candidate's is their sum, and the simplest
explanation is the cheapest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from flop_harness.counters import counters
from flop_harness.counters.versions.catalogue import CATALOGUE, EDITIONS, PARTIAL
from flop_harness.errors import UserError, suggest
from flop_harness.reconcile.pricing import Price, Priced
from flop_harness.records import Claim
from flop_harness.records.units import Printed, Unit, parse_figure, parse_unit

# What it costs to depart from what is stated.
CUT = 1  # digits cut off, or zeros filled in
UNIT = PREFIX = 2  # MACs called FLOPs; powers of two
UP = CONVENTION = OWN = 3  # rounded up; not as the author describes; by rules of a tool's own
ONE_SAMPLE = 2  # of one of a batch
SAMPLE = 7  # without a batch, or for another one
SIZE = AGAIN = BACKWARD = 8  # another image size; doubled once more; the backward pass too
SEVERAL = 8  # of a batch where one sample is stated
OBSCURE = 9  # by the rules of a single article
FEW = 9  # of two or three of them: twice and three times have likelier causes
DOUBLED, TOOL = 10, 11  # a tool's figure changed by hand, or not this tool's

STRAINED, SEARCHED = 3, 7
"""From these costs on an explanation must not fit by chance, or was searched for."""


# ---------------------------------------------------------------------------------- questions


@dataclass(frozen=True, slots=True)
class Question:
    """A claim taken apart: its digits, its unit, and the ways of counting that it names."""

    claim: Claim
    printed: Printed
    unit: Unit
    named: frozenset[str] = frozenset()
    tool: bool = False

    @property
    def exact(self) -> bool:
        """Whether every digit of a count is printed."""
        return self.unit.base != "share" and self.printed.step * self.unit.scale <= 1

    @property
    def described(self) -> frozenset[str]:
        """Units in which the named conventions count; empty where a tool, or nothing, is named."""
        return frozenset() if self.tool else frozenset(CATALOGUE[name].unit for name in self.named)


def ask(claim: Claim) -> Question:
    """UserError, naming the claim, for a convention or tool that there is not."""
    named, tool = naming(claim)
    return Question(
        claim, parse_figure(claim.value), parse_unit(claim.unit, claim.metric), named, tool
    )


def naming(claim: Claim) -> tuple[frozenset[str], bool]:
    """The ways of counting that ``counts`` stands for, and whether it names a tool.

    A tool's distribution stands for all its backends and versions.
    """
    name = claim.counts
    if not name or name in CATALOGUE:
        return frozenset({name} - {""}), False
    everyone = counters().values()
    backends = {counter.id for counter in everyone if counter.distribution == name}
    if backends or name in counters():
        return frozenset(backends | {name} | set(EDITIONS.get(name, ()))), True
    known = (*CATALOGUE, *counters(), *(counter.distribution for counter in everyone))
    raise UserError(f"claim {claim.id!r}: counts: unknown {name!r}{suggest(name, known)}")


# --------------------------------------------------------------------------------- candidates


@dataclass(frozen=True, slots=True)
class Candidate:
    """An amount that could be behind a claim's figure, and its ``number`` in the claim's prefix."""

    counting: str
    amount: Fraction
    number: Fraction
    unit: str
    inputs: str
    cost: int = 0
    departures: tuple[str, ...] = ()
    reading: Fraction = Fraction(1)

    @property
    def name(self) -> str:
        """Who counts, and by what the count is multiplied: 2 FLOPs for each MAC."""
        return self.counting if self.reading == 1 else f"{float(self.reading):g} × {self.counting}"


Departure = tuple[Fraction, int, str]
"""(what a value is multiplied by, what that costs, how it is told)"""


def candidates(
    question: Question, priced: Priced, cost: int = 0, told: str = ""
) -> list[Candidate]:
    """Everything that was said of the claim's metric, read as the claim's unit.

    ``cost`` and ``told`` are of the departure that led to this case, if one did.
    """
    first = (told,) if told else ()
    prices = [price for price in priced.prices if price.metric == question.claim.metric]
    if question.named.isdisjoint(price.counting for price in prices):
        question = replace(question, named=frozenset(), tool=False)  # says nothing of this metric
    prices = [price for price in prices if stands_for_all(question, price, prices)]
    usual = {(price.unit, amount) for price in prices if price.counting in USUAL
             for amount in amounts(question, price)}  # fmt: skip
    return [
        Candidate(
            price.counting,
            amount * reading,
            amount * reading * scale,
            price.unit,
            priced.inputs,
            cost + sum(part[1] for part in parts),
            first + tuple(part[2] for part in parts if part[2]),
            reading,
        )
        for price in prices
        for amount in amounts(question, price)
        for parts in ways(question, price, (price.unit, amount) in usual)
        for reading, scale in [(parts[1][0], parts[2][0])]
    ]


def stands_for_all(question: Question, price: Price, prices: Iterable[Price]) -> bool:
    """Whether the price is of the whole: of a part only if the source names it, or it is nearly all.

    That an author left the rest out can then be; a sliver that happens to fit says nothing.
    """
    if price.counting not in PARTIAL or price.counting in question.named:
        return True
    whole = max((each.total for each in prices if each.counting in WHOLE), default=0)
    return price.total >= NEARLY * whole


WHOLE = frozenset({"macs", "params"})
NEARLY = Fraction(9, 10)
"""So much of the whole a part has to be"""


def amounts(question: Question, price: Price) -> Iterator[Fraction]:
    """The layer's amount or the total; of a percentage, the layer's share of the total."""
    layer = question.claim.layer
    amount = Fraction(price.layers[layer] if layer else price.total)
    if question.unit.base != "share":
        yield amount
    elif price.total:
        yield 100 * amount / Fraction(price.total)


def ways(
    question: Question, price: Price, usual: bool
) -> Iterator[tuple[Departure, Departure, Departure]]:
    """Who counts, what the unit means and what its prefix means: one departure of each.

    ``usual`` tells that the amount is one of those that a reader expects.
    """
    counting = (ONE, *departed(question, price, usual))
    for reading in readings(question, price):
        for scale in scales(question.unit):
            yield counting, reading, scale


def departed(question: Question, price: Price, usual: bool) -> tuple[int, str]:
    """What it costs that this way counts, and not the one that is named, or a usual one."""
    name, named = price.counting, question.named
    if name in named or (not named and usual):
        return 0, ""
    if not named and name not in PARTIAL:
        return (OWN, OWN_RULES) if price.tool else (OBSCURE, "by a convention that is not named")
    if not question.tool and name in PLAIN and named & PLAIN:
        return 0, ""  # what departs is the unit
    cost = TOOL if question.tool else CONVENTION
    return cost, PARTIAL.get(name, f"not counted as {question.claim.counts} does")


PLAIN = frozenset({"macs", "flops"})
"""The reference and its double: one count in two units."""

OWN_FIGURE = {"compute": "macs", "params": "params", "size": "param-bytes",
              "activations": "activations", "traffic": "bytes"}  # fmt: skip
"""Metric of a claim -> the convention by which a model's own figure is told"""


def own_counting(claim: Claim) -> str:
    """The convention that a claim's unit names: FLOPs are twice the MACs; empty where there is none."""
    flops = claim.metric == "compute" and parse_unit(claim.unit, claim.metric).base == "FLOP"
    return "flops" if flops else OWN_FIGURE.get(claim.metric, "")


USUAL = PLAIN | {"macs-bias", "exact-flops", "params", "param-bytes", "activations", "bytes"}
"""What a reader takes to be counted where nobody says how."""

OWN_RULES = "by rules of a tool's own, which is not named"

ONE, TWO = Fraction(1), Fraction(2)
RATES = {"MAC": TWO, "FLOP": ONE}
"""What one of each is worth in FLOPs."""


def readings(question: Question, price: Price) -> list[Departure]:
    """Ways in which a count becomes a figure in the claim's unit."""
    base, unit = question.unit.base, price.unit
    if base in ("", "share"):
        return [(ONE, 0, "")]
    if unit not in RATES or base not in RATES:
        return [(ONE, 0, "")] if unit == base else []
    fair = RATES[unit] / RATES[base]
    if base == "FLOP" and "MAC" in question.described:  # the author's FLOPs are multiply-adds
        called = [(fair, UNIT, "two for each MAC"), (fair / 2, 0, "")]
    elif unit == base:
        again = "doubled again" if unit == "FLOP" else "MACs halved"
        called = [(ONE, 0, ""), (TWO if unit == "FLOP" else ONE / 2, AGAIN, again)]
    else:
        by_hand = f"{unit}s turned into {base}s"
        turned = (fair, DOUBLED, by_hand) if question.tool else (fair, 0, "")
        called = [turned, (ONE, UNIT, f"{unit}s called {base}s")]
        if unit == "FLOP" and not price.tool and price.counting != "flops":
            called = called[1:]  # what is no double cannot be halved
    return [*called, (3 * fair, BACKWARD, "forward and backward pass")]


OTHER_PREFIX = "the prefix stands for"


def unprefixed(departures: Iterable[str]) -> tuple[str, ...]:
    """Departures but for what the prefix stands for."""
    return tuple(told for told in departures if not told.startswith(OTHER_PREFIX))


def scales(unit: Unit) -> Iterator[Departure]:
    """The prefix as it is meant in the field, and as some mean it."""
    yield Fraction(1, unit.scale), 0, ""
    if unit.binary:
        powers = unit.binary.scale.bit_length() - 1
        yield Fraction(1, unit.binary.scale), PREFIX, f"{OTHER_PREFIX} 2^{powers}"
    if unit.decimal:
        power = len(str(unit.decimal.scale)) - 1
        yield Fraction(1, unit.decimal.scale), PREFIX, f"{OTHER_PREFIX} 10^{power}"
