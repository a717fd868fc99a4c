"""What a model's code reads and looks for in vain while it is built: files, names of modules, variables."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import source_from_cache
from typing import Any

read: set[str] = set()
"""Paths of all files that were opened for reading, or loaded as libraries, within ``noting`` in this process."""

missing: set[str] = set()
"""Names of all modules that nothing was found for within ``noting`` in this process."""

variables: dict[tuple[str, str], str | None] = {}
"""(name, file of the code that asked) -> what the environment held as the model's building began."""

_depth = 0
_hooked = False
_environment: Mapping[str, str] = {}


@contextmanager
def noting() -> Iterator[None]:
    """Within, what is read and what is not found is written down."""
    global _depth, _environment
    hook_in()
    last = LastFinder()
    sys.meta_path.append(last)
    if not _depth:
        _environment = dict(os.environ)
    _depth += 1
    looked_up = Environment.__getitem__
    Environment.__getitem__ = heard(looked_up)  # type: ignore[method-assign]
    try:
        yield
    finally:
        Environment.__getitem__ = looked_up  # type: ignore[method-assign]
        _depth -= 1
        if last in sys.meta_path:
            sys.meta_path.remove(last)


class LastFinder:
    """Asked for a module after every other finder; it finds nothing either."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if path is None:
            missing.add(name)


Environment = type(os.environ)
PASSED_BY = ("os", "collections.abc", "_collections_abc", __name__)
"""Modules that ask for a variable on behalf of others"""


def heard(looked_up: Callable[[Any, str], str]) -> Callable[[Any, str], str]:
    """A look at a variable by its name, of which is written down whose it was.

    What it held as building began: what the model's code sets itself is no input of it.
    """

    def look(environment: Any, name: str) -> str:
        frame = sys._getframe(1)
        while frame.f_back is not None and frame.f_globals.get("__name__") in PASSED_BY:
            frame = frame.f_back
        variables.setdefault((name, frame.f_code.co_filename), _environment.get(name))
        return looked_up(environment, name)

    return look


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
