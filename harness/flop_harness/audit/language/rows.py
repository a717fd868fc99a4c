"""Tables of figures about language models: TOML and CSV, read into claims."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from flop_harness.audit.csv_tables import check_cells, records
from flop_harness.audit.language import cells as written
from flop_harness.audit.language import heads
from flop_harness.audit.language.given import RECOMPUTED
from flop_harness.audit.language.parts import PARTS
from flop_harness.audit.language.quantities import (
    MAY_BE_NONE,
    QUANTITIES,
    check_figure,
    column,
    is_no_such_thing,
    is_zero,
)
from flop_harness.audit.language.relations import TARGETS, follows
from flop_harness.conventions.transformers.catalogue import formula
from flop_harness.errors import UserError, suggest
from flop_harness.records import Claim
from flop_harness.suite.peaks import find as find_peak
from flop_harness.suite.shapes import find as find_shape

Text = Annotated[str, Meta(min_length=1)]
WORDS = ("model", "peak", "note", "recomputed", "label", "part")
"""Columns that hold words."""
GIVEN = ("tokens", "batch tokens")
"""Quantities that sources state rather than compute."""
BLANK = ("", "-", "–", "—", "n/a", "na", "?")


class Table(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A table of figures: ``columns`` name quantities, ``given`` holds for all of its rows.

    Instead of rows it may name a ``csv`` beside its file, whose columns ``take`` renames; ``where``
    keeps the rows that have these values, or one of a list of them. ``counts`` is the formula that the source describes.
    """

    id: Text
    source: Text
    read: str = ""
    note: str = ""
    counts: str = ""
    columns: list[Text] = []
    rows: list[list[str]] = []
    given: dict[str, str] = {}
    csv: str = ""
    take: dict[str, str] = {}
    where: dict[str, str | list[str]] = {}
    models: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it stands: cells by column, the place it is from, and a name for it."""

    cells: Mapping[str, str]
    source: str
    number: int


def claims(table: Table, file: str, folder: Path, where: str) -> Iterator[Claim]:
    """A claim for each cell that follows from others; those others are what it is given."""
    check_keys(table, where)
    nothing, shared = True, filled_in(table.given)
    check_given(shared, where)
    for row in rows(table, folder, where):
        place = f"{where}, row {row.number}"
        cells = {**shared, **row.cells}
        check(cells, place)
        figures = [head for head in row.cells if head not in WORDS]
        wrong = [head for head in figures if is_no_such_thing(head, cells[head])]
        found = [claim(table, row, head, cells, file) for head in figures
                 if head not in wrong and column(head)[0] in TARGETS]  # fmt: skip
        yield from (claim(table, row, head, cells, file) for head in wrong)
        try:
            derived = [each for each in found if follows(each)]
        except UserError as error:  # columns that describe no shape
            raise UserError(f"{place}: {error}") from error
        # a row of which nothing follows is claimed as it stands, but for what is given everywhere
        told = derived or [each for each in found if each.metric not in GIVEN]
        nothing = nothing and not (told or wrong)
        yield from told
    if nothing:
        raise UserError(f"{where}: no cell holds a figure that could follow from others")


def filled_in(row: Mapping[str, str]) -> dict[str, str]:
    """A row's cells in our words, without those that are blank or beside the figures."""
    found, names = {}, heads.heads(row)
    for title, cell in row.items():
        name = names[title]
        if is_blank(name, cell) or (name == title and heads.skipped(title)):
            continue
        if name.startswith("batch size"):
            name = name.replace("batch size", heads.batch(cell + name.removeprefix("batch size")))
        words = name in WORDS and not (name == "peak" and re.match(r"[\d.]", cell))
        found[name] = cell if words or not named(name) else written.figure(column(name)[0], cell)
    return found


def is_blank(name: str, cell: str) -> bool:
    """Whether a cell says nothing; a zero does so where there may be none, and where it is no figure."""
    if cell.strip().lower() in BLANK:
        return True
    figure = not (name in WORDS and name != "peak") and (named(name) or name == "peak")
    return is_zero(cell) and not (figure and name.partition(" (")[0] not in MAY_BE_NONE)


def check_given(shared: Mapping[str, str], where: str) -> None:
    """UserError for a zero that all rows of a table would be given."""
    for head, cell in shared.items():
        if head not in WORDS and is_zero(cell):
            raise UserError(f"{where}, given, {head}: {cell!r}: no figure above 0")


