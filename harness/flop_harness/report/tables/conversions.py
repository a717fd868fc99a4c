"""Which ways of counting give a figure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flop_harness.report.tables.table import Column, Table

WAYS = (Column("counted by"), Column("exactly", "integer"), Column("unit"), Column("if read as"))


def ways_table(text: str, model: str, found: Iterable[Any]) -> Table:
    """A row for each amount, with who counts so, and how the figure had to be read."""
    alike: dict[tuple[Any, ...], list[str]] = {}
    for each in found:
        alike.setdefault((each.amount.total, each.amount.unit, each.how), []).append(
            each.amount.way
        )
    rows = tuple((", ".join(names), *figure) for figure, names in alike.items())
    return Table(f"{text} of {model}", WAYS, rows)
