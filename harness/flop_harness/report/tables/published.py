"""Published figures of a suite's models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from flop_harness.report.tables.table import Table, columns
from flop_harness.report.words.text import plural

PUBLISHED = columns("claim model input measure figure verdict why source")


def summary(verdicts: Sequence[Mapping[str, str]]) -> Table:
    """How many figures ended in which verdict."""
    found = Counter(row["ruling"] for row in verdicts)
    title = f"{plural(len(verdicts), 'published figure')} of these models, audited"
    return Table(title, columns("verdict figures:integer"), tuple(found.most_common()))


def table(verdicts: Sequence[Mapping[str, str]]) -> Table:
    """One row for each figure."""
    return Table("Figure by figure", PUBLISHED, tuple(map(_row, verdicts)))


def _row(row: Mapping[str, str]) -> tuple[Any, ...]:
    figure = f"{row['value']} {row['unit']}".strip()
    return (row["claim"], row["model"], row["inputs"], row["metric"], figure, row["ruling"],
            row["reason"], row["source"])  # fmt: skip
