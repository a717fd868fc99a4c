"""Who says the same, and how far each counter is from the reference."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from flop_harness.records import Metric, Reading
from flop_harness.report.analysis.agreement import groups, matrix
from flop_harness.report.analysis.cells import shown_columns
from flop_harness.report.analysis.figures import BASE_UNIT, REFERENCE
from flop_harness.report.analysis.index import CounterColumn, Index
from flop_harness.report.tables.table import Column, Table
from flop_harness.report.words.links import Link, why_link
from flop_harness.report.words.text import many

NAMES = {"compute": "compute", "params": "parameters"}


def group_table(index: Index) -> Table:
    """The groups of two and more, and who stands alone."""
    rows: list[tuple[str, str, str | int, int | None]] = []
    for metric in index.metrics:
        alone = []
        for group in groups(index, metric):
            names, counters = label(group.columns), count(group.columns)
            if len(group.columns) > 1:
                rows.append((NAMES[metric], names, counters, group.cases))
            elif counters:
                alone.append(names)
        if alone:
            rows.append((NAMES[metric], ", ".join(alone), "each alone", None))
    heads = (Column("metric"), Column("say the same"),
             Column("counters", "integer"), Column("cases", "integer"))  # fmt: skip
    note = "Exactly, after a FLOP is taken as half a MAC, on every case on which two of a group "
    note += "gave figures."
    return Table("Counters that agree on everything", heads, tuple(rows), note)


def label(columns: Iterable[CounterColumn]) -> str:
    """Counters by name; the reference is no counter, and stands first."""
    names = [named(column) for column in columns]
    return ", ".join(sorted(names, key=lambda name: name != "the reference"))


def named(column: CounterColumn) -> str:
    return "the reference" if column.counter == REFERENCE else column.label


def count(columns: Iterable[CounterColumn]) -> int:
    return sum(column.counter != REFERENCE for column in columns)


def distance_table(index: Index, metric: Metric) -> Table:
    """How far each counter is from the reference: how often equal, and how far at most."""
    heads = (
        Column("counter"), Column("context"),
        Column("figures", "integer"), Column("equal", "integer"),
        Column("median distance", "distance", note="up or down"), Column("lowest", "share"),
        Column("on"), Column("highest", "share"), Column("on"),
    )  # fmt: skip
    rows = []
    for column in shown_columns(index, metric):
        apart = [(index.deviation(each), each)
                 for each in index.in_column(column, metric).values()]  # fmt: skip
        told = [(gap, each) for gap, each in apart if gap is not None]
        if told:
            rows.append(_distance_row(column, told))
    return Table(f"Distance from the reference, {NAMES[metric]}", heads, tuple(rows))


def _distance_row(column: CounterColumn, told: list[tuple[float, Reading]]) -> tuple:
    gaps = [gap for gap, _ in told]
    low, high = (pick(told, key=lambda pair: pair[0]) for pick in (min, max))
    ends = [value for gap, each in (low, high)
            for value in ((gap, _link(each)) if gap else (gap, None))]  # fmt: skip
    middle = median(map(abs, gaps))
    return (column.counter, column.under, len(gaps), gaps.count(0), middle, *ends)


def _link(reading: Reading) -> Link:
    return why_link(reading, reading.case)


def matrix_table(index: Index, metric: Metric) -> Table:
    """The share of cases on which two counters say the same."""
    columns, cells = matrix(index, metric)
    heads = [Column("counter"), *(Column(named(column), "part") for column in columns)]
    rows = tuple((named(column), *(equal / both if both else None for both, equal in line))
                 for column, line in zip(columns, cells, strict=True))  # fmt: skip
    note = f"Of the cases on which both gave a figure, those on which they are equal in {many(BASE_UNIT[metric])}."
    return Table(f"Agreement of every two, {NAMES[metric]}", tuple(heads), rows, note)
