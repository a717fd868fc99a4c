"""Every reading of a run, one row each: readings.csv."""

from __future__ import annotations

from typing import Any

from flop_harness.records import Reading, Run
from flop_harness.report.analysis.index import Index
from flop_harness.report.tables.table import Table, columns

READINGS = columns(
    "case counter version context metric value:integer unit status seconds:number message "
    "label figure peak_bytes:integer warnings:integer leftovers"
)


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
