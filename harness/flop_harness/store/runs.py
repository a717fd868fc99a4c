"""A run as two files: ``run.json``, to be read and compared, and its details.

Breakdowns by module and what tools printed are most of a run's bulk, and many are equal:
``run.json`` holds their numbers, and ``details.json.gz`` each of them once, in that order.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from itertools import chain, starmap
from pathlib import Path
from typing import Any

import msgspec

from flop_harness.errors import UserError
from flop_harness.records import Reading, Run, Step
from flop_harness.store.files import write_atomically
from flop_harness.store.schema import RUN_SCHEMA, require_schema

RUN_FILE = "run.json"
DETAILS_FILE = "details.json.gz"
DETAILS = ("modules", "classes", "output", "warnings", "leftovers")
"""Fields of readings and steps that stand in the second file"""
DEFAULT: list[Any] = [[]]
"""No field of a record holds this"""


# ------------------------------------------------------------------------------------- writing


def save(run: Run, folder: Path | str) -> list[Path]:
    """Write both files into ``folder``, the run last; return their paths."""
    content = dumps(run)
    paths = [Path(folder) / name for name in (DETAILS_FILE, RUN_FILE)]
    for path in paths:
        write_atomically(path, content[path.name])
    return paths[::-1]


def dumps(run: Run) -> dict[str, bytes]:
    """The content of each file. Equal runs give equal files.

    Fields stand as declared, a record's without those that have their default; mappings in their
    own order (a breakdown's is the order of the layers). The standard library writes them, as it
    keeps nan and large integers, which msgspec's JSON does not.
    """
    kept: dict[str, int] = {}
    document = {each.name: lean(getattr(run, each.name), kept) for each in fields(run)}
    rows = ",\n".join(kept)
    text = f'{{"schema":{RUN_SCHEMA},"details":[\n{rows}\n]}}\n'
    details = gzip.compress(text.encode(), mtime=0)
    document["details"] = digest(details)
    return {RUN_FILE: laid_out(document), DETAILS_FILE: details}


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


def laid_out(document: Mapping[str, Any]) -> bytes:
    """JSON with one line for each record."""
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


def records_of(value: Any) -> Any:
    """A table of ``block`` as its records again; anything else as it is."""
    if not isinstance(value, dict) or value.keys() != {"fields", "rows"}:
        return value
    return [{name: each for name, each in zip(value["fields"], row, strict=False) if each != DEFAULT}
            for row in value["rows"]]  # fmt: skip


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


# ------------------------------------------------------------------------------------- reading


def load(path: Path | str) -> Run:
    """The run in a results folder, or in its ``run.json``; UserError where there is none."""
    path = Path(path)
    file = path / RUN_FILE if path.is_dir() else path
    document = decoded(read(file), str(file))
    return put_together(document, read(file.with_name(DETAILS_FILE)), str(file))


def loads(content: Mapping[str, bytes]) -> Run:
    """The run in what ``dumps`` gave."""
    return put_together(decoded(content[RUN_FILE], RUN_FILE), content[DETAILS_FILE], RUN_FILE)


def put_together(document: dict[str, Any], details: bytes, source: str) -> Run:
    """The run in a decoded ``run.json`` and its details; UserError, naming ``source``."""
    if document.pop("details", None) != digest(details):
        raise UserError(
            f"{source} is of another run than the {DETAILS_FILE} beside it: run the suite again"
        )
    kept = decoded(gzip.decompress(details), DETAILS_FILE)["details"]
    try:
        steps = [step for bridge in document["bridges"] for step in bridge["steps"]]
        for record in (*document["readings"], *steps):
            record |= {name: kept[record[name]] for name in DETAILS if name in record}
    except (KeyError, IndexError, TypeError) as error:
        raise UserError(f"{source} is damaged: {type(error).__name__}: {error}") from error
    run: Run = restored(document, Run, source)
    return run


def read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror or error}") from error


def decoded(content: bytes, source: str, schema: int = RUN_SCHEMA) -> dict[str, Any]:
    """The JSON object in ``content``; UserError, naming ``source``, if it is not of that schema."""
    try:
        document = json.loads(content)
    except ValueError as error:
        raise UserError(f"{source} is not JSON: {error}") from error
    require_schema(document, source, schema)
    return {name: records_of(value) for name, value in document.items()}


def restored(document: Any, kind: Any, source: str) -> Any:
    """Plain data as a ``kind`` of record; UserError, naming ``source``, where it is not one."""
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        raise UserError(f"{source} is damaged: {error}") from error
