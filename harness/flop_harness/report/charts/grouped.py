"""Speed-up of grouped convolutions."""

from __future__ import annotations

from typing import Any

from flop_harness.report.analysis import sweeps
from flop_harness.report.analysis.timings import MachineTimings
from flop_harness.report.charts.drawing import GRID, LINE, PANEL, blank, data, styled, svg, telling


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
