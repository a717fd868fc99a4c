"""The claims of an audit, what stands beside each, and the prices of their models."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from operator import itemgetter

from flop_harness.audit.candidates import (
    FEW,
    ONE_SAMPLE,
    SAMPLE,
    SEARCHED,
    SEVERAL,
    SIZE,
    STRAINED,
    UNIT,
    Candidate,
    Question,
    ask,
    candidates,
    unprefixed,
)
from flop_harness.audit.matching import Match, matches
from flop_harness.reconcile.pricing import Priced, Wanted
from flop_harness.records import Claim, Input
from flop_harness.records.units import Printed

SIZES = (
    28, 32, 64, 96, 112, 128, 160, 192, 224, 227, 240, 256, 260, 288, 299, 300, 320, 331, 336, 380,
    384, 416, 448, 456, 480, 512, 518, 528, 600, 640, 800, 1024,
)  # fmt: skip
"""Sides of images on which networks are usually trained, tested or counted."""

BATCHES = (2, 4, 8, 16, 32, 64, 128, 256)
"""Samples that are usually counted at once where one is meant, or said. With 5 and 10 a
slip of a power of ten would be explained away."""

PLAIN = frozenset({"macs", "flops", "activations", "bytes"})
"""What is counted on other inputs where few digits are printed and nobody is named."""

ENOUGH = 3
"""So many other figures of a column say how all of it is counted, if they are most of it."""

Way = tuple[str, tuple[str, ...]]
"""Who counts, and how it is read."""

Other = tuple[int, str, tuple[Input, ...]]
"""(cost, what is told, inputs) of a model called otherwise than its claim says."""


@dataclass
class ClaimSet:
    """Claims by what they have in common. ``price`` and ``price_others`` give what is counted."""

    claims: tuple[Claim, ...]
    price: Callable[[Claim], Priced]
    price_others: Callable[[Claim, list[Other], Wanted], list[tuple[Other, Priced]]]
    _own: dict[tuple[str, str], list[Candidate]] = field(default_factory=dict)
    _numbers: dict[tuple[str, str], list[tuple[float, Candidate]]] = field(default_factory=dict)
    _matches: dict[tuple[str, str], list[Match]] = field(default_factory=dict)
    _simplest: dict[tuple[str, str], set[Way]] = field(default_factory=dict)

    def own(self, claim: Claim) -> list[Candidate]:
        """What the claim's model gives on the inputs that are stated, whatever its figure."""
        key = (claim.file, claim.id)
        if key not in self._own:
            self._own[key] = candidates(ask(claim), self.price(claim))
        return self._own[key]

    def near(self, claim: Claim, printed: Printed) -> list[Candidate]:
        """Those of them, at most by another unit, that a figure may stand for."""
        key = (claim.file, claim.id)
        if key not in self._numbers:
            close = (c for c in self.own(claim) if c.cost <= UNIT)
            self._numbers[key] = sorted(((float(c.number), c) for c in close), key=itemgetter(0))
        low, high = map(float, printed.span)
        slack = 1e-9 * high
        numbers = self._numbers[key]
        first = bisect_left(numbers, low - slack, key=itemgetter(0))
        last = bisect_right(numbers, high + slack, key=itemgetter(0))
        return [candidate for _, candidate in numbers[first:last]]

    def elsewhere(
        self, question: Question, changed: Callable[[tuple[Input, ...]], Iterator[Other]]
    ) -> list[Candidate]:
        """What the plain count, and any that is named or has all its digits, gives on other inputs."""
        claim = question.claim
        if claim.metric in ("params", "size") or claim.case is None:
            return []
        given = claim.case.inputs or read_shapes(self.price(claim).inputs)
        wanted = None if question.exact else question.named or PLAIN
        return [
            candidate
            for (cost, told, _), priced in self.price_others(claim, list(changed(given)), wanted)
            for candidate in candidates(question, priced, cost, told)
        ]

    def in_powers(self, claim: Claim) -> bool:
        """Whether a prefix with its other meaning explains more of a column than it as written.

        An author means the same by a prefix throughout; a figure that stands alone tells nothing.
        """
        column = [claim, *self.alike(claim)]
        votes = [self._vote(other) for other in column]
        return sum(with_it for with_it, _ in votes) > sum(plain for _, plain in votes)

    def _vote(self, claim: Claim) -> tuple[bool, bool]:
        """(fits with the prefix's other meaning, fits as written) of a claim."""
        kinds = {match.prefixed for match in self.fitting(claim)}
        return True in kinds, False in kinds

    def fitting(self, claim: Claim) -> list[Match]:
        """What fits a claim's figure on the inputs that are stated, unless it is far-fetched."""
        key = (claim.file, claim.id)
        if key not in self._matches:
            found = matches(ask(claim), self.own(claim))
            self._matches[key] = [match for match in found if match.cost < SEARCHED]
        return self._matches[key]

    def simplest(self, claim: Claim) -> set[Way]:
        """Who gives a claim's own figure most simply, and how, whatever its prefix; none if strained."""
        key = (claim.file, claim.id)
        if key not in self._simplest:
            found = self.fitting(claim)
            best = [match for match in found if match.cost == found[0].cost < STRAINED]
            ways = {match.way for match in best}
            self._simplest[key] = {(counting, unprefixed(reading)) for counting, reading in ways}
        return self._simplest[key]

    def usual_ways(self, claim: Claim) -> set[Way]:
        """Ways of counting and reading that fit most other figures of the claim's column."""
        column = {thing(other): other for other in self.alike(claim)}
        column.pop(thing(claim), None)
        found: Counter[Way] = Counter()
        for other in column.values():
            found.update({m.way for m in self.fitting(other) if m.printing != "rounded up"})
        enough = max(ENOUGH, len(column) // 2 + 1)
        return {way for way, count in found.items() if count >= enough}

    def alike(self, claim: Claim) -> Iterator[Claim]:
        """The other figures of a column: the same measure in the same unit, by the same counter."""
        for other in self._tables[claim.file, claim.table] if claim.table else ():
            mine = (claim.metric, claim.unit, claim.counts)
            if other is not claim and (other.metric, other.unit, other.counts) == mine:
                yield other

    def row(self, claim: Claim) -> Iterator[Claim]:
        """Other figures of the same row: of the same model, by another measure."""
        for other in self._tables[claim.file, claim.table] if claim.table else ():
            if other.row == claim.row and other.metric != claim.metric:
                yield other

    def column(self, claim: Claim) -> Iterator[Claim]:
        """The same measure of other models in the same table."""
        for other in self.alike(claim):
            if other.row != claim.row and subject(other) != subject(claim):
                yield other

    def same_thing(self, claim: Claim) -> Iterator[Claim]:
        """Other figures of the same source for the same thing."""
        for other in self._things[thing(claim)]:
            if other is not claim:
                yield other

    @cached_property
    def _tables(self) -> dict[tuple[str, str], list[Claim]]:
        found: dict[tuple[str, str], list[Claim]] = defaultdict(list)
        for claim in self.claims:
            if claim.value and claim.metric != "output":
                found[claim.file, claim.table].append(claim)
        return found

    @cached_property
    def _things(self) -> dict[Hashable, list[Claim]]:
        found: dict[Hashable, list[Claim]] = defaultdict(list)
        for claim in self.claims:
            if claim.value and claim.metric != "output":
                found[thing(claim)].append(claim)
        return found


def subject(claim: Claim) -> Hashable:
    """The model and layer that a claim is about."""
    case = claim.case
    return case and (case.model, repr(case.kwargs), claim.layer)


def thing(claim: Claim) -> Hashable:
    """What has one true figure: parameters do not depend on the inputs."""
    base = ask(claim).unit.base
    inputs = claim.case.inputs if claim.case and claim.metric not in ("params", "size") else ()
    return (claim.source, subject(claim), claim.metric, base, claim.counts, inputs)


def read_shapes(text: str) -> tuple[Input, ...]:
    """The inputs behind ``1x3x224x224``, or several joined by a plus."""
    shapes = (each.split("x") for each in text.split(" + ") if "x" in each)
    return tuple(Input(tuple(map(int, shape))) for shape in shapes)


def one_sample(inputs: tuple[Input, ...]) -> Iterator[Other]:
    """One sample of the batch that is stated, if it is one of several."""
    batches = {given.shape[0] for given in inputs if given.shape}
    if len(batches) == 1 and batches != {1}:
        alone = [(1, *given.shape[1:]) for given in inputs]
        yield ONE_SAMPLE, "of one sample, not of the batch", resized(inputs, alone)


def others(inputs: tuple[Input, ...]) -> Iterator[Other]:
    """Inputs that somebody may have used instead: without the batch, another one, another size."""
    shapes = [given.shape for given in inputs]
    batches = {shape[0] for shape in shapes if shape}
    if batches == {1}:
        yield SAMPLE, "without a batch dimension", resized(inputs, [s[1:] for s in shapes])
    if len(batches) == 1:
        (stated,) = batches
        for batch in sorted({*range(2, 2 * stated), *BATCHES} - {stated}):
            other = resized(inputs, [(batch, *shape[1:]) for shape in shapes])
            yield batch_cost(stated, batch), f"for a batch of {batch}", other
    if len(shapes) == 1 and len(shapes[0]) >= 3 and shapes[0][-1] == shapes[0][-2]:
        *rest, side, _ = shapes[0]
        for size in SIZES:
            if size != side:
                told = f"on images of {size} x {size}"
                yield SIZE, told, resized(inputs, [(*rest, size, size)])


def batch_cost(stated: int, batch: int) -> int:
    """What it costs that so many samples were counted, and not those that are stated."""
    if stated > 1:
        return SAMPLE
    return SEVERAL if batch > 3 else FEW


def resized(inputs: tuple[Input, ...], shapes: list[tuple[int, ...]]) -> tuple[Input, ...]:
    return tuple(replace(given, shape=shape) for given, shape in zip(inputs, shapes, strict=True))
