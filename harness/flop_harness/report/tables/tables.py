"""Neutral tables: what every format shows, and the three that are published as data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from flop_harness.records import Bridge, Context, Metric, Reading, Run, Status, Unit
from flop_harness.report.analysis.index import Index
from flop_harness.report.words.text import (
    Number,
    anchor,
    digits,
    factor_words,
    group,
    is_number,
    part,
    percent,
    printable,
    signed,
)

Kind = Literal["text", "integer", "signed", "number", "share", "part", "factor", "cell"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column's name, the unit of its values and what kind of values they are."""

    name: str
    kind: Kind = "text"
    unit: str = ""
    note: str = ""

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


@dataclass(frozen=True, slots=True)
class Cell:
    """One counter's answer for one case, as a comparison shows it."""

    case: str
    counter: str
    context: Context
    metric: Metric
    unit: Unit
    status: Status
    value: Number | None = None
    deviation: float | None = None
    residual: Number | None = None
    message: str = ""
    modules: int = 0
    off: int = 0

    @property
    def anchor(self) -> str:
        return anchor("why", self.metric, self.case, self.counter, self.context)

    @property
    def text(self) -> str:
        """The figure, or the word for why there is none."""
        if self.value is None:
            return "no figure" if self.status == "ok" else self.status.replace("_", " ")
        return group(self.value)

    @property
    def loud(self) -> bool:
        """A figure that we do not understand: no bridge, or one that does not close."""
        return self.value is not None and (self.residual != 0 or self.off > 0)

    @property
    def apart(self) -> str:
        """The deviation from the reference."""
        return percent(self.deviation) if self.value is not None else ""

    @property
    def alarm(self) -> str:
        """What is not explained; empty where nothing is open."""
        if not self.loud:
            return ""
        if self.residual is None:
            return "UNEXPLAINED: no bridge"
        if self.residual:
            return f"UNEXPLAINED: residual {signed(self.residual)}"
        return f"UNEXPLAINED: {self.off:,} of {self.modules:,} modules"

    @property
    def why(self) -> str:
        """Deviation and, loudly, what is not explained."""
        return " ".join(word for word in (self.apart, self.alarm) if word)


@dataclass(frozen=True, slots=True)
class Link:
    """A name that leads to a place in the page."""

    text: str
    anchor: str


def why_link(about: Reading | Bridge, text: str) -> Link:
    """To the bridge that leads to a reading."""
    return Link(text, anchor("why", about.metric, about.case, about.counter, about.context))


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
    if column.kind == "part":
        return part(value)
    if column.kind == "factor":
        return factor_words(value)
    if column.kind == "number" and is_number(value):
        return digits(float(value))
    if column.kind == "signed":
        return signed(value)
    return group(value) if column.kind == "integer" else printable(value)


# ------------------------------------------------------------------------------ data tables


def columns(text: str) -> tuple[Column, ...]:
    """``case value:integer`` -> the columns of those names and kinds."""
    pairs = (word.partition(":") for word in text.split())
    return tuple(Column(name, kind or "text") for name, _, kind in pairs)  # type: ignore[arg-type]


READINGS = columns(
    "case counter version context metric value:integer unit status seconds:number message "
    "label figure peak_bytes:integer warnings:integer leftovers"
)
BRIDGES = columns(
    "case counter context metric step:integer term amount:integer unit modules:integer operators"
)
FIGURES = columns("case convention value:integer unit")


def readings(run: Run) -> Table:
    """Every reading, failed ones included."""
    return Table("Readings", READINGS, tuple(map(_reading_row, Index(run).readings)))


def _reading_row(reading: Reading) -> tuple[Any, ...]:
    return (
        reading.case, reading.counter, reading.version, str(reading.context), reading.metric,
        reading.value, reading.unit, reading.status, reading.seconds, reading.message,
        reading.label, reading.figure, reading.peak_bytes, len(reading.warnings),
        "; ".join(reading.leftovers),
    )  # fmt: skip


def bridges(run: Run) -> Table:
    """Every bridge, one row for each of its steps; its amounts add up to the reading."""
    rows = (row for bridge in Index(run).bridges for row in _bridge_rows(bridge))
    return Table("Bridges", BRIDGES, tuple(rows))


def _bridge_rows(bridge: Bridge) -> Iterator[tuple[Any, ...]]:
    """Reference, terms, residual; with each term how many modules it comes from and, of work that
    is not seen, the operators that do it."""
    head = (bridge.case, bridge.counter, str(bridge.context), bridge.metric)
    lines: list[tuple[str, Number, int | None, str]] = [("reference", bridge.reference, None, "")]
    lines += [(step.term, step.amount, len(step.modules), " ".join(step.operators))
              for step in bridge.steps]  # fmt: skip
    lines.append(("residual", bridge.residual, None, ""))
    for place, (term, amount, modules, operators) in enumerate(lines):
        yield (*head, place, term, amount, bridge.unit, modules, operators)


def figures(run: Run) -> Table:
    """What each convention of ours says of each case."""
    place = Index(run).position
    ordered = sorted(run.figures, key=lambda figure: place[figure.case])
    rows = tuple((each.case, each.convention, each.value, each.unit) for each in ordered)
    return Table("Figures", FIGURES, rows)
