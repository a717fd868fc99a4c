"""What was timed, as the report of a run tells it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from flop_harness.records import Suite
from flop_harness.report.analysis import predictors, sweep_statements
from flop_harness.report.analysis.machines import is_own, whose
from flop_harness.report.analysis.statements import shown
from flop_harness.report.analysis.time_sentences import sentences
from flop_harness.report.analysis.timings import MachineTimings
from flop_harness.report.charts.times import Chart, charts
from flop_harness.report.sources.times import Machines
from flop_harness.report.tables.table import Table
from flop_harness.report.tables.times import table_of


@dataclass(frozen=True, slots=True)
class Timed:
    """What one machine tells in a suite's report; ``folder`` holds the machine's own."""

    name: str
    sentences: list[str]
    charts: list[Chart]
    table: Table
    folder: str


def timed(machines: Machines, suite: Suite, here: str = "") -> list[Timed]:
    """Of each machine that timed any case of the suite; the one with the id ``here`` comes first."""
    ordered = sorted(machines.items(), key=lambda item: not is_own(item[1], here))
    found = [
        Timed(each.machine, [whose(each, here), *sentences(each)],
              list(charts(MachineTimings(each))), table_of(each, suite),
              quote(folder))
        for folder, each in ordered
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
    told = shown([*predictors.statements(clock), *sweep_statements.grouped_statements(clock)])
    within = {case.model for case in clock.times.cases} <= models
    drawn = [chart for chart in charts(clock) if chart.heading in TELLING and within]
    name, table = f"{clock.times.suite} on {clock.times.machine}", Table("", (), ())
    return Timed(name, told, drawn, table, folder)
