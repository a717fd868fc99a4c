"""A store of many runs: its suites, counters, terms and models."""

from __future__ import annotations

from collections.abc import Mapping

from flop_harness.report.tables.table import Column, Table
from flop_harness.store.queries import Columns
from flop_harness.store.summaries import rows

OUTCOMES = (Column("models", "integer"), Column("figures", "integer"), Column("failed", "integer"),
            Column("unavailable", "integer"))  # fmt: skip

SUBJECTS: Mapping[str, tuple[str, tuple[Column, ...]]] = {
    "suites": ("Suites", (
        Column("suite"), *OUTCOMES, Column("explained", "integer"),
        Column("median factor", "factor"), Column("widest factor", "factor"))),
    "counters": ("Counters", (
        Column("counter"), *OUTCOMES, Column("median", "number", "s"),
        Column("explained", "integer"), Column("equal to the reference", "integer"))),
    "terms": ("Why counters differ from the reference", (
        Column("counter"), Column("term"), Column("figures", "integer"),
        Column("models", "integer"))),
    "models": ("Models, those on which counters differ most first", (
        Column("suite"), Column("case"), Column("figures", "integer"),
        Column("lowest", "number", "MAC"), Column("highest", "number", "MAC"),
        Column("factor", "factor"))),
    "unexplained": ("Figures that are not explained", (
        Column("suite"), Column("case"), Column("counter"), Column("context"), Column("metric"),
        Column("residual", "integer"), Column("unit"))),
}  # fmt: skip


def table(store: Columns, subject: str) -> Table:
    """All that a store has of a subject, a key of ``SUBJECTS``."""
    title, columns = SUBJECTS[subject]
    return Table(title, columns, rows(store, subject))
