"""The charts of a run: plain data first, then SVG."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any

from flop_harness.records import Bridge, Metric, Run
from flop_harness.report.analysis.causes import part_of
from flop_harness.report.analysis.comparison import cell_of, shown_columns
from flop_harness.report.analysis.index import Column, Index
from flop_harness.report.analysis.overview import kind_in
from flop_harness.report.analysis.parts import at_most
from flop_harness.report.analysis.verdict import spreads
from flop_harness.report.charts.drawing import GRID, INK, LETTER, PALE, blank, styled, svg, telling
from flop_harness.report.tables.tables import Cell
from flop_harness.report.words.text import (
    about,
    factor_words,
    group,
    percent,
    printable,
    ratio,
    shorten,
    signed,
)

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
SHORT = {"unavailable": "n/a", "out_of_memory": "memory"}
LOUD = "#c4161c"
TONES = {"whole": "#a9a9a2", "more": "#cc7429", "less": "#2a5f94", "unexplained": LOUD}
FALL = 250
"""Pixels of a waterfall's bars"""
LEAST = 1e-4
"""What the spread of two equal figures is drawn as"""
ABREAST = 45
"""Cases of a spread in one row"""


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
        (_head(column), cell_of(index, reading))
        for column in shown_columns(index, metric)
        for reading in index.in_column(column, metric).values()
    ]
    return [{
        "case": printable(cell.case), "counter": head, "class": class_of(cell),
        "label": brief(cell), "loud": cell.loud,
        "dark": class_of(cell).startswith(("over 50", "10 to 50")),
    } for head, cell in pairs]  # fmt: skip


def _head(column: Column) -> str:
    """What stands above a column: a counter in several contexts names them on a second line."""
    name = printable(column.counter)
    return name if column.only else f"{name}\n{shorten(column.under, 28)}"


def heatmap_label(cell: Cell) -> str:
    if cell.value is None:
        return SHORT.get(cell.status, "no figure" if cell.status == "ok" else cell.status)
    return ratio(cell.deviation) + (" !" if cell.loud else "")


def brief(cell: Cell) -> str:
    """What stands in a cell of the page and of its chart; the exact figure is not far."""
    if cell.value is None:
        return heatmap_label(cell)
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
    heads = [_head(column) for column in shown_columns(index, metric)]
    return svg(styled(_heat_layers(records, rows, heads, f"figure / reference ({metric})")))


