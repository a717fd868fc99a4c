"""The heat map of a run: cases and counters, coloured by deviation."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

from flop_harness.records import Metric, Run
from flop_harness.report.analysis.cells import Cell, cell_of, inputs_of, shown_columns
from flop_harness.report.analysis.index import CounterColumn, Index
from flop_harness.report.charts.drawing import INK, LETTER, LOUD, blank, styled, svg
from flop_harness.report.tables.comparison import RULE
from flop_harness.report.words.text import about, few, printable, shorten

# Upper bounds of |deviation| and the colours below and above the reference, light to dark: the
# steps stay apart in grey, and the number in each cell says which side it is on.
CLASSES = (
    (0.001, "under 0.1 %", "#dfebf5", "#fbead6"),
    (0.01, "0.1 to 1 %", "#b9d3e8", "#f6cd9c"),
    (0.1, "1 to 10 %", "#86b0d4", "#eaa560"),
    (0.5, "10 to 50 %", "#4a83b5", "#cc7429"),
    (math.inf, "over 50 %", "#1f4f7d", "#8f470c"),
)
EQUAL, SILENT, UNKNOWN = "equal", "no figure", "no reference"
WIDEST = 6.6
"""Pixels of a letter on average: DejaVu Sans, where a machine has no Helvetica"""
SHORT = {"no figure": "none", "not asked": "–", "out of time": "failed", "out of memory": "failed"}
"""Words that are wider than a cell"""


def palette() -> dict[str, str]:
    """The class of a deviation -> its colour, from far below to far above."""
    below = {f"{name} below": low for _, name, low, _ in reversed(CLASSES)}
    above = {f"{name} above": high for _, name, _, high in CLASSES}
    return {**below, EQUAL: "#f3f3ee", **above, SILENT: "#cfcfca", UNKNOWN: "#ffffff"}


def class_of(cell: Cell) -> str:
    """The class in which a cell is coloured; no figure is a class of its own, not a zero."""
    if cell.value is None:
        return SILENT
    if cell.deviation is None:
        return UNKNOWN
    if cell.deviation == 0:
        return EQUAL
    size = abs(cell.deviation)
    name = next(name for bound, name, _, _ in CLASSES if size < bound or bound == math.inf)
    return f"{name} {'above' if cell.deviation > 0 else 'below'}"


def heat_cells(index: Index, metric: Metric = "compute") -> list[dict[str, Any]]:
    """One record for each cell of the heat map."""
    pairs = [
        (_head(index, column, metric), cell_of(index, reading))
        for column in shown_columns(index, metric)
        for reading in index.in_column(column, metric).values()
    ]
    return [{
        "case": printable(cell.case), "counter": head, "class": class_of(cell),
        "label": brief(cell), "loud": cell.loud,
        "dark": class_of(cell).startswith(("over 50", "10 to 50")),
    } for head, cell in pairs]  # fmt: skip


def _head(index: Index, column: CounterColumn, metric: Metric) -> str:
    """What stands above a column: a counter and its version; contexts, if several, on a second line."""
    read = next(iter(index.in_column(column, metric).values()), None)
    name = f"{printable(column.counter)} {shorten(read.version, 18) if read else ''}".strip()
    return name if column.only else f"{name}\n{shorten(column.under, 28)}"


def heading(index: Index, metric: Metric) -> str:
    """The suite, what the reference counts, and the inputs."""
    suite = index.run.suite
    shapes = [inputs_of(index, case) for case in index.cases]
    found = [shape for shape, _ in Counter(filter(None, shapes)).most_common()]
    inputs = f"Inputs: {few(found, 4)}" if found else ""
    return f"{printable(suite.name)}, version {suite.version}. Reference: {RULE[metric]}\n{inputs}"


def brief(cell: Cell) -> str:
    """What stands in a cell of the page and of its chart, in seven signs at most; the exact figure is not far."""
    if cell.value is None:
        return SHORT.get(cell.text, cell.text)
    return about(cell.deviation) + (" !" if cell.loud else "")


LEGIBLE = 60
"""Cases of a heat map; of more, the page's own table of figures tells."""


def legible(run: Run) -> bool:
    return len(run.suite.cases) <= LEGIBLE


def heatmap(run: Run, metric: Metric = "compute") -> str:
    """Cases x counters: the ratio of each figure to the reference."""
    index = Index(run)
    records = heat_cells(index, metric)
    if not records:
        return blank("No figures to show")
    filled = {record["case"] for record in records}
    rows = [case for case in map(printable, index.cases) if case in filled]
    heads = [_head(index, column, metric) for column in shown_columns(index, metric)]
    layers = _heat_layers(records, rows, heads, f"figure / reference ({metric})")
    return svg(styled(layers, heading(index, metric)))


def room(names: Iterable[str], most: float) -> float:
    """Pixels for the longest name in the widest font that a reader's machine may put for ours."""
    return min(most, WIDEST * max(map(len, names), default=0))


def _heat_layers(records: list[dict[str, Any]], rows: list[str], heads: list[str], key: str) -> Any:
    """Squares, red frames over them, and the words on top."""
    import altair as alt

    base = alt.Chart(alt.Data(values=records)).encode(  # type: ignore[arg-type]
        x=alt.X("counter:N", sort=heads, title=None, axis=alt.Axis(
            orient="top", labelAngle=-90, labelExpr="split(datum.label, '\\n')", labelLimit=170,
            minExtent=room((line for head in heads for line in head.split("\n")), 170))),
        y=alt.Y("case:N", sort=rows, title=None, axis=alt.Axis(labelLimit=220, minExtent=room(rows, 220))),
    )  # fmt: skip
    classes = {record["class"] for record in records}
    colours = {name: colour for name, colour in palette().items() if name in classes}
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    legend = alt.Legend(title=key, orient="bottom", columns=2, columnPadding=30, labelLimit=0,
                        symbolType="square", symbolStrokeColor="#888", symbolStrokeWidth=0.5)  # fmt: skip
    squares = base.mark_rect(stroke="#ffffff", strokeWidth=1, aria=False).encode(
        color=alt.Color("class:N", scale=scale, legend=legend)
    )
    frames = base.mark_rect(filled=False, stroke=LOUD, strokeWidth=3, aria=False).transform_filter(
        "datum.loud"
    )
    ink = alt.condition("datum.dark", alt.value("#ffffff"), alt.value(INK))
    words = base.mark_text(fontSize=LETTER, aria=False).encode(text="label:N", color=ink)
    return (squares + frames + words).properties(width=alt.Step(46), height=alt.Step(20))
