"""What a model reference stands for.

A reference is ``torchvision:NAME``, ``timm:NAME``, ``package.module:factory`` or
``path/to/file.py:factory``. Nothing is ever downloaded: all weights are random.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Any

from flop_harness.errors import UserError, suggest
from flop_harness.records import Input


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a model is built: ``factory(**kwargs)``, with a case's kwargs over these.

    ``usual_inputs`` tells, of the model, the inputs of a case that names none; ``folders`` is what
    imports look into while the model is built; ``images`` says that it takes one list of images.
    """

    factory: Callable[..., Any]
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    usual_inputs: Callable[[Any], Sequence[Input]] | None = None
    folders: tuple[str, ...] = ()
    images: bool = False


# --------------------------------------------------------------------------------- references


def resolve(reference: str, kwargs: Mapping[str, Any], folder: str = "") -> Recipe:
    """The recipe of a model reference to be built with ``kwargs``.

    Files and packages are found from ``folder``, then from the working directory. Raises UserError.
    """
    provider, _, model = reference.partition(":")
    source, _, name = reference.rpartition(":")
    if not (source and name):
        raise UserError(_incomplete(reference))
    if provider in PROVIDERS:
        _refuse_weights(kwargs)
        return PROVIDERS[provider].recipe(model)
    roots = tuple(dict.fromkeys(str(Path(root).resolve()) for root in (folder, ".")))
    if source.endswith(".py"):
        path = _find(source, roots)
        recipe = Recipe(_member(_load(path), source, name), folders=(str(path.parent),))
    else:
        with on_path(roots):
            recipe = Recipe(_member(_import(source), source, name), folders=roots)
    return _with_torchvision_habits(recipe)


def _member(holder: ModuleType, source: str, name: str) -> Callable[..., Any]:
    try:
        factory = attrgetter(name)(holder)
    except AttributeError as error:
        raise UserError(f"{source} has no {name!r}{suggest(name, vars(holder))}") from error
    if not (inspect.isclass(factory) or inspect.isroutine(factory) or isinstance(factory, partial)):
        kind = type(factory).__name__
        raise UserError(f"{source}:{name} is a {kind}, not a class or function that makes a model")
    return factory


def providers_of(name: str) -> list[str]:
    """``provider:name`` for every provider that has a model of this name."""
    return [f"{key}:{name}" for key, provider in PROVIDERS.items() if name in provider.names()]


def _incomplete(reference: str) -> str:
    """What to say of a reference that is not of the form ``source:name``."""
    file = reference.rstrip(":")
    if file.endswith(".py"):
        return f"which model of {file}? Write {file}:NAME"
    known = [f"{key}:{name}" for key, provider in PROVIDERS.items() for name in provider.names()]
    names = {full.partition(":")[2] for full in known}
    for near in get_close_matches(reference.lower(), names, n=1):
        meant = " or ".join(full for full in known if full.endswith(f":{near}"))
        return f"model {reference!r} names no provider; did you mean {meant}?"
    form = "provider:NAME, package.module:factory or path/to/file.py:factory"
    return f"model {reference!r} is not of the form {form}"


# ---------------------------------------------------------------------------------- providers


def _torchvision(name: str) -> Recipe:
    models = _import("torchvision.models")
    name = name.lower()
    if name not in models.list_models():
        raise UserError(f"torchvision has no model {name!r}{suggest(name, models.list_models())}")
    builder = models.get_model_builder(name)
    kind = builder.__module__.split(".")[2]
    weights = models.get_model_weights(name)
    usual = partial(_torchvision_inputs, kind, next(iter(weights)).transforms)
    return _with_torchvision_habits(Recipe(builder, {"weights": None}, usual))


def _with_torchvision_habits(recipe: Recipe) -> Recipe:
    """torchvision's factories load a backbone's weights unasked; its detectors take a list."""
    home = getattr(recipe.factory, "__module__", None) or ""
    if not home.startswith("torchvision."):
        return recipe
    loads = "weights_backbone" in inspect.signature(recipe.factory).parameters
    kwargs = {**recipe.kwargs, **({"weights_backbone": None} if loads else {})}
    images = home.startswith("torchvision.models.detection.")
    return Recipe(recipe.factory, kwargs, recipe.usual_inputs, recipe.folders, images)


