"""How many cells ended in which way."""

from __future__ import annotations

from collections import defaultdict

from flop_harness.records import Reading
from flop_harness.report.analysis.figures import REFERENCE, figures_of
from flop_harness.report.analysis.index import Index
from flop_harness.report.analysis.outcomes import EXPLAINED, UNEXPLAINED, by_module, outcome_of
from flop_harness.report.tables.table import Column, Table
from flop_harness.report.words.text import few, group, part, shorten


def outcome_table(index: Index) -> Table:
    """How many cells ended in which way, each with its reason."""
    groups: dict[tuple[str, str], list[list[Reading]]] = defaultdict(list)
    for readings in index.cells.values():
        groups[outcome_of(index, readings)].append(readings)
    rows = [_outcome_row(index, *key, cells) for key, cells in groups.items()]
    rows.sort(key=lambda row: (row[0] != EXPLAINED, row[0] != UNEXPLAINED, -row[1]))
    heads = (Column("outcome"), Column("cells", "integer"),
             Column("figures", "integer"), Column("why"),
             Column("counters"), Column("cases"))  # fmt: skip
    ran = sum(row[1] for row in rows if row[2])
    note = "A cell is a counter in a context on a case; most give two figures, for compute and for "
    note += "parameters."
    if ran:
        closed = sum(row[1] for row in rows if row[0] == EXPLAINED)
        note += f" Of {ran:,} that gave figures, {part(closed / ran)} are explained."
    return Table("Outcomes", heads, tuple(rows), note)


def _outcome_row(
    index: Index, outcome: str, why: str, cells: list[list[Reading]]
) -> tuple[str, int, int, str, str, str]:
    readings = [each for cell in cells for each in cell]
    cases = dict.fromkeys(each.case for each in readings)
    counters = list(dict.fromkeys(each.counter for each in readings if each.counter != REFERENCE))
    if outcome == EXPLAINED:
        why = by_module(index, cells)
        return (outcome, len(cells), len(figures_of(readings)), why, group(len(counters)),
                group(len(cases)))  # fmt: skip
    told = figures_of(readings)
    return outcome, len(cells), len(told), shorten(why, 300), few(counters, 4), few(cases, 3)
