"""What was timed of a suite, one machine after another; figures of two are never mixed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flop_harness.errors import UserError
from flop_harness.records import Suite
from flop_harness.records.times import Times
from flop_harness.report.analysis import predictors, sweeps
from flop_harness.report.analysis.timings import CaseTiming, MachineTimings
from flop_harness.report.charts.timecharts import Chart, charts
from flop_harness.report.tables.tables import Table, columns
from flop_harness.report.tables.times import sentences, short_table

Machines = Mapping[str, Times]
"""Folder beside the run -> what was measured there"""


def times_in(folder: Path) -> Machines:
    """What was measured in the folders of ``folder``, of whatever suite."""
    from flop_harness.store import TIMES_FILE, load_times

    found = {}
    for path in sorted(folder.glob(f"*/{TIMES_FILE}")):
        with suppress(UserError):  # another version of the harness made them
            found[path.parent.name] = load_times(path)
    return found


def machines_in(folder: Path, suite: Suite) -> Machines:
    """What lies in the folders of ``folder`` and is of this suite in this version."""
    return {
        machine: times for machine, times in times_in(folder).items()
        if (times.suite, times.version) == (suite.name, suite.version)
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Timed:
    """What one machine tells in a suite's report; ``link`` leads to the machine's own."""

    name: str
    sentences: list[str]
    charts: list[Chart]
    table: Table
    link: str


def timed(machines: Machines, suite: Suite) -> list[Timed]:
    """Of each machine that timed any case of the suite."""
    found = [
        Timed(each.machine, sentences(each), list(charts(MachineTimings(each))),
              table_of(each, suite), f"{quote(folder)}/report.html")
        for folder, each in machines.items()
    ]  # fmt: skip
    return [each for each in found if each.table.rows]


TELLING = ("What predicts time", "Grouped convolutions")
"""What the times of one suite say of the models of another"""


def timed_elsewhere(neighbours: Machines, suite: Suite) -> list[Timed]:
    """Other suites: which count predicts time, and what groups bring."""
    models = {case.model for case in suite.cases}
    return [
        _elsewhere(folder, MachineTimings(times), models) for folder, times in neighbours.items()
    ]


def _elsewhere(folder: str, clock: MachineTimings, models: set[str]) -> Timed:
    """The charts only where all of its models are the suite's: they are then about the suite."""
    told = [*predictors.sentences(clock), *sweeps.grouped_sentences(clock)]
    within = {case.model for case in clock.times.cases} <= models
    drawn = [chart for chart in charts(clock) if chart.heading in TELLING and within]
    name, table = f"{clock.times.suite} on {clock.times.machine}", Table("", (), ())
    return Timed(name, told, drawn, table, f"{folder}/report.html")


def table_of(times: Times, suite: Suite) -> Table:
    """The short table, of the suite's cases alone."""
    cases, whole = {case.id for case in suite.cases}, short_table(times)
    return replace(whole, rows=tuple(row for row in whole.rows if row[0] in cases))


TIMINGS = columns(
    "case device threads:integer dtype median_s:number iqr_s:number samples:integer machine series "
    "low_s:number high_s:number bound_s:number status message"
)


def timings(machines: Iterable[Times]) -> Table:
    """A row for each case in each series on each machine, in seconds: as data, not as text.

    ``low_s`` and ``high_s`` are the 95 % interval of the median, ``bound_s`` is the roofline's.
    """
    clocks = map(MachineTimings, machines)
    rows = (_row(clock, each) for clock in clocks for each in clock.clocked.values())
    return Table("Timings", TIMINGS, tuple(rows))


def _row(clock: MachineTimings, each: CaseTiming) -> tuple[Any, ...]:
    series = each.series
    status = next((one.status for one in each.forwards if one.status != "ok"), "ok")
    return (
        each.case, series.device, series.threads, series.dtype, each.median, each.iqr,
        len(each.samples), clock.times.machine, str(series), *(each.interval or (None, None)),
        clock.least(each.case, series), status, each.problem,
    )  # fmt: skip
