"""Cases and layers under the ceilings of a machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from flop_harness.records.times import Series
from flop_harness.records.units import in_percent
from flop_harness.report.analysis.layers import Layer, layers
from flop_harness.report.analysis.timings import MachineTimings
from flop_harness.report.charts.drawing import (
    GRID,
    LINE,
    PALE,
    PANEL,
    SERIES,
    blank,
    data,
    styled,
    svg,
)
from flop_harness.report.words.text import digits, printable
from flop_harness.timing.theory.roofline import Roof

DECADES = [10.0**power for power in range(-6, 10)]

SHARE = 0.75
"""Of the time of a series: the slowest layers that make it up are drawn, the rest hides nothing"""


def roof_dots(clock: MachineTimings) -> Iterator[dict[str, Any]]:
    """One record for each case, then for each layer: FLOP per byte, FLOP per second."""
    for (case, series), middle in clock.medians.items():
        if series not in clock.roofs or case not in clock.theory:
            continue
        work = clock.theory[case].layers
        flop, size = (sum(each.flop for each in work), sum(each.bytes for each in work))
        if flop and size:
            yield {"what": "case", "name": printable(case), "series": str(series),
                   "intensity": flop / size, "rate": flop / middle / 1e9}  # fmt: skip
    yield from (dot for layer in slowest(layers(clock)) if (dot := layer_dot(layer)))


def slowest(found: Iterable[Layer], share: float = SHARE) -> Iterator[Layer]:
    """By series, the longest layers first, until they make up a share of its time."""
    by_series: dict[Series, list[Layer]] = {}
    for layer in found:
        by_series.setdefault(layer.times.series, []).append(layer)
    for here in by_series.values():
        left = share * sum(layer.median for layer in here)
        for layer in sorted(here, key=lambda layer: -layer.median):
            if left <= 0:
                break
            left -= layer.median
            yield layer


def layer_dot(layer: Layer) -> dict[str, Any] | None:
    if not layer.intensity or not layer.achieved or layer.roof is None:
        return None
    return {"what": "layer", "name": "", "series": str(layer.times.series),
            "intensity": layer.intensity, "rate": layer.achieved / 1e9}  # fmt: skip


def roof_line(roof: Roof, series: Series, low: float, high: float) -> list[dict[str, Any]]:
    """The largest copy's slope up to the ridge, then the best product."""
    knots = sorted({low, min(max(roof.ridge, low), high), high})
    return [{"series": str(series), "intensity": each,
             "rate": min(roof.compute, each * roof.memory) / 1e9} for each in knots]  # fmt: skip


def roofline(clock: MachineTimings) -> str:
    """A panel for each series."""
    import altair as alt

    dots = list(roof_dots(clock))
    if not dots:
        return blank("No roofline: theory, ceilings or times are missing")
    low, high = (end(dot["intensity"] for dot in dots) for end in (min, max))
    panels = []
    for series, roof in clock.roofs.items():
        here = [dot for dot in dots if dot["series"] == str(series)]
        lines = roof_line(roof, series, low / 2, high * 2)
        panels.append(roof_panel(alt, here, lines, str(series), roof))
    return svg(styled(alt.vconcat(*panels)))


def roof_panel(alt: Any, dots: list, line: list, title: str, roof: Roof) -> Any:
    x = alt.X("intensity:Q", title="FLOP per byte", scale=alt.Scale(type="log"),
              axis=alt.Axis(**GRID, values=DECADES))  # fmt: skip
    y = alt.Y("rate:Q", title="GFLOP/s", scale=alt.Scale(type="log"),
              axis=alt.Axis(**GRID, values=DECADES))  # fmt: skip
    layered = [dot for dot in dots if dot["what"] == "layer"]
    cases = [dot for dot in dots if dot["what"] == "case"]
    parts = [
        alt.Chart(data(alt, line)).mark_line(color=LINE, strokeWidth=1.5).encode(x=x, y=y),
        alt.Chart(data(alt, layered)).mark_circle(aria=False, size=9, color=PALE, opacity=1).encode(x=x, y=y),
        alt.Chart(data(alt, cases)).mark_point(aria=False,
            size=46, filled=True, color=SERIES[0], opacity=1).encode(x=x, y=y),
    ]  # fmt: skip
    words = [f"{title}: {digits(roof.compute / 1e9)} GFLOP/s, {digits(roof.memory / 1e9)} GB/s",
             f"cases, and the layers that take {in_percent(SHARE)} of the time"]  # fmt: skip
    return alt.layer(*parts).properties(width=PANEL, height=220, title=words)
