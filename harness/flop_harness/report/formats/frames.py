"""The data tables as pandas frames, with the columns of the CSV files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flop_harness.errors import extras_named
from flop_harness.report.tables.table import Column, Table

if TYPE_CHECKING:
    import pandas as pd


def frame(table: Table) -> pd.DataFrame:
    """A table as a frame; whole numbers stay whole where others are missing.

    UserError where pandas is not installed.
    """
    with extras_named():
        import pandas as pd

    values = list(zip(*table.rows, strict=True)) or [()] * len(table.columns)
    series = {
        column.name: pd.Series(list(data), dtype=_dtype(column, data))
        for column, data in zip(table.columns, values, strict=True)
    }
    return pd.DataFrame(series, columns=table.names)


def _dtype(column: Column, data: tuple[Any, ...]) -> Any:
    if column.kind == "text":
        return "object"
    if column.kind == "number":
        return "float64"
    small = all(type(value) is int and abs(value) < 2**63 for value in data if value is not None)
    return "Int64" if small else "object"
