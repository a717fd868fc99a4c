"""The cells of a run that are finished, so that one which was killed can go on."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import msgspec

from flop_harness.errors import UserError
from flop_harness.store.documents import digest, restored
from flop_harness.store.files import blamed

JOURNAL_FILE = "journal.jsonl"
LET_GO_S = 1.0
"""How long a lock is waited for: one of a run that was killed may outlive it for a moment"""

Key = tuple[str, ...]


class Journal:
    """An append-only file of JSON lines: the identity of the run, then one finished cell each.

    A line is on the disk before ``add`` returns; one cut off by a kill, or damaged since, is
    dropped on reopening.
    The file is locked as long as the journal is open. ``restarted`` says why the cells of an
    earlier run were not taken over; it is empty where they were, or where there was no such run.
    """

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self._path = path
        self._cells: dict[Key, Any] = {}
        self.restarted = ""

    @classmethod
    def open(cls, folder: Path | str, identity: Mapping[str, Any], fresh: bool = False) -> Journal:
        """The journal in ``folder``, begun anew if ``fresh`` or if its identity is another.

        ``identity`` is plain data: what makes earlier cells worth keeping. UserError where the
        folder cannot be written, or another run has it open.
        """
        path = Path(folder) / JOURNAL_FILE
        with blamed(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            file = locked(path)
            journal = cls(file, path)
            try:
                journal._resume(json.loads(plain(msgspec.to_builtins(identity))), fresh)
            except BaseException:
                file.close()
                raise
        return journal

    def done(self, key: Iterable[str], kind: Any = Any) -> Any:
        """The record of a finished cell, as plain data or as a ``kind``; None if not finished."""
        record = self._cells.get(tuple(key))
        return None if record is None else restored(record, kind, str(self._path))

    def add(self, key: Iterable[str], record: Any) -> None:
        """Save a finished cell: a record, or plain data. The last one for a key holds.

        UserError where it cannot be written; what was saved before stands.
        """
        key = tuple(key)
        line = encoded({"key": key, "record": record})
        with blamed(self._path):
            self._append(line)
        self._cells[key] = json.loads(line)["record"]

    def add_all(self, records: Mapping[Key, Any]) -> None:
        """Save many at once, as ``add`` does one after another."""
        lines = [encoded({"key": key, "record": record}) for key, record in records.items()]
        with blamed(self._path):
            self._append(b"".join(lines))
        self._cells |= {
            tuple(key): json.loads(line)["record"] for key, line in zip(records, lines, strict=True)
        }

    def close(self) -> None:
        """Let go of the file and its lock."""
        self._file.close()

    def __len__(self) -> int:
        return len(self._cells)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _resume(self, identity: dict[str, Any], fresh: bool) -> None:
        content = self._file.read()
        lines, length = whole_lines(content)
        self.restarted = reason_to_restart(lines[:1], identity, fresh) if content else ""
        if self.restarted or not lines:
            self._file.truncate(0)
            self._append(encoded({"identity": identity}))
        else:
            self._file.truncate(length)
            self._cells = {tuple(line["key"]): line["record"] for line in lines[1:]}

    def _append(self, line: bytes) -> None:
        end = self._file.seek(0, os.SEEK_END)
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
        except OSError:
            self._file.truncate(end)  # half a line would spoil the next one
            raise


def finished(folder: Path | str, identity: Mapping[str, Any]) -> dict[Key, Any]:
    """The plain data in a folder's journal, if its identity is this one; the file stays as it is."""
    path = Path(folder) / JOURNAL_FILE
    if not path.is_file():
        return {}
    lines, _ = whole_lines(path.read_bytes())
    if reason_to_restart(lines[:1], json.loads(plain(msgspec.to_builtins(identity))), fresh=False):
        return {}
    return {tuple(line["key"]): line["record"] for line in lines[1:]}


def locked(path: Path) -> BinaryIO:
    """The file, made if need be, unbuffered and locked; UserError if somebody else locked it."""
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b", buffering=0)
    deadline = time.monotonic() + LET_GO_S
    while not lock(file):
        if time.monotonic() > deadline:
            file.close()
            raise UserError(f"another run is writing to {path.parent}: wait for it")
        time.sleep(0.02)
    return file


def lock(file: BinaryIO) -> bool:
    """Whether a file could be locked without waiting."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def whole_lines(content: bytes) -> tuple[list[Any], int]:
    """The documents in the lines that are as they were written, and the bytes of all whole lines."""
    length = content.rfind(b"\n") + 1
    found = map(document_in, content[:length].split(b"\n"))
    return [document for document in found if document is not None], length


def document_in(line: bytes) -> dict[str, Any] | None:
    """What a line says; None where it is not as it was written."""
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return None
    told = document.pop("digest", None) if isinstance(document, dict) else None
    return document if told == digest(plain(document)) else None


def reason_to_restart(head: list[Any], identity: Mapping[str, Any], fresh: bool) -> str:
    """Why the cells below ``head`` (the first line, if whole) are of no use; empty if they are."""
    if fresh:
        return "a fresh start was asked for"
    if not head or "identity" not in head[0]:
        return "the journal has no whole first line"
    before, now = dict(leaves(head[0].get("identity"))), dict(leaves(identity))
    return "; ".join(
        f"{name} was {before.get(name)}, is {now.get(name)}"
        for name in before | now
        if before.get(name) != now.get(name)
    )


def leaves(document: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """``{"a": {"b": 1}}`` -> ``("a.b", 1)``."""
    if not isinstance(document, Mapping):
        yield name, document
        return
    for key, value in document.items():
        yield from leaves(value, f"{name}.{key}" if name else str(key))


def encoded(document: Any) -> bytes:
    """A line, with a digest by which one that was damaged is known."""
    built = msgspec.to_builtins(document)
    return plain({**built, "digest": digest(plain(built))}) + b"\n"


def plain(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
