"""The comparison as LaTeX tables that compile alone and can be \\input into a paper."""

from __future__ import annotations

from typing import Any

from harness.records import Run
from harness.report.comparison import comparison
from harness.report.index import METRICS, Index
from harness.report.tables import Cell, Column, Table, show
from harness.report.text import printable

ROWS = 40
SIGNS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}", "`": r"\textasciigrave{}", "-": "{-}", "[": "{[}", "*": "{*}",
    "…": r"\ldots{}", "\N{MINUS SIGN}": "$-$",
    "\N{MULTIPLICATION SIGN}": r"$\times$", "∞": r"$\infty$", "·": r"$\cdot$",
}  # fmt: skip

# \documentclass is \@notprerr once a document has begun: then this file is a part of that one.
HEAD = r"""% Compiles alone; in a document, load booktabs and graphicx and \input this file.
\expandafter\ifx\csname @notprerr\endcsname\documentclass\else
\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage{textcomp}
\usepackage{booktabs}
\usepackage{graphicx}
\usepackage[a4paper,landscape,margin=15mm]{geometry}
\begin{document}
\def\flopharnessalone{}
\fi
"""
TAIL = r"""\ifdefined\flopharnessalone\expandafter\enddocument\fi
"""


def render(run: Run) -> bytes:
    """One table for each metric, split where it would not fit a page."""
    index = Index(run)
    parts = [
        part for metric in METRICS if index.columns(metric)
        for part in tables(run, comparison(index, metric))
    ]  # fmt: skip
    body = "\n".join(parts) if parts else "No figures came out of this run.\n"
    return (HEAD + body + TAIL).encode("utf-8", "replace")


def tables(run: Run, table: Table) -> list[str]:
    """A table in pieces of at most ``ROWS`` rows."""
    starts = range(0, max(len(table.rows), 1), ROWS)
    return [environment(run, table, table.rows[start : start + ROWS], start > 0)
            for start in starts]  # fmt: skip


def environment(run: Run, table: Table, rows: tuple[tuple[Any, ...], ...], more: bool) -> str:
    """One table environment with its caption."""
    spec = "".join("r" if column.align == "right" else "l" for column in table.columns)
    lines = [
        r"\begin{table}[p]", r"\centering", rf"\caption{{{caption(run, table, more)}}}",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{{spec}}}", r"\toprule",
        line([escape(column.name) for column in table.columns]),
        line([_note(column) for column in table.columns]), r"\midrule",
        *(line([_cell(*pair) for pair in zip(row, table.columns, strict=True)]) for row in rows),
        r"\bottomrule", r"\end{tabular}}", r"\end{table}", "",
    ]  # fmt: skip
    return "\n".join(lines)


def caption(run: Run, table: Table, more: bool) -> str:
    """What is shown, in which unit and by which convention."""
    words = [f"{table.title}, suite {run.suite.name} (version {run.suite.version})"]
    words[0] += ", continued." if more else "."
    if table.title == "Compute":
        words.append(
            "Reference: one MAC for each multiplication of a convolution or matrix product, none "
            "for bias, normalisation, activation, pooling or element-wise work. The unit stands "
            "under each counter; a MAC is two FLOPs."
        )
    else:
        words.append("Reference: distinct parameter elements, trainable or not.")
    words.append("An asterisk marks a figure that is not explained.")
    return escape(" ".join(words))


def line(cells: list[str]) -> str:
    """One row of a tabular."""
    return " & ".join(cells) + r" \\"


def _note(column: Column) -> str:
    note = ", ".join(word for word in (column.unit, column.note) if word)
    return rf"\footnotesize {escape(note)}" if note else ""


def _cell(value: Any, column: Column) -> str:
    if isinstance(value, Cell):
        text = escape(value.text)
        if value.value is None:
            return rf"\emph{{{text}}}"
        return text + ("$^{*}$" if value.loud else "")
    return escape(show(value, column))


def escape(value: Any) -> str:
    """Text without meaning to TeX; a sign that its fonts may lack is spelt by its code."""
    return "".join(SIGNS.get(sign, sign if sign.isascii() else f"{{[}}U+{ord(sign):04X}]")
                   for sign in printable(value))  # fmt: skip
