"""What each counter does to the model that it counts."""

from __future__ import annotations

from flop_harness.report.analysis.effects import Seen, merged
from flop_harness.report.tables.table import Column, Table

COLUMNS = (Column("counter"), Column("version"), Column("effect"), Column("on"),
           Column("what was seen"))  # fmt: skip
NOTE = (
    "Each model is in training mode and counted twice. Then it is told what is left on it, whether "
    "functions of torch or the random numbers are changed, whether the second call says the same, "
    "and whether the model still pickles, trains and gives a state_dict that loads."
)


def table(seen: Seen) -> Table:
    """A row for each thing that a counter did; a counter that did nothing has one."""
    rows = tuple(
        (name, counter["version"], *told)
        for name, counter in seen.items()
        for told in list(merged(counter["models"])) or [("nothing", "", "")]
    )
    return Table("What a counter does to your model", COLUMNS, rows, NOTE)
