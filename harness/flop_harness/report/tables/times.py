"""What was measured on one machine, theory beside it."""

from __future__ import annotations

import statistics
from dataclasses import replace
from typing import Any

from flop_harness.records import Suite
from flop_harness.records.times import Times
from flop_harness.report.analysis.statements import Statement, not_shown
from flop_harness.report.analysis.timings import CaseTiming, MachineTimings
from flop_harness.report.tables.table import Column, Table, columns
from flop_harness.report.words.text import flatten, repeats_counted
from flop_harness.timing.statistics import median
from flop_harness.timing.theory.roofline import compute_share

CASES = (
    Column("case"), Column("series"), Column("input"), Column("median", "number", "ms"),
    Column("from", "number", "95 %, ms"), Column("to", "number", "95 %, ms"),
    Column("half", "number", "%", note="of the interval"), Column("IQR", "number", "ms"),
    Column("samples", "integer"), Column("outliers", "integer"),
    Column("MAC", "integer"), Column("achieved", "number", "GMAC/s"),
    Column("bound", "number", "ms", note="roofline"), Column("share", "number", "%", "of attainable"),
    Column("limited by"), Column("verdict"), Column("ended"),
)  # fmt: skip


def case_table(times: Times) -> Table:
    """Every case in every series, theory beside it."""
    clock = MachineTimings(times)
    note = (
        "The median of turns, its 95 % interval by order statistics; outliers lie three "
        "interquartile ranges outside and are kept. The bound adds up the least time of every layer "
        "under the ceilings measured here; share is bound / median. MAC are the reference's. "
        f"{made_with(times)}."
    )
    rows = tuple(_case_row(clock, clocked) for clocked in clock.clocked.values())
    return Table("Time beside theory", CASES, rows, note)


def made_with(times: Times) -> str:
    """The versions behind the figures."""
    torch = times.environment.get("torch", {}).get("version", "?")
    harness = times.environment.get("harness", "?")
    return f"torch {torch}, flop-harness {harness}, {times.suite} version {times.version}"


SHORT = (
    Column("case"), Column("series"), Column("input"), Column("median", "number", "ms"),
    Column("±", "number", "%"),
    Column("bound", "number", "ms"), Column("share", "number", "%"), Column("limited by"),
    Column("verdict"),
)  # fmt: skip


def short_table(times: Times) -> Table:
    """What a terminal has room for."""
    whole = case_table(times)
    places = [whole.names.index(name) for name in
              ("case", "series", "input", "median", "half", "bound", "share", "limited by", "verdict")]  # fmt: skip
    rows = tuple(tuple(row[place] for place in places) for row in whole.rows)
    return Table(whole.title, SHORT, rows, "± is half the 95 % interval of the median; bound is the "
                 "roofline's, share is bound / median. " + f"{made_with(times)}.")  # fmt: skip


def _case_row(clock: MachineTimings, clocked: CaseTiming) -> tuple[Any, ...]:
    case, series = clocked.case, clocked.series
    forward = series.phase == "forward"
    macs = clock.amount(case, "macs") if forward else None
    middle, width, spread = clocked.median, clocked.half_width, clocked.iqr
    low, high = clocked.interval or (None, None)
    least = clock.least(case, series) if forward else None
    speed = macs / middle / 1e9 if macs is not None and middle else None
    verdict = clocked.problem or str(clocked.stability)
    return (
        case, str(series), inputs_of(clock, case),
        *(scaled(value, 1e3) for value in (middle, low, high)),
        scaled(width, 100), scaled(spread, 1e3), len(clocked.samples), clocked.stability.outliers,
        macs, speed, scaled(least, 1e3), 100 * least / middle if least is not None and middle else None,
        limit(clock, clocked) if forward else None, verdict, clocked.ended,
    )  # fmt: skip


