"""The heat map of families as an SVG, and the part of a README that shows it: for GitHub."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.sax.saxutils import escape

from flop_harness.report.analysis.index import Index
from flop_harness.report.formats.markdown import grid
from flop_harness.report.site.families import QUANTISED, SECTIONS, FamilyRow
from flop_harness.report.site.home import headline, kinds_table, nearest_told
from flop_harness.report.tables.table import Column, Table

SVG = "families.svg"
BEGIN, END = "<!-- families -->", "<!-- end of families -->"
LEFT, TOP, WIDE, HIGH = 170, 118, 50, 21
"""Pixels: room for names of families, for those of counters, and a cell"""
LOW = ("#e3eef7", "#c5dbed", "#94bbdd", "#74a5d1", "#2f6ba3", "#123f6b")
ABOVE = ("#fbecd8", "#f8d6ac", "#efb272", "#d98838", "#b2600f", "#773a05")
MARKS = {"refused": "✕", "failed": "!", "absent": "–"}
STYLE = """text{font:12px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;fill:#1b1c1a}
.part{font-weight:600}.mid{text-anchor:middle}.end{text-anchor:end}.pale{fill:#fff}
.bg{fill:#fcfcfa}"""


def heat_map(rows: Sequence[FamilyRow]) -> str:
    """Families and counters, as on the first page of the site; the README has a table beside it."""
    counters = [cell.counter for cell in rows[0].cells] if rows else []
    parts, y = list(heads(counters)), TOP
    for section in SECTIONS:
        found = [row for row in rows if row.kind == section]
        if found:
            parts.append(f'<text class="part" x="8" y="{y + 17}">{section}</text>')
            y += 24
            for row in found:
                parts += line(row, y)
                y += HIGH
    width = LEFT + WIDE * len(counters) + 8
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y + 8}" width="{width}" height="{y + 8}" role="img">'
        "<title>Families of models and counters: the ratio to the reference farthest from 1</title>"
        f'<style>{STYLE}</style><rect class="bg" width="{width}" height="{y + 8}"/>{"".join(parts)}</svg>\n'
    )


def heads(counters: Sequence[str]) -> list[str]:
    return [
        f'<text transform="translate({LEFT + WIDE * place + 29} {TOP - 4}) rotate(-90)">{escape(name)}</text>'
        for place, name in enumerate(counters)
    ]


def line(row: FamilyRow, y: int) -> list[str]:
    made = [
        f'<text class="end" x="{LEFT - 8}" y="{y + 15}">{escape(row.name)} ({len(row.cases)})</text>'
    ]
    for place, cell in enumerate(row.cells):
        x = LEFT + WIDE * place
        fill, pale = colour(cell.tone)
        text = MARKS.get(cell.tone, cell.mark)
        made.append(
            f'<rect x="{x}" y="{y}" width="{WIDE - 1}" height="{HIGH - 1}" fill="{fill}"/>'
            f'<text class="mid{" pale" if pale else ""}" x="{x + WIDE / 2 - 0.5}" y="{y + 15}">{escape(text)}</text>'
        )
    return made


def colour(tone: str) -> tuple[str, bool]:
    """The fill of a cell, and whether its letters are white."""
    if tone == "zero":
        return "#1b1c1a", True
    side, _, level = tone.partition(" d")
    if not level:
        return ("#f3f3ee" if tone == "same" else "#e4e4de"), False
    return (LOW if side == "low" else ABOVE)[int(level) - 1], int(level) >= 5


def summary(rows: Sequence[FamilyRow], index: Index) -> str:
    """The tables of kinds and of families, and the picture, in Markdown."""
    table = Table("Families", (
        Column("family"), Column("models", "integer"), Column("highest / lowest", "factor"),
        Column("farthest from the reference"), Column("equal on all"),
    ), tuple(map(table_row, rows)))  # fmt: skip
    return "\n\n".join(filter(None, [
        headline(rows), grid(kinds_table(rows)), nearest_told(rows, index),
        f"![Families of models and counters; the table below sums it up]({SVG})",
        "In each cell the ratio of a figure to the reference that is farthest from 1 in that family; "
        "0 counts nothing, ✕ refuses all of it, ! fails on all of it.",
        grid(table),
    ]))  # fmt: skip


def table_row(row: FamilyRow) -> tuple[object, ...]:
    told = [cell for cell in row.cells if cell.worst is not None]
    far = max(told, key=lambda cell: cell.reach, default=None)
    exact = [cell.counter for cell in told if cell.tone == "same" and not cell.silent]
    words = f"{far.counter}: {far.mark}" if far and far.tone != "same" else ""
    plain = row.kind != QUANTISED and row.name != "others"
    name = row.name if plain else f"{row.name} ({row.kind.lower()})"
    return name, len(row.cases), row.spread, words, ", ".join(exact)


def with_summary(text: str, rows: Sequence[FamilyRow], index: Index) -> str:
    """A README with what stands between the marks made anew; without marks, as it is."""
    part = f"{BEGIN}\n\n{summary(rows, index)}\n\n{END}"
    return re.sub(f"{BEGIN}.*?{END}", lambda found: part, text, flags=re.DOTALL)
