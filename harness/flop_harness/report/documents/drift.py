"""The page of a counter's releases, and the one that leads to all of them."""

from __future__ import annotations

from collections.abc import Iterable

from flop_harness.records import Timeline
from flop_harness.report.analysis.drift import stories, summary
from flop_harness.report.formats.markdown import grid, page, plain
from flop_harness.report.tables.drift import change_table, figure_table
from flop_harness.report.words.text import few


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
    return page(blocks)


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
        blocks.append(
            f"- [{name}]({name}.md): {plain(summary(timeline)).removeprefix(f'{name}: ')}"
        )
    blocks.append(
        "`flop-harness drift COUNTER` writes these pages. What the counters do to the models that "
        "they count stands in [effects](../effects/README.md)."
    )
    return page(blocks)
