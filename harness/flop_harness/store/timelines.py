"""Timelines of counters as JSON, one line for each release; what many readings say stands once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flop_harness.errors import UserError
from flop_harness.records import Timeline
from flop_harness.store.runs import DETAILS, decoded, laid_out, lean, restored
from flop_harness.store.schema import TIMELINE_SCHEMA


def dump_timeline(timeline: Timeline) -> bytes:
    """Equal timelines give equal files."""
    kept: dict[str, int] = {}
    document = lean(timeline, kept)
    return laid_out(document | {"details": [json.loads(each) for each in kept]})


def load_timeline(path: Path | str) -> Timeline:
    """The timeline in a file; UserError where there is none."""
    path = Path(path)
    try:
        document = decoded(path.read_bytes(), str(path), TIMELINE_SCHEMA)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    kept = document.pop("details", [])
    try:
        for release in document["releases"]:
            restore_details(release, kept)
    except (KeyError, IndexError, TypeError) as error:
        raise UserError(f"{path} is damaged: {type(error).__name__}: {error}") from error
    timeline: Timeline = restored(document, Timeline, str(path))
    return timeline


def restore_details(release: dict[str, Any], kept: list[Any]) -> None:
    steps = [step for bridge in release.get("bridges", ()) for step in bridge["steps"]]
    for record in (*release.get("readings", ()), *steps):
        record |= {name: kept[record[name]] for name in DETAILS if name in record}
