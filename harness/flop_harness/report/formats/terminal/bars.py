"""A table with a bar beside each row: the chart of a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flop_harness.report.formats.terminal.fitting import Fitted, Head, Row, natural_width

WIDTH = 20
"""Columns of the longest bar"""
EIGHTHS = ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")


@dataclass(frozen=True)
class Barred:
    """``shares`` are the lengths of the bars, at most 1; in few columns they stand below."""

    table: Fitted
    shares: Sequence[float]

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        whole = with_bars(self.table, self.shares)
        if natural_width(whole) <= options.max_width:
            yield whole
            return
        yield self.table
        names = [Row(row.cells[:1], row.style, row.styles[:1]) for row in self.table.rows]
        yield with_bars(Fitted("", self.table.heads[:1], names), self.shares)


def with_bars(table: Fitted, shares: Sequence[float]) -> Fitted:
    rows = [replace(row, cells=(*row.cells, bar(share)), styles=(*row.styles, "") if row.styles else ())
            for row, share in zip(table.rows, shares, strict=True)]  # fmt: skip
    return replace(table, heads=(*table.heads, Head("", "left", False)), rows=rows)


def bar(share: float, width: int = WIDTH) -> str:
    """In eighths of a column; what is more than nothing is seen.

    >>> bar(0.5, 3), bar(1e-9, 3), bar(0, 3)
    ('█▌', '▏', '')
    """
    eighths = max(round(share * width * 8), 1 if share > 0 else 0)
    whole, rest = divmod(eighths, 8)
    return "█" * whole + EIGHTHS[rest]
