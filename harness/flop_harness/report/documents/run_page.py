"""The report of a run as one HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flop_harness.records import Run
from flop_harness.report.analysis.bridges import instructive
from flop_harness.report.analysis.families import family_of, kind_of
from flop_harness.report.analysis.findings import profiles
from flop_harness.report.analysis.index import Index
from flop_harness.report.analysis.machines import id_of
from flop_harness.report.analysis.sizes import sizes
from flop_harness.report.analysis.verdict import headline, particulars, trained, unknowns, verdict
from flop_harness.report.charts.sizes import SIZES, compares_models, size_chart
from flop_harness.report.charts.spread import spread_chart
from flop_harness.report.charts.waterfall import waterfall
from flop_harness.report.documents.proofs import section
from flop_harness.report.documents.timed import timed, timed_elsewhere
from flop_harness.report.formats import html as pages
from flop_harness.report.formats.bibtex import bibtex
from flop_harness.report.formats.case_json import packed
from flop_harness.report.sources.figure_code import NONE, Codes
from flop_harness.report.sources.published import Row
from flop_harness.report.sources.results import Related
from flop_harness.report.tables import published
from flop_harness.report.tables.agreement import distance_table, group_table, matrix_table
from flop_harness.report.tables.cases import sections
from flop_harness.report.tables.causes import cause_table
from flop_harness.report.tables.comparison import LEAD, comparison
from flop_harness.report.tables.environment import environment_table, version_table
from flop_harness.report.tables.failures import silent
from flop_harness.report.tables.families import family_table
from flop_harness.report.tables.glossary import context_table, convention_table
from flop_harness.report.tables.outcomes import outcome_table
from flop_harness.report.tables.sizes import size_table
from flop_harness.report.tables.spreads import spread_table
from flop_harness.report.tables.table import Table
from flop_harness.report.words.commands import TIME, VERIFY, again


@dataclass(frozen=True, slots=True)
class Published:
    """Audited figures of a suite's models; ``link`` leads to the evidence."""

    summary: Table
    table: Table
    link: str = "../claims/report.html"

    @classmethod
    def of(cls, verdicts: Sequence[Row]) -> Published:
        return cls(published.summary(verdicts), published.table(verdicts))


def render(run: Run, around: Related | None = None) -> bytes:
    """The whole report, with what lies beside the run."""
    around = around or Related()
    return pages.render("suite.html.j2", **contents(run, around.codes), **surroundings(run, around))


def surroundings(run: Run, around: Related) -> dict[str, Any]:
    """What the template lays out of other things than the run."""
    return {
        "proven": section(around.proofs) if around.proofs is not None else None,
        "timed": timed(around.machines, run.suite, id_of(run.environment)),
        "neighbours": timed_elsewhere(around.neighbours, run.suite),
        "published": Published.of(around.published) if around.published else None, "histories": around.histories,
        "effects": around.effects, "examples": around.examples,
    }  # fmt: skip


def contents(run: Run, codes: Codes = NONE) -> dict[str, Any]:
    """What the template lays out: sentences, tables and charts."""
    index = Index(run)
    best, comparisons = instructive(run), [comparison(index, metric) for metric in index.metrics]
    return {
        "suite": run.suite, "headline": headline(run),
        "particulars": particulars(run), "verdict": verdict(run), "finds": finds(index),
        "counts": verdict(run).counts, "outcomes": outcome_table(index),
        "models": size_table(sizes(index), "MAC", SIZES) if compares_models(run) else None,
        "size_chart": pages.drawn(size_chart(run)) if compares_models(run) else "",
        "spread": spread_table(index), "spread_chart": pages.drawn(spread_chart(run)),
        "agreement": group_table(index),
        "distances": [distance_table(index, metric) for metric in index.metrics],
        "matrices": [matrix_table(index, metric) for metric in index.metrics],
        "kinds": family_table(index, kind_of, "By what most of their work is"),
        "classes": family_table(index, family_of, "By the class of the model"),
        "waterfall": pages.drawn(waterfall(run, best)) if best else "",
        "causes": [cause_table(index, metric) for metric in index.metrics],
        "profiles": list(profiles(index)),
        "comparisons": comparisons, "counters": places_of(comparisons),
        "sections": [(each, packed(index, each, codes)) for each in sections(index)],
        "environment": environment_table(run),
        "versions": version_table(index), "glossary": [convention_table(), context_table()], "silent": silent(index), "unknowns": unknowns(index),
        "command": again(run.suite, training=trained(run)), "to_time": again(run.suite, TIME), "to_verify": again(run.suite, VERIFY), "citation": bibtex(run.suite), "schema": run.schema,
    }  # fmt: skip


def places_of(tables: Sequence[Table]) -> dict[str, list[list[int]]]:
    """The columns of each counter in each table, counted from 1: one for each context."""
    names = dict.fromkeys(column.name for table in tables for column in table.columns[LEAD:])
    return {name: [[place for place, column in enumerate(table.columns, 1) if place > LEAD and column.name == name]
                   for table in tables] for name in names}  # fmt: skip


def finds(index: Index) -> dict[str, str]:
    """What a case can be found by: its name, its model, its class and what its work is."""
    models = {case.id: case.model for case in index.run.suite.cases}
    found = {}
    for case in index.cases:
        reference = index.reference_of.get(case)
        told = [kind_of(reference), family_of(reference)] if reference else []
        found[case] = " ".join([case, models.get(case, ""), *told])
    return found
