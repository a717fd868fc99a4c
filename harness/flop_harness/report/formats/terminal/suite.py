"""A whole run on a terminal, in one row for each case."""

from __future__ import annotations

from flop_harness.records import Run
from flop_harness.report.analysis.index import Index
from flop_harness.report.formats.terminal.fitting import Fitted, Head, Row
from flop_harness.report.tables.deviations import OPEN, deviation_table
from flop_harness.report.words.text import printable

TONES = (
    (OPEN, "bold red"), ("failed", "yellow"), ("time", "yellow"), ("memory", "yellow"),
    ("none", "yellow"), ("n/a", "bright_black"), ("=", "bright_black"), ("×", "dark_orange3"),
    ("\N{MINUS SIGN}", "steel_blue"), ("+", "dark_orange3"),
)  # fmt: skip


def suite_table(run: Run, exact: bool = False) -> Fitted:
    """The compact table with colours; with ``exact``, references to the last digit."""
    table = deviation_table(Index(run), exact=exact)
    heads = [Head(column.title, column.align, not place)
             for place, column in enumerate(table.columns)]  # fmt: skip
    rows = [Row(row, styles=("", "", *map(tone, row[2:]))) for row in table.rows]
    return Fitted(f"{printable(run.suite.name)}: {table.title.lower()}", heads, rows, table.note)


def tone(text: str) -> str:
    return next((style for sign, style in TONES if sign in text), "")
