"""The spread of each case: highest figure divided by lowest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from flop_harness.records import Run
from flop_harness.report.analysis.families import kind_in
from flop_harness.report.analysis.index import Index
from flop_harness.report.analysis.verdict import spreads
from flop_harness.report.charts.drawing import (
    GRID,
    PALE,
    SHAPES,
    blank,
    lookup,
    styled,
    svg,
    telling,
)
from flop_harness.report.tables.partition import at_most
from flop_harness.report.words.text import factor_words, printable, shorten

LEAST = 1e-4
"""What the spread of two equal figures is drawn as"""
ABREAST = 45
"""Cases of a spread in one row"""
NAME = 48
"""Letters of a case's name at most"""


def spread_dots(index: Index) -> list[dict[str, Any]]:
    """One record for each case, widest first: by how much the highest exceeds the lowest."""
    found = spreads(index)
    kinds = marked([kind_in(index, spread.case) or "case" for spread in found])
    return [
        {"place": place, "case": shorten(printable(spread.case), NAME), "factor": factor_words(spread.factor),
         "excess": max(spread.factor - 1, LEAST), "low": LEAST, "kind": kind}
        for place, (spread, kind) in enumerate(zip(found, kinds, strict=True))
    ]  # fmt: skip


def marked(kinds: Sequence[str]) -> list[str]:
    """The kinds, of which no more than there are shapes have a mark of their own: the rare ones are ``others``."""
    counts = Counter(kinds).most_common()
    own = {
        kind for kind, _ in (counts if len(counts) <= len(SHAPES) else counts[: len(SHAPES) - 1])
    }
    return [kind if kind in own else "others" for kind in kinds]


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
    names = lookup({str(record["place"]): record["case"] for record in records})
    ticks = {LEAST: "1", **{n: f"{1 + n:g}" for n in (0.001, 0.01, 0.1, 1, 9, 99, 999, 9999)}}
    scale = alt.Scale(type="log", domain=[LEAST, top * 1.5], nice=False)
    words = f"({lookup({str(n): words for n, words in ticks.items()})})[datum.value]"
    base = alt.Chart(alt.Data(values=records)).encode(
        x=alt.X("place:O", title=None, axis=alt.Axis(
            labelExpr=f"({names})[datum.label]", labelAngle=-90, labelLimit=0)),
        y=alt.Y("excess:Q", title="highest / lowest", scale=scale,
                axis=alt.Axis(values=list(ticks), labelExpr=words, **GRID)),
    )  # fmt: skip
    stalks = base.mark_rule(color=PALE).encode(y2="low:Q")
    tips = base.mark_point(size=42, opacity=1).encode(**told)
    return (stalks + tips).properties(width=max(len(records) * 15, 240), height=height)
