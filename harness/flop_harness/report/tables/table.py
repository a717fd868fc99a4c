"""Neutral tables: columns and rows of plain values, for every format to show."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from flop_harness.report.analysis.cells import Cell
from flop_harness.report.words.links import Link
from flop_harness.report.words.text import (
    digits,
    distance,
    factor_words,
    group,
    is_number,
    part,
    percent,
    printable,
)

Kind = Literal["text", "integer", "number", "share", "distance", "part", "factor", "cell",
               "brief"]  # fmt: skip

INDENT = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class Column:
    """A column's name, the unit of its values and what kind of values they are."""

    name: str
    kind: Kind = "text"
    unit: str = ""
    note: str = ""
    beneath: bool = False
    """Whether its text may stand beneath the row, where a terminal has no room beside it"""

    @property
    def align(self) -> Literal["left", "right"]:
        return "left" if self.kind == "text" else "right"

    @property
    def title(self) -> str:
        return f"{self.name} ({self.unit})" if self.unit else self.name


@dataclass(frozen=True, slots=True)
class Table:
    """A title, columns and rows of plain values; ``note`` says what a reader has to know."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    note: str = ""

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]


def filled(table: Table) -> Table:
    """The table without the columns in which nothing stands."""
    kept = [place for place in range(len(table.columns))
            if any(row[place] not in (None, "") for row in table.rows)]  # fmt: skip
    rows = tuple(tuple(row[place] for place in kept) for row in table.rows)
    return replace(table, columns=tuple(table.columns[place] for place in kept), rows=rows)


def show(value: Any, column: Column) -> str:
    """A plain value as text, without markup."""
    if value is None:
        return ""
    if isinstance(value, Cell):
        return f"{value.text} ({value.why})" if value.why else value.text
    if isinstance(value, Link):
        return printable(value.text)
    if column.kind == "share":
        return percent(value)
    if column.kind == "distance":
        return distance(value)
    if column.kind == "part":
        return part(value)
    if column.kind == "factor":
        return factor_words(value)
    if column.kind == "number" and is_number(value):
        return digits(float(value))
    return group(value) if column.kind == "integer" else set_in(value)


def set_in(value: Any) -> str:
    """A text; the no-break spaces that set in the rows of a tree stay before it."""
    text = str(value)
    return text[: len(text) - len(text.lstrip(INDENT))] + printable(value)


def columns(text: str) -> tuple[Column, ...]:
    """``case value:integer`` -> the columns of those names and kinds."""
    pairs = (word.partition(":") for word in text.split())
    return tuple(Column(name, kind or "text") for name, _, kind in pairs)  # type: ignore[arg-type]
