"""The spread of each case."""

from __future__ import annotations

from typing import Any

from flop_harness.report.analysis.families import kind_in
from flop_harness.report.analysis.figures import by_counters, in_macs, plain
from flop_harness.report.analysis.index import Index
from flop_harness.report.analysis.verdict import Spread, spreads
from flop_harness.report.tables.table import Column, Table
from flop_harness.report.words.links import Link, why_link
from flop_harness.report.words.text import anchor


def spread_table(index: Index) -> Table:
    """Highest / lowest compute figure of each case, widest first."""
    heads = (
        Column("case"), Column("kind"),
        Column("highest / lowest", "factor"), Column("lowest", "integer", "MAC"),
        Column("by"), Column("highest", "integer", "MAC"), Column("by"),
        Column("figures", "integer"), Column("equal to the reference", "integer"),
    )  # fmt: skip
    rows = tuple(_spread_row(index, spread) for spread in spreads(index))
    return Table("Spread of each case", heads, rows, "Of figures above zero, in MAC.")


def _spread_row(index: Index, spread: Spread) -> tuple[Any, ...]:
    told = [each for each in by_counters(index.by_case[spread.case]) if each.metric == "compute"]
    ends = [
        value
        for each in (spread.low, spread.high)
        for value in (plain(in_macs(each.value or 0, each.unit)), why_link(each, each.counter))
    ]
    equal = sum(index.deviation(each) == 0 for each in told)
    name = Link(spread.case, anchor("case", spread.case))
    return (name, kind_in(index, spread.case), spread.factor, *ends, len(told), equal)
