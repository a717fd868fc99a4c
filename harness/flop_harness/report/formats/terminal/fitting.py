"""Tables that fit: figures and names stand whole at any width.

Text wraps first. What still has no room goes into a further piece, with the first column before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from rich.table import Table as Grid

LEAST, WORD = 16, 48
"""Columns that wrapped text has at least; a longer word than the second is folded"""
GAP = 2
"""Columns between two columns of a table"""
KEPT = "\N{NO-BREAK SPACE}"
APART = re.compile(r"(?<=\d) (?=%|[kMGTP]?(?:MAC|FLOP|B)\b|[kMGTP]\b)")
"""The space between a figure and its unit: no line ends there"""


@dataclass(frozen=True, slots=True)
class Head:
    """A column: ``wraps`` says that its text may take several lines."""

    title: str
    align: Literal["left", "right"] = "left"
    wraps: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """Cells, the style of the row and that of single cells, and whether a line is drawn above it."""

    cells: tuple[str, ...]
    style: str = ""
    styles: tuple[str, ...] = ()
    section: bool = False


@dataclass(frozen=True)
class Fitted:
    """A table as rich shows it, in as many pieces as its terminal asks for."""

    title: str
    heads: Sequence[Head]
    rows: Sequence[Row]
    note: str = ""

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        from rich.text import Text

        for widths in fitting(self, options.max_width):
            if self.title:
                yield Text(wrapped(self.title, options.max_width), "italic")
            whole = sum(widths.values()) + GAP * len(widths) + 1
            room = options.update(width=max(whole, options.max_width))
            yield from console.render(drawn(self, widths), room)
        if self.note:
            yield Text(wrapped(self.note, options.max_width), "dim")


def fitting(table: Fitted, width: int) -> Iterator[dict[int, int]]:
    """Groups of columns with their widths, each beginning with the first column."""
    needs = [needed(table, place) for place in range(len(table.heads))]
    room = width - 1
    taken = [0]
    for place in range(1, len(needs)):
        if sum(needs[each][0] + GAP for each in (*taken, place)) > room and len(taken) > 1:
            yield widened({each: needs[each] for each in taken}, room)
            taken = [0]
        taken.append(place)
    yield widened({each: needs[each] for each in taken}, room)


def needed(table: Fitted, place: int) -> tuple[int, int]:
    """The least and the most columns that a column of the table takes."""
    head = table.heads[place]
    cells = [row.cells[place] for row in table.rows]
    most = max((columns(text) for text in (head.title, *cells)), default=0)
    if not head.wraps:
        least = max([longest_word(head.title), *map(columns, cells)])
        return least, max(least, columns(head.title))
    word = max((longest_word(text) for text in (head.title, *cells)), default=0)
    return min(most, max(LEAST, min(word, WORD))), most


def longest_word(text: str) -> int:
    return max(map(columns, APART.sub(KEPT, text).split(" ")), default=0)


def widened(needs: dict[int, tuple[int, int]], room: int) -> dict[int, int]:
    """Columns by place: the least each, then what is left to those that lack most, in turn."""
    widths = {place: least for place, (least, _) in needs.items()}
    left = room - sum(widths.values()) - GAP * len(widths)
    while left > 0:
        lacking = {place: needs[place][1] - width for place, width in widths.items()}
        short = [place for place, lack in lacking.items() if lack > 0]
        if not short:
            break
        share = max(left // len(short), 1)
        for place in short:
            more = min(share, lacking[place], left)
            widths[place] += more
            left -= more
    return widths


def drawn(table: Fitted, widths: dict[int, int]) -> Grid:
    from rich import box
    from rich.table import Table as Grid
    from rich.text import Text

    made = Grid(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for place, width in widths.items():
        head = table.heads[place]
        made.add_column(Text(wrapped(head.title, width)), justify=head.align, width=width,
                        overflow="fold", vertical="top")  # fmt: skip
    for row in table.rows:
        if row.section:
            made.add_section()
        styles = row.styles or ("",) * len(row.cells)
        made.add_row(*(Text(wrapped(row.cells[place], widths[place]), styles[place])
                       for place in widths), style=row.style)  # fmt: skip
    return made


def wrapped(text: str, width: int) -> str:
    """Text in lines of so many columns; a figure stays with its unit, a word that has room whole."""
    if columns(text) <= width:
        return text
    lines = [""]
    for word in re.split(r"[ \t\n]+", APART.sub(KEPT, text.strip(" \n"))):
        for piece in folded(word, width):
            longer = f"{lines[-1]} {piece}" if lines[-1] else piece
            lines[-1:] = [longer] if columns(longer) <= width else [lines[-1], piece]
    return "\n".join(filter(None, lines)).replace(KEPT, " ")


def folded(word: str, width: int) -> list[str]:
    """A word as it is, or in pieces where it is wider than a line."""
    from rich.cells import chop_cells

    return [word] if columns(word) <= width else chop_cells(word, max(width, 2))


def columns(text: str) -> int:
    """What a text takes of a line: letters of some scripts take two columns."""
    from rich.cells import cell_len

    return len(text) if text.isascii() else cell_len(text)
