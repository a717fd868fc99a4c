"""Which counters say the same, and how far each is from the reference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from statistics import median
from typing import TypeAlias

from flop_harness.records import Metric, Reading
from flop_harness.report.analysis.index import BASE_UNIT, Column, Index, in_macs, is_figure
from flop_harness.report.tables import tables
from flop_harness.report.tables.tables import Link, Table, why_link

Figures: TypeAlias = dict[str, Fraction]
"""case -> figure, in MAC or parameters"""

NAMES = {"compute": "compute", "params": "parameters"}


def figures_in(index: Index, column: Column, metric: Metric) -> Figures:
    asked = index.in_column(column, metric)
    return {case: in_macs(each.value or 0, each.unit)
            for case, each in asked.items() if is_figure(each)}  # fmt: skip


def shared(one: Figures, other: Figures) -> tuple[int, int]:
    """(cases on which both gave a figure, those on which the figures are equal)."""
    both = one.keys() & other.keys()
    return len(both), sum(one[case] == other[case] for case in both)


def agree(one: Figures, other: Figures) -> bool:
    both, equal = shared(one, other)
    return both > 0 and both == equal


@dataclass(frozen=True, slots=True)
class Group:
    """Counters of which any two say the same wherever both gave a figure."""

    columns: tuple[Column, ...]
    cases: int

    @property
    def label(self) -> str:
        return ", ".join(column.label for column in self.columns)


def groups(index: Index, metric: Metric) -> list[Group]:
    """Every counter once, with those that agree with all of its group, the largest first."""
    found: list[list[tuple[Column, Figures]]] = []
    for column in index.columns(metric):
        figures = figures_in(index, column, metric)
        if not figures:
            continue
        home = next((group for group in found
                     if all(agree(figures, other) for _, other in group)), None)  # fmt: skip
        if home is None:
            found.append([(column, figures)])
        else:
            home.append((column, figures))
    made = [Group(tuple(column for column, _ in group), common(figures for _, figures in group))
            for group in found]  # fmt: skip
    return sorted(made, key=lambda group: -len(group.columns))


def common(figures: Iterable[Figures]) -> int:
    """The cases on which two or more gave figures; of one alone, its own."""
    every = list(figures)
    told = Counter(case for each in every for case in each)
    return sum(count > 1 for count in told.values()) if len(every) > 1 else len(told)


def group_table(index: Index) -> Table:
    """The groups of two and more, and who stands alone."""
    rows: list[tuple[str, str, str | int, int | None]] = []
    for metric in index.metrics:
        alone = []
        for group in groups(index, metric):
            if len(group.columns) > 1:
                rows.append((NAMES[metric], group.label, len(group.columns), group.cases))
            else:
                alone.append(group.label)
        if alone:
            rows.append((NAMES[metric], ", ".join(alone), "each alone", None))
    heads = (tables.Column("metric"), tables.Column("say the same"),
             tables.Column("counters", "integer"), tables.Column("cases", "integer"))  # fmt: skip
    note = "Exactly, after a FLOP is taken as half a MAC, on every case on which two of a group "
    note += "gave figures."
    return Table("Counters that agree on everything", heads, tuple(rows), note)


def distance_table(index: Index, metric: Metric) -> Table:
    """How far each counter is from the reference: how often equal, and how far at most."""
    heads = (
        tables.Column("counter"), tables.Column("context"),
        tables.Column("figures", "integer"), tables.Column("equal", "integer"),
        tables.Column("median distance", "share"), tables.Column("lowest", "share"),
        tables.Column("on"), tables.Column("highest", "share"), tables.Column("on"),
    )  # fmt: skip
    rows = []
    for column in index.columns(metric):
        apart = [(index.deviation(each), each)
                 for each in index.in_column(column, metric).values()]  # fmt: skip
        told = [(gap, each) for gap, each in apart if gap is not None]
        if told:
            rows.append(_distance_row(column, told))
    return Table(f"Distance from the reference, {NAMES[metric]}", heads, tuple(rows))


def _distance_row(column: Column, told: list[tuple[float, Reading]]) -> tuple:
    gaps = [gap for gap, _ in told]
    low, high = (pick(told, key=lambda pair: pair[0]) for pick in (min, max))
    ends = [value for gap, each in (low, high)
            for value in ((gap, _link(each)) if gap else (gap, None))]  # fmt: skip
    middle = median(map(abs, gaps))
    return (column.counter, column.under, len(gaps), gaps.count(0), middle, *ends)


def _link(reading: Reading) -> Link:
    return why_link(reading, reading.case)


def matrix(index: Index, metric: Metric) -> tuple[list[Column], list[list[tuple[int, int]]]]:
    """For every two counters, on how many cases both gave figures and on how many equal ones."""
    columns = list(index.columns(metric))
    figures = [figures_in(index, column, metric) for column in columns]
    kept = [place for place, found in enumerate(figures) if found]
    cells = [[shared(figures[one], figures[other]) for other in kept] for one in kept]
    return [columns[place] for place in kept], cells


def matrix_table(index: Index, metric: Metric) -> Table:
    """The share of cases on which two counters say the same."""
    columns, cells = matrix(index, metric)
    heads = [tables.Column("counter"), *(tables.Column(column.label, "part") for column in columns)]
    rows = tuple((column.label, *(equal / both if both else None for both, equal in line))
                 for column, line in zip(columns, cells, strict=True))  # fmt: skip
    note = f"Of the cases on which both gave a figure, those on which they are equal in {BASE_UNIT[metric]}."
    return Table(f"Agreement of every two, {NAMES[metric]}", tuple(heads), rows, note)
