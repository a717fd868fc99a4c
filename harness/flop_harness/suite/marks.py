"""What tells one state of a file, a folder or a variable from another."""

from __future__ import annotations

import hashlib
import os
import stat
from functools import lru_cache
from pathlib import Path

LARGE = 1 << 25
"""Bytes of a file beyond which its size and date stand for its content."""


def place(file: str, base: Path) -> str:
    """A path as it is stored: from ``base`` if it lies in it."""
    path = Path(os.path.realpath(file))
    return str(path.relative_to(base)) if path.is_relative_to(base) else str(path)


def mark(file: str) -> str:
    """What tells one content of a file from another; empty where there is no such file.

    Of ``folder/``, the names in it; of a folder without the stroke, that it is one.
    """
    try:
        status = os.stat(file)
        if stat.S_ISDIR(status.st_mode):
            return digest_of("\n".join(names_in(file))) if file.endswith("/") else "a folder"
        return marked(file, status.st_mtime_ns, status.st_size)
    except OSError:
        return ""


def digest_of(value: str | None) -> str:
    """What tells one text from another, without telling it; empty where there is none."""
    return "" if value is None else hashlib.sha256(value.encode()).hexdigest()[:16]


def names_in(folder: str) -> list[str]:
    """Without what Python and tools put beside them."""
    return sorted(name for name in os.listdir(folder) if not name.startswith((".", "__")))


@lru_cache(maxsize=10_000)
def marked(file: str, date: int, size: int) -> str:
    if size > LARGE:
        return f"{size} bytes, {date}"
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()[:16]
