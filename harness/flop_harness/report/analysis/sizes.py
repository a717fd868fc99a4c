"""How large the cases of a run are, each beside the first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flop_harness.report.analysis.cells import inputs_of
from flop_harness.report.analysis.figures import plain
from flop_harness.report.analysis.index import Index, Number


@dataclass(frozen=True, slots=True)
class Size:
    """What one way of counting says of a case; None where the case has no such figure."""

    case: str
    inputs: str
    amount: Number | None
    params: Number | None


def sizes(index: Index) -> list[Size]:
    """What the reference says of each case, in MACs."""
    return [
        Size(case, inputs_of(index, case), amount(index, case, "compute"), amount(index, case, "params"))
        for case in index.cases
    ]  # fmt: skip


def amount(index: Index, case: str, metric: str) -> Number | None:
    value = index.reference(case, metric)  # type: ignore[arg-type]
    return None if value is None else plain(value)


def beside_first(amounts: Iterable[Number | None]) -> list[float | None]:
    """Each amount as a multiple of the first; None where one of the two is missing or the first is 0."""
    first, *rest = amounts
    return [None if not first or each is None else each / first for each in (first, *rest)]


def shares(amounts: Iterable[Number | None]) -> list[float]:
    """Each amount as a part of the largest, for a bar."""
    known = [each or 0 for each in amounts]
    most = max(known, default=0)
    return [each / most if most else 0.0 for each in known]
