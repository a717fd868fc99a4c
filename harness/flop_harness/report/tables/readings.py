"""Every reading of a run, one row each: readings.csv."""

from __future__ import annotations

from typing import Any

from flop_harness.records import Reading, Run
from flop_harness.report.analysis.cells import inputs_of
from flop_harness.report.analysis.index import Index
from flop_harness.report.tables.table import Table, columns

READINGS = columns(
    "case input counter version context metric value:integer unit label status message figure "
    "warnings:integer leftovers"
)
MEASURED = columns("seconds:number peak_bytes:integer")
"""What no two runs share: shown, but not in a file that is compared from run to run"""


def readings(run: Run) -> Table:
    """Every reading, failed ones included."""
    index = Index(run)
    inputs = {case: inputs_of(index, case) for case in index.by_case}
    rows = (_row(each, inputs[each.case]) for each in index.readings)
    return Table("Readings", READINGS, tuple(rows))


def measured_readings(run: Run) -> Table:
    """The same with the seconds and the memory that each took."""
    table, found = readings(run), Index(run).readings
    rows = (
        (*row, each.seconds, each.peak_bytes) for row, each in zip(table.rows, found, strict=True)
    )
    return Table(table.title, READINGS + MEASURED, tuple(rows))


def _row(reading: Reading, inputs: str) -> tuple[Any, ...]:
    return (
        reading.case, inputs, reading.counter, reading.version, str(reading.context), reading.metric,
        reading.value, reading.unit, reading.label, reading.status, reading.message, reading.figure,
        len(reading.warnings), "; ".join(reading.leftovers),
    )  # fmt: skip
