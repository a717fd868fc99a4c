"""What a run was measured on, and with which versions."""

from __future__ import annotations

from collections import defaultdict

from flop_harness.records import Run
from flop_harness.report.analysis.index import Index
from flop_harness.report.tables.table import Column, Table, columns
from flop_harness.report.words.text import flatten


def environment_table(run: Run) -> Table:
    """What the figures were measured on; what has no value (no GPU, no commit) is left out."""
    rows = [("suite", f"{run.suite.name}, version {run.suite.version}")]
    rows += [("suite digest", run.suite.digest)] if run.suite.digest else []
    rows += [(what, value) for what, value in flatten(run.environment) if value]
    return Table("Environment", columns("what value"), tuple(rows))


def version_table(index: Index) -> Table:
    """Which version of which counter was read, and in which contexts."""
    tools = {tool.id: tool for tool in index.run.tools}
    found: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for reading in sorted(index.readings, key=lambda reading: index.counters[reading.counter]):
        found[reading.counter, reading.version][str(reading.context)] = None
    rows = tuple(
        (*key, ", ".join(contexts), tools[key[0]].source if key[0] in tools else "")
        for key, contexts in found.items()
    )
    heads = (*columns("counter version contexts"), Column("its rules follow"))
    return Table("Counters", heads, rows)
