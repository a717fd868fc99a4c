"""Timelines of counters as files, one line for each release; what many readings say stands once."""

from __future__ import annotations

from pathlib import Path

from flop_harness.records import Timeline
from flop_harness.store.documents import (
    lean,
    packed,
    read,
    restore_details,
    restored,
    unpacked,
    with_details,
)
from flop_harness.store.schema import TIMELINE_SCHEMA

TIMELINE_SUFFIX = ".json.xz"


def dump_timeline(timeline: Timeline) -> bytes:
    """Equal timelines give equal files."""
    kept: dict[str, int] = {}
    return packed(with_details(lean(timeline, kept), kept))


def load_timeline(path: Path | str) -> Timeline:
    """The timeline in a file; UserError where there is none."""
    path = Path(path)
    document = unpacked(read(path), str(path), TIMELINE_SCHEMA)
    restore_details(document.get("releases", ()), document.pop("details", ()), str(path))
    timeline: Timeline = restored(document, Timeline, str(path))
    return timeline
