"""Several models, or one at several sizes: what they cost, each beside the first."""

from __future__ import annotations

from collections.abc import Sequence

from flop_harness.report.analysis.sizes import Size, beside_first
from flop_harness.report.tables.table import Column, Table


def size_table(found: Sequence[Size], unit: str, title: str, note: str = "") -> Table:
    """A row for each case; the amount of the first is 1 in the last column."""
    heads = (
        Column("model"), Column("input"), Column(unit, "integer"), Column("parameters", "integer"),
        Column("× the first", "factor"),
    )  # fmt: skip
    factors = beside_first(each.amount for each in found)
    rows = tuple((each.case, each.inputs, each.amount, each.params, factor)
                 for each, factor in zip(found, factors, strict=True))  # fmt: skip
    return Table(title, heads, rows, note)