def inputs_of(clock: MachineTimings, case: str) -> str:
    """What the model was called with; where it was not traced, what the case names."""
    called = clock.theory[case].inputs if case in clock.theory else ""
    return repeats_counted(called or clock.cases[case].shapes) or "its own"


def scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def limit(clock: MachineTimings, clocked: CaseTiming) -> str:
    """What most of the bound is made of."""
    if clocked.case not in clock.theory or clocked.series not in clock.roofs:
        return ""
    layers = clock.theory[clocked.case].layers
    return "compute" if compute_share(clock.roofs[clocked.series], layers) >= 0.5 else "memory"


REPEATS = (
    Column("case"), Column("series"), Column("second / first", "factor"), Column("overlap"),
    Column("first from", "number", "ms"), Column("first to", "number", "ms"),
    Column("second from", "number", "ms"), Column("second to", "number", "ms"),
)  # fmt: skip


def repeat_table(clock: MachineTimings) -> Table:
    rows = tuple(
        (each.case, str(each.series), each.ratio, "yes" if each.overlaps else "no",
         *(value * 1e3 for interval in each.intervals for value in interval))
        for each in clock.repeats
    )  # fmt: skip
    note = "Two sessions one after the other, each in fresh processes, by their own intervals."
    return Table("Measured twice", REPEATS, rows, note)


LEAST = (
    Column("case"), Column("series"), Column("least", "number", "ms"),
    Column("lower quartile", "number", "ms"), Column("median", "number", "ms"),
)  # fmt: skip
STEAL = 0.001
"""Of the cores' time; more that a hypervisor took is seen in the samples"""


def least_table(clock: MachineTimings) -> Table:
    """Where a hypervisor took cores away: what it cannot have lengthened, as no sample is too short."""
    stolen = max((each.steal or 0 for each in clock.times.load), default=0) > STEAL
    rows = tuple(
        (each.case, str(each.series), *(value * 1e3 for value in
         (min(each.samples), quantiles(each.samples)[0], median(each.samples))))
        for each in clock.clocked.values() if stolen and len(each.samples) > 1
    )  # fmt: skip
    return Table("Least and lower quartile of raw samples", LEAST, rows,
                 "A hypervisor took core time meanwhile, which lengthens some samples.")  # fmt: skip


def quantiles(samples: tuple[float, ...]) -> list[float]:
    return statistics.quantiles(samples, n=4, method="inclusive")


def statement_table(found: list[Statement]) -> Table:
    """What would be said if the samples showed it."""
    rows = tuple((each.text, each.why) for each in not_shown(found))
    return Table("What the samples do not show", columns("statement why"), rows)


CEILINGS = columns("kind series amount:integer rate:number unit")


def ceiling_table(clock: MachineTimings) -> Table:
    """The best sample of each size."""
    rows = tuple(
        (each.kind, str(each.series), each.amount, each.amount / min(each.samples) / 1e9,
         "GB/s" if each.kind == "copy" else "GFLOP/s")
        for each in clock.times.ceilings
    )  # fmt: skip
    note = (
        "Products of square matrices and convolutions by their FLOP; copies by the bytes read and "
    )
    note += "written. The fastest product of either kind is the ceiling."
    return Table("Ceilings measured here", CEILINGS, rows, note)


def environment_table(clock: MachineTimings) -> Table:
    times = clock.times
    rows = [("suite", f"{times.suite}, version {times.version}"), ("machine", times.machine)]
    rows += [(f"policy.{name}", value) for name, value in flatten(_policy(times))]
    rows += flatten(times.environment)
    for number, state in enumerate(times.clocks, 1):
        rows += flatten(state, f"session {number}.")
    return Table("Environment", columns("what value"), tuple(rows))


def _policy(times: Times) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(times.policy)


def table_of(times: Times, suite: Suite) -> Table:
    """The short table, of the suite's cases alone."""
    cases, whole = {case.id for case in suite.cases}, short_table(times)
    return replace(whole, rows=tuple(row for row in whole.rows if row[0] in cases))
