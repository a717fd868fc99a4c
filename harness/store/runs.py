"""A run as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import UserError
from harness.records import Run
from harness.store.schema import require_schema

RUN_FILE = "run.json"


def dumps(run: Run) -> bytes:
    """The run as indented JSON: fields as declared, mappings in their own order (a breakdown's
    is the order of the layers), so that equal runs give equal files and diffs can be read.

    The standard library writes it, as it keeps nan and large integers, which msgspec's JSON
    does not.
    """
    return json.dumps(msgspec.to_builtins(run), indent=1).encode() + b"\n"


def loads(content: bytes, source: str = RUN_FILE) -> Run:
    """The run in ``content``; UserError, naming ``source``, for anything else."""
    try:
        document = json.loads(content)
    except ValueError as error:
        raise UserError(f"{source} is not JSON: {error}") from error
    require_schema(document, source)
    run: Run = restored(document, Run, source)
    return run


def load(path: Path | str) -> Run:
    """The run in a results folder, or in its ``run.json``; UserError where there is none."""
    path = Path(path)
    file = path / RUN_FILE if path.is_dir() else path
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror or error}") from error
    return loads(content, str(file))


def restored(document: Any, kind: Any, source: str) -> Any:
    """Plain data as a ``kind`` of record; UserError, naming ``source``, where it is not one."""
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        raise UserError(f"{source} is damaged: {error}") from error
