"""What the releases of a counter say, as lines that step."""

from __future__ import annotations

from typing import Any

from flop_harness.records import Timeline
from flop_harness.report.analysis.drift import changes, entries, kind_of
from flop_harness.report.charts.drawing import blank, styled, svg
from flop_harness.report.words.text import printable, shorten

TERMS = 2
"""So many terms of a change are named in the chart"""


def points(timeline: Timeline) -> list[dict[str, Any]]:
    """Each figure as a multiple of the reference, in the order of release."""
    made = []
    for place, release in enumerate(timeline.releases):
        for case, entry in entries(release).items():
            base = entry.terms.get("reference")
            if isinstance(entry.said, str) or not base:
                continue
            ratio = entry.said / base / (2 if entry.unit == "FLOP" else 1)
            made.append({"place": place, "release": release.version, "case": printable(case),
                         "ratio": ratio})  # fmt: skip
    return made


def labels(timeline: Timeline) -> list[dict[str, Any]]:
    """What is written where a line steps: the terms that moved most."""
    ratios = {(point["release"], point["case"]): point for point in points(timeline)}
    made: list[dict[str, Any]] = []
    for change in changes(timeline):
        point = ratios.get((change.after, printable(change.case)))
        if point is not None and change.terms:
            words = ", ".join(kind_of(term) for term in change.terms[:TERMS])
            late = point["place"] > 0.7 * len(timeline.releases)
            odd = sum(each["case"] == point["case"] for each in made) % 2 == 1
            made.append({**point, "label": shorten(words, 48), "late": late, "odd": odd})
    return made


def chart(timeline: Timeline) -> str:
    """A step line for each case, labelled with the convention that changed."""
    values = points(timeline)
    if not values:
        return blank("No figures to show")
    import altair as alt

    names = [release.version for release in timeline.releases]
    every = max(1, len(names) // 12)
    ticks = list(range(0, len(names), every))
    words = "{" + ", ".join(f"{place}: '{names[place]}'" for place in ticks) + "}[datum.value]"
    x = alt.X("place:Q", title="release", axis=alt.Axis(
        values=ticks, labelExpr=words, labelAngle=-35, grid=False),
        scale=alt.Scale(domain=[0, max(len(names) - 1, 1)], nice=False))  # fmt: skip
    y = alt.Y("ratio:Q", title=None, scale=alt.Scale(zero=False, padding=12))
    line = alt.Chart().mark_line(interpolate="step-after", color="#3a78b5").encode(x=x, y=y)
    dots = alt.Chart().mark_point(size=12, filled=True, color="#3a78b5").encode(x=x, y=y)
    texts = [
        alt.Chart()
        .transform_filter(f"datum.label && datum.late == {late} && datum.odd == {odd}")
        .mark_text(align="right" if late == "true" else "left", dx=4, fontSize=9,
                   dy=11 if odd == "true" else -8)
        .encode(x=x, y=y, text="label:N")
        for late in ("true", "false") for odd in ("true", "false")
    ]  # fmt: skip
    data = alt.Data(values=[*values, *labels(timeline)])
    rows = [printable(case.id) for case in timeline.cases]
    drawn = alt.layer(line, dots, *texts).properties(width=760, height=110)
    row = alt.Row("case:N", sort=rows, title="figure / reference")
    return svg(styled(drawn.facet(row=row, data=data).resolve_scale(y="independent")))
