"""The report of what was measured on one machine: tables, sentences, files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flop_harness.records.times import Times
from flop_harness.report.analysis import predictors, sweeps
from flop_harness.report.analysis.timings import AGREEMENT, CaseTiming, MachineTimings
from flop_harness.report.charts import drawing, timecharts
from flop_harness.report.formats import csv
from flop_harness.report.tables import layers, memory
from flop_harness.report.tables.tables import Column, Table, columns
from flop_harness.report.words.text import digits, flatten, plural, shorten
from flop_harness.timing.load import QUIET
from flop_harness.timing.theory.roofline import compute_share

CASES = (
    Column("case"), Column("series"), Column("median", "number", "ms"),
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
        "under the ceilings measured here; share is bound / median."
    )
    rows = tuple(_case_row(clock, clocked) for clocked in clock.clocked.values())
    return Table("Time beside theory", CASES, rows, note)


SHORT = (
    Column("case"), Column("series"), Column("median", "number", "ms"), Column("±", "number", "%"),
    Column("bound", "number", "ms"), Column("share", "number", "%"), Column("limited by"),
    Column("verdict"),
)  # fmt: skip


def short_table(times: Times) -> Table:
    """What a terminal has room for."""
    whole = case_table(times)
    places = [whole.names.index(name) for name in
              ("case", "series", "median", "half", "bound", "share", "limited by", "verdict")]  # fmt: skip
    rows = tuple(tuple(row[place] for place in places) for row in whole.rows)
    return Table(whole.title, SHORT, rows, "± is half the 95 % interval of the median; bound is the "
                 "roofline's, share is bound / median.")  # fmt: skip


def _case_row(clock: MachineTimings, clocked: CaseTiming) -> tuple[Any, ...]:
    case, series = clocked.case, clocked.series
    macs = clock.amount(case, "macs")
    middle, width, spread = clocked.median, clocked.half_width, clocked.iqr
    low, high = clocked.interval or (None, None)
    least = clock.least(case, series)
    speed = macs / middle / 1e9 if macs is not None and middle else None
    verdict = clocked.problem or str(clocked.stability)
    return (
        case, str(series), *(scaled(value, 1e3) for value in (middle, low, high)),
        scaled(width, 100), scaled(spread, 1e3), len(clocked.samples), clocked.stability.outliers,
        macs, speed, scaled(least, 1e3), 100 * least / middle if least is not None and middle else None,
        limit(clock, clocked), verdict, clocked.ended,
    )  # fmt: skip


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


def repeat_sentence(clock: MachineTimings) -> str:
    """Whether two sessions agree; else that the machine is too noisy, and by how much."""
    found = clock.repeats
    if not found:
        return "Measured once: nothing is known of how well this repeats."
    apart = sorted(abs(each.ratio - 1) for each in found if not each.overlaps)
    agreeing = len(found) - len(apart)
    said = (
        f"Two sessions agree, by intervals that overlap, on {agreeing} of "
        f"{plural(len(found), 'median')}"
    )
    if agreeing >= AGREEMENT * len(found):
        return f"{said}."
    middle = apart[len(apart) // 2]
    return (
        f"This machine is too noisy: {said.lower()}, fewer than {AGREEMENT:.0%}; the others lie "
        f"{digits(middle * 100)} % apart in the middle and {digits(apart[-1] * 100)} % at most."
    )


def policy_sentence(clock: MachineTimings) -> str:
    """How many series ended for which reason, and how many look stable."""
    found = [each for each in clock.clocked.values() if each.turns]
    narrow = sum(each.ended == "precise" for each in found)
    stable = sum(each.stability.stable for each in found)
    policy = clock.times.policy
    return (
        f"{plural(len(found), 'series')}: {narrow} within ±{policy.precision:.0%}, "
        f"{len(found) - narrow} stopped by the budget of {policy.budget_s:g} s; {stable} look stable."
    ).replace("serieses", "series")


def load_sentence(clock: MachineTimings) -> str:
    """What others did meanwhile."""
    found = clock.times.load
    if not found:
        return ""
    told = ", ".join(f"{each.others:.2f} cores {each.when}" for each in found)
    averages = " ".join(f"{value:g}" for value in found[0].averages)
    quiet = all(each.others <= QUIET for each in found)
    lead = "Alone on the machine" if quiet else "NOT alone on the machine"
    return f"{lead}: others kept busy {told} (load averages {averages} before)."


def sentences(times: Times) -> list[str]:
    """What the measurements support, one sentence each."""
    clock = MachineTimings(times)
    return [line for line in (
        policy_sentence(clock), repeat_sentence(clock), load_sentence(clock),
        *predictors.sentences(clock), *sweeps.grouped_sentences(clock),
        *sweeps.input_sentences(clock), *memory.sentences(clock), *layers.sentences(clock),
        *failure_sentences(times),
    ) if line]  # fmt: skip


def failure_sentences(times: Times) -> Iterator[str]:
    """What could not be timed or counted; the same in every session is told once."""
    for each in dict.fromkeys(times.failures):
        yield f"{shorten(each.case, 60)}: our {each.stage} failed: {shorten(each.message, 300)}"


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


def tables(clock: MachineTimings) -> Iterator[tuple[str, list[Table]]]:
    """(heading, tables) of the report, in its order; empty ones are left out by who shows them."""
    yield "Cases", [case_table(clock.times), repeat_table(clock)]
    yield "What predicts time", [predictors.predictor_table(clock, each) for each in clock.series]
    yield "Grouped convolutions", [sweeps.grouped_table(clock)]
    yield "Larger inputs", [sweeps.input_table(clock)]
    yield "Roofline", [ceiling_table(clock)]
    yield "Layers", [layers.summary_table(clock), layers.hook_table(clock)]
    yield "Memory", [memory.table(clock)]
    yield "How it was measured", [environment_table(clock)]


def markdown(times: Times) -> bytes:
    return ("\n\n".join(_blocks(times)) + "\n").encode("utf-8", "replace")


def _blocks(times: Times) -> Iterator[str]:
    from flop_harness.report.formats.markdown import grid, plain

    clock = MachineTimings(times)
    yield f"# Time and memory of {plain(times.suite)} on {plain(times.machine)}"
    yield "\n".join(f"- {plain(line)}" for line in sentences(times))
    drawn = {chart.heading: chart for chart in timecharts.charts(clock)}
    for heading, found in tables(clock):
        shown = [table for table in found if table.rows]
        if not shown:
            continue
        yield f"## {heading}"
        if heading in drawn:
            yield f"![{plain(drawn[heading].alt)}]({drawn[heading].file})"
        yield from map(grid, shown)


def html(times: Times) -> bytes:
    """One page that needs no network."""
    from flop_harness.report.formats.html import drawn as inlined
    from flop_harness.report.formats.html import pages

    clock = MachineTimings(times)
    drawn = {chart.heading: (chart, inlined(chart.draw())) for chart in timecharts.charts(clock)}
    sections = [(heading, drawn.get(heading), [table for table in found if table.rows])
                for heading, found in tables(clock)]  # fmt: skip
    page = pages().get_template("times.html.j2").render(
        times=times, sentences=sentences(times), schema=times.schema,
        sections=[section for section in sections if section[2]],
    )  # fmt: skip
    return page.encode("utf-8", "replace")


def chart(name: str) -> Callable[[Times], str]:
    """What draws one chart; a chart of nothing says so."""
    return lambda times: timecharts.DRAWN[name](MachineTimings(times))


FILES: Mapping[str, Callable[[Times], bytes]] = {
    "report.html": html,
    "report.md": markdown,
    "cases.csv": lambda times: csv.render(case_table(times)),
    "layers.csv": lambda times: csv.render(layers.layer_table(MachineTimings(times))),
    **drawing.files({name: chart(name) for name in timecharts.DRAWN}),
}
