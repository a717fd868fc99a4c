"""The report as one HTML file that needs no network."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

from harness.records import Metric, Run
from harness.report.cases import sections
from harness.report.charts import CLASSES, class_of, heatmap, instructive, waterfall
from harness.report.comparison import (
    cause_table,
    comparison,
    environment_table,
    silent,
    timing_table,
    unknowns,
    version_table,
)
from harness.report.index import METRICS, Index
from harness.report.tables import Cell, Column, Link, Table, show
from harness.report.text import is_number, percent, printable
from harness.report.verdict import headline, verdict

HERE = Path(__file__).parent


def render(run: Run) -> bytes:
    """The whole report."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    pages = Environment(loader=FileSystemLoader(HERE), autoescape=True, trim_blocks=True,
                        lstrip_blocks=True, undefined=StrictUndefined)  # fmt: skip
    pages.filters.update(show=_show, exact=_exact, printable=printable, percent=percent)
    pages.tests.update(cell=lambda value: isinstance(value, Cell),
                       link=lambda value: isinstance(value, Link))  # fmt: skip
    text = pages.get_template("page.html.j2").render(**contents(run))
    return text.encode("utf-8", "replace")


def contents(run: Run) -> dict[str, Any]:
    """What the template lays out: sentences, tables and charts."""
    from markupsafe import Markup

    index = Index(run)
    best = instructive(run)
    return {
        "suite": run.suite, "headline": headline(run), "verdict": verdict(run),
        "heatmap": Markup(inline(heatmap(run))),
        "waterfall": Markup(inline(waterfall(run, best))) if best else "",
        "comparisons": _comparisons(index), "causes": cause_table(index),
        "sections": sections(index), "time": timing_table(run),
        "environment": environment_table(run), "versions": version_table(index),
        "silent": silent(index), "unknowns": unknowns(index), "command": command(run),
        "tone": tone, "schema": run.schema, "whole": Column("", "integer"),
    }  # fmt: skip


def _comparisons(index: Index) -> list[Table]:
    asked: list[Metric] = [metric for metric in METRICS if index.columns(metric)]
    return [comparison(index, metric) for metric in asked]


def command(run: Run) -> str:
    """How to reproduce the run."""
    return f"make compare SUITE={shlex.quote(printable(run.suite.name))}"


def inline(svg: str) -> str:
    """An SVG as part of a page; who cannot see it has the table beside it."""
    hidden = '<svg aria-hidden="true" focusable="false"'
    return re.sub(r"^.*?<svg", hidden, svg, count=1, flags=re.S)


def tone(cell: Cell) -> str:
    """The CSS class of a cell: side and strength of its deviation, as in the heat map."""
    if cell.value is None:
        return "silent"
    name = class_of(cell)
    for strength, (_, words, _, _) in enumerate(CLASSES, 1):
        if name.startswith(words):
            return f"{'high' if name.endswith('above') else 'low'} d{strength}"
    return "equal" if cell.deviation == 0 else ""


def _show(value: Any, column: Column) -> str:
    text = show(value, column)
    return text.replace("-", "\N{MINUS SIGN}") if is_number(value) else text


def _exact(value: Any) -> str:
    """The number itself, for the title of a cell and for sorting."""
    return repr(value) if is_number(value) else ""
