"""The proofs of a suite's formulas: its Markdown, and the section of a run's report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flop_harness.records import Proofs
from flop_harness.report.analysis.proofs import COUNTED, headline
from flop_harness.report.formats.markdown import grid, page, plain
from flop_harness.report.tables.proofs import (
    by_case,
    by_operator,
    cut_off,
    disagreements,
    not_provable,
    summary,
    unsupported,
)
from flop_harness.report.tables.table import Table


@dataclass(frozen=True, slots=True)
class Section:
    """What the report of a suite says of its proofs: tables that are shown, and that unfold."""

    headline: str
    how: str
    shown: tuple[Table, ...]
    folded: tuple[Table, ...]


def section(proofs: Proofs) -> Section:
    shown = (disagreements(proofs), summary(proofs), not_provable(proofs))
    folded = (by_case(proofs), cut_off(proofs), unsupported(proofs), by_operator(proofs))
    return Section(
        headline(proofs),
        " ".join(COUNTED.split()),
        tuple(table for table in shown if table.rows),
        tuple(table for table in folded if table.rows),
    )


def markdown(proofs: Proofs) -> bytes:
    return page(_blocks(proofs))


def _blocks(proofs: Proofs) -> Iterator[str]:
    steps = "training steps of " if proofs.training else ""
    yield f"# Proofs of the formulas that price {steps}{plain(proofs.suite)}"
    yield f"**{plain(headline(proofs))}**"
    yield COUNTED
    yield grid(summary(proofs))
    for shown in (disagreements(proofs), not_provable(proofs)):
        if shown.rows:
            yield grid(shown)
    yield grid(by_case(proofs))
    for shown in (cut_off(proofs), unsupported(proofs)):
        if shown.rows:
            yield grid(shown)
    yield grid(by_operator(proofs))
    for failure in proofs.failures:
        yield f"- **FAILED** {plain(failure.case)}, {plain(failure.stage)}: {plain(failure.message)}"
    yield "Every operator and shape stands in `proofs.csv`."
