"""Who says what, by how much they differ, and why: the tables over a whole run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from harness.records import Bridge, Metric, Reading, Run, Step
from harness.report import tables
from harness.report.index import (
    BASE_UNIT,
    Column,
    Index,
    deviation,
    figures_of,
    in_macs,
    is_figure,
    plain,
)
from harness.report.tables import Cell, Link, Table
from harness.report.text import Number, anchor, flatten, is_number, plural, shorten, whole
from harness.report.verdict import BROKEN

NAMES = {"compute": "Compute", "params": "Parameters"}


def cell_of(index: Index, reading: Reading) -> Cell:
    """A reading as a comparison shows it."""
    told = is_figure(reading)
    return Cell(
        reading.case, reading.counter, reading.context, reading.metric, reading.unit,
        reading.status,
        value=reading.value if told else None,
        deviation=index.deviation(reading),
        residual=index.residual(reading) if told else None,
        message=reading.message,
    )  # fmt: skip


def comparison(index: Index, metric: Metric) -> Table:
    """Rows are cases, columns counters; the reference comes first."""
    shown = shown_columns(index, metric)
    unit = BASE_UNIT[metric]
    cells = {
        (reading.case, *index.place(reading)): cell_of(index, reading)
        for reading in index.readings if reading.metric == metric
    }  # fmt: skip
    heads = [tables.Column("case"), tables.Column("reference", "integer", unit)]
    heads += [_head(index, column, metric) for column in shown]
    rows = []
    for case in index.cases:
        found = [cells.get((case, column.counter, column.context)) for column in shown]
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
    place = (column.counter, column.context)
    asked = [each for each in index.readings if each.metric == metric]
    units = sorted({reading.unit for reading in asked if index.place(reading) == place})
    return tables.Column(column.counter, "cell", " / ".join(units), str(column.context))


# ----------------------------------------------------------------------------------- causes


@dataclass
class Cause:
    """One term of one counter, wherever it occurs."""

    counter: str
    term: str
    metric: Metric
    unit: str
    steps: list[tuple[Bridge, Step]] = field(default_factory=list)

    @property
    def cases(self) -> int:
        return len({bridge.case for bridge, _ in self.steps})

    @property
    def total(self) -> Number:
        return sum(step.amount for _, step in self.steps)

    @property
    def largest(self) -> tuple[float, Bridge]:
        """The largest share of a reference, and the bridge in which it is so large."""
        shares = [(share(step.amount, bridge), bridge) for bridge, step in self.steps]
        return max(shares, key=lambda pair: abs(pair[0]))

    @property
    def smallest(self) -> Bridge:
        """The bridge of the smallest case that shows this cause."""
        return min((bridge for bridge, _ in self.steps), key=_size)


def share(amount: Number, bridge: Bridge) -> float:
    """A term as a share of its bridge's reference."""
    if amount == 0:
        return 0.0
    return deviation(bridge.reference + amount, bridge.reference)


def _size(bridge: Bridge) -> Fraction:
    return Fraction(bridge.reference)


def causes(index: Index) -> list[Cause]:
    """Every cause, those that touch most cases first, then the weightier."""
    found: dict[tuple[str, ...], Cause] = {}
    for bridge in index.bridges:
        for step in bridge.steps:
            key = (bridge.counter, step.term, bridge.metric, bridge.unit)
            if step.amount:
                found.setdefault(key, Cause(*key)).steps.append((bridge, step))  # type: ignore[arg-type]
    return sorted(found.values(), key=lambda cause: (
        cause.metric, -cause.cases, -abs(in_macs(cause.total, cause.unit)), cause.term
    ))  # fmt: skip


def cause_table(index: Index) -> Table:
    """The causes of all differences, ranked."""
    columns = (
        tables.Column("cause"), tables.Column("counter"), tables.Column("metric"),
        tables.Column("cases", "integer"), tables.Column("figures", "integer"),
        tables.Column("sum over figures", "signed"), tables.Column("unit"),
        tables.Column("largest share", "share", "of reference"), tables.Column("on"),
        tables.Column("smallest case that shows it"),
    )  # fmt: skip
    rows = tuple(_cause_row(cause) for cause in causes(index))
    note = "Ranked by the number of cases they touch, then by their weight. A counter that is read "
    note += "in several contexts has several figures for one case."
    return Table("Causes, ranked", columns, rows, note)


