"""Charts of what was timed: plain data first, then SVG. Lines and marks differ in shape and grey."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from flop_harness.records.times import Series
from flop_harness.report.analysis import predictors, sweeps
from flop_harness.report.analysis.timings import MachineTimings
from flop_harness.report.charts.drawing import GRID, LINE, PALE, SERIES, blank, styled, svg, telling
from flop_harness.report.tables.layers import Layer, layers
from flop_harness.report.words.text import digits, printable
from flop_harness.timing.theory.roofline import Roof

DECADES = [10.0**power for power in range(-6, 10)]
PANEL = 340
"""Pixels of a panel that fills a column"""


@dataclass(frozen=True)
class Chart:
    """A chart of the report: under which heading it stands, its file, and what it shows in words."""

    heading: str
    name: str
    alt: str
    caption: str
    clock: MachineTimings

    @property
    def file(self) -> str:
        return f"{self.name}.svg"

    def draw(self) -> str:
        return DRAWN[self.name](self.clock)


def charts(clock: MachineTimings) -> Iterator[Chart]:
    """Those that have something to show."""
    if any(True for _ in roof_dots(clock)):
        yield Chart("Roofline", "roofline", "Roofline; the tables below hold the same figures",
                    "Each case by its FLOP per byte and the rate it reaches, under the best product "
                    "and the largest copy measured here; small dots are layers.", clock)  # fmt: skip
    if any(predictors.predictors(clock, series) for series in clock.series):
        yield Chart("What predicts time", "prediction", "Time against four counts, one dot a model",
                    "Time against four counts, one dot for each model, on logarithmic scales; the "
                    "line is fitted to all of them.", clock)  # fmt: skip
    if sweeps.grouped(clock):
        yield Chart("Grouped convolutions", "grouped", "Speed-up of grouped convolutions",
                    "How many times as fast as in one group, with 95 % intervals; the dashed line is "
                    "what the MACs promise.", clock)  # fmt: skip


# ----------------------------------------------------------------------------------- roofline


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
    yield from (dot for layer in layers(clock) if (dot := layer_dot(layer)))


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
    words = f"{title}: {digits(roof.compute / 1e9)} GFLOP/s, {digits(roof.memory / 1e9)} GB/s"
    return alt.layer(*parts).properties(width=PANEL, height=220, title=words)


def data(alt: Any, records: list[dict[str, Any]]) -> Any:
    return alt.Data(values=records)


# --------------------------------------------------------------------------------- prediction


def prediction_dots(clock: MachineTimings, series: Series) -> dict[str, list[dict[str, Any]]]:
    """Predictor -> one record for each case; of the four that are known best."""
    found = predictors.predictors(clock, series)
    chosen = {name: predictors.find(found, name) for name in predictors.WELL_KNOWN}
    return {
        name: [
            {"case": case, "family": family, "count": count, "ms": seconds * 1e3}
            for case, family, count, seconds in zip(
                each.points.cases, each.points.families, each.points.counts, each.points.seconds,
                strict=True)
        ]
        for name, each in chosen.items()
        if each is not None
    }  # fmt: skip


TITLES = {"params": "parameters", "macs": "MACs", "bytes": "bytes moved",
          predictors.ROOFLINE: "roofline bound (s)"}  # fmt: skip


def prediction(clock: MachineTimings) -> str:
    """Four panels of one series: the one with fewest threads, where there are several."""
    import altair as alt

    series = next((each for each in clock.series if predictors.predictors(clock, each)), None)
    if series is None:
        return blank("Too few models to tell what predicts time")
    found = predictors.predictors(clock, series)
    panels = []
    for name, dots in prediction_dots(clock, series).items():
        each = predictors.find(found, name)
        assert each is not None
        factor = digits(each.prediction.factor)
        panels.append(scatter(alt, dots, TITLES[name], f"off by a factor of {factor}"))
    rows = [alt.hconcat(*panels[place : place + 2]) for place in range(0, len(panels), 2)]
    return svg(styled(alt.vconcat(*rows), f"Time of a forward pass against counts ({series})"))


def scatter(alt: Any, dots: list[dict[str, Any]], title: str, words: str) -> Any:
    x = alt.X("count:Q", title=title, scale=alt.Scale(type="log", nice=False, padding=8),
              axis=alt.Axis(format=".1~s", tickCount=4))  # fmt: skip
    y = alt.Y("ms:Q", title="ms", scale=alt.Scale(type="log", nice=False, padding=8),
              axis=alt.Axis(format="~s", tickCount=4))  # fmt: skip
    families = list(dict.fromkeys(dot["family"] for dot in dots))
    legend = alt.Legend(title=None, orient="bottom", columns=3, labelLimit=0)
    points = alt.Chart(data(alt, dots)).mark_point(aria=False, size=34, opacity=1)
    drawn = points.encode(x=x, y=y, **telling("family", families, legend))
    line = alt.Chart(data(alt, fitted(dots))).mark_line(color=LINE, strokeWidth=1).encode(x=x, y=y)
    return (line + drawn).properties(width=148, height=130, title=[title, words])


def fitted(dots: list[dict[str, Any]]) -> list[dict[str, float]]:
    """The ends of the line through all dots, on logarithmic scales."""
    x, y = (np.log([dot[key] for dot in dots]) for key in ("count", "ms"))
    slope, offset = np.polyfit(x, y, 1)
    return [{"count": float(np.exp(end)), "ms": float(np.exp(offset + slope * end))}
            for end in (x.min(), x.max())]  # fmt: skip


# ------------------------------------------------------------------------------------ grouped


def grouped_dots(clock: MachineTimings) -> list[dict[str, Any]]:
    """One record for each grouped convolution and series."""
    return [
        {"sweep": each.sweep, "series": str(each.series), "groups": each.groups,
         "theory": each.theory, "measured": each.speedup,
         "low": (each.interval or (each.speedup,))[0], "high": (each.interval or (each.speedup,))[-1]}
        for each in sweeps.grouped(clock)
    ]  # fmt: skip


def grouped(clock: MachineTimings) -> str:
    """A panel for each series: speed-up over groups, a line for each sweep."""
    import altair as alt

    dots = grouped_dots(clock)
    if not dots:
        return blank("No grouped convolutions in this suite")
    names = list(dict.fromkeys(dot["sweep"] for dot in dots))
    panels = [group_panel(alt, [dot for dot in dots if dot["series"] == str(series)], names,
                          str(series)) for series in clock.series]  # fmt: skip
    return svg(styled(alt.vconcat(*(panel for panel in panels if panel is not None))))


def group_panel(alt: Any, dots: list[dict[str, Any]], names: list[str], title: str) -> Any:
    if not dots:
        return None
    most = max(dot["groups"] for dot in dots)
    log2 = {"type": "log", "base": 2, "nice": False}
    x = alt.X("groups:Q", scale=alt.Scale(**log2, padding=8), title="groups",
              axis=alt.Axis(values=powers(most), format="d"))  # fmt: skip
    y = alt.Y("measured:Q", scale=alt.Scale(**log2), title="times as fast as in one group",
              axis=alt.Axis(**GRID))  # fmt: skip
    legend = alt.Legend(title=None, orient="bottom", columns=2, labelLimit=0)
    told = telling("sweep", names, legend)
    base = alt.Chart(data(alt, dots)).encode(x=x, stroke=told["stroke"])
    promised = [{"groups": each, "measured": each} for each in (1, most)]
    theory = (
        alt.Chart(data(alt, promised)).mark_line(strokeDash=[5, 4], color=LINE).encode(x=x, y=y)
    )
    lines = base.mark_line(strokeWidth=1.2).encode(y=y, detail="sweep:N")
    bars = base.mark_rule(strokeWidth=1).encode(y="low:Q", y2="high:Q")
    points = base.mark_point(aria=False, size=42, opacity=1).encode(y=y, **told)
    return (theory + lines + bars + points).properties(width=PANEL, height=240, title=title)


def powers(most: int) -> list[int]:
    """1, 2, 4, ... up to ``most``."""
    return [2**power for power in range(most.bit_length())]


DRAWN: Mapping[str, Callable[[MachineTimings], str]] = {
    "roofline": roofline,
    "prediction": prediction,
    "grouped": grouped,
}
