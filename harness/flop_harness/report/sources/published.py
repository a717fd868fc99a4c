"""Audited figures, from the audit beside a suite's results."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from flop_harness.records import Ruling, Suite
from flop_harness.report.analysis.audit import entries, row
from flop_harness.store import AUDIT_FILE, load_audit

Row: TypeAlias = Mapping[str, str]
"""A line of verdicts.csv"""
WORST: tuple[Ruling, ...] = ("error in the source", "unexplained", "not as stated", "reproduced")


def verdicts_in(folder: Path) -> list[Row]:
    """The verdicts of ``flop-harness claims`` that lie in a folder, the worst first; none in no folder."""
    if not (folder / AUDIT_FILE).is_file():
        return []
    found = [
        {key: "" if value is None else str(value) for key, value in row(entry).items()}
        for entry in entries(load_audit(folder))
    ]
    return sorted(found, key=lambda each: WORST.index(each["ruling"]))


def published_in(folder: Path, suite: Suite) -> list[Row]:
    """Those on figures of the suite's models."""
    models = {case.model for case in suite.cases}
    return [each for each in verdicts_in(folder) if each["model"] in models]
