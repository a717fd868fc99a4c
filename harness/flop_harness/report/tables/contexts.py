"""Cases in other dtypes, layouts and forms."""

from __future__ import annotations

from flop_harness.report.analysis.contexts import in_contexts
from flop_harness.report.analysis.timings import MachineTimings
from flop_harness.report.tables.table import Column, Table

CONTEXTS = (
    Column("case"), Column("series"), Column("time", "factor", note="of the plain series"),
    Column("from", "factor", "95 %"), Column("to", "factor", "95 %"), Column("verdict"),
)  # fmt: skip


def context_table(clock: MachineTimings) -> Table:
    rows = tuple(
        (each.case, str(each.series), each.against.ratio,
         *(each.against.interval or (None, None)), each.against.verdict)
        for each in in_contexts(clock)
    )  # fmt: skip
    return Table("Other contexts", CONTEXTS, rows, "By pairs of turns next to each other.")
