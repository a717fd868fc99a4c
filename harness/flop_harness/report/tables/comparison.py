"""Cases and counters: the figures of all counters side by side."""

from __future__ import annotations

from flop_harness.records import Metric
from flop_harness.report.analysis.cells import cell_of, shown_columns
from flop_harness.report.analysis.index import BASE_UNIT, CounterColumn, Index, plain
from flop_harness.report.tables.table import Column, Table
from flop_harness.report.words.links import Link
from flop_harness.report.words.text import anchor, many

NAMES = {"compute": "Compute", "params": "Parameters"}


def comparison(index: Index, metric: Metric) -> Table:
    """Rows are cases, columns counters; the reference comes first."""
    shown = shown_columns(index, metric)
    cells = [{case: cell_of(index, reading)
              for case, reading in index.in_column(column, metric).items()}
             for column in shown]  # fmt: skip
    unit = many(BASE_UNIT[metric])
    heads = [Column("case"), Column("reference", "integer", unit)]
    heads += [_head(index, column, metric) for column in shown]
    rows = []
    for case in index.cases:
        found = [asked.get(case) for asked in cells]
        reference = index.reference(case, metric)
        if any(found) or reference is not None:
            name = Link(case, anchor("case", case))
            rows.append((name, None if reference is None else plain(reference), *found))
    note = "The reference is the account of `analytic`. With each figure: its deviation from it, "
    note += "`=` where it is equal to the last unit."
    if any(head.unit == "FLOP" for head in heads):
        note += " A column in FLOP is compared as FLOP / 2: a MAC is two FLOPs."
    return Table(NAMES[metric], tuple(heads), tuple(rows), note)


def _head(index: Index, column: CounterColumn, metric: Metric) -> Column:
    units = sorted({reading.unit for reading in index.in_column(column, metric).values()})
    return Column(column.counter, "cell", " / ".join(map(many, units)), column.under)
