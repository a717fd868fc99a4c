"""From a case to a fresh model and its inputs; the only place that builds models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flop_harness.errors import UserError
from flop_harness.records import Case, Input
from flop_harness.suite.compiled import as_module, set_mode, uncompiled
from flop_harness.suite.references import Recipe, blamed, on_path, resolve

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True, slots=True)
class Built:
    """A model and what to call it with: ``module(*args, **kwargs)``."""

    module: nn.Module
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def build(case: Case, *, device: str = "cpu", folder: str = "", seed: int = 0) -> Built:
    """Build a case's model and inputs, the same for the same ``seed`` on every device.

    Files of models are found from ``folder``, then from the working directory. Floating
    parameters and inputs get the case's dtype. Inputs of the case go before those that the factory
    returns. The caller's random state stays as it was. Raises UserError.
    """
    import torch

    try:
        with torch.random.fork_rng(devices=[]):
            recipe = resolve(case.model, case.kwargs, folder)
            module, args, kwargs = _make(recipe, case, device, seed)
            module = uncompiled(module)
            _place(module, device, getattr(torch, case.dtype))
            set_mode(module, case.mode == "train")
            if case.inputs or args is None:
                inputs = case.inputs or _usual_inputs(recipe, module)
                torch.default_generator.manual_seed(seed)
                with blamed("drawing the inputs"):
                    args, kwargs = _draw_all(inputs, case.dtype, recipe.images)
            else:
                args, kwargs = _cast((args, kwargs), getattr(torch, case.dtype))
            return Built(module, *_move((args, kwargs), device))
    except UserError as error:
        raise UserError(f"case {case.id!r}: {error}") from error


# ----------------------------------------------------------------------------------- building


def _make(recipe: Recipe, case: Case, device: str, seed: int) -> tuple[Any, Any, Any]:
    """What the factory gives: (module, args, kwargs), or (module, None, None) without inputs."""
    if device == "meta":
        with suppress(UserError):  # some look at values, which a tensor on meta does not have
            return _call(recipe, case, "meta", seed)
    return _call(recipe, case, "cpu", seed)


def _call(recipe: Recipe, case: Case, place: str, seed: int) -> tuple[Any, Any, Any]:
    import torch

    torch.default_generator.manual_seed(seed)
    with blamed(case.model), torch.device(place), on_path(recipe.folders):
        made = recipe.factory(**{**recipe.kwargs, **case.kwargs})
    first, *given = made if isinstance(made, tuple) else (made, None, None)
    match (as_module(first), *given):
        case (torch.nn.Module() as module, None, None):
            return module, None, None
        case (torch.nn.Module() as module, tuple() | list() as args, Mapping() as kwargs):
            return module, tuple(args), dict(kwargs)
    kind = type(made).__name__
    raise UserError(f"{case.model} gave a {kind}, not a module or (module, args, kwargs)")


def _place(module: nn.Module, device: str, dtype: torch.dtype) -> None:
    """Move and cast in place, keeping shared parameters shared (a move to meta parts them)."""
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
    tensors = [*module.parameters(), *module.buffers()]
    if any(tensor.is_floating_point() and tensor.dtype != dtype for tensor in tensors):
        module.to(dtype)


# ------------------------------------------------------------------------------------- inputs


def _usual_inputs(recipe: Recipe, module: nn.Module) -> Sequence[Input]:
    if recipe.usual_inputs is None:
        raise UserError("inputs are needed: neither the case nor its factory gives any")
    return recipe.usual_inputs(module)


def _draw_all(inputs: Sequence[Input], dtype: str, images: bool) -> tuple[Any, Any]:
    args: tuple[Any, ...] = tuple(_draw(given, dtype) for given in inputs if not given.name)
    kwargs = {given.name: _draw(given, dtype) for given in inputs if given.name}
    if images:  # one list; a batch is as many images
        args = ([image for arg in args for image in (arg if arg.ndim == 4 else [arg])],)
    return args, kwargs


def _draw(given: Input, dtype: str) -> torch.Tensor:
    """Floats from [0, 1), integers from [0, ``high``), booleans all false."""
    import torch

    kind = getattr(torch, given.dtype or dtype)
    if kind is torch.bool:
        return torch.zeros(given.shape, dtype=kind)
    if kind.is_floating_point:
        return torch.rand(given.shape).to(kind)
    if kind.is_complex:
        return torch.rand(given.shape, dtype=kind)
    return torch.randint(0, given.high, given.shape).to(kind)


def _cast(values: Any, dtype: torch.dtype) -> Any:
    from torch import Tensor
    from torch.utils._pytree import tree_map_only

    return tree_map_only(
        Tensor, lambda tensor: tensor.to(dtype) if tensor.is_floating_point() else tensor, values
    )


def _move(values: Any, device: str) -> Any:
    from torch import Tensor
    from torch.utils._pytree import tree_map_only

    return tree_map_only(Tensor, lambda tensor: _moved(tensor, device), values)


def _moved(tensor: torch.Tensor, device: str) -> torch.Tensor:
    """On meta with the integers that were ``drawn`` beside it: a mask decides what runs."""
    moved = tensor.to(device)
    if device == "meta" and not tensor.is_meta and not tensor.is_floating_point():
        moved.drawn = tensor  # type: ignore[attr-defined]
    return moved
