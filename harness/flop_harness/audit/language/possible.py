"""What a figure may be, and by which formulas."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flop_harness.audit.language.given import Given
from flop_harness.audit.language.quantities import Interval

UNNAMED, RECOMPUTING, UNCOVERED, FAR = 1, 3, 4, 5
"""Costs: a formula that the source does not name; one that counts recomputation where model FLOPs
are meant; one that does not cover the model; a reading that needs a reason."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a figure would be, in its quantity's unit, counted in one way.

    ``certain`` marks arithmetic on the row's own figures, which holds whatever anybody counts,
    ``usual`` what holds so where most of a column does; ``shared`` is a reading that is taken only where it explains most of a column.
    """

    counting: str
    value: Interval
    cost: int = 0
    departures: tuple[str, ...] = ()
    certain: bool = False
    usual: bool = False
    shared: bool = False

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
