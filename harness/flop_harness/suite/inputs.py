"""Inputs of a model: drawn from what a case names, moved and cast, however they are nested."""

from __future__ import annotations

import copy
import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from flop_harness.records import Input

if TYPE_CHECKING:
    import torch


VARIED = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
LARGE = 2**27
"""Elements beyond which a tensor for meta is not drawn: nobody looks at a value of it"""


def required(function: Callable[..., Any]) -> list[str]:
    """The names of the inputs that a call cannot do without; none where they are not known."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return []
    return [name for name, each in signature.parameters.items()
            if each.kind not in VARIED and each.default is each.empty]  # fmt: skip


def draw_all(
    inputs: Sequence[Input], dtype: str, images: bool, device: str = "cpu"
) -> tuple[tuple, dict[str, Any]]:
    """(args, kwargs) of random tensors for a device; what names no dtype gets ``dtype``.

    For meta they are drawn on the CPU like for any other, as far as they are not huge.
    """
    args: tuple[Any, ...] = tuple(draw(given, dtype, device) for given in inputs if not given.name)
    kwargs = {given.name: draw(given, dtype, device) for given in inputs if given.name}
    if images:  # one list; a batch is as many images
        args = ([image for arg in args for image in (arg if arg.ndim == 4 else [arg])],)
    return args, kwargs


def draw(given: Input, dtype: str, device: str = "cpu") -> torch.Tensor:
    """Floats from [0, 1), integers from [0, ``high``), booleans all false."""
    import torch

    kind = getattr(torch, given.dtype or dtype)
    if device == "meta" and prod(given.shape) > LARGE:
        return torch.empty(given.shape, dtype=kind, device="meta")
    if kind is torch.bool:
        return torch.zeros(given.shape, dtype=kind)
    if kind.is_floating_point:
        return torch.rand(given.shape).to(kind)
    if kind.is_complex:
        return torch.rand(given.shape, dtype=kind)
    return torch.randint(0, given.high, given.shape).to(kind)


def cast(values: Any, dtype: torch.dtype) -> Any:
    """The same with every floating tensor in another dtype."""
    return map_tensors(
        lambda tensor: tensor.to(dtype) if tensor.is_floating_point() else tensor, values
    )


def move(values: Any, device: str) -> Any:
    """The same with every tensor on another device."""
    return map_tensors(lambda tensor: moved(tensor, device), values)


def moved(tensor: torch.Tensor, device: str) -> torch.Tensor:
    """On meta with the integers that were ``drawn`` beside it: a mask decides what runs."""
    there = tensor.to(device)
    if device == "meta" and not tensor.is_meta and not tensor.is_floating_point():
        there.drawn = tensor  # type: ignore[attr-defined]
    return there


def is_open_mask(name: str, value: Any) -> bool:
    """Whether an input is a mask of tokens, (batch, length), of ones alone: as if there were none."""
    import torch

    if (
        not name.endswith("attention_mask")
        or not isinstance(value, torch.Tensor)
        or value.ndim != 2
    ):
        return False
    values = getattr(value, "drawn", value)
    return not values.is_meta and bool((values == 1).all())


def map_tensors(change: Callable[[torch.Tensor], torch.Tensor], values: Any) -> Any:
    """``values`` with each tensor changed, inside containers, dataclasses and mappings too."""
    import torch
    from torch.utils._pytree import tree_map

    def of_leaf(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return change(value)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return with_fields(value, {name: map_tensors(change, each) for name, each in
                                       vars_of(value).items()})  # fmt: skip
        if isinstance(value, Mapping) and hasattr(value, "data"):  # a UserDict, as tokenizers give
            made = copy.copy(value)
            made.data = {key: map_tensors(change, each) for key, each in value.items()}
            return made
        return value

    return tree_map(of_leaf, values)


def vars_of(value: Any) -> dict[str, Any]:
    return {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}


def with_fields(value: Any, fields: Mapping[str, Any]) -> Any:
    """A copy of a dataclass, frozen or not, without its ``__init__`` being run again."""
    made = copy.copy(value)
    for name, each in fields.items():
        object.__setattr__(made, name, each)
    return made
