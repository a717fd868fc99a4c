"""Reports of a run: neutral tables and charts, and one pure renderer for each format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

from flop_harness.records import Run
from flop_harness.report.analysis import findings
from flop_harness.report.analysis.related import related_results
from flop_harness.report.analysis.verdict import Verdict, headline, verdict, verdict_lines
from flop_harness.report.charts import drawing
from flop_harness.report.charts.charts import heatmap, legible, spread_chart, waterfall
from flop_harness.report.formats import csv, html, latex, markdown
from flop_harness.report.formats.bibtex import bibtex
from flop_harness.report.formats.terminal import case_table
from flop_harness.report.tables import tables

__all__ = ["FORMATS", "PAGES", "Verdict", "case_table", "headline", "render", "verdict",
           "verdict_lines", "write"]  # fmt: skip

PAGES = ("report.html", "report.md")
"""What also tells what lies beside the run"""

FORMATS: Mapping[str, Callable[[Run], bytes]] = {
    "readings.csv": lambda run: csv.render(tables.readings(run)),
    "bridges.csv": lambda run: csv.render(tables.bridges(run)),
    "findings.csv": lambda run: csv.render(findings.table(run)),
    "report.md": markdown.render,
    "report.html": html.render,
    "table.tex": latex.render,
    "citation.bib": lambda run: f"{bibtex(run.suite)}\n".encode(),
    **drawing.files({"heatmap": heatmap, "spread": spread_chart, "waterfall": waterfall}),
}


def render(run: Run, name: str) -> bytes:
    """One file of the report, as bytes."""
    return FORMATS[name](run)


def write(run: Run, folder: Path, names: Iterable[str] = FORMATS) -> list[Path]:
    """Write files of the report into ``folder``, by default every one; return their paths.

    The pages tell what was proven, timed and published of the suite, as far as that is there.
    """
    from flop_harness.store import write_atomically

    around = related_results(folder, run)
    pages = {
        "report.html": partial(html.render, around=around),
        "report.md": partial(markdown.render, machines=around.machines),
    }
    paths = [folder / name for name in names if not name.startswith("heatmap") or legible(run)]
    for path in paths:
        write_atomically(path, pages.get(path.name, FORMATS[path.name])(run))
    return paths
