"""Audited figures of a suite's models, from the audit beside its results."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from flop_harness.records import Suite

Row: TypeAlias = Mapping[str, str]
"""A line of verdicts.csv"""
WORST = ("error in the source", "unexplained", "not as stated", "reproduced")


def published_in(folder: Path, suite: Suite) -> list[Row]:
    """The verdicts of ``flop-harness claims`` on figures of the suite's models, the worst first."""
    path = folder / "verdicts.csv"
    models = {case.model for case in suite.cases}
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["model"] in models]
    return sorted(rows, key=lambda row: WORST.index(row["ruling"]))
