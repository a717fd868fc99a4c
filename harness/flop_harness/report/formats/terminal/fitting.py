"""Tables that fit: figures and names stand whole at any width.

Text wraps first, or stands beneath its row. What still has no room goes into a further piece, with the
first column before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from rich.text import Text

LEAST, WORD = 16, 48
"""Columns that wrapped text has at least; a longer word than the second is folded"""
BENEATH, INDENT = 32, "   "
"""Columns that text has at least beside its row, else it stands beneath, set in by the second"""
GAP = 2
"""Columns between two columns of a table"""
KEPT = "\N{NO-BREAK SPACE}"
APART = re.compile(r"(?<=\d) (?=%|[kMGTP]?(?:MAC|FLOP|B)\b|[kMGTP]\b)")
"""The space between a figure and its unit: no line ends there"""


@dataclass(frozen=True, slots=True)
class Head:
    """A column: ``wraps`` says that its text may take several lines.

    Where there is little room, that of a last column that may stand ``beneath`` its row does so.
    """

    title: str
    align: Literal["left", "right"] = "left"
    wraps: bool = True
    beneath: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """Cells, the style of the row and that of single cells, whether an empty line stands above it, and
    the text that stands beneath it.
    """

    cells: tuple[str, ...]
    style: str = ""
    styles: tuple[str, ...] = ()
    section: bool = False
    beneath: str = ""


@dataclass(frozen=True)
class Fitted:
    """A table as rich shows it, in as many pieces as its terminal asks for."""

    title: str
    heads: Sequence[Head]
    rows: Sequence[Row]
    note: str = ""

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        from rich.text import Text

        width = options.max_width
        table = settled(self, width)
        for widths in fitting(table, width):
            if self.title:
                yield Text(wrapped(self.title, width), "italic")
            yield from drawn(table, widths, width)
        for told in self.note.splitlines():
            yield Text(wrapped(told, width), "dim")


def settled(table: Fitted, width: int) -> Fitted:
    """With the text of the last column beneath the rows, if it may and would be narrow beside them."""
    if not table.heads[-1].beneath:
        return table
    *others, (_, most) = (needed(table, place) for place in range(len(table.heads)))
    taken = sum(least + GAP for least, _ in others)
    if width - 1 - taken - GAP >= min(most, BENEATH):
        return table
    rows = [replace(row, cells=row.cells[:-1], styles=row.styles[:-1], beneath=row.cells[-1])
            for row in table.rows]  # fmt: skip
    return replace(table, heads=table.heads[:-1], rows=rows)


def natural_width(table: Fitted) -> int:
    """The columns of a terminal in which no cell wraps."""
    return 1 + sum(needed(table, place)[1] + GAP for place in range(len(table.heads)))


def fitting(table: Fitted, width: int) -> Iterator[dict[int, int]]:
    """Groups of columns with their widths, each beginning with the first column.

    As few as have room, and of these the most even: no piece holds a single column for want of a few
    signs in another.
    """
    room = width - 1
    needs = narrowed(table, room)
    count = len(grouped(needs, room))
    even = next(least for least in range(room + 1) if len(grouped(needs, least)) <= count)
    for places in grouped(needs, even):
        yield widened({each: needs[each] for each in places}, room)


def narrowed(table: Fitted, room: int) -> list[tuple[int, int]]:
    """What each column needs; no wrapping text more than there is beside the first column."""
    first, *others = (needed(table, place) for place in range(len(table.heads)))
    beside = max(room - first[0] - 2 * GAP, LEAST)
    return [first, *((min(least, beside) if head.wraps else least, most)
                     for head, (least, most) in zip(table.heads[1:], others, strict=True))]  # fmt: skip


def grouped(needs: Sequence[tuple[int, int]], room: int) -> list[list[int]]:
    """Places of columns in as many groups as it takes, the first column in each."""
    groups = [[0]]
    for place in range(1, len(needs)):
        full = sum(needs[each][0] + GAP for each in (*groups[-1], place)) > room
        if full and len(groups[-1]) > 1:
            groups.append([0])
        groups[-1].append(place)
    return groups


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


def drawn(table: Fitted, widths: dict[int, int], width: int) -> Iterator[Text]:
    """Columns of a table, then a line without text; lines are not broken again."""
    from rich.text import Text

    yield Text()
    titles = Row(tuple(head.title for head in table.heads), "bold")
    yield from row_lines(table, titles, widths, low=True)
    yield line(" " + "─" * (sum(widths.values()) + GAP * len(widths) - 1))
    for row in table.rows:
        if row.section:
            yield Text()
        yield from row_lines(table, row, widths)
        if row.beneath and len(table.heads) - 1 in widths:
            for text in wrapped(row.beneath, width - len(INDENT)).splitlines():
                yield line(INDENT + text, row.style)
    yield Text()


def row_lines(table: Fitted, row: Row, widths: dict[int, int], low: bool = False) -> Iterator[Text]:
    """A row in as many lines as its longest cell takes; ``low`` cells end in the last of them."""
    styles = row.styles or ("",) * len(row.cells)
    cells = [wrapped(row.cells[place], width).splitlines() for place, width in widths.items()]
    tallest = max(map(len, cells))
    cells = [[""] * (tallest - len(cell)) + cell if low else cell for cell in cells]
    for parts in zip_longest(*cells, fillvalue=""):
        made = line(" ", row.style)
        for part, (place, width) in zip(parts, widths.items(), strict=True):
            space = " " * (width - columns(part))
            right = table.heads[place].align == "right"
            made.append(space + part if right else part + space, styles[place])
            made.append(" " * GAP)
        made.rstrip()
        yield made


def line(text: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(text, style, no_wrap=True, overflow="ignore")


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
