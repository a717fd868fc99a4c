"""What was measured on one machine: its Markdown and its page."""

from __future__ import annotations

from collections.abc import Iterator

from flop_harness.records.times import Times
from flop_harness.report.analysis.time_sentences import sentences, statements
from flop_harness.report.analysis.timings import MachineTimings
from flop_harness.report.charts.times import charts
from flop_harness.report.formats import html as pages
from flop_harness.report.formats.markdown import grid, page, plain
from flop_harness.report.tables import layers, memory, predictors, sweeps
from flop_harness.report.tables.contexts import context_table
from flop_harness.report.tables.table import Table
from flop_harness.report.tables.times import (
    case_table,
    ceiling_table,
    environment_table,
    least_table,
    repeat_table,
    statement_table,
)


def sections(clock: MachineTimings) -> Iterator[tuple[str, list[Table]]]:
    """(heading, tables) of the report, in its order; empty ones are left out."""
    yield from (
        (heading, shown)
        for heading, tables in _every_section(clock)
        if (shown := [table for table in tables if table.rows])
    )


def _every_section(clock: MachineTimings) -> Iterator[tuple[str, list[Table]]]:
    yield "Cases", [case_table(clock.times), repeat_table(clock), least_table(clock)]
    yield "What predicts time", [predictors.predictor_table(clock, each) for each in clock.series]
    yield "Overhead apart from work", [
        table(clock, each) for each in clock.series
        for table in (predictors.rate_table, predictors.part_table)
    ]  # fmt: skip
    yield "Grouped convolutions", [sweeps.grouped_table(clock)]
    yield "Larger inputs", [sweeps.input_table(clock)]
    yield "Other dtypes, layouts and forms", [context_table(clock)]
    yield "Roofline", [ceiling_table(clock)]
    yield "Layers", [layers.summary_table(clock), layers.hook_table(clock)]
    yield "Memory", [memory.table(clock)]
    yield "What is not shown", [statement_table(statements(clock))]
    yield "How it was measured", [environment_table(clock)]


def markdown(times: Times) -> bytes:
    return page(_blocks(times))


def _blocks(times: Times) -> Iterator[str]:
    clock = MachineTimings(times)
    yield f"# Time and memory of {plain(times.suite)} on {plain(times.machine)}"
    yield "\n".join(f"- {plain(line)}" for line in sentences(times))
    drawn = {chart.heading: chart for chart in charts(clock)}
    for heading, tables in sections(clock):
        yield f"## {heading}"
        if heading in drawn:
            yield f"![{plain(drawn[heading].alt)}]({drawn[heading].file})"
        yield from map(grid, tables)


def html(times: Times) -> bytes:
    """One page that needs no network."""
    clock = MachineTimings(times)
    drawn = {chart.heading: (chart, pages.drawn(chart.draw())) for chart in charts(clock)}
    shown = [(heading, drawn.get(heading), tables) for heading, tables in sections(clock)]
    return pages.render("times.html.j2", times=times, sentences=sentences(times),
                        schema=times.schema, sections=shown)  # fmt: skip
