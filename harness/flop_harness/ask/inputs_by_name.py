"""Inputs of a model that are given by name, beside keywords of our own."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from flop_harness.errors import UserError

if TYPE_CHECKING:
    from torch import nn

OURS: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("convention", "context", "mode", "optimizer"), (str,)),
    "jobs": (int,),
    "kwargs": (Mapping,),
    "training": (bool,),
}
"""Keyword -> what it takes, where that is not said elsewhere"""


def inputs_by_name(
    model: Any, inputs: tuple, kwargs: Any, named: Mapping[str, Any], **ours: Any
) -> dict[str, Any]:
    """The inputs in ``kwargs`` and those that were ``named`` beside our own keywords.

    ``ours`` are these with their values, None where one was not given. UserError where one that was
    given is no value of ours, or could be meant for an input of that name that nothing else fills.
    """
    given = {name: value for name, value in ours.items() if value is not None}
    if kwargs is not None:
        given["kwargs"] = kwargs
    for name, value in given.items():
        refuse_other_kind(name, value)
    kwargs = kwargs or {}
    if twice := [name for name in named if name in kwargs]:
        raise UserError(f"{twice[0]} is given by name and in kwargs={{...}}")
    for name in set(given) - set(kwargs):
        if name in open_inputs(model, inputs):
            raise UserError(
                f"{name}= can be flop-harness's own or an input of the model: give the input as "
                f"{in_kwargs(name)}; beside that, {name}= is flop-harness's own"
            )
    return {**kwargs, **named}


def refuse_other_kind(name: str, value: Any) -> None:
    """UserError for what is none of our values, as an input is that has the name of one of ours."""
    kinds = OURS.get(name)
    if kinds and not isinstance(value, kinds):
        raise UserError(
            f"{name}= is flop-harness's own and takes a {kinds[0].__name__.lower()}, not a "
            f"{type(value).__name__}: give an input of that name as {in_kwargs(name)}"
        )


def in_kwargs(name: str) -> str:
    return f'kwargs={{"{name}": ...}}'


# ---------------------------------------------------------------------------- what a model takes


def open_inputs(model: Any, inputs: tuple) -> set[str]:
    """Names of what a live model takes by keyword and ``inputs`` do not fill.

    None of a reference and of a factory: these are called as the command line calls them.
    """
    from flop_harness.suite.compiled import as_module, original

    module = original(as_module(model))
    if isinstance(model, (str, type, tuple)):
        return set()
    if hasattr(module, "forward"):
        return {name for forward in forwards(module) for name in unfilled(forward, inputs)}
    return unfilled(model, inputs) if inputs else set()


def forwards(module: nn.Module) -> Iterator[Any]:
    """The forward method; of a module that hands on whatever it gets, those of its parts too."""
    yield module.forward
    if all(each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD) for each in taken(module.forward)):
        for part in module.children():
            yield from forwards(part)


def taken(function: Any) -> list[inspect.Parameter]:
    try:
        return [*inspect.signature(function).parameters.values()]
    except (TypeError, ValueError):
        return []


def unfilled(function: Any, inputs: tuple) -> set[str]:
    by_place = [each for each in taken(function) if each.kind is each.POSITIONAL_OR_KEYWORD]
    by_name = [each for each in taken(function) if each.kind is each.KEYWORD_ONLY]
    return {each.name for each in (*by_place[len(inputs) :], *by_name)}
