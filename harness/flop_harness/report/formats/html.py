"""The report as one HTML file that needs no network."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from flop_harness.records import Run
from flop_harness.report.analysis.agreement import distance_table, group_table, matrix_table
from flop_harness.report.analysis.cases import inputs_of, sections
from flop_harness.report.analysis.codes import NONE, Codes
from flop_harness.report.analysis.comparison import (
    comparison,
    environment_table,
    silent,
    unknowns,
    version_table,
)
from flop_harness.report.analysis.details import packed
from flop_harness.report.analysis.families import family_of, family_table, kind_of
from flop_harness.report.analysis.findings import profiles
from flop_harness.report.analysis.index import Index
from flop_harness.report.analysis.machines import timed, timed_elsewhere
from flop_harness.report.analysis.overview import cause_table, outcome_table, spread_table
from flop_harness.report.analysis.related import Related
from flop_harness.report.analysis.verdict import headline, particulars, verdict
from flop_harness.report.charts.charts import (
    CLASSES,
    brief,
    class_of,
    instructive,
    spread_chart,
    waterfall,
)
from flop_harness.report.formats.bibtex import bibtex
from flop_harness.report.tables.glossary import context_table, convention_table
from flop_harness.report.tables.proofs import section
from flop_harness.report.tables.tables import Cell, Column, Link, show
from flop_harness.report.words.text import command, is_number, printable

PAGES = Path(__file__).parents[1] / "pages"


def render(run: Run, around: Related | None = None) -> bytes:
    """The whole report, with what lies beside the run."""
    around = around or Related()
    text = (
        pages()
        .get_template("suite.html.j2")
        .render(**contents(run, around.codes), **surroundings(run, around))
    )
    return text.encode("utf-8", "replace")


def surroundings(run: Run, around: Related) -> dict[str, Any]:
    """What the template lays out of other things than the run."""
    return {
        "proven": section(around.proofs) if around.proofs is not None else None,
        "timed": timed(around.machines, run.suite),
        "neighbours": timed_elsewhere(around.neighbours, run.suite),
        "published": around.published, "histories": around.histories,
        "effects": around.effects, "examples": around.examples,
    }  # fmt: skip


def pages() -> Any:
    """Our templates, with the filters and tests that their macros need."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(loader=FileSystemLoader(PAGES), autoescape=True, trim_blocks=True,
                       lstrip_blocks=True, undefined=StrictUndefined)  # fmt: skip
    made.filters.update(show=_show, exact=_exact, printable=printable, tone=tone, ratio=brief,
                        drawn=drawn)  # fmt: skip
    made.tests.update(number=is_number, link=lambda value: isinstance(value, Link))
    return made


def contents(run: Run, codes: Codes = NONE) -> dict[str, Any]:
    """What the template lays out: sentences, tables and charts."""
    index = Index(run)
    best = instructive(run)
    return {
        "suite": run.suite, "headline": headline(run),
        "particulars": particulars(run), "verdict": verdict(run), "finds": finds(index), "shapes": shapes(index),
        "counts": verdict(run).counts, "outcomes": outcome_table(index),
        "spread": spread_table(index), "spread_chart": drawn(spread_chart(run)),
        "agreement": group_table(index),
        "distances": [distance_table(index, metric) for metric in index.metrics],
        "matrices": [matrix_table(index, metric) for metric in index.metrics],
        "kinds": family_table(index, kind_of, "By what most of their work is"),
        "classes": family_table(index, family_of, "By the class of the model"),
        "waterfall": drawn(waterfall(run, best)) if best else "",
        "causes": [cause_table(index, metric) for metric in index.metrics],
        "profiles": list(profiles(index)),
        "comparisons": [comparison(index, metric) for metric in index.metrics],
        "sections": [(each, packed(index, each, codes)) for each in sections(index)],
        "environment": environment_table(run),
        "versions": version_table(index), "glossary": [convention_table(), context_table()], "silent": silent(index), "unknowns": unknowns(index),
        "command": command(run.suite.name), "citation": bibtex(run.suite), "schema": run.schema,
    }  # fmt: skip


def finds(index: Index) -> dict[str, str]:
    """What a case can be found by: its name, its model, its class and what its work is."""
    models = {case.id: case.model for case in index.run.suite.cases}
    found = {}
    for case in index.cases:
        reference = index.reference_of.get(case)
        told = [kind_of(reference), family_of(reference)] if reference else []
        found[case] = " ".join([case, models.get(case, ""), *told])
    return found


def shapes(index: Index) -> dict[str, str]:
    """The inputs of each case."""
    return {case: inputs_of(index, case) for case in index.cases}


def drawn(svg: str) -> Any:
    """An SVG as part of a page; who cannot see it has the table beside it."""
    from markupsafe import Markup

    hidden = '<svg aria-hidden="true" focusable="false"'
    return Markup(re.sub(r"^.*?<svg", hidden, svg, count=1, flags=re.S))


def tone(cell: Cell) -> str:
    """The CSS classes of a cell: side and strength of its deviation, as in the heat map."""
    loud = " loud" if cell.loud else ""
    if cell.value is None:
        return "silent"
    name = class_of(cell)
    for strength, (_, words, _, _) in enumerate(CLASSES, 1):
        if name.startswith(words):
            return f"{'high' if name.endswith('above') else 'low'} d{strength}{loud}"
    return f"equal{loud}"


def _show(value: Any, column: Column) -> str:
    text = show(value, column)
    return text.replace("-", "\N{MINUS SIGN}") if is_number(value) else text


def _exact(value: Any) -> str:
    """The number itself, for the title of a cell and for sorting."""
    return repr(value) if is_number(value) else ""
