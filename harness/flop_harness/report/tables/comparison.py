"""Cases and counters: the figures of all counters side by side."""

from __future__ import annotations

from collections.abc import Iterator

from flop_harness.records import Metric
from flop_harness.report.analysis.cells import cell_of, inputs_of, shown_columns
from flop_harness.report.analysis.index import BASE_UNIT, CounterColumn, Index, plain
from flop_harness.report.tables.table import Column, Table
from flop_harness.report.words.links import Link
from flop_harness.report.words.text import anchor, left_out, many, shorten

NAMES = {"compute": "Compute", "params": "Parameters"}


LEAD = 3
"""Columns before those of the counters: case, input, reference"""


def comparison(index: Index, metric: Metric) -> Table:
    """Rows are cases, columns counters; the input and the reference come first.

    What the reference of a case leaves out stands last, where anything is left out.
    """
    shown = shown_columns(index, metric)
    cells = [{case: cell_of(index, reading)
              for case, reading in index.in_column(column, metric).items()}
             for column in shown]  # fmt: skip
    unit = many(BASE_UNIT[metric])
    heads = [Column("case"), Column("input"), Column("reference", "integer", unit)]
    heads += [_head(index, column, metric) for column in shown]
    unknown = index.run.unsupported if metric == "compute" else {}
    lacking = any(unknown.values())
    rows = []
    for case in index.cases:
        found = [asked.get(case) for asked in cells]
        reference = index.reference(case, metric)
        if any(found) or reference is not None:
            name = Link(case, anchor("case", case))
            lead = (name, inputs_of(index, case), None if reference is None else plain(reference))
            rows.append((*lead, *found, *([left_out(unknown.get(case, {}))] if lacking else [])))
    heads += [NOT_COUNTED] if lacking else []
    return Table(NAMES[metric], tuple(heads), tuple(rows), " ".join(notes(index, metric)))


NOT_COUNTED = Column("not counted", note="operators without a formula")


def notes(index: Index, metric: Metric) -> Iterator[str]:
    """What the figures mean, and who gave them."""
    yield (
        f"The reference is the account of `analytic`, version {index.run.conventions}: {RULE[metric]}. "
        "With each figure: its deviation from it, `=` where it is equal to the last unit."
    )
    units = {each.unit for each in index.readings if each.metric == metric}
    if "FLOP" in units:
        yield "A column in FLOP is compared as FLOP / 2: a MAC is two FLOPs."
    yield f"Versions: {versions(index, metric)}."


RULE: dict[Metric, str] = {
    "compute": "one MAC for each multiplication of a convolution or matrix product",
    "params": "distinct parameter elements, trainable or not",
}
"""What the reference counts"""


def versions(index: Index, metric: Metric) -> str:
    """``thop 0.1.1, fvcore 0.1.5``: the counters that are shown."""
    shown = {column.counter for column in shown_columns(index, metric)}
    found = {each.counter: each.version for each in index.readings if each.counter in shown}
    return ", ".join(shorten(f"{name} {version}", 60) for name, version in found.items()) or "none"


def _head(index: Index, column: CounterColumn, metric: Metric) -> Column:
    units = sorted({reading.unit for reading in index.in_column(column, metric).values()})
    return Column(column.counter, "cell", " / ".join(map(many, units)), column.under)
