"""What a model's code reads and looks for while it is built and run: files, folders, modules, variables."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import wraps
from importlib.util import source_from_cache
from types import FrameType
from typing import Any

read: set[str] = set()
"""Paths of all files that were opened for reading, or loaded as libraries, within ``noting`` in this process."""

asked: set[str] = set()
"""Paths that were only looked for, there or not, but for those that were written then"""

listed: set[str] = set()
"""Folders whose names were looked through"""

written: set[str] = set()
"""Paths of all files that were opened for writing"""

missing: set[str] = set()
"""Names of all modules that nothing was found for within ``noting`` in this process."""

variables: dict[tuple[str, str], str | None] = {}
"""(name, file of the code that asked) -> what the environment held before any model's code ran."""

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
    _environment = _environment or dict(os.environ)
    with ExitStack() as replaced:
        for owner, name, listening in () if _depth else listeners():
            replaced.enter_context(replacing(owner, name, listening))
        _depth += 1
        try:
            yield
        finally:
            _depth -= 1
            if last in sys.meta_path:
                sys.meta_path.remove(last)


@contextmanager
def replacing(owner: Any, name: str, listening: Callable[[Any], Any]) -> Iterator[None]:
    """Within, a function is one that listens first."""
    before, inherited = getattr(owner, name), name not in vars(owner)
    setattr(owner, name, listening(before))
    try:
        yield
    finally:
        if inherited:
            delattr(owner, name)
        else:
            setattr(owner, name, before)


class LastFinder:
    """Asked for a module after every other finder; it finds nothing either."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if path is None:
            missing.add(name)


Environment = type(os.environ)
ON_BEHALF = frozenset(
    "os posixpath genericpath pathlib pathlib._local pathlib._abc glob fnmatch pkgutil shutil "
    f"collections.abc _collections_abc {__name__}".split()
)
"""Modules that ask for a variable, a file or the names in a folder for others"""

NOT_THE_MODEL = ("flop_harness.", "importlib.", "_frozen_importlib")
"""Whose looks at files and folders are no reading of the model's"""


def heard(looked_up: Callable[[Any, str], str]) -> Callable[[Any, str], str]:
    """A look at a variable by its name, of which is written down whose it was.

    What it held before: what the model's code sets itself is no input of it.
    """

    def look(environment: Any, name: str) -> str:
        file = who_asks(sys._getframe(1)).f_code.co_filename
        variables.setdefault((name, file), _environment.get(name))
        return looked_up(environment, name)

    return look


def looked_for(look: Callable[..., Any]) -> Callable[..., Any]:
    """``os.stat`` or ``os.access``, by which code learns that there is no file, with the path written down.

    Not where pathlib only makes a path absolute.
    """

    @wraps(look)
    def looks(path: Any, *args: Any, **kwargs: Any) -> Any:
        frame = sys._getframe(1)
        resolving = frame.f_back is not None and frame.f_back.f_code.co_name == "resolve"
        if kwargs.get("dir_fd") is None and not resolving and is_of_model(frame):
            note(path, asked)
        return look(path, *args, **kwargs)

    return looks


def reading(take: Callable[..., Any]) -> Callable[..., Any]:
    """A function that reads the file of its first argument, with the path written down."""

    @wraps(take)
    def reads(path: Any, *args: Any, **kwargs: Any) -> Any:
        note(path, read)
        return take(path, *args, **kwargs)

    return reads


def who_asks(frame: FrameType) -> FrameType:
    """The code on whose behalf something is asked."""
    while frame.f_back is not None and frame.f_globals.get("__name__") in ON_BEHALF:
        frame = frame.f_back
    return frame


def is_of_model(frame: FrameType) -> bool:
    name = who_asks(frame).f_globals.get("__name__")
    return not str(name).startswith(NOT_THE_MODEL)


def listeners() -> Iterator[tuple[Any, str, Callable[[Any], Any]]]:
    """(owner, name of a function, what listens in its place)."""
    yield Environment, "__getitem__", heard
    yield os, "stat", looked_for
    yield os, "access", looked_for
    storage = getattr(sys.modules.get("torch"), "UntypedStorage", None)
    if storage is not None:  # safetensors opens a file without Python, and maps it by this
        yield storage, "from_file", reading


def hook_in() -> None:
    """Once for a process: an audit hook cannot be taken out again."""
    global _hooked
    if not _hooked:
        _hooked = True
        sys.addaudithook(hear)


READ = frozenset({"ctypes.dlopen", "sqlite3.connect"})
LISTED = frozenset({"os.listdir", "os.scandir"})


def hear(event: str, details: tuple) -> None:
    if not _depth:
        return
    if event == "open":
        writes = (details[2] or 0) & (os.O_WRONLY | os.O_RDWR)
        note(details[0], written if writes else read)
    elif event in READ:
        note(details[0], read)
    elif event in LISTED and is_of_model(sys._getframe(1)):
        note("." if details[0] is None else details[0], listed)
    elif event == "subprocess.Popen":
        note_words(details[1], details[2])


def note(path: Any, into: set[str]) -> None:
    if isinstance(path, str | bytes | os.PathLike):
        into.add(source_of(os.path.abspath(os.fsdecode(path))))


def note_words(words: Any, folder: Any) -> None:
    """Of the words that start a program, or a shell, the files: it will read them."""
    told = [os.fsdecode(each) for each in words]
    for word in {*told, *" ".join(told).split()}:
        path = os.path.join(os.fsdecode(folder or "."), word)
        if os.path.lexists(path):
            note(path, read)


def source_of(path: str) -> str:
    """The file itself; of bytecode, the file that it was compiled from."""
    if not path.endswith(".pyc"):
        return path
    try:
        return source_from_cache(path)
    except ValueError:  # bytecode that stands alone
        return path
