"""The releases of a counter on its page: what each changed, and of which models it gives no figure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from flop_harness.counters.versions.days import day_of
from flop_harness.records import Release, Timeline
from flop_harness.report.analysis.drift import changes, entries, how, stories, stretches
from flop_harness.report.words.text import few, listed, plural, printable, verb


@dataclass(frozen=True, slots=True)
class ReleaseLine:
    """Releases that say the same: their day where it is known, and what changed."""

    date: str
    versions: str
    changed: str
    how: str


def releases(timeline: Timeline) -> list[ReleaseLine]:
    """The oldest first; releases between which nothing changed stand in one line."""
    told = dict(story.split(": ", 1) for story in stories(timeline))
    lines, before, ever = [], list[str](), set[str]()
    for group in stretches(timeline.releases):
        first, last, told_now = group[0].version, group[-1].version, answered(group[0])
        names = first if first == last else f"{first} to {last}"
        moved = [told[each.version] for each in group if each.version in told]
        changed = "; ".join([*moved, *coverage(told_now, before, ever)]) or "nothing"
        lines.append(ReleaseLine(dated(timeline, first), names, changed, how(group[0])))
        before, ever = told_now, ever.union(told_now)
    return lines


def answered(release: Release) -> list[str]:
    """The cases of which a release gives a figure."""
    return [case for case, entry in entries(release).items() if not isinstance(entry.said, str)]


def coverage(now: list[str], before: list[str], ever: set[str]) -> Iterator[str]:
    """What there are figures of that there were none of in the release before, and the other way round."""
    if not now:
        yield "no figure"
        return
    found = (
        ("first figure", [case for case in now if case not in ever]),
        ("a figure again", [case for case in now if case in ever and case not in before]),
        ("no figure", [case for case in before if case not in now]),
    )
    yield from (f"{words} of {few(map(printable, cases), 3)}" for words, cases in found if cases)


def unmoved(timeline: Timeline) -> str:
    """Sentences where no release changed a figure or what it is made of; empty where one did."""
    every = {release.version: answered(release) for release in timeline.releases}
    told = [version for version, cases in every.items() if cases]
    if not told or next(changes(timeline), None):
        return ""
    order = list(every)
    silent = [version for version in order[order.index(told[0]) :] if version not in told]
    models = plural(len(timeline.cases), "small model")
    return " ".join(filter(None, [
        f"No release before {printable(told[0])} gives a figure." if told[0] != order[0] else "",
        f"No figure of {models} changed from {printable(told[0])} to {printable(told[-1])}.",
        f"{listed(map(printable, silent))} {verb(len(silent), 'gives', 'give')} none." if silent else "",
    ]))  # fmt: skip


def moving(timeline: Timeline) -> Timeline:
    """Of the models those whose figure, or what it is made of, some release changed."""
    moved = {change.case for change in changes(timeline)}
    return replace(timeline, cases=tuple(case for case in timeline.cases if case.id in moved))


def still_told(timeline: Timeline) -> str:
    """Which models no release moved, where some were; they are not drawn."""
    moved = {case.id for case in moving(timeline).cases}
    still = [printable(case.id) for case in timeline.cases if case.id not in moved]
    return f"No release changed a figure of {listed(still)}." if moved and still else ""


def dated(timeline: Timeline, version: str) -> str:
    """``2019-08-06``; empty where the day of a release is not known."""
    day = day_of(timeline.tool.distribution or timeline.tool.id, version)
    return day.isoformat() if day else ""
