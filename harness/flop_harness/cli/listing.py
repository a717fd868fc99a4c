"""What there is: suites, cases, counters and conventions, as tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from flop_harness.report.tables.table import Column, Table
from flop_harness.suite import files as suites


def table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Table:
    return Table("", tuple(map(Column, heads)), tuple(rows))


def list_suites(only: str | None) -> Table:
    loaded = [suites.load(name) for name in ([only] if only else suites.names())]
    rows = ((s.name, str(s.version), str(len(s.cases)), s.description) for s in loaded)
    return table(("suite", "version", "cases", "description"), rows)


def list_cases(only: str | None) -> Table:
    loaded = [suites.load(only)] if only else [suites.load(name) for name in suites.names()]
    rows = (
        (s.name, case.id, case.model, inputs_of(case.inputs), case.description)
        for s in loaded
        for case in s.cases
    )
    return table(("suite", "case", "model", "inputs", "description"), rows)


def inputs_of(inputs: Iterable) -> str:
    return ", ".join("x".join(map(str, given.shape)) or "scalar" for given in inputs) or "its own"


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


def list_shapes(only: str | None) -> Table:
    from flop_harness.conventions.transformers.parameters import count
    from flop_harness.suite.shapes import known

    rows = (
        (shape.id, f"{count(shape):,}", str(shape.context), shape.family, shape.source, shape.note)
        for shape in known().models.values()
    )
    return table(("shape", "parameters", "context", "family", "source", "note"), rows)


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
    "formulas": list_formulas,
    "shapes": list_shapes,
    "peaks": list_peaks,
}
