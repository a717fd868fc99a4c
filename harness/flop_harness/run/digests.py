"""What our own code was when a cell was carried out, or priced: what other code gave is made anew."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

from flop_harness.counters import Counter
from flop_harness.run.environment import PACKAGE

TRACING = (
    "run/cells.py", "run/building.py", "run/tracing.py", "run/contexts.py", "run/autograd.py",
    "counters/protocol.py", "counters/pricing/jit_graph.py",
)  # fmt: skip
ASKING = (
    "run/reading.py", "run/asking.py", "run/contexts.py", "run/leftovers.py", "run/answers.py",
    "run/autograd.py",
)  # fmt: skip
PRICING = (
    "records/*.py", "formulas/*.py", "conventions/**/*.py", "reconcile/*.py", "store/traces.py",
    "trace/walk.py", "trace/tree.py", "counters/protocol.py", "counters/versions/*.py",
)  # fmt: skip
PROVING = (
    "proof/**/*.py", "formulas/*.py", "conventions/products.py", "records/*.py", "trace/*.py",
)  # fmt: skip
COUNTERS = "flop_harness.counters"


@cache
def tracer() -> str:
    """Of the code that traces: traces of other code are taken anew, readings are kept."""
    return digest([*(PACKAGE / name for name in TRACING), *PACKAGE.glob("trace/*.py")])


@cache
def pricing() -> str:
    """Of the code that prices every trace, whatever the counter."""
    return digest(file for pattern in PRICING for file in PACKAGE.glob(pattern))


@cache
def proving() -> str:
    """Of the code that holds formulas against what torch does."""
    return digest(file for pattern in PROVING for file in PACKAGE.glob(pattern))


def rules(counter: Counter) -> str:
    """Of a counter's own rules: its file, and those of other counters that it takes names from."""
    return files_digest(homes(counter))


def reader(counter: Counter) -> str:
    """Of the code that asks a counter. Empty for ourselves: that hangs on all our code."""
    if counter.distribution == "flop-harness":
        return ""
    found = homes(counter)
    if "@" in counter.id:
        found |= {import_module(f"{COUNTERS}.versions.compatibility").__name__}
    own = () if all(map(is_ours, found)) else (tracer(),)  # a plugin may take traces of ours
    asking = digest((PACKAGE / name for name in ASKING), own)
    return hashlib.sha256(f"{files_digest(found)} {asking}".encode()).hexdigest()[:16]


def homes(counter: Counter) -> frozenset[str]:
    """The module that defines a counter; of a plugin, the modules of its functions."""
    base, _, _ = counter.id.partition("@")
    found = (name for name, module in [*sys.modules.items()] if is_ours(name)
             and getattr(getattr(module, "COUNTER", None), "id", None) == base)  # fmt: skip
    functions = (counter.read, counter.inputs, *(q.price for q in counter.quantities.values()))
    return frozenset(found) or frozenset(getattr(each, "__module__", "") for each in functions)


def is_ours(module: str) -> bool:
    return module.startswith(f"{COUNTERS}.")


@cache
def files_digest(modules: frozenset[str]) -> str:
    files = (sys.modules[name].__file__ for name in imported_from(modules))
    return digest(Path(file) for file in files if file)


def imported_from(modules: Iterable[str]) -> set[str]:
    """These modules, and those of their package from which they have taken a name."""
    found: set[str] = set()
    pending = [name for name in modules if name in sys.modules]
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += names_taken(sys.modules[name])
    return found


def names_taken(module: ModuleType) -> list[str]:
    package = COUNTERS if is_ours(module.__name__) else module.__name__.partition(".")[0]
    told = {getattr(value, "__module__", None) or getattr(value, "__name__", None)
            for value in vars(module).values()}  # fmt: skip
    return [name for name in told if isinstance(name, str) and name in sys.modules
            and name.startswith(f"{package}.")]  # fmt: skip


def digest(files: Iterable[Path], more: Iterable[str] = ()) -> str:
    told = hashlib.sha256("".join(more).encode())
    for file in sorted(files):
        told.update(file.read_bytes())
    return told.hexdigest()[:16]
