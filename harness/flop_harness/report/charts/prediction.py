"""Time against counts, one dot for each model."""

from __future__ import annotations

from typing import Any

import numpy as np

from flop_harness.records.times import Series
from flop_harness.report.analysis import predictors
from flop_harness.report.analysis.timings import MachineTimings
from flop_harness.report.charts.drawing import LINE, blank, data, styled, svg, telling
from flop_harness.report.words.text import digits


def prediction_dots(clock: MachineTimings, series: Series) -> dict[str, list[dict[str, Any]]]:
    """Predictor -> one record for each case; of the four that are known best."""
    found = predictors.predictors(clock, series)
    chosen = {name: predictors.find(found, name) for name in predictors.WELL_KNOWN}
    return {
        name: [
            {"case": case, "family": family, "ms": seconds * 1e3,
             "count": count * 1e3 if name == predictors.ROOFLINE else count}
            for case, family, count, seconds in zip(
                each.points.cases, each.points.families, each.points.counts, each.points.seconds,
                strict=True)
        ]
        for name, each in chosen.items()
        if each is not None
    }  # fmt: skip


SHORT, PLAIN = ".1~s", ",~g"
"""Ticks of counts, as in 10M; those of milliseconds, which have a prefix already"""
TITLES = {**predictors.TITLES, predictors.ROOFLINE: "roofline bound (ms)"}


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
        form = PLAIN if name == predictors.ROOFLINE else SHORT
        panels.append(scatter(alt, dots, (TITLES[name], form), f"off by a factor of {factor}"))
    rows = [alt.hconcat(*panels[place : place + 2]) for place in range(0, len(panels), 2)]
    return svg(styled(alt.vconcat(*rows), f"Time of a forward pass against counts ({series})"))


def scatter(alt: Any, dots: list[dict[str, Any]], axis: tuple[str, str], words: str) -> Any:
    """``axis`` is the title of what is counted, and how its ticks are written."""
    title, form = axis
    x = alt.X("count:Q", title=title, scale=alt.Scale(type="log", nice=False, padding=8),
              axis=alt.Axis(format=form, tickCount=4))  # fmt: skip
    y = alt.Y("ms:Q", title="ms", scale=alt.Scale(type="log", nice=False, padding=8),
              axis=alt.Axis(format=PLAIN, tickCount=4))  # fmt: skip
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