def check_keys(table: Table, where: str) -> None:
    """UserError for keys that do not go together, a formula that is not known, a column given twice."""
    if bool(table.csv) == bool(table.rows):
        raise UserError(f"{where}: a table has rows, or a csv")
    if bool(table.csv) != bool(table.take):
        raise UserError(f"{where}: take tells which columns of a csv hold what: both, or neither")
    own = table.take.values() or table.columns
    if twice := [title for title in own if list(own).count(title) > 1]:
        raise UserError(f"{where}: {twice[0]!r} is given more than once")
    titles = [*heads.heads(own).values(), *map(heads.head, table.given)]
    names = [
        head if head in WORDS else column(head)[0]
        for head in titles
        if head in WORDS or named(head)
    ]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UserError(f"{where}: {twice[0]!r} is given more than once")
    try:
        formula(table.counts) if table.counts else None
    except UserError as error:
        raise UserError(f"{where}, counts: {error}") from error


def named(head: str) -> bool:
    """Whether it is a quantity; what is none is said where its cells are read."""
    return head.partition(" (")[0] in QUANTITIES


def claim(table: Table, row: Row, head: str, cells: Mapping[str, str], file: str) -> Claim:
    name, _ = column(head)
    label = cells.get("label") or cells.get("model") or str(row.number)
    note = " ".join(filter(None, [table.note, cells.get("note", "")]))
    return Claim(
        id=f"{table.id}/{label}/{re.sub(r'[^a-z0-9]+', '-', name)}",
        file=file,
        source=row.source,
        metric=name,
        value=cells[head],
        unit=head,
        counts=table.counts,
        given={key: cell for key, cell in cells.items() if key not in (head, "note")},
        table=table.id,
        row=row.number,
        note=note,
    )


def check(cells: Mapping[str, str], where: str) -> None:
    """UserError for a cell that is no figure, or a model or peak that is not known."""
    try:
        for head, cell in cells.items():
            if head == "model":
                find_shape(cell)
            elif head == "peak" and not re.match(r"[\d.]", cell):
                find_peak(cell)
            elif head == "part" and cell not in PARTS:
                raise UserError(f"unknown part {cell!r}{suggest(cell, PARTS)}")
            elif head == "recomputed" and cell.lower() not in RECOMPUTED:
                raise UserError(f"{cell!r} is neither of {', '.join(RECOMPUTED)}")
            elif head not in WORDS or (head == "peak" and re.match(r"[\d.]", cell)):
                name, prefix = column(head)
                if not is_zero(cell):
                    check_figure(name, cell, prefix)
    except UserError as error:
        raise UserError(f"{where}, {head}: {error}") from error
    if "part" in cells and "model" not in cells:
        raise UserError(f"{where}: a part is one of a model: a column 'model' is missing")


def rows(table: Table, folder: Path, where: str) -> Iterator[Row]:
    """The rows of a table, or of the CSV that it names. UserError for what does not fit."""
    if table.csv:
        yield from csv_rows(table, folder / table.csv)
        return
    for number, cells in enumerate(table.rows, start=1):
        if len(cells) != len(table.columns):
            told = f"{len(cells)} cells under {len(table.columns)} columns"
            raise UserError(f"{where}, row {number}: {told}")
        yield Row(filled_in(dict(zip(table.columns, cells, strict=True))), table.source, number)


def csv_rows(table: Table, path: Path) -> Iterator[Row]:
    lines = list(enumerate(records(path), start=1))
    kept = [(number, raw) for number, raw in lines if all(
        raw.get(key) in ([value] if isinstance(value, str) else value)
        for key, value in table.where.items())]  # fmt: skip
    if not kept:
        raise UserError(f"{path}: no row with {table.where}")
    for number, raw in kept:
        check_cells(raw, f"{path}, row {number}")
        missing = [key for key in table.take if raw.get(key) is None]
        if missing:
            raise UserError(f"{path}, row {number}: no column {missing[0]!r}")
        cells = {name: clean(raw[key]) for key, name in table.take.items()}
        if "model" in cells:  # one without a shape is a name alone
            label = next(raw[key].strip() for key, name in table.take.items() if name == "model")
            cells["model"] = table.models.get(label, table.models.get(cells["model"], ""))
            cells["label"] = label
        source = raw.get("source") or table.source
        yield Row(filled_in(cells), source, number)


def clean(cell: str) -> str:
    """Without a footnote's mark, and of ``664 (622)`` the first."""
    return re.sub(r"\s*\(.*\)|\[\^.*\]", "", cell).strip()


KNOWN = frozenset((*Table.__struct_fields__, *QUANTITIES, *WORDS))
