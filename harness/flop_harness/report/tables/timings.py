"""Timings as data, a row for each case in each series on each machine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flop_harness.records.times import Times
from flop_harness.report.analysis.timings import CaseTiming, MachineTimings
from flop_harness.report.tables.table import Table, columns

TIMINGS = columns(
    "case device threads:integer dtype median_s:number iqr_s:number samples:integer machine series "
    "low_s:number high_s:number bound_s:number status message input torch"
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
        clock.cases[each.case].shapes, clock.times.environment.get("torch", {}).get("version", ""),
    )  # fmt: skip
