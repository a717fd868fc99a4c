"""Records as JSON documents, compressed: what stands in every file of ours.

A document is a JSON object with the version of its schema. Records of one kind are the names of
their fields and a row for each; fields that have their default are left out. The compressed form
(xz) carries a checksum, so that a damaged file is refused rather than read.
"""

from __future__ import annotations

import hashlib
import json
import lzma
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from itertools import chain, starmap
from pathlib import Path
from typing import Any

import msgspec

from flop_harness.errors import UserError
from flop_harness.records import Reading, Step
from flop_harness.store.schema import require_schema

DETAILS = ("modules", "classes", "warnings", "leftovers")
"""Fields of readings and steps that are many and often equal: each value is stored once"""
DEFAULT: list[Any] = [[]]
"""No field of a record holds this"""
PRESET = 3
"""Of xz: a tenth larger than at 6, in a quarter of the time"""


# ------------------------------------------------------------------------------------- writing


def packed(document: Mapping[str, Any], preset: int = PRESET) -> bytes:
    """The content of a file; equal documents give equal files."""
    return lzma.compress(laid_out(document), format=lzma.FORMAT_XZ, preset=preset)


def lean(value: Any, kept: dict[str, int]) -> Any:
    """A record as plain data; details as their numbers in ``kept``, which grows."""
    if is_dataclass(value):
        told = {each.name: getattr(value, each.name) for each in fields(value)
                if not is_default(each, getattr(value, each.name))}  # fmt: skip
        apart = DETAILS if isinstance(value, Reading | Step) else ()
        return {name: kept.setdefault(compact(each), len(kept)) if name in apart
                else lean(each, kept) for name, each in told.items()}  # fmt: skip
    if isinstance(value, Mapping):
        return {key: lean(each, kept) for key, each in value.items()}
    return [lean(each, kept) for each in value] if isinstance(value, list | tuple) else value


def is_default(each: Field, value: Any) -> bool:
    """Whether a field need not be told: 0 and False, or 1 and 1.0, are two values."""
    default = each.default if each.default_factory is MISSING else each.default_factory()
    return type(value) is type(default) and bool(value == default)


def with_details(document: Mapping[str, Any], kept: Mapping[str, int]) -> dict[str, Any]:
    """The document with the details that its records number."""
    return {**document, "details": [json.loads(each) for each in kept]}


def laid_out(document: Mapping[str, Any]) -> bytes:
    """JSON with one line for each record.

    The standard library writes it, as it keeps nan and large integers, which msgspec's does not.
    """
    return ("{\n" + ",\n".join(starmap(block, document.items())) + "\n}\n").encode()


def block(name: str, value: Any) -> str:
    """Records as the names of their fields and a row for each; ``DEFAULT`` stands for a default."""
    if not is_table(value):
        return f'"{name}": {compact(value)}'
    names = list(dict.fromkeys(chain.from_iterable(value)))
    rows = ",\n".join(compact(row_of(record, names)) for record in value)
    return f'"{name}": {{"fields": {compact(names)}, "rows": [\n{rows}\n]}}'


def is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)


def row_of(record: Mapping[str, Any], names: Sequence[str]) -> list[Any]:
    last = max((place for place, name in enumerate(names) if name in record), default=-1)
    return [record.get(name, DEFAULT) for name in names[: last + 1]]


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


# ------------------------------------------------------------------------------------- reading


def read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror or error}") from error


def unpacked(content: bytes, source: str, schema: int) -> dict[str, Any]:
    """The document in a file's content; UserError, naming ``source``, if it is not one of these."""
    try:
        text = lzma.decompress(content)
    except (lzma.LZMAError, EOFError) as error:
        raise damaged(source, error) from error
    return decoded(text, source, schema)


def decoded(text: bytes, source: str, schema: int) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise damaged(source, error) from error
    require_schema(document, source, schema)
    return {name: records_of(value) for name, value in document.items()}


def records_of(value: Any) -> Any:
    """A table of ``block`` as its records again; anything else as it is."""
    if not isinstance(value, dict) or value.keys() != {"fields", "rows"}:
        return value
    return [{name: each for name, each in zip(value["fields"], row, strict=False) if each != DEFAULT}
            for row in value["rows"]]  # fmt: skip


def restore_details(
    holders: Sequence[Mapping[str, Any]], kept: Sequence[Any] | Mapping[int, Any], source: str
) -> None:
    """Put the details of readings and of bridges' steps back in their places."""
    try:
        for holder in holders:
            steps = [step for bridge in holder.get("bridges", ()) for step in bridge["steps"]]
            for record in (*holder.get("readings", ()), *steps):
                record |= {name: kept[record[name]] for name in DETAILS if name in record}
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise damaged(source, error) from error


def restored(document: Any, kind: Any, source: str) -> Any:
    """Plain data as a ``kind`` of record; UserError, naming ``source``, where it is not one."""
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        raise damaged(source, error) from error


def damaged(source: str, error: BaseException) -> UserError:
    return UserError(
        f"{source} is damaged ({type(error).__name__}: {error}): remove it, and make it again"
    )
