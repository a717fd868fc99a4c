"""A bridge as a waterfall, one bar for each term."""

from __future__ import annotations

import textwrap
from typing import Any

from flop_harness.records import Bridge, Run
from flop_harness.report.analysis.bridges import instructive, part_of
from flop_harness.report.charts.drawing import LETTER, LOUD, blank, lookup, styled, svg
from flop_harness.report.words.text import group, percent, printable, shorten, signed

TONES = {"whole": "#a9a9a2", "more": "#cc7429", "less": "#2a5f94", "unexplained": LOUD}
FALL = 250
"""Pixels of a waterfall's bars"""


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
    names = lookup({str(record["place"]): fall_name(record) for record in records})
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
