"""What a model's code reads and looks for in vain while it is built: files, names of modules."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import source_from_cache
from typing import Any

read: set[str] = set()
"""Paths of all files that were opened for reading, or loaded as libraries, within ``noting`` in this process."""

missing: set[str] = set()
"""Names of all modules that nothing was found for within ``noting`` in this process."""

_depth = 0
_hooked = False


@contextmanager
def noting() -> Iterator[None]:
    """Within, what is read and what is not found is written down."""
    global _depth
    hook_in()
    last = LastFinder()
    sys.meta_path.append(last)
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1
        if last in sys.meta_path:
            sys.meta_path.remove(last)


class LastFinder:
    """Asked for a module after every other finder; it finds nothing either."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if path is None:
            missing.add(name)


def hook_in() -> None:
    """Once for a process: an audit hook cannot be taken out again."""
    global _hooked
    if not _hooked:
        _hooked = True
        sys.addaudithook(hear)


def hear(event: str, details: tuple) -> None:
    if not _depth or event not in ("open", "ctypes.dlopen"):
        return
    path, flags = details[0], details[2] if event == "open" else os.O_RDONLY
    reads = not (flags or 0) & (os.O_WRONLY | os.O_RDWR)
    if reads and isinstance(path, str | bytes | os.PathLike):
        read.add(source_of(os.path.abspath(os.fsdecode(path))))


def source_of(path: str) -> str:
    """The file itself; of bytecode, the file that it was compiled from."""
    if not path.endswith(".pyc"):
        return path
    try:
        return source_from_cache(path)
    except ValueError:  # bytecode that stands alone
        return path
