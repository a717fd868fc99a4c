"""What each convention says of each case."""

from __future__ import annotations

from flop_harness.records import Run
from flop_harness.report.analysis.index import Index
from flop_harness.report.tables.table import Table, columns

FIGURES = columns("case convention value:integer unit")


def figures(run: Run) -> Table:
    """What each convention of ours says of each case."""
    place = Index(run).position
    ordered = sorted(run.figures, key=lambda figure: place[figure.case])
    rows = tuple((each.case, each.convention, each.value, each.unit) for each in ordered)
    return Table("Figures", FIGURES, rows)
