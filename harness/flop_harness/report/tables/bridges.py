"""Bridges: one as a table of its steps, and all of them, one row for each step: bridges.csv."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flop_harness.records import Bridge, Run, Step
from flop_harness.report.analysis.bridges import part_of
from flop_harness.report.analysis.cells import inputs_of
from flop_harness.report.analysis.index import Index, key_of
from flop_harness.report.tables.table import Column, Table, columns
from flop_harness.report.words.text import Number, group, many, plural, shorten, signed

BRIDGES = columns(
    "case counter context metric step:integer term amount:integer unit modules:integer operators "
    "input version"
)


def bridges(run: Run) -> Table:
    """Every bridge, one row for each of its steps; its amounts add up to the reading."""
    index = Index(run)
    inputs = {case: inputs_of(index, case) for case in {each.case for each in index.bridges}}
    rows = ((*row, inputs[bridge.case], version_of(index, bridge))
            for bridge in index.bridges for row in _bridge_rows(bridge))  # fmt: skip
    return Table("Bridges", BRIDGES, tuple(rows))


def version_of(index: Index, bridge: Bridge) -> str:
    """The counter's, as the reading has it that the bridge leads to."""
    reading = index.reading_of.get(key_of(bridge))
    return reading.version if reading else ""


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


TERM = Column("term")
FROM = Column("from")
TOP = 3


def bridge_table(bridge: Bridge, source: str = "") -> Table:
    """Reference, terms, residual, reading: each with its share and where it comes from.

    ``source`` is what a bridge begins at instead of the reference, as another counter.
    """
    amount = Column("amount", "integer", many(bridge.unit))
    start = source or "reference"
    part = Column("share", "share", f"of {start}")
    rows: list[tuple[str, Number | str, float | None, str]] = [(start, bridge.reference, None, "")]
    rows += [(step.term, signed(step.amount), part_of(step.amount, bridge), origin(step))
             for step in bridge.steps]  # fmt: skip
    rows.append(("residual", signed(bridge.residual), part_of(bridge.residual, bridge), ""))
    rows.append(("reading", bridge.reading, None, ""))
    began = f", from {source}" if source else ""
    title = f"{bridge.counter} ({bridge.context}) on {bridge.case}, {bridge.metric}{began}"
    return Table(title, (TERM, amount, part, FROM), tuple(rows))


def origin(step: Step, count: int = TOP) -> str:
    """The modules that a term comes from: the heaviest few, and how many others."""
    parts = sorted(step.modules.items(), key=lambda pair: -abs(pair[1]))
    words = [f"{shorten(path or '(root)', 48)} {group(amount)}" for path, amount in parts[:count]]
    if len(parts) > count:
        words.append(f"and {plural(len(parts) - count, 'other')}")
    return "; ".join(words)
