"""What each counter does to the model that it counts: a fragment of a report."""

from __future__ import annotations

from collections.abc import Mapping

from harness.report.markdown import grid
from harness.report.tables import Column, Table
from harness.report.text import shorten

Found = Mapping[str, Mapping[str, str]]
"""Counter -> what it did -> in which words"""


def table(found: Found) -> Table:
    """A row for each thing that a counter did; a counter that did nothing has one, empty."""
    rows = tuple(
        (counter, what, shorten(told, 160))
        for counter, effects in found.items()
        for what, told in (effects or {"": ""}).items()
    )
    columns = (Column("counter"), Column("effect"), Column("what was seen"))
    note = (
        "Seen on a small convolutional network in training mode, counted twice: what is left on it, "
        "whether torch itself is changed, and whether it still pickles, loads and trains."
    )
    return Table("What a counter does to your model", columns, rows, note)


def markdown(found: Found) -> bytes:
    return (grid(table(found)) + "\n").encode("utf-8", "replace")