def _torchvision_inputs(kind: str, preset: Callable[[], Any], module: Any) -> Sequence[Input]:
    """The shapes that torchvision's own figures for such a model were taken with, or smaller."""
    if kind == "detection":
        return [Input((3, 800, 800))]
    if kind == "optical_flow":  # RAFT's smallest: it takes two frames
        return 2 * [Input((1, 3, 128, 128))]
    resizing = preset()
    crop = getattr(resizing, "crop_size", None) or resizing.resize_size
    # a vision transformer is built for one size, whatever size its weights are for
    size = getattr(module, "image_size", crop[0])
    frames = (16,) if kind == "video" else ()
    return [Input((1, 3, *frames, size, size))]


def _timm(name: str) -> Recipe:
    timm = _import("timm")
    if not timm.is_model(name):
        raise UserError(f"timm has no model {name!r}{suggest(name, timm.list_models())}")
    return Recipe(
        partial(timm.create_model, name),
        {"pretrained": False},
        lambda module: [Input((1, *module.default_cfg["input_size"]))],
    )


@dataclass(frozen=True, slots=True)
class _Provider:
    """A library of models: the module with its ``list_models``, and the recipe of one of them."""

    home: str
    recipe: Callable[[str], Recipe]

    def names(self) -> list[str]:
        """Its models; none where it is not installed."""
        installed = importlib.util.find_spec(self.home.partition(".")[0]) is not None
        return _import(self.home).list_models() if installed else []


PROVIDERS = {
    "torchvision": _Provider("torchvision.models", _torchvision),
    "timm": _Provider("timm", _timm),
}


def _refuse_weights(kwargs: Mapping[str, Any]) -> None:
    for key in ("weights", "weights_backbone", "pretrained", "pretrained_backbone"):
        if kwargs.get(key):
            raise UserError(f"kwargs.{key}: weights are never downloaded; leave it out")


# ---------------------------------------------------------------------------------- importing


def _import(name: str) -> ModuleType:
    with blamed(f"importing {name}"):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            missing = error.name or ""
            if missing in PROVIDERS:
                raise UserError(f"{missing} is not installed (pip install {missing})") from error
            if not f"{name}.".startswith(f"{missing}."):
                raise
            near = suggest(missing, PROVIDERS)
            raise UserError(f"no module named {missing!r}{near}") from error


def _find(source: str, roots: Iterable[str]) -> Path:
    for root in roots:
        path = Path(root, Path(source).expanduser())
        if path.is_file():
            return path.resolve()
    near = [str(path.name) for root in roots for path in Path(root).glob("*.py")]
    raise UserError(f"no file {source!r} in {' or '.join(roots)}{suggest(source, near)}")


def _load(path: Path) -> ModuleType:
    """Run a user's file as a module of a name of its own; an edited file is another module."""
    with blamed(f"loading {path.name}"):
        source = path.read_bytes()
        identity = hashlib.sha256(bytes(path) + source).hexdigest()[:12]
        name = f"_{path.stem}_{identity}"
        if name in sys.modules:
            return sys.modules[name]
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec  # a .py file has one
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        try:
            with _siblings(path.parent), on_path([str(path.parent)]):
                # Not by the loader: its bytecode cache takes files of one second for the same.
                exec(compile(source, str(path), "exec", dont_inherit=True), module.__dict__)
        except BaseException:
            del sys.modules[name]
            raise
        return module


@contextmanager
def blamed(whom: str) -> Iterator[None]:
    """Whatever somebody else's code raises is told in one line, as a UserError."""
    try:
        yield
    except (UserError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        told = " ".join(f"{type(error).__name__}: {error}".split())
        raise UserError(f"{whom} raised {told}") from error


@contextmanager
def on_path(folders: Sequence[str]) -> Iterator[None]:
    """Let imports look into ``folders`` first, as Python does for a script's own folder."""
    sys.path[:0] = folders
    importlib.invalidate_caches()
    try:
        yield
    finally:
        for folder in folders:
            with suppress(ValueError):  # whatever was imported may have tidied up itself
                sys.path.remove(folder)


_sibling_of: dict[str, Path] = {}  # module -> folder of the user's file that imported it


@contextmanager
def _siblings(folder: Path) -> Iterator[None]:
    """Keep two folders that both hold a ``layers.py`` from getting each other's."""
    for name in [name for name, home in _sibling_of.items() if home != folder]:
        sys.modules.pop(name, None)
        del _sibling_of[name]
    before = set(sys.modules)
    try:
        yield
    finally:
        for name in set(sys.modules) - before:
            root = folder / name.partition(".")[0]
            if root.with_suffix(".py").is_file() or (root / "__init__.py").is_file():
                _sibling_of[name] = folder
