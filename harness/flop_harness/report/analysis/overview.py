"""What a report opens with: how the cells ended, the spread of each case, the causes ranked."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from flop_harness.records import Metric, Reading
from flop_harness.report.analysis.causes import Cause, by_term
from flop_harness.report.analysis.families import kind_of
from flop_harness.report.analysis.index import (
    BASE_UNIT,
    BROKEN,
    Index,
    figures_of,
    in_macs,
    is_figure,
    plain,
)
from flop_harness.report.analysis.verdict import Spread, spreads
from flop_harness.report.tables import tables
from flop_harness.report.tables.tables import Link, Table, why_link
from flop_harness.report.words.text import anchor, few, part, plural, shorten

EXPLAINED = "explained, residual 0"
UNEXPLAINED = "UNEXPLAINED"


def outcome_of(index: Index, readings: list[Reading]) -> tuple[str, str]:
    """How a cell ended, and why: the worst of its readings."""
    told = figures_of(readings)
    open_ends = [each for each in told if not index.explained(each)]
    if open_ends:
        return UNEXPLAINED, index.gap(open_ends[0])
    broken = [each for each in readings if not is_figure(each)]
    broken.sort(key=lambda each: each.status not in BROKEN)
    if broken:
        status = "no figure" if broken[0].status == "ok" else broken[0].status.replace("_", " ")
        return status, broken[0].message
    return EXPLAINED, ""


def outcome_table(index: Index) -> Table:
    """How many cells ended in which way, each with its reason."""
    groups: dict[tuple[str, str], list[list[Reading]]] = defaultdict(list)
    for readings in index.cells.values():
        groups[outcome_of(index, readings)].append(readings)
    rows = [_outcome_row(index, *key, cells) for key, cells in groups.items()]
    rows.sort(key=lambda row: (row[0] != EXPLAINED, row[0] != UNEXPLAINED, -row[1]))
    heads = (tables.Column("outcome"), tables.Column("cells", "integer"),
             tables.Column("figures", "integer"), tables.Column("why"),
             tables.Column("counters"), tables.Column("cases"))  # fmt: skip
    ran = sum(row[1] for row in rows if row[2])
    note = "A cell is a counter in a context on a case; most give two figures, for compute and for "
    note += "parameters."
    if ran:
        closed = sum(row[1] for row in rows if row[0] == EXPLAINED)
        note += f" Of {ran:,} that gave figures, {part(closed / ran)} are explained."
    return Table("How the cells ended", heads, tuple(rows), note)


def _outcome_row(
    index: Index, outcome: str, why: str, cells: list[list[Reading]]
) -> tuple[str, int, int, str, str, str]:
    readings = [each for cell in cells for each in cell]
    cases = dict.fromkeys(each.case for each in readings)
    counters = list(dict.fromkeys(each.counter for each in readings))
    if outcome == EXPLAINED:
        why = _by_module(index, cells)
        return (
            outcome,
            len(cells),
            len(figures_of(readings)),
            why,
            f"{len(counters)}",
            f"{len(cases)}",
        )
    told = figures_of(readings)
    return outcome, len(cells), len(told), shorten(why, 300), few(counters, 4), few(cases, 3)


def _by_module(index: Index, cells: list[list[Reading]]) -> str:
    """How many of the cells were compared module by module too."""
    counts = [bridge.modules for cell in cells for bridge in map(index.bridge_to, cell)
              if bridge is not None and bridge.modules]  # fmt: skip
    words = "led back to the reference, term by term"
    if counts:
        words += f"; {plural(sum(counts), 'figure')} by module, of {plural(len(counts), 'cell')}, equal too"
    return words


# ------------------------------------------------------------------------------------- spread


def spread_table(index: Index) -> Table:
    """Highest / lowest compute figure of each case, widest first."""
    heads = (
        tables.Column("case"), tables.Column("kind"),
        tables.Column("highest / lowest", "factor"), tables.Column("lowest", "integer", "MAC"),
        tables.Column("by"), tables.Column("highest", "integer", "MAC"), tables.Column("by"),
        tables.Column("figures", "integer"), tables.Column("equal to the reference", "integer"),
    )  # fmt: skip
    rows = tuple(_spread_row(index, spread) for spread in spreads(index))
    return Table("Spread of each case", heads, rows, "Of figures above zero, in MAC.")


def _spread_row(index: Index, spread: Spread) -> tuple[Any, ...]:
    told = [each for each in figures_of(index.by_case[spread.case]) if each.metric == "compute"]
    ends = [
        value
        for each in (spread.low, spread.high)
        for value in (plain(in_macs(each.value or 0, each.unit)), why_link(each, each.counter))
    ]
    equal = sum(index.deviation(each) == 0 for each in told)
    name = Link(spread.case, anchor("case", spread.case))
    return (name, kind_in(index, spread.case), spread.factor, *ends, len(told), equal)


def kind_in(index: Index, case: str) -> str:
    reference = index.reference_of.get(case)
    return kind_of(reference) if reference else ""


# ------------------------------------------------------------------------------------- causes


def cause_table(index: Index, metric: Metric) -> Table:
    """The causes over all counters, by the figures they touch and the work they explain."""
    unit = BASE_UNIT[metric]
    heads = (
        tables.Column("cause"), tables.Column("a counter that has it"),
        tables.Column("figures", "integer"), tables.Column("cases", "integer"),
        tables.Column("explains", "integer", unit), tables.Column("worked bridge"),
        tables.Column("largest share", "share", note="of reference"), tables.Column("counters"),
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
