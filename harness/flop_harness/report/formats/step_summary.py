"""A run in the summary of a step on GitHub."""

from __future__ import annotations

from flop_harness.records import Run
from flop_harness.report.analysis.index import Index
from flop_harness.report.analysis.verdict import headline, unknowns
from flop_harness.report.formats.markdown import grid
from flop_harness.report.formats.markdown import plain as escaped
from flop_harness.report.tables.deviations import compact_table, parameter_lines

SUMMARY_BYTES = 1_000_000
"""GitHub refuses a step summary of more than 1 MiB"""


def step_summary(run: Run) -> str:
    """The run as GitHub shows it below a step: headline, table, what is open, in Markdown."""
    index = Index(run)
    parts = [f"## FLOP counters on {escaped(run.suite.name)}", f"**{escaped(headline(run))}**"]
    if index.metrics:
        parts.append(grid(compact_table(index), titled=False))
    parts += [f"- {escaped(line)}" for line in parameter_lines(index)]
    parts += [f"- {escaped(line)}" for line in unknowns(index)]
    text = "\n\n".join(parts) + "\n\n"
    if len(text.encode("utf-8", "replace")) > SUMMARY_BYTES:
        return "\n\n".join([*parts[:2], "The table is too long for a step summary."]) + "\n\n"
    return text
