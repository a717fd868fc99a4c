"""A neutral table on a terminal."""

from __future__ import annotations

from flop_harness.report.formats.terminal.fitting import Fitted, Head, Row
from flop_harness.report.tables.table import Table, show


def grid(table: Table) -> Fitted:
    """Names to the left, numbers to the right, zeros as they are, nothing as nothing."""
    heads = [
        Head(column.title, column.align, column.kind == "text", column.beneath)
        for column in table.columns
    ]
    rows = [Row(tuple(show(value, column) for value, column in zip(row, table.columns, strict=True)))
            for row in table.rows]  # fmt: skip
    return Fitted(table.title, heads, rows, table.note)
