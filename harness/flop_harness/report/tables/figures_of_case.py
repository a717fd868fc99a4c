"""One case: what the reference and each counter say, with unit, version, context and what is left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flop_harness.records import Metric
from flop_harness.report.analysis.cells import cell_of, inputs_of, shown_columns
from flop_harness.report.analysis.figures import BASE_UNIT, plain
from flop_harness.report.analysis.index import Index
from flop_harness.report.tables.comparison import NAMES
from flop_harness.report.tables.table import Table, columns
from flop_harness.report.words.text import left_out, shorten

HEADS = columns("counter version context figure:cell unit deviation")


def figure_table(index: Index, metric: Metric) -> Table:
    """The only case of a run, the reference first."""
    (case,) = index.cases
    title = f"{NAMES[metric]} of {shorten(case, 60)}, input {inputs_of(index, case) or 'none'}"
    return Table(title, HEADS, (*reference_rows(index, case, metric), *rows(index, case, metric)))


def reference_rows(index: Index, case: str, metric: Metric) -> Iterator[tuple[Any, ...]]:
    value = index.reference(case, metric)
    if value is not None:
        unknown = index.run.unsupported.get(case, {}) if metric == "compute" else {}
        told = f"not counted, no formula: {left_out(unknown)}" if unknown else ""
        version = f"conventions {index.run.conventions}"
        yield "reference", version, "", f"{plain(value):,}", BASE_UNIT[metric], told


def rows(index: Index, case: str, metric: Metric) -> Iterator[tuple[Any, ...]]:
    for column in shown_columns(index, metric):
        reading = index.in_column(column, metric).get(case)
        if reading is None:
            continue
        cell = cell_of(index, reading)
        told = cell.why if cell.value is not None else shorten(reading.message, 80)
        yield (column.counter, reading.version, column.under, cell.text, reading.unit, told)
