"""Reports of a run: neutral tables and charts, and one pure renderer for each format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from harness.errors import UserError
from harness.records import Proofs, Run, Suite
from harness.report import csv, findings, html, latex, markdown, tables
from harness.report.charts import heatmap, spread_chart, waterfall
from harness.report.terminal import case_table
from harness.report.verdict import Verdict, headline, verdict, verdict_lines

__all__ = ["FORMATS", "Verdict", "case_table", "headline", "render", "verdict", "verdict_lines",
           "write", "write_page"]  # fmt: skip

PAGE = "report.html"

FORMATS: Mapping[str, Callable[[Run], bytes]] = {
    "readings.csv": lambda run: csv.render(tables.readings(run)),
    "bridges.csv": lambda run: csv.render(tables.bridges(run)),
    "findings.csv": lambda run: csv.render(findings.table(run)),
    "timings.csv": lambda run: csv.render(tables.timings(run)),
    "report.md": markdown.render,
    PAGE: html.render,
    "table.tex": latex.render,
    "heatmap.svg": lambda run: heatmap(run).encode(),
    "spread.svg": lambda run: spread_chart(run).encode(),
    "waterfall.svg": lambda run: waterfall(run).encode(),
}


def render(run: Run, name: str) -> bytes:
    """One file of the report, as bytes."""
    return FORMATS[name](run)


def write(run: Run, folder: Path, names: Iterable[str] = FORMATS) -> list[Path]:
    """Write files of the report into ``folder``, by default every one; return their paths."""
    from harness.store import write_atomically

    paths = [folder / name for name in names]
    for path in paths:
        if path.name == PAGE:
            write_page(run, folder)
        else:
            write_atomically(path, render(run, path.name))
    return paths


def write_page(run: Run, folder: Path) -> Path:
    """Write the HTML report, with the suite's proofs if they lie in ``folder`` already."""
    from harness.store import write_atomically

    path = folder / PAGE
    write_atomically(path, html.render(run, proofs_in(folder, run.suite)))
    return path


def proofs_in(folder: Path, suite: Suite) -> Proofs | None:
    from harness.store import load_proofs

    try:
        proofs = load_proofs(folder)
    except UserError:  # none are there, or another version of the harness made them
        return None
    return proofs if (proofs.suite, proofs.version) == (suite.name, suite.version) else None
