"""The comparison as LaTeX tables that compile alone and can be \\input into a paper.

Figures are numbers of siunitx (version 2 or 3), which groups and aligns them: a table holds their
plain digits. A table that is too wide for its page is parted by columns, never made illegible.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest
from typing import Any

from flop_harness.records import Run
from flop_harness.report.analysis.cells import Cell
from flop_harness.report.analysis.figures import METRICS
from flop_harness.report.analysis.index import Index
from flop_harness.report.tables.comparison import LEAD, comparison, deviations
from flop_harness.report.tables.partition import at_most, evenly
from flop_harness.report.tables.summary import summary_table
from flop_harness.report.tables.table import Column, Table, show
from flop_harness.report.words.text import Number, is_number, printable, shorten, whole

ROWS, BRIEF_ROWS = 35, 41
"""Rows of a part: turned, they are no higher than the text between margins of an inch is wide.
Those of the summary have smaller figures and captions"""
SMALL = 12
"""Rows of a table that stands above the text of a page; larger ones have a page of their own"""
ROOM = 640
"""Points for the columns of a part: no more than the text between margins of an inch is high"""
SIZES = {8: 4.25, 7: 3.98}
"""Points of type -> those of a digit in it (Computer Modern): the first in which all columns fit"""
GAP = 6
"""Points between two columns"""
COMMA, LETTER = 0.6, 0.93
"""Their widths in digits, of a letter on average"""
NAME, HEAD, TURNED = 48, 12, 24
"""Characters of a name at most, of a line in a head at least before it is broken, of a turned name"""
SIGNS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}", "`": r"\textasciigrave{}", "-": "{-}", "[": "{[}", "*": "{*}",
    "…": r"\ldots{}", "\N{MINUS SIGN}": "$-$",
    "\N{MULTIPLICATION SIGN}": r"$\times$", "∞": r"$\infty$", "·": r"$\cdot$", "†": r"\textdagger{}", "≈": r"$\approx$",
}  # fmt: skip
# \documentclass is \@notprerr once a document has begun: then this file is a part of that one.
# A document's own \sisetup neither groups nor rounds here, by the words of version 3 or of 2; what
# is wider than the text is turned.
START = r"""% Compiles alone; in a document, load booktabs, graphicx and siunitx and \input this file.
\expandafter\ifx\csname @notprerr\endcsname\documentclass\else
\documentclass{article}
\usepackage[T1]{fontenc}
\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}
\usepackage{textcomp}
\usepackage{booktabs}
\usepackage{graphicx}
\usepackage{siunitx}
\usepackage[a4paper,landscape,margin=15mm]{geometry}
\extrafloats{500}
\begin{document}
\def\flopharnessalone{}
\fi
\ifdefined\flopharnessbox\else\newsavebox\flopharnessbox\fi
\providecommand\flopharnesssetup{%
  \sisetup{group-digits=integer,group-minimum-digits=4,group-separator={,},%
    table-number-alignment=right,table-text-alignment=right}%
  \csname @ifpackagelater\endcsname{siunitx}{2021/05/17}%
    {\sisetup{round-mode=none,exponent-mode=input}}%
    {\sisetup{round-mode=off,scientific-notation=false}}}
