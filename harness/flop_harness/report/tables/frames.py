"""The data tables as pandas frames, with the columns of the CSV files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flop_harness.records import Run
from flop_harness.records.times import Times
from flop_harness.report.analysis import machines
from flop_harness.report.tables import tables

if TYPE_CHECKING:
    import pandas as pd


def readings(run: Run) -> pd.DataFrame:
    """One row for each reading."""
    return frame(tables.readings(run))


def bridges(run: Run) -> pd.DataFrame:
    """One row for each step of each bridge."""
    return frame(tables.bridges(run))


def timings(times: Iterable[Times]) -> pd.DataFrame:
    """One row for each case in each series on each machine."""
    return frame(machines.timings(times))


def figures(run: Run) -> pd.DataFrame:
    """One row for each case and convention."""
    return frame(tables.figures(run))


def frame(table: tables.Table) -> pd.DataFrame:
    """A table as a frame; whole numbers stay whole where others are missing."""
    import pandas as pd

    values = list(zip(*table.rows, strict=True)) or [()] * len(table.columns)
    series = {
        column.name: pd.Series(list(data), dtype=_dtype(column, data))
        for column, data in zip(table.columns, values, strict=True)
    }
    return pd.DataFrame(series, columns=table.names)


def _dtype(column: tables.Column, data: tuple[Any, ...]) -> Any:
    if column.kind == "text":
        return "object"
    if column.kind == "number":
        return "float64"
    small = all(type(value) is int and abs(value) < 2**63 for value in data if value is not None)
    return "Int64" if small else "object"
