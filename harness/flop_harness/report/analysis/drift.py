"""Timelines of counters: what each release says, when it changed, and which convention did it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from flop_harness.reconcile.changes import Entry, Term, entry_of, moved_terms
from flop_harness.records import Metric, Release, Timeline
from flop_harness.report.words.terms import Way, change_in_words
from flop_harness.report.words.text import few, group, plural, printable, shorten


@dataclass(frozen=True, slots=True)
class Change:
    """Releases between which the figure of a case, or the terms behind it, changed."""

    case: str
    before: str
    after: str
    was: Entry
    now: Entry
    terms: tuple[Term, ...]


def metric_of(release: Release) -> Metric:
    """What a timeline tells: compute, or parameters of a tool that counts these alone."""
    counts = any(reading.metric == "compute" for reading in release.readings)
    return "compute" if counts else "params"


def entries(release: Release) -> dict[str, Entry]:
    """What a release says of each case, with its terms."""
    metric = metric_of(release)
    bridges = {bridge.case: bridge for bridge in release.bridges if bridge.metric == metric}
    return {reading.case: entry_of(reading, bridges.get(reading.case))
            for reading in release.readings if reading.metric == metric}  # fmt: skip


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
    ours = (
        f"{each.case}: {each.stage} failed: {shorten(each.message, 100)}"
        for each in release.failures
    )
    return "; ".join([*release.remedies, *failures(release), *ours])


def failures(release: Release) -> Iterator[str]:
    """Each reason for which a case has no figure, once."""
    told: dict[str, list[str]] = {}
    metric = metric_of(release)
    for reading in release.readings:
        if reading.metric == metric and reading.status != "ok":
            told.setdefault(reading.message or reading.status, []).append(reading.case)
    yield from (f"{few(cases, 3)}: {shorten(why, 100)}" for why, cases in told.items())


def summary(timeline: Timeline) -> str:
    """How many releases there are, have any figure and changed one; what is explained."""
    asked, able = len(timeline.releases), sum(map(answers, timeline.releases))
    at = {change.after for change in changes(timeline)}
    total = sum(1 for _ in figures(timeline))
    open_ = unexplained(timeline)
    return (
        f"{printable(timeline.tool.id)}: {plural(asked, 'release')} asked of "
        f"{len(timeline.listed):,} listed, {able:,} answer; figures or terms changed at "
        f"{plural(len(at), 'release')}; {total - open_:,} of {total:,} figures explained with "
        f"residual 0"
    )


def answers(release: Release) -> bool:
    return any(reading.status == "ok" for reading in release.readings)


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
    """A change of a term without its amounts; what a counter does not see has a negative one."""
    way: Way = "more" if term.change > 0 else "less"
    if not term.before or not term.after:
        way = "no longer" if term.before else "now"
    return change_in_words(printable(term.name), way)
