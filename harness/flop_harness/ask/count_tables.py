"""Counts of one model or of several, as tables and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flop_harness.ask.count import Count
from flop_harness.records.suite import size_in
from flop_harness.report.analysis.sizes import Size, shares
from flop_harness.report.tables.sizes import size_table
from flop_harness.report.tables.table import Column, Table
from flop_harness.report.words.text import left_out


def sizes_of(counted: Sequence[Count]) -> list[Size]:
    return [Size(each.model, each.inputs, each.total, each.params) for each in counted]


def totals_table(counted: Sequence[Count]) -> Table:
    """A row for each model, its total beside the first one's; and what has no formula."""
    convention = counted[0].convention
    lacking = [f"{each.model} lacks formulas for {left_out(each.unsupported)}."
               for each in counted if each.unsupported]  # fmt: skip
    told = " ".join([f"convention {convention.id}; {counted[0].trace.context}.", *lacking])
    title = "One model at several sizes" if is_sweep(counted) else "Several models"
    return size_table(sizes_of(counted), convention.unit, title, told)


def is_sweep(counted: Sequence[Count]) -> bool:
    places = [size_in(each.model) for each in counted]
    return len({place[0] for place in places if place is not None}) == 1 and None not in places


def parts_table(counted: Sequence[Count], by: str) -> Table:
    """A row for each group, a column for each model."""
    names = dict.fromkeys(name for each in counted for name in each.rows)
    unit = counted[0].convention.unit
    heads = (Column(by), *(Column(each.model, "integer", unit) for each in counted))
    rows = [
        (name or "(the model)", *(each.rows.get(name, 0) for each in counted)) for name in names
    ]
    rows += [("total", *(each.total for each in counted))]
    return Table(f"By {by}", heads, tuple(rows))


def document(counted: Sequence[Count]) -> dict[str, Any]:
    """The same for ``--json``: of one model, or of several."""
    if len(counted) == 1:
        return counted[0].to_dict()
    return {"schema": "counts/1", "models": [each.to_dict() for each in counted]}


def tables(counted: Sequence[Count], by: str) -> list[tuple[Table, list[float]]]:
    """Tables, with shares to be drawn as bars: of several models totals, then what they are made of."""
    if len(counted) == 1:
        return [(counted[0].to_table(), [])]
    bars = list(shares(each.amount for each in sizes_of(counted)))
    return [(totals_table(counted), bars), (parts_table(counted, by), [])]
