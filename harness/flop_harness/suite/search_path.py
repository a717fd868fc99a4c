"""Where Python looks for modules: its own first, then the user's folder, then what is installed.

A script's own folder comes before the standard library, so a user's ``profile.py`` is what torch
gets when it asks for Python's. Here the standard library comes first.
"""

from __future__ import annotations

import importlib
import os
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from flop_harness.suite.opened import noting
from flop_harness.suite.standing import Standing, modules_kept

STANDARD = frozenset(
    os.path.realpath(path)
    for name in ("stdlib", "platstdlib")
    for path in (sysconfig.get_path(name), f"{sysconfig.get_path(name)}/lib-dynload")
)


@cache
def is_standard(folder: str) -> bool:
    """Whether a place of ``sys.path`` holds the standard library."""
    if not os.path.isabs(folder):
        return False
    return os.path.realpath(folder) in STANDARD or Path(folder).name == zipped()


def zipped() -> str:
    return f"python{sys.version_info.major}{sys.version_info.minor}.zip"


def put_standard_library_first() -> None:
    """For a process of our own: nobody's ``random.py`` is taken for Python's from now on."""
    sys.path.sort(key=lambda folder: not is_standard(folder))


@contextmanager
def standard_library_first() -> Iterator[None]:
    """The same for a while, in a process that is somebody else's."""
    before = list(sys.path)
    put_standard_library_first()
    ours = list(sys.path)
    try:
        yield
    finally:
        if sys.path == ours:  # what was imported may have changed it on purpose
            sys.path[:] = before


added: dict[str, None] = {}
"""Folders that somebody else's code put on the path within ``on_path`` in this process, in order"""


@contextmanager
def on_path(folders: Sequence[str], standing: Standing | None = None) -> Iterator[None]:
    """Let imports look into ``folders`` before what is installed, after the standard library.

    Within, somebody else's code may be run: what it reads is noted, and it takes no module of torch's
    or ours away. Where that is only in forks, ``standing`` tells what is loaded: to look takes a while.
    """
    kept = modules_kept() if standing is None else standing.found_first()
    with standard_library_first(), no_bytecode_written(), kept, noting():
        known = {*sys.path, *folders}
        place = sum(map(is_standard, sys.path))
        sys.path[place:place] = folders
        if folders:
            importlib.invalidate_caches()
        try:
            yield
        finally:
            added.update(dict.fromkeys(each for each in sys.path if each not in known))
            for folder in folders:
                if folder in sys.path:  # whatever was imported may have tidied up itself
                    sys.path.remove(folder)


@contextmanager
def no_bytecode_written() -> Iterator[None]:
    """Python takes bytecode for current by the second and the size of its source: ours must not lag."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


def shadowed_by_standard(folders: Sequence[str], name: str) -> str:
    """The user's file that ``name`` might have meant where Python has a module of that name."""
    top = name.partition(".")[0]
    if top not in sys.stdlib_module_names:
        return ""
    for folder in folders:
        for file in (Path(folder, f"{top}.py"), Path(folder, top, "__init__.py")):
            if file.is_file():
                return str(file)
    return ""
