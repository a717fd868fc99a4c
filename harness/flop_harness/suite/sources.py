"""What makes an earlier result worth keeping: all code that its model was built from.

The user's own files count by their content, editable installs and packages on ``PYTHONPATH``
included, and variables of the environment that they ask for; installed packages count by their
version; Python's own modules are left out.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import packages_distributions, version
from pathlib import Path
from types import ModuleType

from flop_harness.errors import UserError
from flop_harness.records import Sources
from flop_harness.suite import opened
from flop_harness.suite.importing import find_file
from flop_harness.suite.marks import digest_of, mark, place
from flop_harness.suite.references import folders_of, is_library, roots_of
from flop_harness.suite.search_path import STANDARD, added

PACKAGE = Path(__file__).resolve().parents[1]
INSTALLED = ("site-packages", "dist-packages")
SYSTEM = ("/proc/", "/sys/", "/dev/", "/etc/", "/usr/", "/lib")
ALWAYS = ("torch", "torchvision")
"""Libraries that are imported before anything is built, and yet make the model."""

_standing: frozenset[str] = frozenset()
"""Names of what was imported when the first model of this process was built"""
_looked: tuple[dict[str, ModuleType], tuple[tuple[str, str], ...]] = ({}, ())
"""What was imported when ``own_modules`` last looked, and what it found: the look takes a while"""


def begin() -> None:
    """Before the first model of this process is built: what is imported now is ours."""
    global _standing
    _standing = _standing or frozenset(sys.modules)


def taken(folder: str) -> Sources:
    """All that models of this process have been built from until now.

    Places are told from ``folder``, if they lie in it.
    """
    base = Path(folder or ".").resolve()
    modules = {name: place(file, base) for name, file in own_modules()}
    files = [*(file for _, file in own_modules()), *filter(is_data, sorted(opened.read))]
    digests = {place(file, base): mark(file) for file in [*files, *looked_for(base)]}
    digests |= {f"{place(each, base)}/": mark(f"{each}/") for each in folders_listed()}
    places = tuple(place(each, base) for each in added)
    missing = tuple(sorted(opened.missing))
    return Sources(digests, modules, dict(versions()), missing, places, dict(variables()))


def named(reference: str, folder: str) -> Sources:
    """What can be told of a model's code without running any of it: the file that is named."""
    base, source = Path(folder or ".").resolve(), reference.rpartition(":")[0]
    try:
        if is_library(reference):
            return Sources(versions={source: installed_version(source)})
        if source.endswith(".py"):
            file = str(find_file(source, roots_of(folder)))
        else:
            file = file_named(source, [*folders_of(reference, folder), *sys.path])
    except UserError:
        return Sources()
    return Sources(files={place(file, base): mark(file)} if file else {})


def file_named(module: str, places: Sequence[str]) -> str:
    """The file that an import of a module would run last; empty where there is none."""
    name, spec = "", None
    for part in module.split("."):
        name = f"{name}.{part}".lstrip(".")
        spec = spec_of(name, places)
        if spec is None:
            return ""
        places = list(spec.submodule_search_locations or ())
    return os.path.realpath(spec.origin) if spec is not None and spec.origin else ""


def spec_of(name: str, places: Sequence[str]) -> ModuleSpec | None:
    """What an import of a module finds in ``places``, else through an editable install.

    In folders by the last part of its name: of a folder without ``__init__.py`` inside another,
    Python looks for the outer one among what is imported.
    """
    spec = PathFinder.find_spec(name.rpartition(".")[2], list(places))
    others = (each for each in sys.meta_path if each is not PathFinder)
    found = (each.find_spec(name, None) for each in others if hasattr(each, "find_spec"))
    return spec or next(filter(None, found), None)


def changed(sources: Sources, reference: str, folder: str) -> str:
    """Why a model of this reference would not be what ``sources`` made; empty if it would be."""
    base = Path(folder or ".").resolve()
    for where, before in sources.files.items():
        if mark(os.path.join(base, where)) != before:
            return f"the names in {where} changed" if where.endswith("/") else f"{where} changed"
    for name, before in sources.versions.items():
        now = installed_version(name)
        if now != before:
            return f"{name} was {before or 'not installed'}, is {now or 'not installed'}"
    for name, before in sources.variables.items():
        if digest_of(os.environ.get(name)) != before:
            return f"the environment variable {name} changed"
    return "" if is_library(reference) else shadowed(sources, reference, folder)


