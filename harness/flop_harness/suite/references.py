"""What a model reference stands for.

A reference is ``torchvision:NAME``, ``timm:NAME``, ``package.module:factory`` or
``path/to/file.py:factory``. Nothing is ever downloaded: all weights are random.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Any

from flop_harness.errors import UserError, nearest, suggest
from flop_harness.suite.importing import find_file, import_module, load_file
from flop_harness.suite.providers import PROVIDERS
from flop_harness.suite.providers.torchvision import adapt
from flop_harness.suite.recipe import Recipe

SAVED = frozenset({".pt", ".pth", ".pt2", ".ckpt", ".bin", ".safetensors", ".onnx"})
"""Ends of names of files that weights and programs are saved in"""


def resolve(reference: str, kwargs: Mapping[str, Any], folder: str = "") -> Recipe:
    """The recipe of a model reference to be built with ``kwargs``.

    Files and packages are found from ``folder``, then from the working directory. Raises UserError.
    """
    provider, _, model = reference.partition(":")
    source, _, name = reference.rpartition(":")
    if not (source and name):
        raise UserError(incomplete(reference))
    if provider in PROVIDERS:
        return PROVIDERS[provider].build(model, kwargs, roots_of(folder))
    folders = folders_of(reference, folder)
    if source.endswith(".py"):
        load = partial(load_file, find_file(source, roots_of(folder)), folders)
    else:
        load = partial(import_module, source, folders, PROVIDERS)
    return adapt(Recipe(factory_of(load, source, name), folders=folders))


def roots_of(folder: str) -> tuple[str, ...]:
    """Where the user's files and packages are looked for."""
    return tuple(dict.fromkeys(str(Path(root).resolve()) for root in (folder, ".")))


def folders_of(reference: str, folder: str) -> tuple[str, ...]:
    """Where imports of a model look, before what is installed; a file's own folder comes first."""
    if is_library(reference):
        return ()
    roots, source = roots_of(folder), reference.rpartition(":")[0]
    if not source.endswith(".py"):
        return roots
    return tuple(dict.fromkeys((str(find_file(source, roots).parent), *roots)))


def factory_of(load: Callable[..., ModuleType], source: str, name: str) -> Callable[..., Any]:
    """What makes the model ``name`` of what ``load`` gives: a class, a function, what is called as one, or itself."""
    found = member(load(), source, name)
    if is_module(found):
        return partial(ready, load, source, name)
    if not callable(found):
        kind = type(found).__name__
        article = "an" if kind[0] in "aeiou" else "a"
        raise UserError(
            f"{source}:{name} is {article} {kind}, not a class or function that makes a model"
        )
    return found  # type: ignore[no-any-return]


def member(holder: ModuleType, source: str, name: str) -> Any:
    try:
        return attrgetter(name)(holder)
    except AttributeError as error:
        raise UserError(f"{source} has no {name!r}{suggest(name, vars(holder))}") from error


def is_module(value: Any) -> bool:
    import torch

    return isinstance(value, torch.nn.Module)


def ready(load: Callable[..., ModuleType], source: str, name: str, **kwargs: Any) -> Any:
    """A model that stands in its file: made anew with the file, as each build wants its own."""
    if kwargs:
        raise UserError(f"{source}:{name} stands there ready: it takes no kwargs")
    return member(load(again=True), source, name)


def is_library(reference: str) -> bool:
    """Whether a reference names a model of a provider, rather than the user's own."""
    return reference.partition(":")[0] in PROVIDERS


def providers_of(name: str) -> list[str]:
    """``provider:name`` for every provider that has a model of this name."""
    return [full for full in every_model() if full.partition(":")[2] == name]


def every_model() -> list[str]:
    """``provider:name`` of all models of the providers that are installed."""
    there = [provider for provider in PROVIDERS.values() if provider.installed()]
    return [f"{provider.name}:{name}" for provider in there for name in provider.names()]


def incomplete(reference: str) -> str:
    """What to say of a reference that is not of the form ``source:name``."""
    file = reference.rstrip(":")
    if file.endswith(".py"):
        return f"which model of {file}? Write {file}:NAME"
    if Path(file).suffix in SAVED:
        return (
            f"{file} is no code: write a function that loads the model, and name it, as net.py:load"
        )
    known = every_model()
    names = {full.partition(":")[2] for full in known}
    for near in nearest(reference, names, 1):
        meant = " or ".join(full for full in known if full.endswith(f":{near}"))
        return f"model {reference!r} names no provider; did you mean {meant}?"
    form = "provider:NAME, package.module:factory or path/to/file.py:factory"
    return f"model {reference!r} is not of the form {form}"
