"""Reports of a run: neutral tables and charts, and one pure renderer for each format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from harness.records import Run
from harness.report import csv, findings, html, latex, markdown, tables
from harness.report.charts import heatmap, spread_chart, waterfall
from harness.report.terminal import case_table
from harness.report.verdict import Verdict, headline, verdict, verdict_lines

__all__ = ["FORMATS", "Verdict", "case_table", "headline", "render", "verdict", "verdict_lines",
           "write"]  # fmt: skip

FORMATS: Mapping[str, Callable[[Run], bytes]] = {
    "readings.csv": lambda run: csv.render(tables.readings(run)),
    "bridges.csv": lambda run: csv.render(tables.bridges(run)),
    "findings.csv": lambda run: csv.render(findings.table(run)),
    "timings.csv": lambda run: csv.render(tables.timings(run)),
    "report.md": markdown.render,
    "report.html": html.render,
    "table.tex": latex.render,
    "heatmap.svg": lambda run: heatmap(run).encode(),
    "spread.svg": lambda run: spread_chart(run).encode(),
    "waterfall.svg": lambda run: waterfall(run).encode(),
}


def render(run: Run, name: str) -> bytes:
    """One file of the report, as bytes."""
    return FORMATS[name](run)


def write(run: Run, folder: Path) -> list[Path]:
    """Write every file of the report into ``folder``; return their paths."""
    from harness.store import write_atomically

    paths = [folder / name for name in FORMATS]
    for path in paths:
        write_atomically(path, render(run, path.name))
    return paths
