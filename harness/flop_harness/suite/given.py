"""What a caller hands over to be counted: a module, a program, a function or a reference, and inputs.

An input is a tensor, anything else that the model takes, or a shape: a tuple of sizes, or text as on
the command line (``"1x128:int64"``). Shapes are drawn as those of a suite are.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from flop_harness.errors import UserError
from flop_harness.records import Case, Input
from flop_harness.suite import inputs as drawing
from flop_harness.suite.build import Built, build, own_dtype, taken_apart
from flop_harness.suite.compiled import as_module, original
from flop_harness.suite.files import INPUT, case_from_model, written
from flop_harness.suite.functions import Function
from flop_harness.suite.seeding import seeded

KINDS = (
    "a module, an exported program, a function, or a reference such as "
    "'torchvision:resnet18' or 'net.py:make'"
)


def live(model: Any, args: tuple, kwargs: Mapping[str, Any]) -> Built:
    """A live model and what to call it with. UserError for what is none, naming what is taken."""
    if isinstance(model, type):
        raise UserError(f"{model.__name__} is a class: pass one of it, {model.__name__}(...)")
    if callable(model) and not is_model(model) and not (args or kwargs):
        refuse_without(model, name_of_function(model))
        model = model()  # a factory, as a reference names one
    if isinstance(model, tuple) and not (args or kwargs):
        model, *given = taken_apart(model, "the first argument")
        args, kwargs = (given[0] or (), given[1] or {})
    module = module_of(model)
    if not (args or kwargs) and not isinstance(module, torch.jit.ScriptModule):
        refuse_without(module.forward, type(module).__name__)
    args, kwargs = filled(module, args, kwargs)
    return Built(module, args, kwargs)


def is_model(model: Any) -> bool:
    return isinstance(as_module(model), nn.Module)


def module_of(model: Any) -> nn.Module:
    if inspect.ismethod(model) and model.__name__ == "forward":
        model = model.__self__
    module = as_module(model)
    if isinstance(module, nn.Module):
        return module
    if callable(model):
        return Function(model)
    raise UserError(f"{type(model).__name__} is no model: pass {KINDS}")


def name_of(module: nn.Module) -> str:
    """What a live model is called: its class, or the name of the function."""
    whole = original(module)
    return name_of_function(whole.function if isinstance(whole, Function) else type(whole))


def name_of_function(function: Any) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


def refuse_without(function: Callable[..., Any], name: str) -> None:
    """UserError where a call without any input lacks some, naming them."""
    missing = drawing.required(function)
    if missing:
        raise UserError(f"inputs are needed: {name} takes {', '.join(missing)}")


# ------------------------------------------------------------------------------------- inputs


def shape_of(value: Any, name: str = "") -> Input | None:
    """The input that a tuple of sizes or a text such as ``1x128:int64`` stands for; else None."""
    if isinstance(value, Input):
        return replace(value, name=name)
    if isinstance(value, str) and "x" in value and INPUT.fullmatch(value):
        return replace(written(value), name=name)
    if isinstance(value, tuple) and value and all(type(size) is int for size in value):
        return Input(tuple(value), name=name)
    return None


def filled(
    module: nn.Module, args: tuple, kwargs: Mapping[str, Any]
) -> tuple[tuple, dict[str, Any]]:
    """The inputs with each shape drawn, in the dtype of the model and where it stands."""
    dtype = own_dtype(module, (args, dict(kwargs)))
    first = next(module.parameters(), None)
    device = first.device if first is not None else torch.device("cpu")

    def value(given: Any) -> Any:
        shape = shape_of(given)
        if shape is None:
            return given
        return drawing.moved(drawing.draw(shape, dtype, device.type), str(device))

    with seeded():
        return tuple(map(value, args)), {name: value(each) for name, each in kwargs.items()}


# ---------------------------------------------------------------------------------- references


def referred(reference: str, args: tuple, kwargs: Mapping[str, Any], **options: Any) -> Case:
    """The case of a reference with inputs, as the command line makes it; UserError for other inputs."""
    pairs = [*(("", each) for each in args), *kwargs.items()]
    case = case_from_model(reference, [], **options)
    return replace(case, inputs=tuple(described(each, name) for name, each in pairs))


def described(value: Any, name: str) -> Input:
    if isinstance(value, torch.Tensor):
        return Input(tuple(value.shape), str(value.dtype).removeprefix("torch."), name=name)
    shape = shape_of(value, name)
    if shape is None:
        raise UserError(
            f"inputs beside a reference are tensors or shapes, not a {type(value).__name__}: "
            "build the model and pass it"
        )
    return shape


def with_values(case: Case, args: tuple, kwargs: Mapping[str, Any]) -> Built | None:
    """A referred model with the tensors that were given; None where all are shapes, to be drawn."""
    given = (*args, *kwargs.values())
    if not any(isinstance(each, torch.Tensor) for each in given):
        return None
    built = build(case)
    tensors = tuple(
        each if isinstance(each, torch.Tensor) else drawn
        for each, drawn in zip(args, built.args, strict=True)
    )
    named = {
        name: each if isinstance(each, torch.Tensor) else built.kwargs[name]
        for name, each in kwargs.items()
    }
    return replace(built, args=tensors, kwargs=named)