\providecommand\flopharnesstable[3]{%
  \sbox\flopharnessbox{\fontsize{#1}{1.15\dimexpr#1pt}\selectfont\setlength\tabcolsep{3pt}%
    \flopharnesssetup#3}%
  \ifdim\wd\flopharnessbox>\linewidth
    \rotatebox{90}{\begin{minipage}{\textheight}\centering
      \caption{#2}\smallskip\usebox\flopharnessbox\end{minipage}}%
  \else\caption{#2}\smallskip\usebox\flopharnessbox\fi}
"""
END = r"""\ifdefined\flopharnessalone\expandafter\enddocument\fi
"""


@dataclass(frozen=True, slots=True)
class Printed:
    """A column as TeX sets it: how it is aligned, the lines of its head, its cells, its width."""

    alignment: str
    name: tuple[str, ...]
    notes: tuple[str, ...]
    cells: tuple[str, ...]
    digits: float
    turned: bool = False


def render(run: Run) -> bytes:
    """``table.tex``: rounded figures, one context for each counter."""
    table = summary_table(Index(run))
    return document(tables(run, table, BRIEF_ROWS) if table.rows else ())


def appendix(run: Run) -> bytes:
    """``appendix.tex``: every exact figure in every context, and how far it is from the reference."""
    index = Index(run)
    exact = [comparison(index, metric) for metric in METRICS if index.columns(metric)]
    return document(part for each in exact for table in (each, deviations(each))
                    for part in tables(run, table, ROWS))  # fmt: skip


def document(parts: Iterable[str]) -> bytes:
    body = "\n".join(parts) or "No figures came out of this run.\n"
    return (START + body + END).encode("utf-8", "replace")


def tables(run: Run, table: Table, rows: int) -> Iterator[str]:
    """The parts of a table: some of its rows, and of them some of its columns."""
    columns = [printed(column, [row[place] for row in table.rows])
               for place, column in enumerate(table.columns)]  # fmt: skip
    size, groups = layout(columns)
    blocks = at_most(range(len(table.rows)), rows)
    parts = [(group, block) for block in blocks for group in groups]
    for number, (group, block) in enumerate(parts, 1):
        place = f", part {number} of {len(parts)}" if len(parts) > 1 else ""
        yield environment(size, caption(run, table, place), group, block)


def environment(size: int, words: str, columns: Sequence[Printed], rows: Sequence[int]) -> str:
    """One table environment with its caption."""
    place = "tp" if len(rows) <= SMALL else "p"
    lines = [
        rf"\begin{{table*}}[{place}]", r"\centering", rf"\flopharnesstable{{{size}}}{{{words}}}{{%",
        rf"\begin{{tabular}}{{{''.join(column.alignment for column in columns)}}}", r"\toprule",
        *map(line, heads(columns)), r"\midrule",
        *(line([column.cells[row] for column in columns]) for row in rows),
        r"\bottomrule", r"\end{tabular}}", r"\end{table*}", "",
    ]  # fmt: skip
    return "\n".join(lines)


def caption(run: Run, table: Table, place: str) -> str:
    """What is shown, by which convention, and by which versions."""
    words = f"{table.title}, suite {run.suite.name} (version {run.suite.version}){place}."
    alarm = (
        ""
        if "not explained" in table.note
        else " An asterisk marks a figure that is not explained."
    )
    return r"\footnotesize " + escape(f"{words} {table.note.replace('`', '')}{alarm}")


def heads(columns: Sequence[Printed]) -> list[list[str]]:
    """The rows of the head: names end on one line, and what is noted of them begins on the next."""
    names = zip_longest(*(column.name[::-1] for column in columns), fillvalue="")
    notes = zip_longest(*(column.notes for column in columns), fillvalue="")
    named = [[head(word, column) for word, column in zip(row, columns, strict=True)]
             for row in reversed([*names])]  # fmt: skip
    return [*named, *([f"{{{escape(word)}}}" for word in row] for row in notes)]


def head(word: str, column: Printed) -> str:
    """A line of a column's name; a name that is turned is one line."""
    turned = column.turned and word
    return rf"{{\rotatebox{{90}}{{{escape(word)}}}}}" if turned else f"{{{escape(word)}}}"


def line(cells: Sequence[str]) -> str:
    """One row of a tabular."""
    return " & ".join(cells) + r" \\"


def printed(column: Column, values: Sequence[Any]) -> Printed:
    """A column of names, or one of figures with words where there are none."""
    if column.align == "left":
        names = [shorten(spelt(show(value, column)), NAME) for value in values]
        longest = max(map(len, [column.name, *names])) if values else len(column.name)
        return Printed("l", (column.name,), (), tuple(map(escape, names)), LETTER * longest)
    if column.kind == "brief":
        return short([show(value, column) for value in values], column)
    figures = [plain(number) for value in values if (number := number_of(value)) is not None]
    wide = max(map(digits, figures), default=0)
    name = wrapped(column.name, wide)
    contexts = column.note.replace(", ", ",\n").splitlines()
    notes = [row for words in (column.unit, *contexts) for row in wrapped(words, wide)]
    words = [value.text for value in values if isinstance(value, Cell) and value.value is None]
    cells = tuple(map(cell, values))
    width = max(wide, *map(len, [*name, *notes, *words]))
    return Printed(f"S[table-format={form(figures)}]", name, tuple(notes), cells, width)


def short(texts: Sequence[str], column: Column) -> Printed:
    """A column of rounded figures under a name that is turned; marks take no room."""
    notes = (column.unit,) if column.unit else ()
    cells = tuple(
        MARKED.sub(r"\\rlap{\\textsuperscript{\1}}", escape(text).replace(" ", r"\,"))
        for text in texts
    )
    widest = max((breadth(text) for text in (*texts, *notes)), default=0)
    return Printed("r", (shorten(spelt(column.name), TURNED),), notes, cells, widest, turned=True)


MARKED = re.compile(r"((?:\{\*\}|\\textdagger\{\})+)$")
"""What stands after a figure and says something of it"""


def breadth(text: str) -> float:
    """How wide a text is in digits, about; of marks nothing."""
    return sum(0.0 if sign in "*†" else 0.35 if sign == " " else 0.6 if sign in ".,:/" else 1.7 if sign in "GMTPA" else 1.0
               for sign in text)  # fmt: skip


def wrapped(words: str, wide: float) -> tuple[str, ...]:
    """Words on lines that are hardly wider than the figures below them."""
    return tuple(textwrap.wrap(shorten(spelt(words), NAME), max(HEAD, math.ceil(wide))))


def number_of(value: Any) -> Number | None:
    number = value.value if isinstance(value, Cell) else value
    return number if is_number(number) else None


def plain(number: Number) -> str:
    """All digits of a number, ungrouped and without an exponent.

    >>> plain(4_133_742_592), plain(4e9), plain(2.5e-7)
    ('4133742592', '4000000000', '0.00000025')
    """
    return format(Decimal(str(whole(number))), "f")


def digits(figure: str) -> float:
    """How wide a figure is in digits, with its commas."""
    return len(figure) + COMMA * ((len(figure.partition(".")[0]) - 1) // 3)


def form(figures: Sequence[str]) -> str:
    """The ``table-format`` in which none of these overflows.

    >>> form(["-12", "3.25", "1024"])
    '-4.2'
    """
    parts = [figure.lstrip("-").partition(".") for figure in figures]
    before = max((len(part[0]) for part in parts), default=1)
    after = max((len(part[2]) for part in parts), default=0)
    sign = "-" if any(figure.startswith("-") for figure in figures) else ""
    return f"{sign}{before}.{after}" if after else f"{sign}{before}"


def cell(value: Any) -> str:
    """A figure as siunitx reads it, or the word for why there is none."""
    number = number_of(value)
    if number is None:
        if isinstance(value, str):
            return rf"{{{escape(value)}}}"
        return rf"{{\emph{{{escape(value.text)}}}}}" if isinstance(value, Cell) else "{}"
    loud = isinstance(value, Cell) and value.loud
    return plain(number) + (r" {\rlap{$^{*}$}}" if loud else "")


def layout(columns: Sequence[Printed]) -> tuple[int, list[list[Printed]]]:
    """The size of the type, and the columns in as few groups as fit, each led by the first two."""
    for size in SIZES:
        if fits(columns, size):
            return size, [[*columns]]
    first, others = columns[:LEAD], columns[LEAD:]
    groups = [[*columns]]
    for count in range(1, len(others) + 1):
        groups = [[*first, *some] for some in evenly(others, count)]
        if all(fits(group, size) for group in groups):
            break
    return size, groups


def fits(columns: Sequence[Printed], size: int) -> bool:
    return sum(column.digits * SIZES[size] + GAP for column in columns) <= ROOM


def spelt(text: str) -> str:
    """Text in which a sign that TeX's fonts may lack is spelt by its code."""
    return "".join(sign if sign.isascii() or sign in SIGNS else f"[U+{ord(sign):04X}]"
                   for sign in text)  # fmt: skip


def escape(value: Any) -> str:
    """Text without meaning to TeX."""
    return "".join(SIGNS.get(sign, sign) for sign in spelt(printable(value)))
