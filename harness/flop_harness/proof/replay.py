"""A recorded operator call -> the real operator, and its arguments by name."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache, reduce
from typing import Any

import torch

from flop_harness.records import Call, Dict, List, Tensor


class CannotRun(Exception):
    """The operator cannot be run here as it was called; the text says why."""


@cache
def operator(name: str) -> Any:
    """``aten.addmm.default`` -> the operator; CannotRun where torch does not have it."""
    namespace = name.partition(".")[0]
    if namespace == "torchvision":
        importlib.import_module("torchvision")
    try:
        return reduce(getattr, name.split("."), torch.ops)
    except AttributeError:
        raise CannotRun(f"this torch has no operator {name}") from None


def arguments(call: Call) -> dict[str, Any]:
    """Every argument of a call under the name that the operator's schema gives it."""
    schema = operator(call.name)._schema.arguments
    given = dict(zip((each.name for each in schema), call.args, strict=False)) | dict(call.kwargs)
    return {
        each.name: given.get(each.name, each.default_value)
        for each in schema
        if each.name in given or each.has_default_value()
    }


def realised(value: Any, make: Callable[[Tensor], torch.Tensor]) -> Any:
    """Recorded values as live ones, the tensors among them as ``make`` makes them."""
    if isinstance(value, Tensor):
        return make(value)
    if isinstance(value, Dict) and value.keys == ("NestedTensor",):
        return torch.nested.nested_tensor([make(each) for each in value.values[0]])
    if is_packed(value):
        return packed(
            make(value.values[0]), dict(zip(value.keys[2:], value.values[2:], strict=True))
        )
    if isinstance(value, (tuple, List, list)):
        return [realised(each, make) for each in value]
    if isinstance(value, str) and value.startswith("torch."):
        return getattr(torch, value.removeprefix("torch."))
    if value is None or isinstance(value, (bool, int, float, complex, str)):
        return value
    raise CannotRun(f"an argument is known by its type alone: {value!r}")


def is_packed(value: Any) -> bool:
    """Whether it is what a quantised layer keeps of its weight, its bias and its settings."""
    return isinstance(value, Dict) and value.keys[:2] == ("weight", "bias")


def packed(weight: torch.Tensor, settings: dict[str, Any]) -> Any:
    """The object that a quantised layer holds, without a bias; a linear one has no settings."""
    if not settings:
        return run("quantized.linear_prepack.default", {"W": weight})
    axes = weight.dim() - 2
    each_axis = {name: list(value)[-axes:] for name, value in settings.items() if name != "groups"}
    named = {"weight": weight, "bias": None, **each_axis, "groups": settings["groups"]}
    return run(f"quantized.conv{axes}d_prepack.default", named)


def run(name: str, named: dict[str, Any]) -> Any:
    """The operator's result; CannotRun where it has no kernel for these tensors, or refuses them."""
    try:
        with torch.no_grad():
            return operator(name)(**named)
    except NotImplementedError as error:
        raise CannotRun(f"no kernel of {name} on this machine") from error
    except (RuntimeError, IndexError, ValueError, TypeError) as error:
        raise CannotRun(f"{name} refuses: {' '.join(str(error).split())}") from error


# ----------------------------------------------------------------------------------- in words

NEUTRAL = {
    "stride": 1, "padding": 0, "dilation": 1, "output_padding": 0, "groups": 1,
    "transposed": False, "training": False, "keepdim": False,
}  # fmt: skip
"""What goes without saying where a schema has no default."""
IMMATERIAL = frozenset("eps momentum inplace dtype output_dtype reduce_range".split())
"""What changes results and never the work; nor does the scale of what is quantised."""
BY_NAME = frozenset("weight bias running_mean running_var".split())
"""Vectors whose length another shape tells."""


def in_words(call: Call) -> str:
    """The shapes of a call and what else it was given: ``1x3x224x224, 64x3x7x7, bias, stride 2``.

    Of an operator of the user's own, which this process need not have, without names.
    """
    if call.work is not None:
        return ", ".join(map(text, call.args))
    defaults = {
        each.name: each.default_value
        for each in operator(call.name)._schema.arguments
        if each.has_default_value()
    }
    told = {
        name: value for name, value in arguments(call).items()
        if not (name in defaults and text(value) == text(defaults[name]))
        and not ("quantize" in call.name and ("scale" in name or "zero_point" in name))
    }  # fmt: skip
    return sentence(told)


def sentence(named: dict[str, Any]) -> str:
    """What does not go without saying."""
    return ", ".join(
        word(name, value)
        for name, value in named.items()
        if value is not None and name not in IMMATERIAL
        and not (name in NEUTRAL and text(value) == text(NEUTRAL[name]))
    )  # fmt: skip


def word(name: str, value: Any) -> str:
    spoken = name.strip("_").replace("_", " ")
    if value is True or (name in BY_NAME and isinstance(value, Tensor) and len(value.shape) == 1):
        return spoken
    return text(value) if has_tensor(value) else f"{spoken} {text(value)}"


def has_tensor(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(has_tensor, value))
    return isinstance(value, (Tensor, Dict))


def text(value: Any) -> str:
    """A shape as ``1x3x224x224``, equal numbers of a list as one."""
    if isinstance(value, Tensor):
        return "x".join(map(str, value.shape)) or "number"
    if is_packed(value):
        return sentence(dict(zip(value.keys, value.values, strict=True)))
    if isinstance(value, Dict):
        return "nested " + text(value.values[0]) if value.keys == ("NestedTensor",) else "mapping"
    if isinstance(value, (list, tuple)):
        words = list(map(text, value))
        alike = len(set(words)) == 1 and not has_tensor(value)
        return words[0] if alike else "(" + " ".join(words) + ")"
    return f"{value:g}" if isinstance(value, float) else str(value)
