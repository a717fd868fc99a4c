"""What our own code was when a cell was carried out: results of other code are made anew."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from types import ModuleType

from flop_harness.counters import Counter
from flop_harness.run.environment import PACKAGE

TRACING = ("run/cells.py", "run/contexts.py", "counters/protocol.py", "counters/jit_graph.py")
ASKING = ("run/reading.py", "run/contexts.py", "run/leftovers.py", "run/answers.py")
COUNTERS = "flop_harness.counters"


@cache
def tracer() -> str:
    """Of the code that traces: traces of other code are taken anew, readings are kept."""
    return digest([*(PACKAGE / name for name in TRACING), *PACKAGE.glob("trace/*.py")])


def reader(counter: Counter) -> str:
    """Of the code that asks a counter: its file, and those of other counters that it imports from.

    Empty for what is ourselves, or asks us: it hangs on all our code.
    """
    roots = {getattr(each, "__module__", "") for each in (counter.read, counter.inputs)}
    roots |= {quantity.price.__module__ for quantity in counter.quantities.values()}
    if counter.distribution == "flop-harness":
        return ""
    if "@" in counter.id:
        roots.add(f"{COUNTERS}.versions.compatibility")
    return read_by(frozenset(roots))


@cache
def read_by(roots: frozenset[str]) -> str:
    modules = (sys.modules[name] for name in sorted(imported_from(roots)))
    files = [Path(module.__file__) for module in modules if module.__file__]
    own = [] if all(name.startswith(f"{COUNTERS}.") for name in roots) else [tracer()]
    return digest([*files, *(PACKAGE / name for name in ASKING)], own)


def imported_from(roots: Iterable[str]) -> set[str]:
    """These modules, and those of their package from which they have taken a name."""
    found: set[str] = set()
    pending = [name for name in roots if name in sys.modules]
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += names_taken(sys.modules[name])
    return found


def names_taken(module: ModuleType) -> list[str]:
    package = COUNTERS if module.__name__.startswith(COUNTERS) else module.__name__.split(".")[0]
    told = {getattr(value, "__module__", None) or getattr(value, "__name__", None)
            for value in vars(module).values()}  # fmt: skip
    return [name for name in told if isinstance(name, str) and name in sys.modules
            and f"{name}.".startswith(f"{package}.")]  # fmt: skip


def digest(files: Iterable[Path], more: Iterable[str] = ()) -> str:
    told = hashlib.sha256("".join(more).encode())
    for file in sorted(files):
        told.update(file.read_bytes())
    return told.hexdigest()[:16]
