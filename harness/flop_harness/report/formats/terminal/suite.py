"""A whole run on a terminal, in one row for each case."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from flop_harness.records import Run
from flop_harness.report.analysis.index import Index
from flop_harness.report.tables.deviations import OPEN, compact_table
from flop_harness.report.tables.table import Table
from flop_harness.report.words.text import printable

if TYPE_CHECKING:
    from rich.table import Table as Grid

NAME, HEAD = 32, 12
"""Columns on a terminal for the name of a case, and for a counter's"""
TONES = (
    (OPEN, "bold red"), ("failed", "yellow"), ("time", "yellow"), ("memory", "yellow"),
    ("none", "yellow"), ("n/a", "bright_black"), ("=", "bright_black"), ("×", "dark_orange3"),
    ("\N{MINUS SIGN}", "steel_blue"), ("+", "dark_orange3"),
)  # fmt: skip


def suite_tables(run: Run, width: int) -> Iterator[Grid]:
    """The compact table with colours, in as many pieces as have room for every figure."""
    table = compact_table(Index(run))
    pieces = list(fitting(table, width))
    for place, columns in enumerate(pieces):
        last = place == len(pieces) - 1
        yield coloured(table, columns, run.suite.name, table.note if last else "")


def room(table: Table, place: int) -> int:
    """Columns of a terminal that a column needs: all of its figures, and most of its name."""
    longest = max((len(row[place]) for row in table.rows), default=0)
    if not place:
        return min(longest, NAME)
    return max(longest, min(len(table.columns[place].title), HEAD))


def fitting(table: Table, width: int) -> Iterator[list[int]]:
    """The columns in groups, each with the names and references of the cases before it."""
    always = [0, 1]
    start = sum(room(table, place) + 1 for place in always) + 2
    group, taken = list(always), start
    for place in range(2, len(table.columns)):
        if taken + room(table, place) + 1 > width and group != always:
            yield group
            group, taken = list(always), start
        group.append(place)
        taken += room(table, place) + 1
    yield group


def coloured(table: Table, places: list[int], suite: str, note: str) -> Grid:
    from rich import box
    from rich.table import Table as Grid
    from rich.text import Text

    made = Grid(title=Text(f"{printable(suite)}: {table.title.lower()}"),
                caption=Text(note) if note else None, title_justify="left",
                caption_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))  # fmt: skip
    for place in places:
        column = table.columns[place]
        made.add_column(Text(column.title), justify=column.align, no_wrap=not place,
                        overflow="fold" if place else "ellipsis", vertical="bottom",
                        width=room(table, place))  # fmt: skip
    for row in table.rows:
        made.add_row(*(Text(row[place], tone(row[place]) if place > 1 else "")
                       for place in places))  # fmt: skip
    return made


def tone(text: str) -> str:
    return next((style for sign, style in TONES if sign in text), "")