def _heat_layers(records: list[dict[str, Any]], rows: list[str], heads: list[str], key: str) -> Any:
    """Squares, red frames over them, and the words on top."""
    import altair as alt

    base = alt.Chart(alt.Data(values=records)).encode(  # type: ignore[arg-type]
        x=alt.X("counter:N", sort=heads, title=None, axis=alt.Axis(
            orient="top", labelAngle=-90, labelExpr="split(datum.label, '\\n')", labelLimit=170)),
        y=alt.Y("case:N", sort=rows, title=None, axis=alt.Axis(labelLimit=220)),
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


def spread_dots(index: Index) -> list[dict[str, Any]]:
    """One record for each case, widest first: by how much the highest exceeds the lowest."""
    return [
        {"place": place, "case": printable(spread.case), "factor": factor_words(spread.factor),
         "excess": max(spread.factor - 1, LEAST), "low": LEAST,
         "kind": kind_in(index, spread.case) or "case"}
        for place, spread in enumerate(spreads(index))
    ]  # fmt: skip


def spread_chart(run: Run) -> str:
    """The spread of each case, coloured by kind.

    The scale is logarithmic in what exceeds 1, so that 1.002 and 700 can both be read.
    """
    records = spread_dots(Index(run))
    if not records:
        return blank("No two figures to compare")
    return svg(styled(_spread_layers(records)))


def _spread_layers(records: list[dict[str, Any]]) -> Any:
    """A mark on a stalk for each case; many cases stand in several rows."""
    import altair as alt

    top = max(*(record["excess"] for record in records), 10 * LEAST)
    kinds = list(dict.fromkeys(record["kind"] for record in records))
    legend = (
        alt.Legend(title=None, orient="top", labelLimit=0, columns=3) if len(kinds) > 1 else None
    )
    told = telling("kind", kinds, legend)
    rows = at_most(records, ABREAST)
    height = 220 if len(rows) == 1 else 110
    return alt.vconcat(*(_spread_row(alt, row, top, told, height) for row in rows))


def _spread_row(
    alt: Any, records: Sequence[dict[str, Any]], top: float, told: dict[str, Any], height: int
) -> Any:
    names = _lookup({str(record["place"]): record["case"] for record in records})
    ticks = {LEAST: "1", **{n: f"{1 + n:g}" for n in (0.001, 0.01, 0.1, 1, 9, 99, 999, 9999)}}
    scale = alt.Scale(type="log", domain=[LEAST, top * 1.5], nice=False)
    words = f"({_lookup({str(n): words for n, words in ticks.items()})})[datum.value]"
    base = alt.Chart(alt.Data(values=records)).encode(
        x=alt.X("place:O", title=None, axis=alt.Axis(
            labelExpr=f"({names})[datum.label]", labelAngle=-90, labelLimit=190)),
        y=alt.Y("excess:Q", title="highest / lowest", scale=scale,
                axis=alt.Axis(values=list(ticks), labelExpr=words, **GRID)),
    )  # fmt: skip
    stalks = base.mark_rule(color=PALE).encode(y2="low:Q")
    tips = base.mark_point(size=42, opacity=1).encode(**told)
    return (stalks + tips).properties(width=max(len(records) * 15, 240), height=height)


def instructive(run: Run) -> Bridge | None:
    """The bridge to show first: most different terms, none of which dwarfs the others."""

    def richness(bridge: Bridge) -> tuple[bool, int, float]:
        terms = {step.term for step in bridge.steps if step.amount}
        moved = [abs(part_of(step.amount, bridge)) for step in bridge.steps if step.amount]
        balance = sum(moved) / max(moved) if moved else 0.0
        return bridge.metric == "compute", len(terms), balance

    bridges = Index(run).bridges
    return max(bridges, key=richness, default=None)


def waterfall_steps(bridge: Bridge) -> list[dict[str, Any]]:
    """One record for each bar: where it starts and ends, as a distance from the reference."""
    records = [_bar("reference", 0, 0, "whole", group(bridge.reference))]
    level: int | float = 0
    for step in bridge.steps:
        words = f"{signed(step.amount)}  ({percent(part_of(step.amount, bridge))})"
        tone = "more" if step.amount > 0 else "less"
        records.append(_bar(step.term, level, level + step.amount, tone, words))
        level += step.amount
    gap = bridge.residual
    records.append(_bar("residual", level, level + gap, "unexplained", signed(gap)))
    records.append(_bar("reading", 0, level + gap, "whole", group(bridge.reading)))
    return [{**record, "place": place} for place, record in enumerate(records)]


def _bar(term: str, start: float, end: float, tone: str, words: str) -> dict[str, Any]:
    return {"term": printable(term), "start": start, "end": end, "tone": tone, "label": words,
            "left": min(start, end), "right": max(start, end)}  # fmt: skip


def waterfall(run: Run, bridge: Bridge | None = None) -> str:
    """A bridge from the reference to a reading, one bar for each term."""
    bridge = bridge or instructive(run)
    if bridge is None:
        return blank("No bridge to show")
    title = (
        f"{shorten(bridge.counter, 30)} on {shorten(bridge.case, 40)}: from reference to reading"
    )
    layers = _fall_layers(waterfall_steps(bridge), f"distance from the reference ({bridge.unit})")
    return svg(styled(layers, f"{title}\n{bridge.context}"))


def _fall_layers(records: list[dict[str, Any]], measure: str) -> Any:
    """Bars, a tick where each ends, and the amounts beside them."""
    import altair as alt

    low, high = fall_ends(records)
    for record in records:
        record["side"] = side(record, low, high)
    # Two terms may share a name, so bars are placed by number and named by the axis.
    names = _lookup({str(record["place"]): fall_name(record) for record in records})
    lines = f"split(({names})[datum.label], '\\n')"
    raised = {"condition": {"test": f"length({lines}) > 1", "value": -LETTER / 2}, "value": 0}
    axis = alt.Axis(labelExpr=lines, labelLimit=0, labelOffset=raised)
    data = alt.Data(values=records)
    base = alt.Chart(data).encode(y=alt.Y("place:O", title=None, axis=axis))  # type: ignore[arg-type]
    scale = alt.Scale(domain=[low, high], nice=False)
    tone = alt.Scale(domain=list(TONES), range=list(TONES.values()))
    drawn = base.mark_bar(height=14).encode(
        x=alt.X("start:Q", title=measure, axis=alt.Axis(format="~s", tickCount=5), scale=scale),
        x2="end:Q",
        color=alt.Color("tone:N", legend=None, scale=tone),
    )
    ticks = base.mark_tick(thickness=1.5, size=18, color="#8a8a84").encode(x="end:Q")
    words = [
        base.mark_text(align=align, dx=shift, fontSize=LETTER).encode(x=f"{end}:Q", text="label:N")
        .transform_filter(f"datum.side == '{end}' && datum.tone != 'whole'")
        for end, align, shift in (("right", "left", 5), ("left", "right", -5))
    ]  # fmt: skip
    return alt.layer(drawn, ticks, *words).properties(width=FALL, height=alt.Step(28))


def fall_ends(records: list[dict[str, Any]]) -> tuple[float, float]:
    """The ends of the axis: longer than the bars if one of them leaves no room for its amount."""
    ends = [record[end] for record in records for end in ("start", "end")]
    low, high = min(ends), max(ends)
    moving = [record for record in records if record["tone"] != "whole"]
    if high > low and all(room(record, low, high) >= 0 for record in moving):
        return low, high
    widest = min(max(map(wide, moving)), 0.6 * FALL)
    return low, high + (high - low or 1) * widest / (FALL - widest)


def side(record: dict[str, Any], low: float, high: float) -> str:
    """On which side of a bar there is more room for its amount."""
    return "right" if high - record["right"] >= record["left"] - low else "left"


def room(record: dict[str, Any], low: float, high: float) -> float:
    """Pixels that are left beside a bar when its amount is written there."""
    free = max(high - record["right"], record["left"] - low) / (high - low)
    return free * FALL - wide(record)


def wide(record: dict[str, Any]) -> float:
    """Pixels of a bar's amount, about."""
    return len(record["label"]) * LETTER / 2


def fall_name(record: dict[str, Any]) -> str:
    """What a bar is called, on two lines: a term, or an end of the bridge with its figure."""
    if record["tone"] == "whole":
        return f"{record['term']}\n{record['label']}"
    return "\n".join(textwrap.wrap(record["term"], 30, max_lines=2, placeholder=" …"))


def _lookup(names: dict[str, str]) -> str:
    """A Vega object literal of strings in which every sign beyond plain ones is a code."""
    pairs = (f"'{key}':'{''.join(map(_coded, name))}'" for key, name in names.items())
    return "{" + ",".join(pairs) + "}"


def _coded(sign: str) -> str:
    if sign.isascii() and (sign.isalnum() or sign in " ._-,()/"):
        return sign
    return f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else "?"
