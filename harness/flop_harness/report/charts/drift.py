"""What the releases of a counter say, as lines that step, all on one scale."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from flop_harness.counters.versions.days import day_of
from flop_harness.records import Timeline
from flop_harness.report.analysis.drift import changes, entries, kind_of
from flop_harness.report.charts.drawing import LINE, SERIES, blank, styled, svg
from flop_harness.report.words.text import printable, shorten

TERMS = 2
"""So many terms of a change are named in the chart at most"""
LETTERS = 56
"""Letters of a label at most"""
WIDTH, HEIGHT = 760, 92
"""Pixels of a row"""
LANES = (6, 18)
"""Pixels from the top of a row at which labels stand; the lines begin below"""
BELOW = LANES[-1] + 10
"""Pixels from the top at which lines and the rules of labels begin"""
ROUND = [step * 10.0**power for power in range(-4, 5) for step in (1, 2, 5)]
"""Ratios that may stand at the axis"""
LEAST = (0.8, 1.25)
"""The scale reaches from here to there at least: 1 is on it, and what nearly agrees looks so"""
ZERO = 0.25
"""A figure of 0 stands below the least ratio, by this part of the height of all ratios"""
SIGN, GAP = 5, 4
"""Pixels of a letter of a label at most, and beside a label"""


def points(timeline: Timeline) -> list[dict[str, Any]]:
    """Each figure as a multiple of the reference, in the order of release; ``day`` may be empty."""
    cases = {case.id for case in timeline.cases}
    made = []
    for place, release in enumerate(timeline.releases):
        day = day_of(timeline.tool.distribution or timeline.tool.id, release.version)
        for case, entry in entries(release).items():
            base = entry.terms.get("reference")
            if case not in cases or isinstance(entry.said, str) or not base:
                continue
            ratio = entry.said / base / (2 if entry.unit == "FLOP" else 1)
            made.append({"place": place, "day": day.isoformat() if day else "",
                         "release": release.version, "case": printable(case), "ratio": ratio})  # fmt: skip
    return made


def drawn_points(timeline: Timeline) -> tuple[list[dict[str, Any]], bool]:
    """Points, and whether they stand at their days; ``ratio`` is None where the figure is 0.

    They do where the days of most are known, and those alone are drawn; else in the order of release.
    """
    every = [{**point, "ratio": point["ratio"] or None} for point in points(timeline)]
    days = [point for point in every if point["day"]]
    return (days, True) if 2 * len(days) > len(every) else (every, False)


def labels(timeline: Timeline, drawn: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is written where a line steps: the release, and the terms that moved most."""
    by_key = {(point["release"], point["case"]): point for point in drawn}
    made = []
    for change in changes(timeline):
        point = by_key.get((change.after, printable(change.case)))
        if point is not None and change.terms:
            names = [kind_of(term) for term in change.terms]
            made.append({**point, "label": label_of(printable(change.after), names)})
    return made


def label_of(release: str, terms: Sequence[str]) -> str:
    """The release, as many terms as have room, and how many others moved; the first one is cut if it must be.

    >>> label_of("1.2", ["bias of convolutions", "batch normalisation", "pooling by windows of its own"])
    '1.2: bias of convolutions, batch normalisation, 1 more'
    """
    for shown in range(min(TERMS, len(terms)), 0, -1):
        left = [f"{len(terms) - shown} more"] if shown < len(terms) else []
        label = f"{release}: {', '.join([*map(printable, terms[:shown]), *left])}"
        if len(label) <= LETTERS:
            return label
    return shorten(f"{release}: {printable(terms[0])}", LETTERS)


def placed(found: Iterable[dict[str, Any]], low: float, high: float) -> list[dict[str, Any]]:
    """Those labels that have room in a lane of their row, the earliest first.

    ``x`` of each is its place between ``low`` and ``high``. ``late`` labels end there, others begin there.
    """
    ends: dict[tuple[str, int], float] = {}
    made = []
    for each in sorted(found, key=lambda label: label["x"]):
        at = WIDTH * (each["x"] - low) / max(high - low, 1)
        size = SIGN * len(each["label"])
        late = at + GAP + size > WIDTH
        start = at - GAP - size if late else at + GAP
        for lane in range(len(LANES)):
            if start - GAP >= ends.get((each["case"], lane), -GAP):
                ends[each["case"], lane] = start + size
                made.append(
                    {**each, "late": late, "lane": lane, "start": start, "end": start + size}
                )
                break
    return made


