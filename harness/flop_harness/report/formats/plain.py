"""A table as plain text, for prompts, logs and messages of tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flop_harness.report.tables.table import Table, show


def text_of(table: Table, most: int = 60) -> str:
    """Title, head and rows in aligned columns, then the note; of many rows the first ``most``."""
    rows = [
        tuple(show(value, column) for value, column in zip(row, table.columns, strict=True))
        for row in table.rows[:most]
    ]
    heads = tuple(column.title for column in table.columns)
    right = [column.align == "right" for column in table.columns]
    left = len(table.rows) - most
    more = [f"and {left:,} more"] if left > 0 else []
    lines = [table.title, *aligned([heads, *rows], right), *more, table.note]
    return "\n".join(line for line in lines if line)


def aligned(rows: Sequence[tuple[str, ...]], right: Sequence[bool]) -> Iterator[str]:
    """Cells in columns of one width, those of numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            text.rjust(width) if numbers else text.ljust(width)
            for text, width, numbers in zip(row, widths, right, strict=True)
        ]
        yield "  ".join(cells).rstrip()
