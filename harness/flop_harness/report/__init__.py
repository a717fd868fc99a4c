"""Reports: what records say, as sentences, tables and charts, in every format.

The way through it::

    words/      numbers, names and terms of bridges in words
    analysis/   what is computed from records: causes, agreement, verdicts, sentences
    sources/    what lies in a results folder beside a run: traces, times, proofs, audits
    tables/     columns and rows, a file for each subject
    charts/     plain data first, then SVG
    formats/    one renderer each: Markdown, HTML, CSV, LaTeX, terminal/, notebook, JUnit, ...
    pages/      templates, script and style of the HTML pages
    site/       all results as one site
    documents/  what makes up each document; files.py: which files are written of what
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flop_harness.records import Run
    from flop_harness.report.analysis.verdict import Verdict, headline, verdict, verdict_lines
    from flop_harness.report.documents.files import PAGES, Written, with_failures, write
    from flop_harness.report.documents.files import RUN as FORMATS
    from flop_harness.report.formats.terminal.case import case_table
    from flop_harness.report.tables.table import Table

__all__ = [
    "FORMATS",
    "PAGES",
    "Verdict",
    "Written",
    "case_table",
    "headline",
    "overview",
    "render",
    "verdict",
    "verdict_lines",
    "with_failures",
    "write",
]  # fmt: skip


HOMES = {
    "analysis.verdict": ("Verdict", "headline", "verdict", "verdict_lines"),
    "documents.files": ("PAGES", "Written", "with_failures", "write"),
    "formats.terminal.case": ("case_table",),
}
"""Modules that are imported when they are asked for: a count needs none of them."""


def __getattr__(name: str) -> Any:
    if name == "FORMATS":
        return import_module(f"{__name__}.documents.files").RUN
    for home, names in HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def render(run: Run, name: str) -> bytes:
    """One file of the report of a run, as bytes."""
    from flop_harness.report.documents.files import RUN

    return RUN[name](run)


def overview(run: Run) -> Iterator[Table]:
    """The figures of a run of one case, else a row of deviations for each case."""
    from flop_harness.report.analysis.index import Index
    from flop_harness.report.tables.deviations import deviation_table
    from flop_harness.report.tables.figures_of_case import figure_table

    index = Index(run)
    for metric in index.metrics:
        if len(index.cases) == 1:
            yield figure_table(index, metric)
        elif metric == "compute":
            yield deviation_table(index, metric)
