"""A neutral table on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flop_harness.report.tables.table import Table, show

if TYPE_CHECKING:
    from rich.table import Table as Grid

NARROW = 78
"""Columns that every terminal has: a title is not wrapped sooner"""


def grid(table: Table) -> Grid:
    """Names to the left, numbers to the right, zeros as they are, nothing as nothing."""
    from rich import box
    from rich.table import Table as Grid
    from rich.text import Text

    made = Grid(title=Text(table.title) if table.title else None, caption=Text(table.note) if table.note else None,
                caption_justify="left", box=box.SIMPLE_HEAD, title_justify="left",
                padding=(0, 1, 0, 0), min_width=min(len(table.title), NARROW))  # fmt: skip
    for column in table.columns:
        made.add_column(Text(column.title), justify=column.align)
    for row in table.rows:
        made.add_row(*(Text(show(value, column))
                       for value, column in zip(row, table.columns, strict=True)))  # fmt: skip
    return made
