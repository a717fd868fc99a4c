"""A run as two files: what it found, and what no two runs share.

``run.json.xz`` holds readings, bridges and figures: a run repeated on the same versions gives the
same file. ``measured.json.xz`` holds the date, the machine, and each reading's seconds,
memory and printed text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from flop_harness.errors import UserError
from flop_harness.records import Run
from flop_harness.store.documents import (
    damaged,
    digest,
    lean,
    packed,
    read,
    restore_details,
    restored,
    unpacked,
    with_details,
)
from flop_harness.store.files import write_atomically
from flop_harness.store.schema import RUN_SCHEMA

RUN_FILE = "run.json.xz"
MEASURED_FILE = "measured.json.xz"
MEASURED = ("seconds", "peak_bytes", "output")
"""Fields of a reading that differ from run to run: tools print seconds too"""


def save(run: Run, folder: Path | str) -> list[Path]:
    """Write both files into ``folder``, the run last; return their paths."""
    content = dumps(run)
    paths = [Path(folder) / name for name in (MEASURED_FILE, RUN_FILE)]
    for path in paths:
        write_atomically(path, content[path.name])
    return paths[::-1]


def dumps(run: Run) -> dict[str, bytes]:
    """The content of each file. Mappings keep their order (a breakdown's is that of the layers)."""
    kept: dict[str, int] = {}
    document = {each.name: lean(getattr(run, each.name), kept) for each in fields(run)}
    document["schema"] = RUN_SCHEMA
    measured = {
        "schema": RUN_SCHEMA,
        "environment": document.pop("environment"),
        **{name: [record.pop(name, None) for record in document["readings"]] for name in MEASURED},
    }
    content = packed(with_details(document, kept))
    return {RUN_FILE: content, MEASURED_FILE: packed({**measured, "run": digest(content)})}


def load(path: Path | str) -> Run:
    """The run in a results folder, or in its ``run.json.xz``; UserError where there is none."""
    path = Path(path)
    file = path / RUN_FILE if path.is_dir() else path
    if file.is_file() and file.suffix != Path(RUN_FILE).suffix:
        raise UserError(f"{file} is no run: name a results folder, or the {RUN_FILE} in it")
    found = opened(read(file), str(file))
    return put_together(*found, read(file.with_name(MEASURED_FILE)), str(file))


def loads(content: Mapping[str, bytes]) -> Run:
    """The run in what ``dumps`` gave."""
    return put_together(*opened(content[RUN_FILE], RUN_FILE), content[MEASURED_FILE], RUN_FILE)


def opened(content: bytes, source: str) -> tuple[dict[str, Any], str]:
    """The document in ``run.json.xz``, and the digest by which what was measured names it."""
    return unpacked(content, source, RUN_SCHEMA), digest(content)


def put_together(document: dict[str, Any], name: str, measured: bytes, source: str) -> Run:
    """The run in the content of its two files; UserError, naming ``source``."""
    beside = unpacked(measured, str(Path(source).with_name(MEASURED_FILE)), RUN_SCHEMA)
    if beside.get("run") != name:
        raise UserError(
            f"{source} is of another run than the {MEASURED_FILE} beside it: run the suite again"
        )
    restore_details([document], document.pop("details", ()), source)
    run: Run = restored(merged(document, beside, source), Run, source)
    return run


def merged(document: dict[str, Any], measured: Mapping[str, Any], source: str) -> dict[str, Any]:
    """The document with what was measured in its places."""
    try:
        for name in MEASURED:
            for record, value in zip(document["readings"], measured[name], strict=True):
                if value is not None:
                    record[name] = value
        return {**document, "environment": measured["environment"]}
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(source, error) from error
