"""Names that lead to a place in a page."""

from __future__ import annotations

from dataclasses import dataclass

from flop_harness.records import Bridge, Reading
from flop_harness.report.words.text import anchor


@dataclass(frozen=True, slots=True)
class Link:
    """A name that leads to a place in the page."""

    text: str
    anchor: str


def why_link(about: Reading | Bridge, text: str) -> Link:
    """To the bridge that leads to a reading."""
    return Link(text, anchor("why", about.metric, about.case, about.counter, about.context))
