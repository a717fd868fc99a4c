"""The verdicts on published figures: neutral tables, and the files that show them."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, get_args

from flop_harness.records import Audit, Case, Claim, Fit, Ruling, Verdict
from flop_harness.report.formats import csv
from flop_harness.report.formats.html import pages
from flop_harness.report.formats.markdown import grid, plain
from flop_harness.report.tables.tables import Column, Table, columns
from flop_harness.report.words.text import anchor, digits, few, flatten, group, listed, plural

RULINGS: tuple[Ruling, ...] = get_args(Ruling)
WORDS: Mapping[Ruling, str] = {
    "reproduced": "reproduced",
    "not as stated": "reproduced, but not as stated",
    "error in the source": "error in the source",
    "unexplained": "unexplained",
}
TOLD: Mapping[Ruling, str] = {
    **WORDS,
    "not as stated": "reproduced but not as stated",
    "error in the source": "wrong in the source",
}
"""The same in a sentence."""

FEW = 8
"""So many ways of counting are shown for a claim; verdicts.json holds them all."""

HOW_JUDGED = """Each figure is held against what every convention and every counter's rules give for
its model, read in every way that has a reason; the simplest explanation wins, and further ones are
counted. A far-fetched one is taken only if it explains most of a column, or if fewer than one made-up
figure in twenty would fit as well: one in a hundred where it explains a single figure of a column."""


# ------------------------------------------------------------------------------------- entries


@dataclass(frozen=True, slots=True)
class Entry:
    """A claim and its verdict."""

    claim: Claim
    verdict: Verdict

    @property
    def anchor(self) -> str:
        return anchor("claim", self.claim.file, self.claim.id)

    @property
    def about(self) -> str:
        """The model, the layer and the inputs."""
        case, given = self.claim.case, self.claim.given
        if given:
            length = given.get("length", "")
            return " ".join(
                filter(None, [given.get("model", ""), f"{length} tokens" if length else ""])
            )
        if case is None:
            return ", ".join(case.model for case in self.claim.models.values())
        made = ", ".join(f"{key}={value}" for key, value in case.kwargs.items())
        model = f"{case.model}({made})" if made else case.model
        return " ".join(filter(None, [model, self.claim.layer, shapes(case)]))

    @property
    def figure(self) -> str:
        return self.claim.holds or " ".join(filter(None, [self.claim.value, self.claim.unit]))

    @property
    def ruling(self) -> str:
        return WORDS[self.verdict.ruling]

    @property
    def tone(self) -> str:
        """The class of its row: two words at most."""
        return self.verdict.ruling.replace(" ", "-")

    @property
    def fits(self) -> Table:
        """The ways of counting that give the figure, or come nearest."""
        shown = self.verdict.fits or self.verdict.nearest
        rows = tuple(map(_fit_row, shown[:FEW]))
        rest = len(shown) - FEW
        note = f"and {plural(rest, 'other')} like these" if rest > 0 else ""
        title = "What gives it" if self.verdict.fits else "What comes nearest"
        return Table(title, FITS, rows, note)

    @property
    def remarks(self) -> list[str]:
        """What else there is to say, a sentence each."""
        verdict, claim = self.verdict, self.claim
        told = [claim.note] if claim.note else []
        if claim.counts:
            fits = {True: "it is among those that fit", False: "it does not fit"}
            told.append(f"the author names {claim.counts}"
                        + (f": {fits[verdict.named]}" if verdict.named is not None else ""))  # fmt: skip
        if verdict.tried:
            told.append(f"{plural(verdict.tried, 'distinct value')} tried, {verdict.within:,} within"
                        f" the rounding interval; {_percent(verdict.chance)} of made-up figures"
                        " would fit as well")  # fmt: skip
        if verdict.others:
            told.append(f"{plural(verdict.others, 'further way')} to explain it, less simple")
        if verdict.ambiguous:
            told.append("ambiguous: what fits is not related")
        return told


FITS = (
    Column("counted as"), Column("value", "number"), Column("off by"), Column("input"),
    Column("departs from what is stated"),
)  # fmt: skip


def _fit_row(fit: Fit) -> tuple[Any, ...]:
    gap = "exact" if fit.exact else f"{100 * fit.gap:+.3f} %"
    value = group(fit.value) if isinstance(fit.value, int) else digits(fit.value, 6)
    return (fit.counting, f"{value} {fit.unit}", gap, fit.inputs, "; ".join(fit.departures))


def _percent(share: float) -> str:
    return "under 0.1 %" if 0 < share < 0.001 else f"{100 * share:.1f} %" if share else "none"


def shapes(case: Case) -> str:
    return " + ".join("x".join(map(str, given.shape)) for given in case.inputs)


def entries(audit: Audit) -> list[Entry]:
    """Every claim with its verdict, in the order of the files."""
    return [Entry(c, v) for c, v in zip(audit.claims, audit.verdicts, strict=True)]


# ------------------------------------------------------------------------------------- tables


def headline(audit: Audit) -> str:
    """One sentence: how many claims, and what became of them."""
    found = Counter(verdict.ruling for verdict in audit.verdicts)
    parts = [f"{found[ruling]:,} {TOLD[ruling]}" for ruling in RULINGS if found[ruling]]
    ambiguous = sum(verdict.ambiguous for verdict in audit.verdicts)
    told = f"{plural(len(audit.claims), 'claim')}: {listed(parts) if parts else 'none'}"
    return f"{told}; {ambiguous:,} of them ambiguous." if ambiguous else f"{told}."


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
    "file claim source model layer inputs metric value unit counts ruling ambiguous fits:integer "
    "named within:integer tried:integer chance:number others:integer reason"
)


def table(audit: Audit) -> Table:
    """Every claim: one row of data."""
    return Table("Verdicts", ROWS, tuple(map(_row, entries(audit))))


def _row(entry: Entry) -> tuple[Any, ...]:
    claim, verdict, case = entry.claim, entry.verdict, entry.claim.case
    inputs = shapes(case) if case else ""
    named = "" if verdict.named is None else "yes" if verdict.named else "no"
    return (
        claim.file, claim.id, claim.source, case.model if case else "", claim.layer, inputs,
        claim.metric, claim.value or claim.holds, claim.unit, claim.counts, verdict.ruling,
        "yes" if verdict.ambiguous else "", len(verdict.fits), named, verdict.within,
        verdict.tried, round(verdict.chance, 4), verdict.others, verdict.reason,
    )  # fmt: skip


SHORT = (
    Column("claim"), Column("about"), Column("figure"), Column("verdict"), Column("because"),
)  # fmt: skip


def short(found: Iterable[Entry], title: str) -> Table:
    """What a reader wants to see of each claim."""
    rows = tuple(
        (f"{e.claim.file}/{e.claim.id}", e.about, e.figure, e.ruling, because(e.verdict))
        for e in found
    )
    return Table(title, SHORT, rows)


def because(verdict: Verdict) -> str:
    return f"{verdict.reason} (ambiguous)" if verdict.ambiguous else verdict.reason


# -------------------------------------------------------------------------------------- files


def markdown(audit: Audit) -> bytes:
    return ("\n\n".join(_blocks(audit)) + "\n").encode("utf-8", "replace")


def _blocks(audit: Audit) -> Iterator[str]:
    yield "# Published figures, audited"
    yield f"**{plain(headline(audit))}**"
    yield plain(" ".join(HOW_JUDGED.split()))
    yield grid(by_file(audit))
    explained = by_table(audit)
    if explained.rows:
        yield grid(explained)
    found = entries(audit)
    for ruling in reversed(RULINGS):
        chosen = [entry for entry in found if entry.verdict.ruling == ruling]
        if chosen:
            yield grid(short(chosen, f"{WORDS[ruling][:1].upper()}{WORDS[ruling][1:]}"))


def html(audit: Audit) -> bytes:
    """One page that needs no network: every verdict in a table one can filter, with its evidence."""
    page = pages().get_template("audit.html.j2").render(
        headline=headline(audit), entries=entries(audit), files=by_file(audit),
        tables=by_table(audit), rulings=[(ruling, WORDS[ruling]) for ruling in RULINGS],
        counts=Counter(verdict.ruling for verdict in audit.verdicts),
        judged=" ".join(HOW_JUDGED.split()), environment=environment(audit),
        silent=silent(audit), because=because,
    )  # fmt: skip
    return page.encode("utf-8", "replace")


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


def data(audit: Audit) -> bytes:
    """Everything, as JSON; what is empty is left out."""
    return json.dumps(_told(audit), indent=0, ensure_ascii=False).encode() + b"\n"


def _told(value: Any) -> Any:
    if is_dataclass(value):
        named = ((field.name, getattr(value, field.name)) for field in fields(value))
        return {name: _told(each) for name, each in named if each not in ("", (), {}, None, False)}
    if isinstance(value, Mapping):
        return {key: _told(each) for key, each in value.items()}
    return [_told(each) for each in value] if isinstance(value, tuple) else value


FILES: Mapping[str, Callable[[Audit], bytes]] = {
    "report.html": html,
    "report.md": markdown,
    "verdicts.csv": lambda audit: csv.render(table(audit)),
    "verdicts.json": data,
}
