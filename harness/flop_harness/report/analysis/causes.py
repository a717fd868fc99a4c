"""Why counters differ: the steps of all bridges, gathered by what causes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import chain
from typing import Any

from flop_harness.counters import counters
from flop_harness.records import AGAIN, HERE, HOOKED, UNSEEN, Bridge, Context, Metric, Step
from flop_harness.report.analysis.figures import deviation
from flop_harness.report.analysis.index import Index
from flop_harness.report.words.terms import (
    DOUBLING,
    INTEGER,
    NESTED,
    SHARED,
    Extent,
    Term,
    predicate,
)


@dataclass(frozen=True, slots=True)
class Share:
    """Steps of one cause in one bridge, and what they make in MAC (or parameters)."""

    bridge: Bridge
    steps: tuple[Step, ...]
    weight: Fraction
    extent: Extent = ""

    @property
    def part(self) -> float:
        """The weight as a share of the reference."""
        if not self.weight:
            return 0.0
        return deviation(self.bridge.reference + self.weight, self.bridge.reference)


@lru_cache(maxsize=1)
def shares(index: Index) -> tuple[Share, ...]:
    """Every step that changes a figure; the unit of a figure is no cause."""
    return tuple(
        Share(bridge, (step,), weight, extent_of(index, bridge, step))
        for bridge in index.bridges
        for step, weight in zip(bridge.steps, in_macs_each(index, bridge), strict=True)
        if weight
    )


def in_macs_each(index: Index, bridge: Bridge) -> list[Fraction]:
    """What each step makes of the distance in MAC; they and the residual add up to it.

    In a figure of FLOPs a step that is made of products stands in MAC, and the step that doubles
    all of them makes FLOPs of it; every other step stands in FLOPs.
    """
    whole = [Fraction(step.amount) for step in bridge.steps]
    if bridge.unit != "FLOP":
        return whole
    doubles = [Term.of(step.term).noun.startswith(DOUBLING) for step in bridge.steps]
    products = [is_product(index, step.term) for step in bridge.steps]
    halved = [amount if product else amount / 2
              for amount, product in zip(whole, products, strict=True)]  # fmt: skip
    seen = bridge.reference + sum(a for a, p in zip(whole, products, strict=True) if p)
    doubled = sum((a for a, is_it in zip(whole, doubles, strict=True) if is_it), Fraction(0))
    left = [Fraction(0) if double else amount
            for amount, double in zip(halved, doubles, strict=True)]  # fmt: skip
    if any(doubles):
        left[doubles.index(True)] = (doubled - seen) / 2
    return left


MEASURED = (UNSEEN, AGAIN, *(way + where for way in (UNSEEN, AGAIN) for where in (HERE, HOOKED)))
"""How a term ends that is an amount of what the reference charges"""


def is_product(index: Index, term: str) -> bool:
    """Whether a term is made of what the reference charges, and so stands in MAC."""
    parts = Term.of(term)
    if parts.manner in MEASURED:
        return True
    return parts.manner in ("", SHARED, NESTED) and parts.noun in index.products


def extent_of(index: Index, bridge: Bridge, step: Step) -> Extent:
    """Whether a step is all, a part or as much again of what the reference has in its context."""
    term = Term.of(step.term)
    reference = index.reference_of.get(bridge.case)
    if reference is None:
        return ""
    there = getattr(reference, bridge.metric).get(term.noun, 0)
    there += sum(each.amount for each in bridge.steps
                 if each.term.endswith(HERE)
                 and Term.of(each.term).noun == term.noun)  # fmt: skip
    if step.amount == -there:
        return "all"
    if step.amount == there:
        return "twice"
    return "part"


def is_quantised(step: Step) -> bool:
    """Whether all the work of a step is done by operators on whole numbers."""
    known = sum(step.operators.values()) == -step.amount
    return known and bool(step.operators) and all("quantized" in name for name in step.operators)


def term_in_words(step: Step) -> str:
    """``quantised linear not seen``: ordinary layers of the kind may well be seen."""
    return f"{INTEGER}{step.term}" if is_quantised(step) else step.term


@dataclass(frozen=True)
class Cause:
    """Steps of one kind, wherever they occur."""

    term: str
    metric: Metric
    shares: tuple[Share, ...]

    @cached_property
    def cases(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(share.bridge.case for share in self.shares))

    @cached_property
    def counters(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(share.bridge.counter for share in self.shares))

    @cached_property
    def contexts(self) -> tuple[Context, ...]:
        return tuple(dict.fromkeys(share.bridge.context for share in self.shares))

    @property
    def figures(self) -> int:
        return len(self.shares)

    @property
    def net(self) -> Fraction:
        """What it adds to all figures together, less what it takes off."""
        return sum((share.weight for share in self.shares), Fraction(0))

    @property
    def weight(self) -> Fraction:
        """How much it explains: what it adds and what it takes off, both as gaps."""
        return sum((abs(share.weight) for share in self.shares), Fraction(0))

    @property
    def largest(self) -> Share:
        """Where it is the largest share of a reference."""
        return max(self.shares, key=lambda share: abs(share.part))

    @property
    def smallest(self) -> Bridge:
        """The bridge of the smallest case that shows it, the one with the fewest steps."""
        return min(
            (share.bridge for share in self.shares),
            key=lambda bridge: (bridge.reference, len(bridge.steps)),
        )

    @property
    def predicate(self) -> str:
        """What the counters do, in words that are true of each of them."""
        steps = [step for share in self.shares for step in share.steps]
        hidden = [[*hidden_in(share.bridge.counter, step)]
                  for share in self.shares for step in share.steps]  # fmt: skip
        operators = dict.fromkeys(chain.from_iterable(hidden)) if all(hidden) else ()
        if all(map(is_quantised, steps)):
            return predicate(INTEGER + self.term, self.metric, "all", classes=heaviest(steps))
        classes = heaviest(steps, INTEGER)
        return predicate(self.term, self.metric, self.extent, self.net < 0, operators, classes)

    @property
    def extent(self) -> Extent:
        found = {share.extent for share in self.shares}
        return next(iter(found)) if len(found) == 1 else "mixed"


def hidden_in(counter: str, step: Step) -> Iterable[str]:
    """The operators that hide work from a counter of operators; others look at modules."""
    known = counters().get(counter.partition("@")[0])
    return step.operators if known is not None and known.by_operator else ()


def heaviest(steps: Iterable[Step], integer: str = "") -> list[str]:
    """The classes that steps come from, those with most of them first; ``integer`` begins quantised ones."""
    sums: Counter[str] = Counter()
    for step in steps:
        kind = integer if is_quantised(step) else ""
        sums.update({kind + name: abs(amount) for name, amount in step.classes.items() if name})  # type: ignore[misc]
    return [name for name, _ in sums.most_common()]


def name_of(share: Share) -> str:
    """A step's term; what is done to the parameters of any class is one cause."""
    text = share.steps[0].term
    manner = Term.of(text).manner
    return f"parameters{manner}" if share.bridge.metric == "params" and manner else text


