"""Reports of a run: neutral tables and charts, and one pure renderer for each format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from flop_harness.records import Failure, Run
from flop_harness.report.analysis import findings
from flop_harness.report.analysis.faults import Faults
from flop_harness.report.analysis.related import Related, related_results
from flop_harness.report.analysis.verdict import Verdict, headline, verdict, verdict_lines
from flop_harness.report.charts import drawing
from flop_harness.report.charts.charts import heatmap, legible, spread_chart, waterfall
from flop_harness.report.formats import csv, html, latex, markdown
from flop_harness.report.formats.bibtex import bibtex
from flop_harness.report.formats.terminal import case_table
from flop_harness.report.tables import tables

__all__ = [
    "FORMATS",
    "PAGES",
    "Verdict",
    "Written",
    "case_table",
    "headline",
    "render",
    "verdict",
    "verdict_lines",
    "with_failures",
    "write",
]  # fmt: skip

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


class Written(NamedTuple):
    """The files of a report that were written, and what of it could not be made."""

    paths: list[Path]
    failures: tuple[Failure, ...]


def write(run: Run, folder: Path, names: Iterable[str] = FORMATS) -> Written:
    """Write files of the report into ``folder``, by default every one.

    The pages tell what was proven, timed and published of the suite, as far as that is there. What
    cannot be made is a failure of its own; the files without it are written, these too.
    """
    from flop_harness.store import write_atomically

    faults = Faults()
    beside = partial(related_results, folder, run, faults)
    around = faults.attempt("", "what lies beside the run", beside, Related())
    run = with_failures(run, faults.found)
    pages = {
        "report.html": partial(html.render, around=around),
        "report.md": partial(markdown.render, machines=around.machines),
    }
    paths = []
    for path in (folder / name for name in names if not name.startswith("heatmap") or legible(run)):
        made = pages.get(path.name, FORMATS[path.name])
        content = faults.attempt("", path.name, partial(made, run), b"")
        if content:
            write_atomically(path, content)
            paths.append(path)
    return Written(paths, tuple(faults.found))


def with_failures(run: Run, failures: Iterable[Failure]) -> Run:
    """The run with further failures of ours, each once."""
    return replace(run, failures=tuple(dict.fromkeys((*run.failures, *failures))))