def shadowed(sources: Sources, reference: str, folder: str) -> str:
    """Which import would give another file now."""
    base, source = Path(folder or ".").resolve(), reference.rpartition(":")[0]
    try:
        roots = folders_of(reference, folder)
        file = str(find_file(source, roots_of(folder))) if source.endswith(".py") else ""
    except UserError as error:
        return str(error)
    if file and place(file, base) not in sources.files:
        return f"{source} is {file} now"
    near = [*roots, *(str(base / each) for each in sources.places)]
    usual = [*near, *sys.path]
    everywhere = [*usual, *sorted(homes(sources.modules, base))]
    for name, where in sources.modules.items():
        if file_named(name, everywhere) not in ("", str(base / where)):
            return f"{name} is no longer imported from {where}"
    for name in sources.versions:
        if is_own(here := file_named(name, near)):
            return f"{name} is {here} now"
    for name in sources.missing:
        if spec_of(name, usual) is not None:
            return f"there is a module {name} now"
    for name in folders_alone(sources.modules):
        if is_own(file_named(name, everywhere)):
            return f"{name} has an __init__.py now"
    return ""


def homes(modules: Mapping[str, str], base: Path) -> set[str]:
    """The folders that their outermost packages lie in, of which a file's own may be on no path."""
    found = set()
    for name, where in modules.items():
        inside = name.count(".") + (Path(where).name == "__init__.py")
        found |= {str(each) for each in [*(base / where).parents][inside : inside + 1]}
    return found


def folders_alone(modules: Collection[str]) -> set[str]:
    """The packages of these modules that are folders without a file of their own."""
    parts = (name.split(".") for name in modules)
    return {".".join(part[:end]) for part in parts for end in range(1, len(part))} - {*modules}


# ------------------------------------------------------------------------------------ whose it is


def own_modules() -> tuple[tuple[str, str], ...]:
    """(name, file) of each imported module that is the user's own."""
    global _looked
    if sys.modules != _looked[0]:  # told in C
        imported = dict(sys.modules)
        _looked = imported, tuple(found_among(imported))
    return _looked[1]


def found_among(modules: Mapping[str, ModuleType]) -> Iterator[tuple[str, str]]:
    for name, module in sorted(modules.items()):
        file = file_of(module)
        if file and name not in ("__main__", "__mp_main__") and is_own(file):
            yield name, os.path.realpath(file)


def file_of(module: ModuleType | None) -> str:
    """The file of a module; empty for one that is built in, or made by hand."""
    spec = getattr(module, "__spec__", None)
    file = getattr(spec, "origin", None) or getattr(module, "__file__", None)
    return file if isinstance(file, str) and os.path.isabs(file) else ""


@cache
def is_own(file: str) -> bool:
    """Whether a file is the user's, and not Python's, an installed package's or ours."""
    return os.path.isfile(file) and is_of_user(file)


def is_of_user(file: str) -> bool:
    """Whether a path leads to where the user's own files lie."""
    path = Path(os.path.realpath(file))
    if any(part in INSTALLED for part in path.parts):
        return False
    ours = (*STANDARD, str(PACKAGE), str(Path(sys.prefix, "bin")))
    return not any(str(path).startswith(f"{home}/") for home in ours)


def is_data(file: str) -> bool:
    """Whether a file that was read, or looked for, belongs to the model, rather than to the machine."""
    if file.endswith(".pyc") or is_hidden(file):
        return False
    passing = file.startswith(f"{tempfile.gettempdir()}/torchinductor")
    there = os.path.isfile(file) or not os.path.lexists(file)
    return not passing and there and is_of_user(file)


def looked_for(base: Path) -> Iterator[str]:
    """Paths that the model's code looked for; folders that are there, if they lie in ``base``."""
    for path in sorted(opened.asked - opened.written):
        if is_data(path) or (os.path.isdir(path) and place(path, base) not in (path, ".")):
            yield path


def folders_listed() -> Iterator[str]:
    """The user's folders whose names the model's code looked through."""
    for folder in sorted(opened.listed):
        if os.path.isdir(folder) and is_of_user(folder) and not is_hidden(folder):
            yield folder


def is_hidden(path: str) -> bool:
    """Whether a path is the machine's, or one that is kept out of sight."""
    return path.startswith(SYSTEM) or "/." in path


def variables() -> Iterator[tuple[str, str]]:
    """(name, digest) of each variable of the environment that the user's own code asked for.

    A file that copies all of them asks for none.
    """
    asked: dict[str, dict[str, str | None]] = {}
    for (name, file), value in opened.variables.items():
        if is_own(file):
            asked.setdefault(file, {})[name] = value
    for values in asked.values():
        if not values.keys() >= os.environ.keys():
            yield from ((name, digest_of(value)) for name, value in values.items())


def versions() -> Iterator[tuple[str, str]]:
    """(name of an import, version) of installed packages that came with the models."""
    came = {name.partition(".")[0] for name in sys.modules.keys() - _standing}
    for name in sorted({*came, *ALWAYS}):
        file = file_of(sys.modules.get(name))
        if any(part in file for part in INSTALLED):
            yield name, installed_version(name)


@cache
def installed_version(name: str) -> str:
    """The version of the distribution that an import of ``name`` comes from; empty without one."""
    homes = distributions().get(name, ())
    return " ".join(f"{home} {version(home)}" for home in sorted(set(homes)))


@cache
def distributions() -> dict[str, list[str]]:
    return dict(packages_distributions())
