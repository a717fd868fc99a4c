"""What there is, as tables: suites, cases, counters, conventions, claim files, models."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from flop_harness.errors import UserError, suggest
from flop_harness.report.tables.table import Column, Table
from flop_harness.suite import files as suites


def table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Table:
    return Table("", tuple(map(Column, heads)), tuple(rows))


def list_suites(only: str | None) -> Table:
    loaded = [suites.load(name) for name in ([only] if only else suites.names())]
    heads = (Column("suite"), Column("version", "integer"), Column("cases", "integer"),
             Column("description"))  # fmt: skip
    rows = tuple((s.name, s.version, len(s.cases), s.description) for s in loaded)
    return Table("", heads, rows)


def list_cases(only: str | None) -> Table:
    loaded = [suites.load(only)] if only else [suites.load(name) for name in suites.names()]
    rows = (
        (s.name, case.id, case.model, case.shapes or "its own", case.description)
        for s in loaded
        for case in s.cases
    )
    return table(("suite", "case", "model", "inputs", "description"), rows)


def list_counters(only: str | None) -> Table:
    from flop_harness.counters import counters, version_of

    rows = (
        (
            counter.id,
            version_of(counter) or "not installed",
            ", ".join(f"{m}: {q.label} ({q.unit})" for m, q in counter.quantities.items()),
            counter.description,
        )
        for counter in counters().values()
    )
    return table(("counter", "version", "figures (what they really count)", "description"), rows)


def list_conventions(only: str | None) -> Table:
    from flop_harness.counters.versions.catalogue import CATALOGUE

    rows = ((c.id, c.unit, c.description, c.source) for c in CATALOGUE.values())
    return table(("convention", "unit", "what is counted", "source"), rows)


def list_claims(only: str | None) -> Table:
    from flop_harness.audit.claims import load, names

    loaded = [load(name) for name in ([only] if only else names())]
    rows = tuple((each.name, len(each.claims), *published_in(each)) for each in loaded)
    heads = (Column("claims"), Column("figures", "integer"), Column("sources", "integer"),
             Column("the first of them"))  # fmt: skip
    return Table("", heads, rows)


def published_in(file: Any) -> tuple[int, str]:
    """How many sources a file of claims has, and the first."""
    sources = list(dict.fromkeys(claim.source for claim in file.claims))
    return len(sources), sources[0]


def list_models(provider: str | None) -> Table:
    """The models of one provider, or of all that are installed."""
    from flop_harness.suite.providers import PROVIDERS
    from flop_harness.suite.references import every_model

    if provider is None:
        names = every_model()
    elif provider in PROVIDERS:
        names = [f"{provider}:{name}" for name in PROVIDERS[provider].names()]
    else:
        raise UserError(f"unknown provider {provider!r}{suggest(provider, PROVIDERS)}; "
                        f"known: {', '.join(PROVIDERS)}")  # fmt: skip
    return table(("model",), ((name,) for name in names))


def filtered(found: Table, pattern: str | None, place: int) -> Table:
    """The rows whose name in this column matches a glob, or holds it."""
    if pattern is None:
        return found
    wanted = pattern.lower()
    rows = tuple(row for row in found.rows
                 if wanted in str(row[place]).lower() or matches(str(row[place]).lower(), wanted))  # fmt: skip
    if not rows:
        raise UserError(f"nothing of the {len(found.rows):,} there are matches {pattern!r}")
    return replace(found, rows=rows)


def matches(name: str, pattern: str) -> bool:
    """``vit*`` matches ``torchvision:vit_b_16``: with the provider or without it."""
    return fnmatchcase(name, pattern) or fnmatchcase(name.rpartition(":")[2], pattern)


NAMED = {"cases": 1}
"""The column of names, where it is not the first"""


def list_shapes(only: str | None) -> Table:
    from flop_harness.conventions.transformers.parameters import count
    from flop_harness.suite.shapes import known

    heads = (Column("shape"), Column("parameters", "integer"), Column("context", "integer"),
             Column("family"), Column("source"), Column("note"))  # fmt: skip
    rows = tuple(
        (shape.id, count(shape), shape.context, shape.family, shape.source, shape.note)
        for shape in known().models.values()
    )
    return Table("", heads, rows)


def list_peaks(only: str | None) -> Table:
    from flop_harness.suite.peaks import known

    rows = (
        (peak.id, f"{float(peak.flops / 10**12):g}", "sparse" if peak.sparse else "dense",
         f"{float(peak.bandwidth / 10**9):g}", peak.device, peak.source)
        for peak in known().values()
    )  # fmt: skip
    return table(("peak", "TFLOP/s", "weights", "GB/s", "device", "source"), rows)


def list_formulas(only: str | None) -> Table:
    from flop_harness.conventions.transformers.catalogue import FORMULAS

    rows = ((each.id, each.scope, each.label, each.source) for each in FORMULAS.values())
    return table(("formula", "about", "what it says, in FLOP per token", "source"), rows)


LISTS: dict[str, Callable[[str | None], Table]] = {
    "suites": list_suites,
    "cases": list_cases,
    "counters": list_counters,
    "conventions": list_conventions,
    "claims": list_claims,
    "models": list_models,
    "formulas": list_formulas,
    "shapes": list_shapes,
    "peaks": list_peaks,
}

SHOWN = {
    "suites": "suites that come along: compare NAME",
    "cases": "their cases: explain CASE COUNTER",
    "counters": "tools that count, with their versions: --counters",
    "conventions": "what may be counted: --convention, convert --from, --to",
    "claims": "files of published figures: claims NAME",
    "models": "models of installed libraries: count PROVIDER:NAME",
    "formulas": "formulas for language models: formulas --formula",
    "shapes": "language models by their shape: formulas NAME, mfu --model",
    "peaks": "peak rates of devices: mfu --peak",
}


def list_lists() -> Table:
    return table(("list", "what it shows, and which command takes it"), SHOWN.items())
