"""Readings without a figure."""

from __future__ import annotations

from collections import defaultdict

from flop_harness.report.analysis.cells import ENDED
from flop_harness.report.analysis.figures import is_figure
from flop_harness.report.analysis.index import Index
from flop_harness.report.tables.table import Column, Table, columns
from flop_harness.report.words.text import few, shorten


def silent(index: Index) -> Table:
    """Readings without a figure, alike ones together."""
    groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for reading in index.readings:
        if not is_figure(reading):
            key = (
                ENDED[reading.status],
                reading.counter,
                str(reading.context),
                reading.metric,
                reading.message,
            )
            groups[key].append(reading.case)
    heads = columns("status counter context metric cases:integer")
    heads += (Column("which"), Column("message"))
    rows = tuple(
        (*key[:4], len(cases), few(cases, 4), shorten(key[4], 300)) for key, cases in groups.items()
    )
    return Table("Counters without a figure", heads, rows)
