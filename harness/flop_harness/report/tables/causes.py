"""Why counters differ: the causes, ranked."""

from __future__ import annotations

from typing import Any

from flop_harness.records import Metric
from flop_harness.report.analysis.causes import Cause, by_term
from flop_harness.report.analysis.figures import BASE_UNIT, plain
from flop_harness.report.analysis.index import Index
from flop_harness.report.tables.table import Column, Table
from flop_harness.report.words.links import why_link
from flop_harness.report.words.text import few, many


def cause_table(index: Index, metric: Metric) -> Table:
    """The causes over all counters, by the figures they touch and the work they explain."""
    unit = many(BASE_UNIT[metric])
    heads = (
        Column("cause"), Column("a counter that has it"),
        Column("figures", "integer"), Column("cases", "integer"),
        Column("explains", "integer", unit), Column("worked bridge"),
        Column("largest share", "share", note="of reference"), Column("counters"),
    )  # fmt: skip
    rows = tuple(_cause_row(cause) for cause in by_term(index) if cause.metric == metric)
    note = (
        "Ranked by figures, then by work. What a cause explains is the sum of its terms over all "
    )
    note += "figures, without their signs, in MAC where a figure is in FLOP. The worked bridge is "
    note += "of the smallest case that shows the cause."
    name = {"compute": "Causes, ranked", "params": "Causes, ranked: parameters"}[metric]
    return Table(name, heads, rows, note)


def _cause_row(cause: Cause) -> tuple[Any, ...]:
    largest, smallest = cause.largest.part, cause.smallest
    return (
        cause.term, cause.predicate, cause.figures, len(cause.cases), plain(cause.weight),
        why_link(smallest, smallest.case), largest, few(cause.counters, 4),
    )  # fmt: skip
