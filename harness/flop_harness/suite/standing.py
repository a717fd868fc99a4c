"""Modules that ours and torch's code rests on: others may not take them away.

A model that deletes torch from ``sys.modules`` would have it loaded a second time by the next
import, which ends in a crash of its C part.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, NamedTuple

ROOTS = frozenset({*sys.stdlib_module_names, "flop_harness", "numpy", "torch", "torchvision"})


@contextmanager
def modules_kept() -> Iterator[None]:
    """Within, what is loaded of ``ROOTS`` is not loaded again; afterwards it is as it was."""
    table, standing = sys.modules, Standing()
    try:
        with standing.found_first():
            yield
    finally:
        sys.modules = table
        if table != standing.all:
            before = standing.modules.items()
            table.update((name, each) for name, each in before if table.get(name) is not each)


@contextmanager
def entries_kept() -> Iterator[None]:
    """Of ``ROOTS`` what was taken away within, or blocked by None, is there again afterwards: the quick
    way, for the time of one pass.
    """
    before = loaded().all
    try:
        yield
    finally:
        if sys.modules != before:
            for name, module in before.items():
                if sys.modules.get(name) is None and name.partition(".")[0] in ROOTS:
                    sys.modules[name] = module


class Loaded(NamedTuple):
    """What was in ``sys.modules``; what is of ``ROOTS`` in it; parents that are no packages."""

    all: dict[str, Any]
    modules: dict[str, Any]
    parents: list[Any]


_loaded = Loaded({}, {}, [])


def loaded() -> Loaded:
    """As it is now. To look at thousands of names takes a while, to see that none changed does not."""
    global _loaded
    if sys.modules != _loaded.all:  # told in C
        everything = dict(sys.modules)
        ours = {name: module for name, module in everything.items()
                if name.partition(".")[0] in ROOTS}  # fmt: skip
        _loaded = Loaded(everything, ours, parents_without_path(ours))
    return _loaded


def parents_without_path(modules: Mapping[str, Any]) -> list[Any]:
    """Such as ``os`` of ``os.path``, ``torch._C`` of ``torch._C._dynamo``: no import looks below them,
    but while ``Standing`` lends them an empty path.
    """
    held = {modules.get(name.rpartition(".")[0]) for name in modules}
    return [each for each in held if each is not None and not getattr(each, "__path__", None)]


class Standing:
    """Finds the modules of ``ROOTS`` that are loaded when it is made, as they are."""

    def __init__(self) -> None:
        self.all, self.modules, parents = loaded()
        self.parents = [each for each in parents if not hasattr(each, "__path__")]
        self.specs: dict[str, Any] = {}

    @contextmanager
    def found_first(self) -> Iterator[None]:
        """Within, an import of what is not in ``sys.modules`` any more finds it here."""
        sys.meta_path.insert(0, self)  # type: ignore[arg-type]
        for parent in self.parents:
            parent.__path__ = []
        try:
            yield
        finally:
            for parent in self.parents:
                vars(parent).pop("__path__", None)
            if self in sys.meta_path:
                sys.meta_path.remove(self)  # type: ignore[arg-type]

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name in self.modules else None  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = self.modules[spec.name]
        self.specs[spec.name] = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is run: it has been. What the import put in the place of its spec is undone."""
        spec = module.__spec__
        if spec is not None:
            module.__spec__ = self.specs.pop(spec.name)
