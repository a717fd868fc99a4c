"""A small table as a LaTeX ``tabular`` to paste into a paper; it wants booktabs."""

from __future__ import annotations

from flop_harness.report.formats.latex import escape, line
from flop_harness.report.tables.table import INDENT, Table, show


def tabular(table: Table) -> str:
    """Rows between rules, figures to the right, under its title as a comment."""
    alignment = "".join(column.align[0] for column in table.columns)
    heads = [
        escape(" ".join(filter(None, [column.title, column.note]))) for column in table.columns
    ]
    rows = [[escape(show(value, column).replace(INDENT, " ")) or "{}"
             for value, column in zip(row, table.columns, strict=True)]
            for row in table.rows]  # fmt: skip
    return "\n".join([
        f"% {table.title}",
        rf"\begin{{tabular}}{{{alignment}}}", r"\toprule", line(heads), r"\midrule",
        *map(line, rows), r"\bottomrule", r"\end{tabular}",
    ])  # fmt: skip