def _cause_row(cause: Cause) -> tuple[Any, ...]:
    largest, where = cause.largest
    return (
        cause.term, cause.counter, cause.metric, cause.cases, len(cause.steps), whole(cause.total),
        cause.unit, largest, _link(where), _link(cause.smallest),
    )  # fmt: skip


def _link(bridge: Bridge) -> Link:
    names = (bridge.metric, bridge.case, bridge.counter, bridge.context)
    return Link(bridge.case, anchor("why", *names))


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


def few(names: Iterable[str], count: int) -> str:
    """The first few names, and how many more there are."""
    every = list(names)
    more = [f"and {len(every) - count:,} more"] if len(every) > count else []
    return ", ".join([*(shorten(name, 60) for name in every[:count]), *more])


def unknowns(index: Index) -> list[str]:
    """What this run leaves open, one sentence each; empty where nothing is."""
    lines = [f"UNEXPLAINED: {where(reading)}: {_gap(index, reading)}."
             for reading in figures_of(index.readings) if index.residual(reading) != 0]  # fmt: skip
    broken = sum(reading.status in BROKEN for reading in index.readings)
    if broken:
        lines.append(f"{plural(broken, 'reading')} failed: see the counters without a figure.")
    for failure in index.run.failures:
        lines.append(f"{shorten(failure.case, 60)}: our {shorten(failure.stage, 40)} failed: "
                     f"{shorten(failure.message, 300)}")  # fmt: skip
    for case, operators in index.run.unsupported.items():
        names = [f"{name} x {count:,}" for name, count in operators.items()]
        if names:
            lines.append(f"{shorten(case, 60)}: operators without a formula: {few(names, 8)}.")
    return lines


def where(reading: Reading) -> str:
    """Which reading this is, in words."""
    text = f"{reading.case}, {reading.counter} ({reading.context}), {reading.metric}"
    return shorten(text, 120)


def _gap(index: Index, reading: Reading) -> str:
    residual = index.residual(reading)
    if residual is None:
        return "no bridge leads to this figure"
    return f"residual {residual:+,} {reading.unit}"


# --------------------------------------------------------------------------- the other tables


def timing_table(run: Run) -> Table:
    """Time beside theory, in units that people read."""
    columns = tables.columns("case device threads:integer dtype median:number IQR:number "
                             "samples:integer work:integer achieved:number status")  # fmt: skip
    units = {"median": "ms", "IQR": "ms", "work": "MAC", "achieved": "GMAC/s"}
    columns = tuple(replace(each, unit=units.get(each.name, "")) for each in columns)
    return Table("Time", columns, tuple(map(_timing_row, tables.timings(run).rows)))


def _timing_row(row: tuple[Any, ...]) -> tuple[Any, ...]:
    case, device, threads, dtype, median, iqr, samples, macs, rate, status, message = row
    times = [value * 1e3 if is_number(value) else None for value in (median, iqr)]
    said = f"{status.replace('_', ' ')}: {shorten(message, 100)}" if message else status
    speed = rate / 1e9 if is_number(rate) else None
    return (case, device, threads, dtype, *times, samples, macs, speed, said)


def environment_table(run: Run) -> Table:
    """What the figures were measured on."""
    rows = [("suite", f"{run.suite.name}, version {run.suite.version}")]
    rows += [("suite digest", run.suite.digest)] if run.suite.digest else []
    rows += flatten(run.environment)
    return Table("Environment", tables.columns("what value"), tuple(rows))


def version_table(index: Index) -> Table:
    """Which version of which counter was read, and in which contexts."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for reading in sorted(index.readings, key=lambda reading: reading.counter):
        contexts = found[reading.counter, reading.version]
        if str(reading.context) not in contexts:
            contexts.append(str(reading.context))
    rows = tuple((*key, ", ".join(contexts)) for key, contexts in found.items())
    return Table("Counters", tables.columns("counter version contexts"), rows)
