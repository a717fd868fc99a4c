"""From a case to a fresh model and its inputs; the only place that builds models."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

from flop_harness.errors import ModelRaised, UserError
from flop_harness.records import Case, Input
from flop_harness.suite import inputs, sources
from flop_harness.suite.compiled import (
    as_module,
    is_training,
    set_mode,
    uncompiled,
    with_parameters,
)
from flop_harness.suite.importing import blamed, place_kept
from flop_harness.suite.opened import noting
from flop_harness.suite.plain_tensors import make_plain, plain
from flop_harness.suite.process_state import building
from flop_harness.suite.recipe import Recipe
from flop_harness.suite.references import is_library, resolve
from flop_harness.suite.search_path import on_path

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True, slots=True)
class Built:
    """A model and what to call it with: ``module(*args, **kwargs)``.

    ``folders`` are where its imports look, for a forward pass may import too.
    """

    module: nn.Module
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    folders: tuple[str, ...] = ()

    @property
    def mode(self) -> Literal["eval", "train"]:
        """``train`` or ``eval``, as the model stands."""
        return "train" if is_training(self.module) else "eval"

    @property
    def dtype(self) -> str:
        """The dtype of its first floating parameter, buffer or input; else float32."""
        return own_dtype(self.module, (self.args, self.kwargs))

    @property
    def on_meta(self) -> bool:
        """Whether some of its weights have no values."""
        return stands_on_meta(self.module)


def build(
    case: Case, *, device: str = "cpu", folder: str = "", seed: int = 0, called: bool = True
) -> Built:
    """Build a case's model and inputs, the same for the same ``seed`` on every device.

    Files of models are found from ``folder``, then from the working directory. Mode and dtype are
    the case's if it names them, else as the factory handed the model over (a library's models are
    set to eval); inputs that are drawn get the dtype of the model. Inputs of the case go before
    those that the factory returns; one that is not to be ``called`` needs none. A model without values
    stays on meta, with its inputs. The caller's random state stays as it was. Raises UserError.
    """
    import torch

    try:
        sources.begin()
        with torch.random.fork_rng(devices=[]), noting():
            recipe = resolve(case.model, case.kwargs, folder)
            module, args, kwargs = _make(recipe, case, device, seed)
            module = with_parameters(uncompiled(module))
            make_plain(module)
            device = "meta" if stands_on_meta(module) else device
            place(module, device, getattr(torch, case.dtype) if case.dtype else None)
            _set_mode(module, case)
            if not called:
                return Built(module, (), {}, recipe.folders)
            if case.inputs or args is None:
                args, kwargs = _drawn(recipe, case, module, device, seed)
            elif case.dtype:
                args, kwargs = inputs.cast((args, kwargs), getattr(torch, case.dtype))
            if recipe.fits:
                recipe.fits(module, args, kwargs)
            args, kwargs = inputs.move(inputs.map_tensors(plain, (args, kwargs)), device)
            return Built(module, args, kwargs, recipe.folders)
    except UserError as error:
        raise type(error)(f"case {case.id!r}: {error}") from error


# ----------------------------------------------------------------------------------- building


def _make(recipe: Recipe, case: Case, device: str, seed: int) -> tuple[Any, Any, Any]:
    """What the factory gives: (module, args, kwargs), or (module, None, None) without inputs."""
    if device == "meta":
        with (
            suppress(ModelRaised),
            loading_quietly(),
        ):  # some look at values, which none on meta has
            return _call(recipe, case, "meta", seed)
    return _call(recipe, case, "cpu", seed)


@contextmanager
def loading_quietly() -> Iterator[None]:
    """Within, torch.export prints no traceback of a program that cannot be loaded to meta."""
    log = logging.getLogger("torch.export")
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before


def _call(recipe: Recipe, case: Case, place: str, seed: int) -> tuple[Any, Any, Any]:
    import torch
    from torch.utils._pytree import tree_map

    kwargs = tree_map(lambda value: value, {**recipe.kwargs, **case.kwargs})  # theirs to change
    refuse_without(recipe.factory, kwargs, case.model)
    torch.default_generator.manual_seed(seed)
    with (
        building(recipe.factory, on_meta=place == "meta"),
        place_kept(),
        blamed(case.model, recipe.folders),
        torch.device(place),
        on_path(recipe.folders),
    ):
        made = recipe.factory(**kwargs)
    return taken_apart(made, case.model)


def refuse_without(factory: Callable[..., Any], given: Mapping[str, Any], model: str) -> None:
    """UserError where a factory has to be given more, with what one does about it."""
    lacking = [name for name in inputs.required(factory) if name not in given]
    if lacking:
        options = " ".join(f"--kwargs {name}=..." for name in lacking)
        kwargs = ", ".join(f"{name} = ..." for name in lacking)
        raise UserError(
            f"{model} takes {', '.join(lacking)}: give {options}, in a suite "
            f"kwargs = {{ {kwargs} }}, or name a function that takes nothing and returns the model"
        )


def taken_apart(made: Any, whose: str) -> tuple[Any, Any, Any]:
    """What a factory may return: a module, alone or with args, with kwargs, or with both.

    With inputs a function or a method takes the place of a module.
    """
    import torch

    from flop_harness.suite.functions import Function

    first, *given = made if isinstance(made, tuple) and made else (made,)
    model = as_module(first)
    if given and not isinstance(model, torch.nn.Module) and callable(model):
        model = Function(model)
    match (model, *given):
        case (torch.nn.Module() as module,):
            return module, None, None
        case (torch.nn.Module() as module, tuple() | list() as args):
            return module, tuple(args), {}
        case (torch.nn.Module() as module, torch.Tensor() as tensor):
            return module, (tensor,), {}
        case (torch.nn.Module() as module, Mapping() as kwargs):
            return module, (), dict(kwargs)
        case (torch.nn.Module() as module, tuple() | list() as args, Mapping() as kwargs):
            return module, tuple(args), dict(kwargs)
    kind = type(made).__name__
    if inspect.iscoroutine(made):
        made.close()  # else Python warns that nobody has awaited it
    raise UserError(f"{whose} gave {kind}, not a module or (module, args, kwargs)")


def _set_mode(module: nn.Module, case: Case) -> None:
    mode = case.mode or ("eval" if is_library(case.model) else "")
    if mode:
        set_mode(module, mode == "train")


def stands_on_meta(module: nn.Module) -> bool:
    return any(tensor.is_meta for tensor in chain(module.parameters(), module.buffers()))


def place(module: nn.Module, device: str, dtype: torch.dtype | None) -> None:
    """Move, and cast if asked, in place, keeping shared parameters shared (a move to meta parts them)."""
    held = [
        (holder, name, id(parameter))
        for holder in module.modules()
        for name, parameter in holder.named_parameters(recurse=False, remove_duplicate=False)
    ]
    module.to(device)
    moved: dict[int, nn.Parameter] = {}
    for holder, name, identity in held:
        shared = moved.setdefault(identity, getattr(holder, name))
        if getattr(holder, name) is not shared:
            setattr(holder, name, shared)
    if dtype is None:
        return
    tensors = [*module.parameters(), *module.buffers()]
    if any(tensor.is_floating_point() and tensor.dtype != dtype for tensor in tensors):
        module.to(dtype)


# ------------------------------------------------------------------------------------- inputs


def _drawn(
    recipe: Recipe, case: Case, module: nn.Module, device: str, seed: int
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    import torch

    given = case.inputs or _usual_inputs(recipe, module)
    torch.default_generator.manual_seed(seed)
    with blamed("drawing the inputs"):
        return inputs.draw_all(given, case.dtype or own_dtype(module), recipe.images, device)


def _usual_inputs(recipe: Recipe, module: nn.Module) -> Sequence[Input]:
    if recipe.usual_inputs is None:
        names = inputs.required(module.forward)
        takes = f": {type(module).__name__} takes {', '.join(names)}" if names else ""
        raise UserError(
            f"inputs are needed{takes}; give the shape of each, as in --input 1x3x224x224 or "
            "--input 1x128:int64; in a suite, inputs = [[1, 3, 224, 224]]"
        )
    return recipe.usual_inputs(module)


def own_dtype(module: nn.Module, values: Any = ()) -> str:
    """The dtype of the first floating parameter, buffer or tensor of ``values``; else float32.

    Floats of one byte are what weights are kept in: layers are not given such.
    """
    import torch
    from torch.utils._pytree import tree_leaves

    for tensor in chain(module.parameters(), module.buffers(), tree_leaves(values)):
        floats = isinstance(tensor, torch.Tensor) and (
            tensor.is_floating_point() or tensor.is_complex()
        )
        if floats and tensor.dtype.itemsize > 1:
            return str(tensor.dtype).removeprefix("torch.")
    return "float32"
