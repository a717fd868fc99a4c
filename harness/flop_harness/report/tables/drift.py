"""What the releases of a counter say, and what changed."""

from __future__ import annotations

from flop_harness.records import Case, Timeline
from flop_harness.report.analysis import check
from flop_harness.report.analysis.drift import (
    changes,
    entries,
    figures,
    how,
    said,
    stretch,
    stretches,
)
from flop_harness.report.tables.table import Column, Table
from flop_harness.report.words.text import many


def figure_table(timeline: Timeline) -> Table:
    """A row for each stretch of releases that say the same."""
    cases = [case.id for case in timeline.cases]
    unit = next((entry.unit for _, entry in figures(timeline)), "")
    unit = many(unit) if unit else ""
    columns = (Column("releases"), *(Column(case, "text", unit) for case in cases), Column("how"))
    rows = tuple(
        (stretch(releases), *(said(entries(releases[0]).get(case)) for case in cases),
         how(releases[0]))
        for releases in stretches(timeline.releases)
    )  # fmt: skip
    note = (
        "! marks a figure that the rules known for its version do not explain. "
        + "; ".join(f"{case.id}: {case.model} on {inputs_of(case)}" for case in timeline.cases)
        + "."
    )
    return Table("What the releases say", columns, rows, note)


def inputs_of(case: Case) -> str:
    mode = f", {case.mode}" if case.mode else ""
    return (case.shapes or "the inputs it brings") + mode


CHANGES = (Column("release"), Column("after"), Column("case"), Column("was"), Column("is"),
           Column("terms"))  # fmt: skip


def change_table(timeline: Timeline) -> Table:
    rows = tuple(
        (change.after, change.before, change.case, check.shown(change.was),
         check.shown(change.now), "; ".join(map(check.in_words, change.terms)))
        for change in changes(timeline)
    )  # fmt: skip
    return Table("What changed", CHANGES, rows)
