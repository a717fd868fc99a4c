"""Users' modules and files, imported; whatever they raise is told in one line."""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import os
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType

from flop_harness.errors import ModelRaised, UserError, is_ours, raised, suggest
from flop_harness.suite.collection import uncollected
from flop_harness.suite.search_path import on_path, shadowed_by_standard


def import_module(
    name: str, folders: Sequence[str] = (), known: Iterable[str] = (), again: bool = False
) -> ModuleType:
    """The module ``name``, found in ``folders`` before what is installed; run ``again`` if asked.

    ``known`` are names that may have been meant. Raises UserError.
    """
    with on_path(folders), blamed(f"importing {name}", folders), uncollected():
        if again:
            sys.modules.pop(name, None)
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            missing = error.name or ""
            if not f"{name}.".startswith(f"{missing}."):
                raise
            near = told_shadow(folders, missing) or suggest(missing, known)
            raise UserError(f"no module named {missing!r}{near}") from error


def find_file(source: str, roots: Iterable[str]) -> Path:
    """The file ``source`` in the first of ``roots`` that has it. Raises UserError."""
    for root in roots:
        path = Path(root, Path(source).expanduser())
        with suppress(OSError):  # a name too long for a file
            if path.is_file():
                return path.resolve()
    near = [str(path.name) for root in roots for path in Path(root).glob("*.py")]
    raise UserError(f"no file {source!r} in {' or '.join(roots)}{suggest(source, near)}")


def load_file(path: Path, folders: Sequence[str] = (), again: bool = False) -> ModuleType:
    """Run a user's file as a module of a name of its own; an edited file is another module.

    Its imports look into ``folders`` first; one with relative imports is part of its package. One
    that was run before is not run again unless asked.
    """
    with blamed(f"loading {path.name}", folders):
        source = path.read_bytes()
        identity = hashlib.sha256(bytes(path) + source).hexdigest()[:12]
        package = package_of(path, relative_levels(source, path))
        name = ".".join((*package, f"_{path.stem}_{identity}"))
        home = path.parents[len(package)]
        if name in sys.modules and not again:
            return sys.modules[name]
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec  # a .py file has one
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        try:
            with siblings(home), on_path((str(home), *folders) if package else folders):
                if package:
                    importlib.import_module(".".join(package))
                # Not by the loader: its bytecode cache takes files of one second for the same.
                exec(compile(source, str(path), "exec", dont_inherit=True), module.__dict__)
        except BaseException:
            sys.modules.pop(name, None)
            raise
        return module


def relative_levels(source: bytes, path: Path) -> int:
    """How many packages up the relative imports of a file look: 1 for ``from .layers import Block``."""
    with warnings.catch_warnings(action="ignore"):  # of its text; told where it is compiled to run
        nodes = ast.walk(ast.parse(source, str(path)))
    return max((node.level for node in nodes if isinstance(node, ast.ImportFrom)), default=0)


def package_of(path: Path, levels: int) -> tuple[str, ...]:
    """The package that a file with relative imports is part of; the folders alone may say so."""
    names: list[str] = []
    for folder in path.parents if levels else ():
        if len(names) >= levels and not (folder / "__init__.py").is_file():
            break
        names.insert(0, folder.name)
    return tuple(names)


@contextmanager
def blamed(whom: str, folders: Sequence[str] = ()) -> Iterator[None]:
    """Whatever somebody else's code raises is told in one line, as ModelRaised."""
    try:
        yield
    except (UserError, MemoryError):
        raise
    except BaseException as error:
        if is_ours(error):
            raise
        raise ModelRaised(
            f"{whom} raised {raised(error)}{told_shadow(folders, asked_of(error))}"
        ) from error


@contextmanager
def place_kept() -> Iterator[None]:
    """Somebody else's code may not change where we look for files, nor who may read ours."""
    folder, mask = os.getcwd(), os.umask(0o077)
    os.umask(mask)
    try:
        yield
    finally:
        os.chdir(folder)
        os.umask(mask)


def asked_of(error: BaseException) -> str:
    """The module that has not what it was asked for; empty where it is another matter."""
    if isinstance(error, ImportError):
        return error.name or ""
    holder = error.obj if isinstance(error, AttributeError) else None
    return holder.__name__ if isinstance(holder, ModuleType) else ""


def told_shadow(folders: Sequence[str], name: str) -> str:
    """What to add where a user's file bears the name of a module of Python's."""
    file = shadowed_by_standard(folders, name)
    if not file:
        return ""
    return f" (Python's own module {name.partition('.')[0]!r} goes before {file}: rename the file)"


_sibling_of: dict[str, Path] = {}
"""Module or package -> folder of the user's file that imported it"""


@contextmanager
def siblings(folder: Path) -> Iterator[None]:
    """Keep two folders that both hold a ``layers.py`` from getting each other's."""
    strange = {top for top, home in _sibling_of.items() if home != folder}
    for name in [name for name in sys.modules if name.partition(".")[0] in strange]:
        del sys.modules[name]
    for top in strange:
        del _sibling_of[top]
    before = set(sys.modules)
    try:
        yield
    finally:
        for top in {name.partition(".")[0] for name in set(sys.modules) - before}:
            inside = str(folder / top) in getattr(sys.modules.get(top), "__path__", ())
            if inside or (folder / top).with_suffix(".py").is_file():
                _sibling_of[top] = folder
