"""Snapshots of what a model costs: small TOML files to read, to compare and to keep beside tests."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import isclose
from pathlib import Path
from typing import Any, TypeAlias

from flop_harness.errors import UserError
from flop_harness.report.formats.plain import aligned

Number: TypeAlias = int | float
Amounts: TypeAlias = Mapping[str, Mapping[str, Number]]
"""module path -> term -> amount"""

SCHEMA = 1
NUMBERS = (False, False, True, True, True)
"""Which columns of a difference are set to the right"""
FOLDER = "flop_snapshots"
NAME, LONGEST = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*"), 100


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one convention says of a model, by module and term, and its parameters by module."""

    model: str
    convention: str
    unit: str
    total: Number
    params: int
    charges: Amounts = field(default_factory=dict)
    parameters: Amounts = field(default_factory=dict)
    unsupported: Mapping[str, int] = field(default_factory=dict)
    conventions: int = 1


@dataclass(frozen=True, slots=True)
class Change:
    """An amount that is not as in the snapshot; 0 stands for what one of the two does not have."""

    module: str
    term: str
    before: Number
    after: Number


def path_of(test: Path, name: str) -> Path:
    """Where a test's snapshot of this name lies; UserError for a name that is no plain file name."""
    if len(name) > LONGEST:
        raise UserError(f"{name[:20]!r}... cannot name a snapshot: {len(name)} characters, "
                        f"{LONGEST} are the most")  # fmt: skip
    if not NAME.fullmatch(name):
        raise UserError(
            f"{name!r} cannot name a snapshot: letters, digits, '.', '_' and '-' alone, "
            "and a letter or a digit first"
        )
    return test.parent / FOLDER / f"{name}.toml"


# ---------------------------------------------------------------------------------- comparison


def changes(before: Snapshot, after: Snapshot) -> list[Change]:
    """What changed, module by module and term by term, in the order of the model."""
    pairs = (
        (before.charges, after.charges),
        (before.parameters, after.parameters),
        ({"": before.unsupported}, {"": after.unsupported}),
    )
    return [change for old, new in pairs for change in changed(old, new)]


def changed(before: Amounts, after: Amounts) -> Iterator[Change]:
    for module in dict.fromkeys([*after, *before]):
        old, new = before.get(module, {}), after.get(module, {})
        for term in dict.fromkeys([*new, *old]):
            if old.get(term, 0) != new.get(term, 0):
                yield Change(module, term, old.get(term, 0), new.get(term, 0))


def why_not(before: Snapshot, after: Snapshot) -> str:
    """Why two snapshots are not of the same kind; empty if they can be compared."""
    if before.conventions != after.conventions:
        return f"it follows version {before.conventions} of the conventions, now at {after.conventions}"
    if before.convention != after.convention:
        return f"it counts by {before.convention!r}, the test by {after.convention!r}"
    return ""


def difference(name: str, before: Snapshot, after: Snapshot) -> str:
    """The totals and a table of what changed, in plain text; empty if nothing did."""
    found = changes(before, after)
    if not found:
        return ""
    rows = [(each.module or "(the model)", each.term, f"{each.before:,}", f"{each.after:,}",
             f"{each.after - each.before:+,}") for each in found]  # fmt: skip
    totals = [
        f"{moved(before.total, after.total)} {after.unit}",
        f"{moved(before.params, after.params)} parameters",
    ]
    head = f"{after.model} is not as in snapshot {name!r}: {', '.join(totals)}"
    return "\n".join(
        [head, "", *aligned([("module", "term", "snapshot", "now", "change"), *rows], NUMBERS)]
    )


def moved(before: Number, after: Number) -> str:
    return f"{after:,}" if before == after else f"{before:,} -> {after:,}"


# ---------------------------------------------------------------------------------------- files


def dumps(snapshot: Snapshot) -> str:
    """The file: totals first, then a line for each module."""
    lines = [
        "# What a model costs, by flop-harness; `pytest --flop-update` rewrites it.",
        f"schema = {SCHEMA}",
        f"conventions = {snapshot.conventions}",
        f"model = {quoted(snapshot.model)}",
        f"convention = {quoted(snapshot.convention)}",
        f"unit = {quoted(snapshot.unit)}",
        f"total = {grouped(snapshot.total)}",
        f"params = {grouped(snapshot.params)}",
    ]
    lines += section("charges", snapshot.charges)
    lines += section("parameters", snapshot.parameters)
    if snapshot.unsupported:
        lines += ["", "[unsupported]", *assignments(snapshot.unsupported.items())]
    return "\n".join(lines) + "\n"


def section(title: str, amounts: Amounts) -> Iterator[str]:
    if amounts:
        yield from ("", f"[{title}]")
    for module, terms in amounts.items():
        yield f"{quoted(module)} = {{ {', '.join(assignments(terms.items()))} }}"


def assignments(pairs: Iterable[tuple[str, Number]]) -> list[str]:
    return [f"{quoted(name)} = {grouped(amount)}" for name, amount in pairs]


def quoted(text: str) -> str:
    """A TOML string; JSON's escapes are TOML's too, but for DEL, which TOML wants escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def grouped(amount: Number) -> str:
    return f"{amount:_}"


def loads(text: str, source: str) -> Snapshot:
    """The snapshot in a file; UserError, naming ``source``, where there is none."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{source} is not TOML: {error}") from error
    if document.pop("schema", None) != SCHEMA:
        raise UserError(
            f"{source} is of another version of flop-harness: rewrite it, --flop-update"
        )
    return converted(document, source)


def converted(document: dict[str, Any], source: str) -> Snapshot:
    import msgspec

    try:
        snapshot = msgspec.convert(document, Snapshot)
    except msgspec.ValidationError as error:
        raise UserError(f"{source} is damaged: {error}") from error
    for total, amounts in (
        (snapshot.total, snapshot.charges),
        (snapshot.params, snapshot.parameters),
    ):
        found = sum(sum(terms.values()) for terms in amounts.values())
        if not isclose(total, found):
            raise UserError(f"{source} is damaged: its {found:,} do not add up to {total:,}")
    return snapshot


def load(path: Path) -> Snapshot | None:
    """The snapshot in a file; None where there is no such file."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}") from error
    return loads(text, str(path))
