"""Tables as CSV: exact numbers, and names that no spreadsheet takes for a formula."""

from __future__ import annotations

import csv
import io
from typing import Any

from flop_harness.report.tables.table import Table

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def render(table: Table) -> bytes:
    """A header and one line for each row."""
    sheet = io.StringIO()
    writer = csv.writer(sheet, lineterminator="\n")
    writer.writerow(table.names)
    writer.writerows([_plain(value) for value in row] for row in table.rows)
    return sheet.getvalue().encode("utf-8", "backslashreplace")


def _plain(value: Any) -> Any:
    """Text that stays text: on one line, without control signs, never beginning a formula."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return repr(value) if isinstance(value, float) else value
    line = value.replace("\r\n", "\n").replace("\n", "\\n").replace("\r", "\\n")
    line = "".join(sign if sign.isprintable() else " " for sign in line)
    risky = value.startswith(FORMULA) or line.lstrip().startswith(FORMULA)
    return f"'{line}" if risky and not _number(line) else line


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
