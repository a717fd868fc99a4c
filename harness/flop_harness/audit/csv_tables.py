"""Published tables that lie in a CSV file beside their file of claims."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import msgspec

from flop_harness.audit.claim_tables import GridTable
from flop_harness.errors import UserError, suggest

TEMPLATES = ("model", "inputs")
"""Keys of such a table in which ``{column}`` stands for a row's cell."""


def records(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, by column. UserError for a file that cannot be read or has no rows."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: no text in UTF-8") from error
    found = list(csv.DictReader(io.StringIO(text)))
    if not found:
        raise UserError(f"{path}: no rows")
    return found


def check_cells(row: Mapping[str, str], where: str) -> None:
    """UserError for a row with fewer cells than columns, or with more that hold something."""
    columns = [name for name in row if name is not None]
    beyond = row.get(None, ())  # type: ignore[call-overload]  # csv's key for what has no column
    there = sum(row[name] is not None for name in columns) + len(beyond)
    if there < len(columns) or any(cell.strip() for cell in beyond):
        cells = "1 cell" if there == 1 else f"{there} cells"
        raise UserError(f"{where}: {cells} for {len(columns)} columns")


def with_rows(table: GridTable, folder: Path, where: str) -> GridTable:
    """A table whose rows stand in it: its own, or those that its ``csv`` has in ``folder``.

    UserError for a table with both or neither, and for a column or figure that the CSV has not.
    """
    if bool(table.csv) == bool(table.rows):
        raise UserError(f"{where}: a table has columns and rows, or a csv")
    if not table.csv:
        return table
    path = folder / table.csv
    rows = records(path)
    heads = [key for key in TEMPLATES if getattr(table, key)]
    return msgspec.structs.replace(
        table,
        columns=[*heads, *table.take.values()],
        rows=[
            list(cells(table, heads, row, f"{path}, row {number}"))
            for number, row in enumerate(rows, start=1)
        ],
    )


def cells(table: GridTable, heads: list[str], row: Mapping[str, str], where: str) -> Iterator[str]:
    """A row's cells under the heads of the table."""
    check_cells(row, where)
    try:
        yield from (getattr(table, head).format_map(row) for head in heads)
        yield from (figure(row[column], table.decimals) for column in table.take)
    except KeyError as error:
        name = str(error.args[0])
        raise UserError(f"{where}: no column {name!r}{suggest(name, row)}") from error
    except ArithmeticError as error:
        raise UserError(f"{where}: a figure is no number") from error


def figure(cell: str, decimals: int | None) -> str:
    """A figure with the zeros that were left out.

    >>> figure("4.1", 2), figure("4.1", None)
    ('4.10', '4.1')
    """
    return cell if decimals is None or not cell else f"{Decimal(cell):.{decimals}f}"
