"""What lies beside a run and is told in its page: proofs, times, published figures, examples."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from harness.errors import UserError
from harness.records import Proofs, Run, Suite
from harness.report.machines import Machines, machines_in, times_in
from harness.report.tables import Table, columns
from harness.report.text import plural

CLAIMS = "claims"


@dataclass(frozen=True, slots=True)
class Published:
    """Audited figures of a suite's models; ``link`` leads to the evidence."""

    summary: Table
    table: Table
    link: str


@dataclass(frozen=True)
class Beside:
    """``machines`` timed the suite itself, ``neighbours`` other suites that say something of it."""

    proofs: Proofs | None = None
    machines: Machines = field(default_factory=dict)
    neighbours: Machines = field(default_factory=dict)
    published: Published | None = None
    examples: Mapping[Any, Any] = field(default_factory=dict)


def beside(folder: Path, run: Run) -> Beside:
    """All that is there. Of other suites only what lies in folders named as those of results are:
    ``results/<suite>/<machine>/`` and ``results/claims/``."""
    return Beside(
        proofs_in(folder, run.suite), machines_in(folder, run.suite),
        neighbours_of(folder, run.suite), published_in(folder.absolute().parent / CLAIMS, run.suite),
    )  # fmt: skip


def proofs_in(folder: Path, suite: Suite) -> Proofs | None:
    from harness.store import load_proofs

    try:
        proofs = load_proofs(folder)
    except UserError:  # none are there, or another version of the harness made them
        return None
    return proofs if (proofs.suite, proofs.version) == (suite.name, suite.version) else None


# ------------------------------------------------------------------------- times of other suites


def neighbours_of(folder: Path, suite: Suite) -> Machines:
    """Times of other suites that time models of this one, or sweep the groups of convolutions."""
    home, models = folder.absolute(), {case.model for case in suite.cases}
    if home.name != suite.name:
        return {}
    found = {}
    for other in sorted(home.parent.iterdir()):
        if other != home and other.is_dir():
            for machine, times in times_in(other).items():
                shared = models & {case.model for case in times.cases}
                if times.suite == other.name and (shared or times.suite == "grouped"):
                    found[f"../{quote(other.name)}/{quote(machine)}"] = times
    return found


# ------------------------------------------------------------------------------ published figures

PUBLISHED = columns("model measure figure verdict why source")


def published_in(folder: Path, suite: Suite) -> Published | None:
    """The verdicts of ``flop-harness claims`` on figures of the suite's models."""
    path = folder / "verdicts.csv"
    models = {case.model for case in suite.cases}
    if not path.is_file():
        return None
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["model"] in models]
    if not rows:
        return None
    found = Counter(row["ruling"] for row in rows)
    title = f"{plural(len(rows), 'published figure')} of these models, audited"
    summary = Table(title, columns("verdict figures:integer"), tuple(found.most_common()))
    told = tuple(map(_published_row, rows))
    return Published(
        summary, Table("Figure by figure", PUBLISHED, told), f"../{CLAIMS}/report.html"
    )


def _published_row(row: Mapping[str, str]) -> tuple[Any, ...]:
    figure = f"{row['value']} {row['unit']}".strip()
    return row["model"], row["metric"], figure, row["ruling"], row["reason"], row["source"]
