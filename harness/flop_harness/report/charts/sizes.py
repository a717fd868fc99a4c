"""What models cost, as bars; one model at several sizes of its input, as lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flop_harness.records import Run
from flop_harness.records.suite import size_in
from flop_harness.report.analysis.index import Index
from flop_harness.report.analysis.sizes import Size, sizes
from flop_harness.report.charts.drawing import (
    GRID,
    PANEL,
    SERIES,
    blank,
    data,
    styled,
    svg,
    telling,
)
from flop_harness.report.words.text import human, printable

SIZES = "Each beside the first, by the reference"
"""The title of what compares models"""
COST = "MAC, by the reference"
NAMES = 120
"""What names of models take of the width, usually"""


def compares_models(run: Run) -> bool:
    """Whether the cases are models that a command line named, rather than those of a suite's file."""
    return not run.suite.digest and len(run.suite.cases) > 1


def size_chart(run: Run) -> str:
    """Lines where every case is a size of a model, else bars."""
    found = [each for each in sizes(Index(run)) if each.amount is not None]
    if not found:
        return blank("No figures to compare")
    swept = all(size_in(each.case) for each in found)
    return svg(styled(lines(found) if swept else bars(found)))


def bars(found: Sequence[Size]) -> Any:
    import altair as alt

    records = [{"place": place, "model": printable(each.case), "amount": each.amount,
                "short": human(each.amount or 0, "MAC")} for place, each in enumerate(found)]  # fmt: skip
    names = alt.Y("model:N", sort=None, title=None, axis=alt.Axis(labelLimit=0))
    base = alt.Chart(data(alt, records)).encode(y=names)
    drawn = base.mark_bar(color=SERIES[0], height=14).encode(
        x=alt.X("amount:Q", title=COST, axis=alt.Axis(**GRID, format="~s"))
    )
    told = base.mark_text(align="left", dx=4).encode(x="amount:Q", text="short:N")
    return (drawn + told).properties(width=PANEL - NAMES, height=24 * len(found))


def lines(found: Sequence[Size]) -> Any:
    import altair as alt

    places = [(size_in(each.case), each) for each in found]
    records: list[dict[str, Any]] = [
        {"model": printable(place[0]), "axis": place[1], "size": place[2], "amount": each.amount}
        for place, each in places
        if place is not None
    ]
    names = list(dict.fromkeys(record["model"] for record in records))
    log = alt.Scale(type="log", base=2, nice=False, padding=10)
    x = alt.X("size:Q", scale=log, title=str(records[0]["axis"]),
              axis=alt.Axis(values=sorted({record["size"] for record in records}), format="d"))  # fmt: skip
    axis = alt.Axis(**GRID, format="~s")
    y = alt.Y("amount:Q", scale=alt.Scale(type="log", nice=False), title=COST, axis=axis)
    legend = alt.Legend(title=None, orient="bottom", columns=2, labelLimit=0)
    told = telling("model", names, legend)
    base = alt.Chart(data(alt, records)).encode(x=x, y=y)
    drawn = base.mark_line(strokeWidth=1.2).encode(stroke=told["stroke"], detail="model:N")
    return (drawn + base.mark_point(size=42, opacity=1).encode(**told)).properties(
        width=PANEL, height=240
    )
