"""The traces of a run in files, one for each case.

The passes of a case under its contexts are nearly equal: compressed together they take a third of
what they take one by one. ``traces/<stem>.xz`` holds the distinct ones of a case, a line each; a
trace is called ``<stem>/<digest of its line>``. Equal passes give equal files, whatever came first.
Until a case is done, its new ones are lines of ``traces/<stem>.lines``: to compress takes a while.
"""

from __future__ import annotations

import fcntl
import lzma
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from flop_harness.errors import UserError
from flop_harness.records import Context, Trace
from flop_harness.store.documents import digest, read
from flop_harness.store.files import blamed, write_atomically
from flop_harness.store.traces import dump_trace, load_trace

PLAIN = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")
"""Names that no file system takes for one another, nor for anything but a file"""


class TraceStore:
    """The traces in a folder of results; the passes of the case asked for last are at hand.

    The files of a case have one writer at a time, in whatever process. A name, once told, is that of
    a trace on the disk; ``pack`` compresses what was added to a case.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._at_hand: tuple[str, dict[str, bytes]] = ("", {})
        self._kept: dict[tuple[str, int, int], tuple[Trace, str]] = {}

    def keep(self, case: str, trace: Trace) -> str:
        """The name of a trace of the case, which is stored under no context in particular."""
        parts = (case, id(trace.root), id(trace.modules))
        if parts not in self._kept:
            line = dump_trace(replace(trace, context=Context()))
            name = f"{stem_of(case)}/{digest(line)}"
            self.add(name, line)
            self._kept[parts] = (trace, name)  # what is kept keeps its id
        return self._kept[parts][1]

    def load(self, name: str) -> Trace:
        """UserError where there is none of that name."""
        return load_trace(self.line(name))

    def __contains__(self, name: str) -> bool:
        stem, key = parts_of(name)
        return key in self._passes(stem)

    def take_over(self, names: Iterable[str], other: TraceStore) -> None:
        """Add traces of another folder to those that are here."""
        for name in names:
            self.add(name, other.line(name))

    def take_files(self, cases: Iterable[str], other: TraceStore) -> None:
        """Copy the files of these cases, where the other folder has them."""
        for stem in map(stem_of, cases):
            if other._path(stem).is_file():
                write_atomically(self._path(stem), read(other._path(stem)))

    def prune(self, names: Iterable[str]) -> None:
        """Clear away every other trace, and what a run that was killed has left half written."""
        wanted: dict[str, set[str]] = defaultdict(set)
        for stem, key in map(parts_of, names):
            wanted[stem].add(key)
        for stem, keys in wanted.items():
            passes = self._passes(stem)
            if self._draft(stem).exists() or not passes.keys() <= keys:
                self._write(stem, {key: passes[key] for key in passes.keys() & keys})
        written = (self.folder / "traces").glob("*.*")
        for stale in set(written) - set(map(self._path, wanted)):
            stale.unlink(missing_ok=True)

    def pack(self, case: str) -> None:
        """Compress what was added to a case into its file; nothing where nothing was."""
        stem = stem_of(case)
        if self._draft(stem).exists():
            with locked(self._path(stem).parent):
                self._write(stem, self._read(stem))

    def _path(self, stem: str) -> Path:
        return self.folder / "traces" / f"{stem}.xz"

    def _draft(self, stem: str) -> Path:
        return self.folder / "traces" / f"{stem}.lines"

    def line(self, name: str) -> bytes:
        """What is stored of a trace; UserError where there is none of that name."""
        if name not in self:
            raise UserError(f"{self.folder} lacks the trace {name}: run the suite again")
        stem, key = parts_of(name)
        return self._passes(stem)[key]

    def _passes(self, stem: str) -> dict[str, bytes]:
        if stem != self._at_hand[0]:
            self._at_hand = (stem, self._read(stem))
        return self._at_hand[1]

    def _read(self, stem: str) -> dict[str, bytes]:
        """What was added first: it may be packed meanwhile, and is then in the file."""
        added = lines_in(self._draft(stem))
        return {**passes_in(self._path(stem)), **added}

    def add(self, name: str, line: bytes) -> None:
        """Store what ``line`` gave elsewhere under its name."""
        if name in self:
            return
        stem, key = parts_of(name)
        with locked(self._path(stem).parent):
            append_durably(self._draft(stem), line)
        self._passes(stem)[key] = line

    def _write(self, stem: str, passes: dict[str, bytes]) -> None:
        text = b"".join(passes[key] + b"\n" for key in sorted(passes))
        content = lzma.compress(text, format=lzma.FORMAT_XZ, preset=6)
        write_atomically(self._path(stem), content)
        self._draft(stem).unlink(missing_ok=True)
        self._at_hand = (stem, passes)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Within, no other process that asks writes in the folder; the lock is the folder's own."""
    with blamed(folder):
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def append_durably(path: Path, line: bytes) -> None:
    """A line more in a file, on the disk; one that a kill has cut off before it ends there."""
    with blamed(path), path.open("a+b") as file:
        end = file.seek(0, os.SEEK_END)
        cut_off = end and os.pread(file.fileno(), 1, end - 1) != b"\n"
        file.write((b"\n" if cut_off else b"") + line + b"\n")
        file.flush()
        os.fsync(file.fileno())


def passes_in(path: Path) -> dict[str, bytes]:
    """Lines by their digest; none where there is no such file. UserError for one that is damaged."""
    if not path.is_file():
        return {}
    try:
        lines = lzma.decompress(read(path)).splitlines()
    except (lzma.LZMAError, EOFError) as error:
        raise UserError(f"{path} is damaged ({error}): remove it, run the suite again") from error
    return {digest(line): line for line in lines}


def lines_in(path: Path) -> dict[str, bytes]:
    """The same of a file that is not compressed; one may be gone just now."""
    try:
        return {digest(line): line for line in path.read_bytes().splitlines()}
    except FileNotFoundError:
        return {}


def stem_of(case: str) -> str:
    """What the file of a case is called: as the case is, or with a digest where that is not plain."""
    if PLAIN.fullmatch(case):
        return case
    clean = re.sub(r"[^a-z0-9]+", "-", case.lower())[:60]
    return f"{clean}~{digest(case.encode('utf-8', 'surrogatepass'))}"


def parts_of(name: str) -> tuple[str, str]:
    """``vgg16/027410596c8ed463`` -> ``("vgg16", "027410596c8ed463")``."""
    stem, _, key = name.rpartition("/")
    return stem, key