def chart(timeline: Timeline) -> str:
    """A step line for each case; a label names the release and the convention that changed."""
    values, dated = drawn_points(timeline)
    if not any(point["ratio"] for point in values):
        return blank("No figures to show")
    for point in values:
        point["x"] = date.fromisoformat(point["day"]).toordinal() if dated else point["place"]
    low, high = (choose(point["x"] for point in values) for choose in (min, max))
    told = placed(labels(timeline, values), low, high)
    rows = [printable(case.id) for case in timeline.cases]
    return svg(styled(rows_of([*values, *told], rows, x_axis(timeline, dated))))


def x_axis(timeline: Timeline, dated: bool) -> Any:
    """Days, or the names of about a dozen releases."""
    import altair as alt

    if dated:
        return alt.X("day:T", title=None, axis=alt.Axis(grid=False, format="%b %Y", tickCount=8, labelOverlap=True),
                     scale=alt.Scale(type="utc", nice=False))  # fmt: skip
    names = [release.version for release in timeline.releases]
    ticks = list(range(0, len(names), max(1, len(names) // 12)))
    words = "{" + ", ".join(f"{place}: '{names[place]}'" for place in ticks) + "}[datum.value]"
    return alt.X("place:Q", title="release", axis=alt.Axis(
        values=ticks, labelExpr=words, labelAngle=-35, grid=False),
        scale=alt.Scale(domain=[0, max(len(names) - 1, 1)], nice=False))  # fmt: skip


def rows_of(values: list[dict[str, Any]], rows: list[str], x: Any) -> Any:
    """One above another on a shared logarithmic scale: points, and labels at the top of each row."""
    import altair as alt

    values, y = on_one_scale(values)
    own = alt.Chart().transform_filter("!isValid(datum.label)")
    line = own.mark_line(interpolate="step-after", color=SERIES[0]).encode(x=x, y=y)
    dots = own.mark_point(size=12, filled=True, color=SERIES[0]).encode(x=x, y=y)
    marks = [
        mark
        for lane, top in enumerate(LANES) for late in (False, True)
        for mark in labelled(lane, top, late, x)
    ]  # fmt: skip
    parsed = alt.DataFormat(parse={"day": "utc:'%Y-%m-%d'"})
    row = alt.Row("case:N", sort=rows, title="figure / reference", header=alt.Header(
        labelAngle=0, labelOrient="top", labelAnchor="start", labelFontWeight="bold"))  # fmt: skip
    drawn = alt.layer(*marks, line, dots).properties(width=WIDTH, height=HEIGHT)
    return drawn.facet(row=row, data=alt.Data(values=values, format=parsed))


def on_one_scale(values: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], Any]:
    """The values with a place for each figure of 0, and the logarithmic axis with a 0 below all others."""
    import altair as alt

    ratios = [value["ratio"] for value in values if value["ratio"]]
    low, high = min(*ratios, LEAST[0]), max(*ratios, LEAST[1])
    zero = low * (low / high) ** ZERO
    zeros = [zero] if len(ratios) < len(values) else []
    axis = alt.Axis(values=zeros + [each for each in ROUND if each >= low], grid=True,
                    labelExpr=f"datum.value < {low} ? '0' : format(datum.value, '~g')")  # fmt: skip
    scale = alt.Scale(type="log", domain=[*(zeros or [low]), high], range=[HEIGHT, BELOW])
    return [{**value, "ratio": value["ratio"] or zero} for value in values], alt.Y(
        "ratio:Q", title=None, axis=axis, scale=scale
    )


def labelled(lane: int, top: int, late: bool, x: Any) -> Iterable[Any]:
    """The labels of one lane, each with a thin line down to where it belongs."""
    import altair as alt

    wanted = f"datum.lane === {lane} && datum.late === {str(late).lower()}"
    own = alt.Chart().transform_filter(wanted)
    yield own.mark_rule(color=LINE, opacity=0.5).encode(
        x=x, y=alt.value(BELOW - 4), y2=alt.value(HEIGHT)
    )
    words = own.mark_text(
        align="right" if late else "left", baseline="middle", dx=-GAP if late else GAP, fontSize=9
    )
    yield words.encode(x=x, y=alt.value(top), text="label:N")
