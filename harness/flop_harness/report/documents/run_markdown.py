"""The report of a run as Markdown: the same sentences and tables, for a repository's own pages."""

from __future__ import annotations

from collections.abc import Iterator

from flop_harness.records import Run
from flop_harness.report.analysis.families import family_of, kind_of
from flop_harness.report.analysis.findings import Profile, profiles
from flop_harness.report.analysis.index import Index
from flop_harness.report.analysis.machines import id_of
from flop_harness.report.analysis.sizes import sizes
from flop_harness.report.analysis.verdict import headline, spreads, trained, unknowns
from flop_harness.report.charts.heatmap import legible
from flop_harness.report.charts.sizes import SIZES, compares_models
from flop_harness.report.documents.timed import Timed, timed
from flop_harness.report.formats.markdown import grid, loud, page, plain
from flop_harness.report.sources.times import Machines
from flop_harness.report.tables.agreement import distance_table, group_table
from flop_harness.report.tables.cases import Answer, Section, sections
from flop_harness.report.tables.causes import cause_table
from flop_harness.report.tables.comparison import comparison
from flop_harness.report.tables.environment import environment_table, version_table
from flop_harness.report.tables.failures import silent
from flop_harness.report.tables.families import family_table
from flop_harness.report.tables.outcomes import outcome_table
from flop_harness.report.tables.sizes import size_table
from flop_harness.report.tables.spreads import spread_table
from flop_harness.report.tables.summary import summary_table
from flop_harness.report.words.commands import TIME, again
from flop_harness.report.words.text import plural

MANY = 1000
"""More bridges than this are left to bridges.csv: no page of that length is read"""


def table(run: Run) -> bytes:
    """What table.tex holds, for a README: rounded, one row for each case."""
    return f"{grid(summary_table(Index(run)), titled=False)}\n".encode(errors="replace")


def render(run: Run, machines: Machines | None = None) -> bytes:
    """The whole report, with what was timed of the suite if that is known."""
    return page(_blocks(run, machines or {}))


def _blocks(run: Run, machines: Machines) -> Iterator[str]:
    index = Index(run)
    yield f"# FLOP counters on {plain(run.suite.name)}"
    yield f"**{plain(headline(run))}**"
    if run.suite.description:
        yield plain(run.suite.description)
    yield "## At a glance"
    yield grid(outcome_table(index))
    if compares_models(run):
        yield f"![{SIZES}](sizes.svg)"
        yield grid(size_table(sizes(index), "MAC", SIZES))
    if spreads(index):
        yield "![Spread of each case](spread.svg)"
        yield grid(spread_table(index))
    yield "## Who agrees with whom"
    yield grid(group_table(index))
    yield from (grid(distance_table(index, each)) for each in index.metrics)
    yield "## Where they part"
    yield grid(family_table(index, kind_of, "By what most of their work is"))
    yield grid(family_table(index, family_of, "By the class of the model"))
    yield "## Why they differ"
    yield "![The bridge with the most terms](waterfall.svg)"
    yield from (grid(cause_table(index, each)) for each in index.metrics)
    yield "## What each counter does"
    for profile in profiles(index):
        yield from _profile(profile)
    yield "## Every figure"
    if legible(run):
        yield "![Heat map of cases and counters](heatmap.svg)"
    yield from (grid(comparison(index, each)) for each in index.metrics)
    yield from _cases(index)
    yield "## Time and memory"
    found = timed(machines, run.suite, id_of(run.environment))
    yield from (block for each in found for block in _timed(each))
    if not found:
        yield "Nothing of this suite was timed yet. To time its cases, alone on the machine:"
        yield f"    {again(run.suite, TIME)}"
    yield "## What is not known"
    yield "\n".join(f"- {loud(line)}" for line in unknowns(index)) or "Nothing that ran is open."
    yield grid(silent(index))
    yield "## How it was measured"
    yield f"    {again(run.suite, training=trained(run))}"
    yield grid(version_table(index))
    yield grid(environment_table(run))


def _profile(profile: Profile) -> Iterator[str]:
    yield f"### {plain(profile.tool.id)} {plain(profile.version)}".rstrip()
    if profile.tool.description:
        source = f" ({plain(profile.tool.source)})" if profile.tool.source else ""
        yield plain(profile.tool.description) + source + "."
    yield plain(profile.agreement)
    if profile.findings:
        yield "\n".join(
            f"- {plain(each.sentence)} {plain(each.extent)}; "
            f"smallest case: {plain(each.example.text)}."
            for each in profile.findings
        )


def _timed(machine: Timed) -> Iterator[str]:
    yield f"### {plain(machine.name)}"
    yield "\n".join(f"- {plain(line)}" for line in machine.sentences)
    yield grid(machine.table)
    yield f"[All that was measured there]({machine.folder}/report.md)"


def _cases(index: Index) -> Iterator[str]:
    yield "## Case by case"
    if len(index.bridges) > MANY:
        yield f"The {plural(len(index.bridges), 'bridge')} stand in report.html and bridges.csv."
        return
    for section in sections(index):
        yield from _case(section)


def _case(section: Section) -> Iterator[str]:
    yield f"### {plain(section.case)}"
    yield plain(section.summary) + (". **Not all explained.**" if section.loud else ".")
    if section.description:
        yield plain(section.description)
    if section.figures.rows:
        yield grid(section.figures)
    for answer in section.answers:
        yield from _answer(answer)
    if section.unsupported.rows:
        yield grid(section.unsupported)


def _answer(answer: Answer) -> Iterator[str]:
    cell = answer.cell
    name = f"**{plain(cell.counter)}** ({plain(cell.context)}), {cell.metric}"
    if cell.value is None:
        yield f"{name}: {cell.text}. {plain(cell.message)}".rstrip()
        return
    why = f", {loud(cell.why)}" if cell.why else ""
    yield f"{name}: {plural(cell.value, cell.unit)}{why}"
    if answer.bridge and answer.apart:
        yield grid(answer.bridge, titled=False)
    if answer.by_module:
        yield f"{answer.by_module}."
