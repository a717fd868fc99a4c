"""What lies beside a run and is told in its page: proofs, times, published figures, examples."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flop_harness.code.smallest import Example
from flop_harness.errors import UserError
from flop_harness.records import Proofs, Run, Suite
from flop_harness.report.analysis.codes import NONE, Codes, codes_in
from flop_harness.report.analysis.examples import Key, examples_in
from flop_harness.report.analysis.faults import Faults
from flop_harness.report.analysis.machines import Machines, machines_in, times_in
from flop_harness.report.tables import drift, effects
from flop_harness.report.tables.tables import Table, columns
from flop_harness.report.words.text import plural


@dataclass(frozen=True, slots=True)
class Published:
    """Audited figures of a suite's models; ``link`` leads to the evidence."""

    summary: Table
    table: Table
    link: str


@dataclass(frozen=True)
class Related:
    """``machines`` timed the suite itself, ``neighbours`` other suites that say something of it.

    By counter: ``histories`` tell what changed with which release, ``effects`` what it does to a
    model.
    """

    proofs: Proofs | None = None
    machines: Machines = field(default_factory=dict)
    neighbours: Machines = field(default_factory=dict)
    published: Published | None = None
    histories: Mapping[str, list[str]] = field(default_factory=dict)
    effects: Mapping[str, list[str]] = field(default_factory=dict)
    examples: Mapping[Key, Example] = field(default_factory=dict)
    codes: Codes = NONE


def related_results(folder: Path, run: Run, faults: Faults) -> Related:
    """All that is there. Of what is not the suite's own only what lies in folders named as those of
    results are: ``results/<suite>/<machine>/``, ``results/claims/``, ``drift/`` and ``effects/``."""
    home, suite = folder.absolute().parent, run.suite
    return Related(
        proofs_in(folder, suite), machines_in(folder, suite), neighbours_of(folder, suite),
        published_in(home / "claims", suite), histories_in(home / "drift"), effects_in(home / "effects"),
        examples_in(folder, run, faults), codes_in(folder, run, faults),
    )  # fmt: skip


def proofs_in(folder: Path, suite: Suite) -> Proofs | None:
    from flop_harness.store import load_proofs

    try:
        proofs = load_proofs(folder)
    except UserError:  # none are there, or another version of the harness made them
        return None
    return proofs if (proofs.suite, proofs.version) == (suite.name, suite.version) else None


# ------------------------------------------------------------------------- times of other suites


def neighbours_of(folder: Path, suite: Suite) -> Machines:
    """Times of other suites that time a model of this one."""
    home, models = folder.absolute(), {case.model for case in suite.cases}
    if home.name != suite.name:
        return {}
    found = {}
    for other in sorted(each for each in home.parent.iterdir() if each.is_dir() and each != home):
        for machine, times in times_in(other).items():
            if times.suite == other.name and models & {case.model for case in times.cases}:
                found[f"../{quote(other.name)}/{quote(machine)}"] = times
    return found


# ------------------------------------------------------------------------------ published figures

PUBLISHED = columns("claim model input measure figure verdict why source")
WORST = ("error in the source", "unexplained", "not as stated", "reproduced")


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
    rows.sort(key=lambda row: WORST.index(row["ruling"]))
    found = Counter(row["ruling"] for row in rows)
    title = f"{plural(len(rows), 'published figure')} of these models, audited"
    summary = Table(title, columns("verdict figures:integer"), tuple(found.most_common()))
    told = tuple(map(_published_row, rows))
    return Published(summary, Table("Figure by figure", PUBLISHED, told), "../claims/report.html")


def _published_row(row: Mapping[str, str]) -> tuple[Any, ...]:
    figure = f"{row['value']} {row['unit']}".strip()
    return (row["claim"], row["model"], row["inputs"], row["metric"], figure, row["ruling"],
            row["reason"], row["source"])  # fmt: skip


# -------------------------------------------------------------------------------- of the counters


def histories_in(folder: Path) -> dict[str, list[str]]:
    """Counter -> what changed with which release, of ``flop-harness drift``."""
    from flop_harness.store import load_timeline

    found = {}
    for path in sorted(folder.glob("*.json")):
        with suppress(UserError):  # another version of the harness made it
            timeline = load_timeline(path)
            found[timeline.tool.id] = list(drift.stories(timeline))
    return found


def effects_in(folder: Path) -> dict[str, list[str]]:
    """Counter -> what it does to a model, of ``flop-harness effects``."""
    from flop_harness.store import load_effects

    try:
        seen = load_effects(folder / "effects.json")
    except UserError:  # there is none
        return {}
    return {
        name: [f"{effect} ({on}): {words}" for effect, on, words in effects.merged(told["models"])]
        for name, told in seen.items()
    }
