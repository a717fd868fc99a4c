"""Claims: TOML files of published figures and statements, read into records."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from flop_harness.audit.claim_tables import (
    TABLES,
    AboutTable,
    ClaimTable,
    FileTable,
    GridTable,
    ModelTable,
)
from flop_harness.audit.columns import is_no_count
from flop_harness.audit.csv_tables import with_rows
from flop_harness.audit.language import rows as language
from flop_harness.errors import UserError, suggest
from flop_harness.records import Case, Claim
from flop_harness.records.units import BASES, parse_figure, parse_unit, with_unit
from flop_harness.suite.files import case_from_model, home
from flop_harness.suite.providers import PROVIDERS
from flop_harness.suite.toml import Vocabulary, convert, found, read

METRICS = ("compute", "params", "size", "activations", "traffic", "output")
METRIC_OF = {
    "MAC": "compute", "FLOP": "compute", "parameter": "params", "byte": "size",
    "element": "activations",
}  # fmt: skip
ABOUT = tuple(AboutTable.__struct_fields__)
BLANK = ("", "-", "\N{EN DASH}", "\N{EM DASH}", "n/a")
"""Cells of a table that claim nothing."""


# ------------------------------------------------------------------------------------ reading


@dataclass(frozen=True, slots=True)
class ClaimFile:
    """A file of claims; model files of its claims are found from ``folder``.

    ``skipped`` are columns of its tables that count nothing of a model, such as ``top-1``.
    """

    name: str
    folder: str
    claims: tuple[Claim, ...]
    skipped: tuple[str, ...] = ()

    @property
    def missing(self) -> set[str]:
        """Libraries that its models are from and that are not installed."""
        cases = [case for claim in self.claims for case in (claim.case, *claim.models.values())]
        named = {case.model.partition(":")[0] for case in cases if case}
        providers = (PROVIDERS[name] for name in named & PROVIDERS.keys())
        return {provider.package for provider in providers if not provider.installed()}


def load(reference: str | Path) -> ClaimFile:
    """The claims of a ``.toml`` file or of a name out of :func:`names`.

    Raises UserError, naming file, claim and key, for whatever the file has wrong.
    """
    path = _find(str(reference))
    _, document = read(path)
    file = convert(document, FileTable, str(path), WORDS)
    found = [claim for kind in document if kind in KINDS for claim in KINDS[kind](file, path)]
    if not found:
        raise UserError(f"{path}: no claims: one begins with [[claim]], a table with [[table]]")
    return ClaimFile(path.stem, str(path.parent), tuple(_distinct(found)), tuple(no_counts(file)))


def no_counts(file: FileTable) -> Iterator[str]:
    heads = [head for table in file.table for head in table.get("columns", ())]
    return (
        head for head in dict.fromkeys(heads) if head not in (*ABOUT, "id") and is_no_count(head)
    )


def names() -> list[str]:
    """The claim files that come with the harness."""
    return sorted(path.stem for path in _home().glob("*.toml"))


def _home() -> Path:
    return home() / "claims"


def _find(reference: str) -> Path:
    return found(reference, "claims", _home(), names())


# --------------------------------------------------------------------------- tables to records


def _single_claims(file: FileTable, path: Path) -> Iterator[Claim]:
    for number, raw in enumerate(file.claim, start=1):
        where = f"{path}: claim {raw.get('id', number)!r}"
        if isinstance(raw.get("value"), float):
            raise UserError(f'{where}: value: write it with its digits, value = "{raw["value"]}"')
        yield _claim(convert(_inherited(file, raw), ClaimTable, where, WORDS), path.stem, where)


def _table_claims(file: FileTable, path: Path) -> Iterator[Claim]:
    for number, raw in enumerate(file.table, start=1):
        where = f"{path}: table {raw.get('id', number)!r}"
        written = convert(_inherited(file, raw), GridTable, where, WORDS)
        grid = with_rows(written, path.parent, where)
        for row, cells in enumerate(grid.rows, start=1):
            place = f"{where}, row {row}"
            if len(cells) != len(grid.columns):
                raise UserError(f"{place}: {len(cells)} cells under {len(grid.columns)} columns")
            name = grid.id or f"table-{number}"
            yield from _row_claims(grid, name, row, cells, path.stem, place)


def _language_claims(file: FileTable, path: Path) -> Iterator[Claim]:
    """The claims of tables of figures about language models."""
    for number, raw in enumerate(file.language, start=1):
        where = f"{path}: table {raw.get('id', number)!r}"
        table = convert(raw, language.Table, where, WORDS)
        yield from language.claims(table, path.stem, path.parent, where)


KINDS = {"claim": _single_claims, "table": _table_claims, "language": _language_claims}
"""Tables of a file -> their claims; kinds stand in the order in which a file has them"""


def _row_claims(
    grid: GridTable, table: str, row: int, cells: list, file: str, where: str
) -> Iterator[Claim]:
    """The claims of one row: cells under a key of a claim describe the figures beside them."""
    about = {key: getattr(grid, key) for key in ABOUT}
    figures = []
    for head, cell in zip(grid.columns, cells, strict=True):
        if head in (*ABOUT, "id"):
            about[head] = cell
        elif str(cell).strip() not in BLANK and not is_no_count(head):
            figures.append((head, cell))
    label = about.pop("id", "") or _label(about)
    for head, cell in figures:
        metric, _, unit = head.partition("(")
        told = {"metric": metric.strip(), "unit": unit.rstrip(") ").strip()}
        name = f"{table}/{label}/{_slug(head)}"
        raw = {**about, **{key: word for key, word in told.items() if word}, "value": cell}
        claim = _claim(
            convert({**raw, "id": name}, ClaimTable, where, WORDS), file, f"{where}, {head}"
        )
        yield replace(claim, table=table, row=row)


def _label(about: Mapping[str, Any]) -> str:
    """What a row is about, in short: model, layer and what it is called with if that varies."""
    model = str(about.get("model") or "").rpartition(":")[2]
    inputs = about.get("inputs")
    words = [model, str(about.get("layer") or ""), inputs if isinstance(inputs, str) else ""]
    return ".".join(word for word in words if word) or "row"


def _claim(table: ClaimTable, file: str, where: str) -> Claim:
    if not table.source:
        raise UserError(f"{where}: the key 'source' is missing: where the figure was published")
    blank = Claim(table.id, file, table.source, counts=table.counts, note=table.note)
    if table.holds:
        return _statement(table, blank, where)
    if not table.model:
        raise UserError(f"{where}: the key 'model' is missing")
    if table.value == "":
        raise UserError(f"{where}: a claim has a value, or a comparison that holds")
    table = _unit_apart(table, where)
    metric, unit = _measure(table, where)
    return replace(
        blank,
        id=table.id or "/".join(filter(None, [_label(_plain(table)), table.layer, metric])),
        metric=metric,
        value=str(table.value).strip(),
        unit=unit,
        case=_case(table, {}, where),
        layer=table.layer,
        working=table.working,
    )


def _unit_apart(table: ClaimTable, where: str) -> ClaimTable:
    """With the unit out of such a figure as ``4.1 GMac``, or out of such a measure as ``GMACs``."""
    if table.metric == "output":
        return table
    measure, written = table.metric, table.unit
    if measure and not written and measure.lower() not in (*METRICS, *BASES) and _is_unit(measure):
        measure, written = "", measure
    value, unit = with_unit(str(table.value))
    if unit and written not in ("", unit):
        raise UserError(f"{where}: {str(table.value)!r} has a unit, and {written!r} is another")
    return msgspec.structs.replace(table, metric=measure, unit=unit or written, value=value)


def _is_unit(text: str) -> bool:
    try:
        return bool(parse_unit(text).base)
    except UserError:
        return False


def _statement(table: ClaimTable, blank: Claim, where: str) -> Claim:
    if table.value != "":
        raise UserError(f"{where}: a claim has a value or a comparison that holds, not both")
    models = {
        name: _case(model, _plain(table), f"{where}: models.{name}")
        for name, model in table.models.items()
    }
    return replace(
        blank,
        id=table.id or table.holds,
        holds=table.holds,
        case=_case(table, {}, where) if table.model and not models else None,
        models=models,
    )


def _measure(table: ClaimTable, where: str) -> tuple[str, str]:
    """(metric, unit): either may follow from the other; the figure has to be a number."""
    word = table.metric.lower().strip()
    try:
        if word != "output":
            parse_figure(str(table.value))
        unit = parse_unit(table.unit, word)
        metric = word if word in METRICS else METRIC_OF.get(BASES.get(word, "") or unit.base, "")
        if not metric or (word not in METRICS and word and word not in BASES):
            near = suggest(word, (*METRICS, *BASES))
            raise UserError(f"unknown metric {table.metric!r}{near}; known: {', '.join(METRICS)}")
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
    implied = METRIC_OF.get(unit.base, metric)
    if implied != metric and (metric, implied) != ("traffic", "size"):
        raise UserError(f"{where}: {table.unit!r} is no unit of the metric {metric!r}")
    spelt = table.unit if unit.base or word in METRICS else f"{table.unit} {table.metric}".strip()
    return metric, spelt


def _case(model: ModelTable, defaults: Mapping[str, Any], where: str) -> Case:
    """The case of a model reference; what it does not say itself is taken from ``defaults``."""
    said = {key: value for key, value in _plain(model).items() if value not in (None, "")}
    settled = {**{key: defaults.get(key) for key in ModelTable.__struct_fields__}, **said}
    reference, inputs = settled.pop("model"), settled.pop("inputs")
    options = {key: value for key, value in settled.items() if value not in (None, "")}
    if not reference:
        raise UserError(f"{where}: the key 'model' is missing")
    try:
        if isinstance(inputs, str):
            return case_from_model(reference, inputs.split(), **options)
        return case_from_model(reference, [], inputs=inputs or [], **options)
    except UserError as error:
        raise UserError(f"{where}: {error}") from error


def _plain(table: ModelTable) -> dict[str, Any]:
    return {key: getattr(table, key) for key in ModelTable.__struct_fields__}


def _inherited(file: FileTable, raw: Mapping[str, Any]) -> dict[str, Any]:
    """What a claim or table says, over what its file says for all."""
    return {key: getattr(file, key) for key in ABOUT} | dict(raw)


def _distinct(claims: list[Claim]) -> Iterator[Claim]:
    """Claims with ids that differ: the second of a name gets a number."""
    seen: Counter[str] = Counter()
    for claim in claims:
        seen[claim.id] += 1
        again = f" {seen[claim.id]}" if seen[claim.id] > 1 else ""
        yield replace(claim, id=f"{claim.id}{again}")


def _slug(text: str) -> str:
    return re.sub(r"[^\w%]+", "-", text.lower()).strip("-")


WORDS = Vocabulary(
    frozenset(key for table in (*TABLES, language.Table) for key in table.__struct_fields__),
    {"rows": 'a figure is a string, with its digits: "4.10"'},
)
