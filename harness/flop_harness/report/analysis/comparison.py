"""Who says what, what is open, and how it was measured: the tables over a whole run."""

from __future__ import annotations

from collections import defaultdict

from flop_harness.records import Metric, Reading, Run
from flop_harness.report.analysis.index import (
    BASE_UNIT,
    BROKEN,
    UNIT_WORDS,
    Column,
    Index,
    figures_of,
    is_figure,
    key_of,
    plain,
    where,
)
from flop_harness.report.tables import tables
from flop_harness.report.tables.tables import Cell, Link, Table
from flop_harness.report.words.text import anchor, few, flatten, plural, shorten

NAMES = {"compute": "Compute", "params": "Parameters"}


def cell_of(index: Index, reading: Reading) -> Cell:
    """A reading as a comparison shows it."""
    told = is_figure(reading)
    bridge = index.bridge_of.get(key_of(reading))
    return Cell(
        reading.case, reading.counter, reading.context, reading.metric, reading.unit,
        reading.status,
        value=reading.value if told else None,
        deviation=index.deviation(reading),
        residual=index.residual(reading) if told else None,
        message=reading.message,
        modules=bridge.modules if bridge else 0,
        off=len(bridge.off) if bridge else 0,
    )  # fmt: skip


def comparison(index: Index, metric: Metric) -> Table:
    """Rows are cases, columns counters; the reference comes first."""
    shown = shown_columns(index, metric)
    cells = [{case: cell_of(index, reading)
              for case, reading in index.in_column(column, metric).items()}
             for column in shown]  # fmt: skip
    unit = UNIT_WORDS.get(BASE_UNIT[metric], BASE_UNIT[metric])
    heads = [tables.Column("case"), tables.Column("reference", "integer", unit)]
    heads += [_head(index, column, metric) for column in shown]
    rows = []
    for case in index.cases:
        found = [asked.get(case) for asked in cells]
        reference = index.reference(case, metric)
        if any(found) or reference is not None:
            name = Link(case, anchor("case", case))
            rows.append((name, None if reference is None else plain(reference), *found))
    note = "The reference is the account of `analytic`. With each figure: its deviation from it, "
    note += "`=` where it is equal to the last unit."
    if any(head.unit == "FLOP" for head in heads):
        note += " A column in FLOP is compared as FLOP / 2: a MAC is two FLOPs."
    return Table(NAMES[metric], tuple(heads), tuple(rows), note)


def shown_columns(index: Index, metric: Metric) -> tuple[Column, ...]:
    """The columns of a comparison; `analytic` is left out where it restates the reference."""
    told = [each for each in index.readings if each.counter == "analytic"]
    restates = all(index.deviation(each) == 0 and index.residual(each) in (0, None)
                   for each in told if each.metric == metric)  # fmt: skip
    columns = index.columns(metric)
    return tuple(each for each in columns if not (restates and each.counter == "analytic"))


def _head(index: Index, column: Column, metric: Metric) -> tables.Column:
    units = sorted({reading.unit for reading in index.in_column(column, metric).values()})
    return tables.Column(column.counter, "cell", " / ".join(units), column.under)


# ------------------------------------------------------------------------- what is not known


def silent(index: Index) -> Table:
    """Readings without a figure, alike ones together."""
    groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for reading in index.readings:
        if not is_figure(reading):
            status = "no figure" if reading.status == "ok" else reading.status.replace("_", " ")
            key = (status, reading.counter, str(reading.context), reading.metric, reading.message)
            groups[key].append(reading.case)
    columns = tables.columns("status counter context metric cases:integer")
    columns += (tables.Column("which"), tables.Column("message"))
    rows = tuple(
        (*key[:4], len(cases), few(cases, 4), shorten(key[4], 300)) for key, cases in groups.items()
    )
    return Table("Counters without a figure", columns, rows)


def unknowns(index: Index) -> list[str]:
    """What this run leaves open, one sentence each; empty where nothing is."""
    lines = [f"UNEXPLAINED: {where(reading)}: {index.gap(reading)}."
             for reading in figures_of(index.readings) if not index.explained(reading)]  # fmt: skip
    broken = sum(reading.status in BROKEN for reading in index.readings)
    if broken:
        lines.append(f"{plural(broken, 'reading')} failed: see the counters without a figure.")
    for failure in index.run.failures:
        lines.append(f"{shorten(failure.of_what, 60)}: our {shorten(failure.stage, 40)} failed: "
                     f"{shorten(failure.message, 300)}")  # fmt: skip
    for case, operators in index.run.unsupported.items():
        names = [f"{name} x {count:,}" for name, count in operators.items()]
        if names:
            lines.append(f"{shorten(case, 60)}: operators without a formula: {few(names, 8)}.")
    return lines


# --------------------------------------------------------------------------- the other tables


def environment_table(run: Run) -> Table:
    """What the figures were measured on."""
    rows = [("suite", f"{run.suite.name}, version {run.suite.version}")]
    rows += [("suite digest", run.suite.digest)] if run.suite.digest else []
    rows += flatten(run.environment)
    return Table("Environment", tables.columns("what value"), tuple(rows))


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
    heads = (*tables.columns("counter version contexts"), tables.Column("its rules follow"))
    return Table("Counters", heads, rows)
