"""The verdicts on published figures."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from flop_harness.records import Audit, Fit
from flop_harness.records.units import in_percent
from flop_harness.report.analysis.audit import RULINGS, WORDS, Entry, because, entries, row
from flop_harness.report.tables.table import Column, Table, columns
from flop_harness.report.words.text import digits, few, flatten, group, minus, plural

FEW = 8
"""So many ways of counting are shown for a claim; verdicts.json.xz holds them all."""
FITS = (
    Column("counted as"), Column("value", "number"), Column("off by"), Column("input"),
    Column("departs from what is stated"),
)  # fmt: skip


def fits(entry: Entry) -> Table:
    """The ways of counting that give the figure, or come nearest."""
    shown = entry.verdict.fits or entry.verdict.nearest
    rows = tuple(map(_fit_row, shown[:FEW]))
    rest = len(shown) - FEW
    note = f"and {plural(rest, 'other')} like these" if rest > 0 else ""
    title = "What gives it" if entry.verdict.fits else "What comes nearest"
    return Table(title, FITS, rows, note)


def _fit_row(fit: Fit) -> tuple[Any, ...]:
    gap = "exact" if fit.exact else minus(in_percent(fit.gap, 3, signed=True))
    value = group(fit.value) if isinstance(fit.value, int) else digits(fit.value, 6)
    return (fit.counting, f"{value} {fit.unit}", gap, fit.inputs, "; ".join(fit.departures))


def by_file(audit: Audit) -> Table:
    heads = (Column("file"), Column("claims", "integer"),
             *(Column(WORDS[ruling], "integer") for ruling in RULINGS),
             Column("ambiguous", "integer"))  # fmt: skip
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries(audit):
        groups[entry.claim.file].append(entry)
    rows = tuple(
        (file, len(each), *(sum(e.verdict.ruling == r for e in each) for r in RULINGS),
         sum(e.verdict.ambiguous for e in each))
        for file, each in groups.items()
    )  # fmt: skip
    return Table("By file", heads, rows)


TABLES = (
    Column("table"), Column("measure"), Column("figures", "integer"),
    Column("one way explains", "integer"), Column("it counts as"), Column("and departs in"),
)  # fmt: skip
ENOUGH = 3
"""A column of fewer figures says little about how all of it was counted."""


def by_table(audit: Audit) -> Table:
    """For each column of a table the one way of counting that explains most of it."""
    groups: dict[tuple[str, str, str], list[Entry]] = defaultdict(list)
    for entry in entries(audit):
        claim = entry.claim
        if claim.table and claim.value and claim.metric != "output":
            measure = f"{claim.metric} ({claim.unit})" if claim.unit else claim.metric
            measure = claim.unit if claim.unit.startswith(claim.metric) else measure
            groups[claim.file, claim.table, measure].append(entry)
    rows = tuple(
        (f"{file}/{table}", measure, len(each), *_best(each))
        for (file, table, measure), each in groups.items()
        if len(each) >= ENOUGH
    )
    return Table("What explains each column of a table best", TABLES, rows)


def _best(found: Iterable[Entry]) -> tuple[int, str, str]:
    """How many figures the best way explains, and which way that is."""
    ways = Counter(
        way
        for entry in found
        for way in dict.fromkeys((f.counting, "; ".join(f.departures)) for f in entry.verdict.fits)
    )
    if not ways:
        return 0, "", ""
    (_, departures), count = ways.most_common(1)[0]
    names = [name for name, told in ways if told == departures and ways[name, told] == count]
    return count, few(names, 3), departures


ROWS = columns(
    "file claim source model layer variant inputs metric value unit counts ruling ambiguous fits:integer "
    "named within:integer tried:integer chance:number others:integer reason own:number own_unit "
    "gives:number counted_as made_with"
)


def table(audit: Audit) -> Table:
    """Every claim: one row of data."""
    made_with, versions = versions_of(audit)
    rows = ((*row(each).values(), counted_as(each, versions), made_with) for each in entries(audit))
    return Table("Verdicts", ROWS, tuple(rows))


def versions_of(audit: Audit) -> tuple[str, Mapping[str, str]]:
    """What the audit was made with, and the versions of the tools whose rules it asked."""
    known = audit.environment
    torch = known.get("torch") or {}
    told = f"flop-harness {known.get('harness', '')}, torch {torch.get('version', '')}"
    return told, known.get("versions") or {}


def counted_as(entry: Entry, versions: Mapping[str, str]) -> str:
    """The simplest way that gives the figure, or comes nearest: a convention, a tool and its version."""
    shown = entry.verdict.fits or entry.verdict.nearest
    if not shown:
        return ""
    way = shown[0].counting
    return f"{way} {versions[way]}" if versions.get(way) else way


SHORT = (
    Column("claim"), Column("about"), Column("figure"), Column("the model itself"),
    Column("verdict"), Column("because"),
)  # fmt: skip


def short(found: Iterable[Entry], title: str) -> Table:
    """What a reader wants to see of each claim."""
    rows = tuple(
        (f"{e.claim.file}/{e.claim.id}", e.about, e.figure, e.own, e.ruling, because(e.verdict))
        for e in found
    )
    return Table(title, SHORT, rows)


def environment(audit: Audit) -> Table:
    rows = tuple(flatten(audit.environment))
    return Table("Environment", (Column("what"), Column("which")), rows)


def silent(audit: Audit) -> Table:
    """Ways of counting that say nothing of a model, and why."""
    heads = (Column("model"), Column("counting"), Column("why"))
    rows = tuple(
        (model, counting, reason)
        for model, reasons in audit.silent.items()
        for counting, reason in reasons.items()
    )
    return Table("No figure", heads, rows)
