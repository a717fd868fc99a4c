"""Timelines of counters: what each release says, when it changed, and which convention did it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flop_harness.reconcile.changes import Entry, Term, entry_of, moved_terms
from flop_harness.records import Release, Timeline
from flop_harness.report.charts.drawing import blank, styled, svg
from flop_harness.report.formats.markdown import grid, plain
from flop_harness.report.tables import check
from flop_harness.report.tables.tables import Column, Table
from flop_harness.report.words.text import few, group, plural, printable, shorten

METRIC = "compute"
TERMS = 2
"""So many terms of a change are named in the chart"""


@dataclass(frozen=True, slots=True)
class Change:
    """Releases between which the figure of a case, or the terms behind it, changed."""

    case: str
    before: str
    after: str
    was: Entry
    now: Entry
    terms: tuple[Term, ...]


# ------------------------------------------------------------------------------------- entries


def entries(release: Release) -> dict[str, Entry]:
    """What a release says of each case, with its terms."""
    bridges = {bridge.case: bridge for bridge in release.bridges if bridge.metric == METRIC}
    return {reading.case: entry_of(reading, bridges.get(reading.case))
            for reading in release.readings if reading.metric == METRIC}  # fmt: skip


def changes(timeline: Timeline) -> Iterator[Change]:
    """From each case's last figure to its next, in the order of release."""
    last: dict[str, tuple[str, Entry]] = {}
    for release in timeline.releases:
        for case, now in entries(release).items():
            if isinstance(now.said, str):
                continue
            if case in last:
                before, was = last[case]
                terms = tuple(moved_terms(was, now))
                if terms or (was.said, was.unit) != (now.said, now.unit):
                    yield Change(case, before, release.version, was, now, terms)
            last[case] = release.version, now


def unexplained(timeline: Timeline) -> int:
    """Figures that our rules for their version do not explain, or that have no bridge."""
    return sum(not explained(entry) for _, entry in figures(timeline))


def explained(entry: Entry) -> bool:
    return entry.bridged and not entry.terms.get("residual")


def figures(timeline: Timeline) -> Iterator[tuple[str, Entry]]:
    """(version, entry) of every figure."""
    for release in timeline.releases:
        for entry in entries(release).values():
            if not isinstance(entry.said, str):
                yield release.version, entry


# ------------------------------------------------------------------------------------- tables


def figure_table(timeline: Timeline) -> Table:
    """A row for each stretch of releases that say the same."""
    cases = [case.id for case in timeline.cases]
    unit = next((entry.unit for _, entry in figures(timeline)), "")
    columns = (Column("releases"), *(Column(case, "text", unit) for case in cases), Column("how"))
    rows = tuple(
        (stretch(releases), *(said(entries(releases[0]).get(case)) for case in cases),
         how(releases[0]))
        for releases in stretches(timeline.releases)
    )  # fmt: skip
    note = "! marks a figure that the rules known for its version do not explain."
    return Table("What the releases say", columns, rows, note)


def stretches(releases: Iterable[Release]) -> Iterator[list[Release]]:
    """Neighbours that say the same in the same way."""
    group: list[Release] = []
    for release in releases:
        if group and alike(group[0]) != alike(release):
            yield group
            group = []
        group.append(release)
    if group:
        yield group


def alike(release: Release) -> Any:
    told = {case: (entry.said, explained(entry)) for case, entry in entries(release).items()}
    return told, release.remedies, bool(release.error)


def stretch(releases: list[Release]) -> str:
    first, last = releases[0].version, releases[-1].version
    return first if first == last else f"{first} to {last} ({len(releases)})"


def said(entry: Entry | None) -> str:
    if entry is None:
        return ""
    loud = "" if isinstance(entry.said, str) or explained(entry) else " !"
    return group(entry.said) + loud


def how(release: Release) -> str:
    """What was done to ask it, or why it could not be asked."""
    if release.error:
        return f"cannot be asked: {shorten(release.error, 160)}"
    return "; ".join([*release.remedies, *failures(release)])


def failures(release: Release) -> Iterator[str]:
    """Each reason for which a case has no figure, once."""
    told: dict[str, list[str]] = {}
    for reading in release.readings:
        if reading.metric == METRIC and reading.status != "ok":
            told.setdefault(reading.message or reading.status, []).append(reading.case)
    yield from (f"{few(cases, 3)}: {shorten(why, 100)}" for why, cases in told.items())


