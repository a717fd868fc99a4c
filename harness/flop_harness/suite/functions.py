"""Functions and methods as modules: what they do is counted, with the modules that they refer to."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from torch import nn

from flop_harness.suite.compiled import is_training


class Function(nn.Module):
    """A function as a module; modules that it refers to are its parts, by the names it has for them."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function
        for name, part in modules_of(function):
            self.add_module(name.replace(".", "_"), part)
        self.training = any(map(is_training, self.children()))

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def __deepcopy__(self, memo: Any) -> Any:
        raise TypeError(
            "a function refers to the modules it was written for, not to copies of them"
        )


def modules_of(function: Any) -> Iterator[tuple[str, nn.Module]]:
    """Modules that a function, a method, a partial or a callable object refers to."""
    if isinstance(function, partial):
        yield from modules_of(function.func)
        held: Mapping[str, Any] = {
            **{f"arg{place}": each for place, each in enumerate(function.args)},
            **function.keywords,
        }
    elif inspect.ismethod(function):
        held = {"self": function.__self__}
    elif inspect.isfunction(function):
        found = inspect.getclosurevars(function)
        held = {**found.globals, **found.nonlocals}
    else:
        held = getattr(function, "__dict__", {})
    yield from ((name, each) for name, each in held.items() if isinstance(each, nn.Module))
