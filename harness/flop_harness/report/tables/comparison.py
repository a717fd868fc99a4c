"""Cases and counters: the figures of all counters side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import isinf

from flop_harness.records import Metric
from flop_harness.report.analysis.cells import Cell, cell_of, inputs_of, shown_columns
from flop_harness.report.analysis.figures import BASE_UNIT, figures_of, plain
from flop_harness.report.analysis.index import CounterColumn, Index
from flop_harness.report.tables.table import Column, Table
from flop_harness.report.words.links import Link
from flop_harness.report.words.text import anchor, left_out, many, percent, shorten

NAMES = {"compute": "Compute", "params": "Parameters"}


LEAD = 3
"""Columns before those of the counters: case, input, reference"""


def comparison(index: Index, metric: Metric) -> Table:
    """Rows are cases, columns counters; the input and the reference come first.

    What the reference of a case leaves out stands last, where anything is left out.
    """
    shown = shown_columns(index, metric)
    cells = [{case: cell_of(index, reading)
              for case, reading in index.in_column(column, metric).items()}
             for column in shown]  # fmt: skip
    unit = many(BASE_UNIT[metric])
    heads = [Column("case"), Column("input"), Column("reference", "integer", unit)]
    heads += [_head(index, column, metric) for column in shown]
    unknown = index.run.unsupported if metric == "compute" else {}
    lacking = any(unknown.values())
    rows = []
    for case in index.cases:
        found = [asked.get(case) for asked in cells]
        reference = index.reference(case, metric)
        if any(found) or reference is not None:
            name = Link(case, anchor("case", case))
            lead = (name, inputs_of(index, case), None if reference is None else plain(reference))
            rows.append((*lead, *found, *([left_out(unknown.get(case, {}))] if lacking else [])))
    heads += [NOT_COUNTED] if lacking else []
    return Table(NAMES[metric], tuple(heads), tuple(rows), " ".join(notes(index, metric)))


NOT_COUNTED = Column("not counted", note="operators without a formula")


def notes(index: Index, metric: Metric) -> Iterator[str]:
    """What the figures mean, and who gave them."""
    yield (
        f"The reference, by version {index.run.conventions} of its rules: {RULE[metric]}. "
        "Deviations are from it; `=` is equal to the last unit."
    )
    units = {each.unit for each in index.readings if each.metric == metric}
    if "FLOP" in units:
        yield "A column in FLOP is compared as FLOP / 2: a MAC is two FLOPs."
    yield f"Versions: {versions(index, metric)}."


RULE: dict[Metric, str] = {
    "compute": "one MAC for each multiplication of a convolution or matrix product",
    "params": "distinct parameter elements, trainable or not",
}
"""What the reference counts"""


def versions(index: Index, metric: Metric) -> str:
    """``thop 0.1.1, fvcore 0.1.5``: the counters that are shown."""
    shown = {column.counter for column in shown_columns(index, metric)}
    found = {each.counter: each.version for each in index.readings if each.counter in shown}
    return ", ".join(shorten(f"{name} {version}", 60) for name, version in found.items()) or "none"


def _head(index: Index, column: CounterColumn, metric: Metric) -> Column:
    units = sorted({reading.unit for reading in index.in_column(column, metric).values()})
    return Column(
        column.counter, "cell", " / ".join(map(many, units)), settings(index, column, metric)
    )


def settings(index: Index, column: CounterColumn, metric: Metric) -> str:
    """The contexts of a column, each with the mode in which the counter left the models."""
    places = ((column.counter, context) for context in column.contexts)
    asked = (index.by_place[metric][place].values() for place in places)
    return ", ".join(index.setting(figures_of(each) or each) for each in asked)


def deviations(table: Table) -> Table:
    """A comparison with each figure's deviation from the reference in its place, in per cent."""
    heads = tuple(
        replace(head, unit="%") if head.kind == "cell" else head for head in table.columns
    )
    rows = tuple(tuple(apart(value) if isinstance(value, Cell) else value for value in row)
                 for row in table.rows)  # fmt: skip
    return Table(f"{table.title}: deviations from the reference", heads, rows,
                 "In per cent, to three digits; = where it is equal to the last unit.")  # fmt: skip


def apart(cell: Cell) -> Cell | str:
    """A deviation to three digits as a number; as a sign where it is none, or unknown."""
    if cell.value is None or cell.deviation is None:
        return replace(cell, value=None)
    if not cell.deviation or isinf(cell.deviation):
        return percent(cell.deviation)
    return replace(cell, value=float(f"{100 * cell.deviation:.3g}"))