CHANGES = (Column("release"), Column("after"), Column("case"), Column("was"), Column("is"),
           Column("terms"))  # fmt: skip


def change_table(timeline: Timeline) -> Table:
    rows = tuple(
        (change.after, change.before, change.case, check.shown(change.was),
         check.shown(change.now), "; ".join(map(check.in_words, change.terms)))
        for change in changes(timeline)
    )  # fmt: skip
    return Table("What changed", CHANGES, rows)


# ----------------------------------------------------------------------------------- sentences


def summary(timeline: Timeline) -> str:
    """How many releases there are, could be asked and changed a figure; what is explained."""
    asked, able = len(timeline.releases), sum(not r.error for r in timeline.releases)
    at = {change.after for change in changes(timeline)}
    total = sum(1 for _ in figures(timeline))
    open_ = unexplained(timeline)
    return (
        f"{printable(timeline.tool.id)}: {plural(asked, 'release')} asked of "
        f"{len(timeline.listed):,} listed, {able:,} answer; figures or terms changed at "
        f"{plural(len(at), 'release')}; {total - open_:,} of {total:,} figures explained with "
        f"residual 0"
    )


def stories(timeline: Timeline) -> Iterator[str]:
    """One sentence for each release that changed a convention: by which terms, and where."""
    told: dict[str, dict[str, list[str]]] = {}
    for change in changes(timeline):
        for term in change.terms:
            told.setdefault(change.after, {}).setdefault(kind_of(term), []).append(change.case)
    for version, terms in told.items():
        yield f"{version}: " + "; ".join(
            f"{name} ({few(cases, 3)})" for name, cases in terms.items()
        )


def kind_of(term: Term) -> str:
    """A change of a term without its amounts."""
    if not term.before:
        return f"now {printable(term.name)}"
    if not term.after:
        return f"no longer {printable(term.name)}"
    return f"{'more' if term.change > 0 else 'less'} {printable(term.name)}"


# -------------------------------------------------------------------------------------- chart


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


# ---------------------------------------------------------------------------------------- page


def markdown(timeline: Timeline) -> bytes:
    """The page of one counter."""
    blocks = [
        f"# Releases of {plain(timeline.tool.id)}",
        f"**{plain(summary(timeline))}**",
        ran(timeline) + unasked(timeline),
        f"![Figures of the releases]({plain(timeline.tool.id)}.svg)",
        "\n".join(f"- {plain(story)}" for story in stories(timeline)) or "Nothing changed.",
        grid(figure_table(timeline)),
        grid(change_table(timeline)),
    ]
    return ("\n\n".join(blocks) + "\n").encode("utf-8", "replace")


def ran(timeline: Timeline) -> str:
    """How the releases were asked."""
    versions = timeline.environment
    if timeline.tool.distribution == "torch":
        return (
            "Each release was asked by `flop-harness drift` in an environment that has that torch "
            "and the torchvision of its time; the file keeps what the others said."
        )
    return (
        "Each release ran from a folder of its own, in processes of its own, on "
        f"{plain(versions['python'])} and torch {plain(versions['torch']['version'])}. What was "
        "done there to make an old release run, or how it is called, stands in the last column."
    )


def unasked(timeline: Timeline) -> str:
    """What is listed and was left out."""
    asked = {release.version for release in timeline.releases}
    left = [version for version in timeline.listed if version not in asked]
    return f" Listed, but not asked: {plain(few(left, 3))}." if left else ""


def index(timelines: Iterable[Timeline]) -> bytes:
    """The page that leads to those of the counters."""
    blocks = ["# What counters said, release by release"]
    for timeline in timelines:
        name = plain(timeline.tool.id)
        blocks.append(f"- [{name}]({name}.md): {plain(summary(timeline))}")
    blocks.append(
        "`flop-harness drift COUNTER` writes these pages. What the counters do to the models that "
        "they count stands in [effects](../effects/README.md)."
    )
    return ("\n\n".join(blocks) + "\n").encode("utf-8", "replace")


FILES: Mapping[str, Callable[[Timeline], bytes]] = {
    ".md": markdown,
    ".svg": lambda timeline: chart(timeline).encode(),
}
