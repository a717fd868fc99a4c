"""Every finding, one row each: findings.csv."""

from __future__ import annotations

from typing import Any

from flop_harness.records import Run
from flop_harness.report.analysis.figures import plain
from flop_harness.report.analysis.findings import Finding, profiles
from flop_harness.report.analysis.index import Index
from flop_harness.report.tables.table import Table, columns

FINDINGS = columns(
    "counter metric term sentence cases:integer figures:integer explains:number net:number "
    "largest_share:number largest_case smallest_case smallest_context version"
)


def table(run: Run) -> Table:
    """Every finding, one row each, with exact figures."""
    index = Index(run)
    rows = tuple((*_row(each), profile.version)
                 for profile in profiles(index) for each in profile.findings)  # fmt: skip
    return Table("Findings", FINDINGS, rows)


def _row(finding: Finding) -> tuple[Any, ...]:
    cause, smallest = finding.cause, finding.cause.smallest
    return (
        finding.counter, cause.metric, cause.term, finding.sentence, len(cause.cases),
        cause.figures, plain(cause.weight), plain(cause.net), cause.largest.part,
        cause.largest.bridge.case, smallest.case, str(smallest.context),
    )  # fmt: skip
