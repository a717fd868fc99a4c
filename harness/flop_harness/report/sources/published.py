"""Audited figures, from the audit beside a suite's results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

from flop_harness.records import Ruling, Suite
from flop_harness.report.analysis.audit import Entry, entries, row
from flop_harness.store import AUDIT_FILE, load_audit
from flop_harness.suite import keywords

Row: TypeAlias = Mapping[str, str]
"""A line of verdicts.csv, and what its model was made with"""
WORST: tuple[Ruling, ...] = ("error in the source", "unexplained", "not as stated", "reproduced")


def verdicts_in(folder: Path) -> list[Row]:
    """The verdicts of ``flop-harness claims`` below a folder, the worst first; none of no folder.

    What was audited of one file alone, in a folder of its own, stands for what was said of it among
    all files.
    """
    found: dict[str, list[Row]] = {}
    for place in (folder, *sorted(path.parent for path in folder.glob(f"*/{AUDIT_FILE}"))):
        if (place / AUDIT_FILE).is_file():
            found |= by_file(map(as_text, entries(load_audit(place))))
    every = [each for rows in found.values() for each in rows]
    return sorted(every, key=lambda each: WORST.index(each["ruling"]))


def as_text(entry: Entry) -> Row:
    case = entry.claim.case
    told = {key: "" if value is None else str(value) for key, value in row(entry).items()}
    return {**told, "made": ", ".join(keywords.written(case.kwargs)) if case else ""}


def by_file(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for each in rows:
        found.setdefault(each["file"], []).append(each)
    return found


def published_in(folder: Path, suite: Suite) -> list[Row]:
    """Those on figures of the suite's models."""
    models = {case.model for case in suite.cases}
    return [each for each in verdicts_in(folder) if each["model"] in models]
