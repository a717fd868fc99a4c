"""How long cases take, each beside the first, with intervals."""

from __future__ import annotations

from flop_harness.report.analysis.timings import MachineTimings
from flop_harness.report.tables.table import Column, Table

RATIOS = (
    Column("case"), Column("against"), Column("series"), Column("MAC", "factor"),
    Column("time", "factor"), Column("from", "factor", "95 %"), Column("to", "factor", "95 %"),
    Column("difference"),
)  # fmt: skip
NOTE = (
    "Time is the median ratio of turns next to each other, from and to its 95 % interval; an "
    "interval that holds 1 shows no difference."
)


def ratio_table(clock: MachineTimings) -> Table:
    """A row for each case but the first, in each series."""
    first, *others = clock.cases
    rows = []
    for case in others:
        amounts = [clock.amount(each, "macs") for each in (first, case)]
        macs = amounts[1] / amounts[0] if all(amounts) else None  # type: ignore[operator]
        for series in clock.series:
            found = clock.pair((first, series), (case, series))
            if found is not None:
                low, high = found.interval or (None, None)
                rows.append((case, first, str(series), macs, found.ratio, low, high, found.verdict))
    return Table("One beside another", RATIOS, tuple(rows), NOTE)