@lru_cache(maxsize=1)
def by_term(index: Index) -> list[Cause]:
    """Each cause over all counters, those that explain most figures first, then most work."""
    return ranked(gathered(shares(index), lambda share: (share.bridge.metric, name_of(share))))


def by_counter(index: Index) -> dict[str, list[Cause]]:
    """The causes of each counter, ranked; a counter without any has an empty list."""
    every = gathered(
        shares(index),
        lambda share: (share.bridge.counter, share.bridge.metric, name_of(share)),
    )
    found: dict[str, list[Cause]] = {name: [] for name in index.counters}
    for cause in ranked(every):
        found[cause.counters[0]].append(cause)
    return found


def gathered(every: Iterable[Share], key: Callable[[Share], Hashable]) -> list[Cause]:
    groups: dict[Any, dict[int, Share]] = {}
    for share in every:
        group = groups.setdefault(key(share), {})
        known = group.get(id(share.bridge))
        group[id(share.bridge)] = share if known is None else together(known, share)
    found = [tuple(group.values()) for group in groups.values()]
    return [Cause(name_of(shares[0]), shares[0].bridge.metric, shares) for shares in found]


def together(one: Share, other: Share) -> Share:
    """Two shares of one bridge as one."""
    extent: Extent = one.extent if one.extent == other.extent else "mixed"
    return Share(one.bridge, (*one.steps, *other.steps), one.weight + other.weight, extent)


def ranked(every: Iterable[Cause]) -> list[Cause]:
    return sorted(every, key=lambda c: (c.metric, -c.figures, -c.weight, c.term))
