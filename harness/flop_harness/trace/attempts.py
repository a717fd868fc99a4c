"""Traces of copies of a model, made anew where a pass turns out to need values, gradients or an import."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from torch import nn

from flop_harness.records import Trace
from flop_harness.suite.compiled import uncompiled
from flop_harness.suite.globals import globals_kept
from flop_harness.trace.copying import NotCopyable, copied
from flop_harness.trace.differences import differences
from flop_harness.trace.needs import ImportNeeded, Need
from flop_harness.trace.questions import minds_copies
from flop_harness.trace.recorder import record
from flop_harness.trace.sharding import forget_shapes

Pass: TypeAlias = tuple[nn.Module, tuple, Mapping]
"""A model, and what it is called with."""


def recorded(
    prepare: Callable[[], Pass],
    *,
    adapt: Callable[..., Pass] = lambda *given: given,
    copy: bool = True,
    warm_up: bool = False,
    **options: Any,
) -> Trace:
    """A trace of what ``prepare`` makes, anew with values or gradients if the model asks for them.

    Each attempt gets a copy of model and inputs: neither changes, and none meets what an earlier
    one has spoilt. ``adapt`` may spoil the copy it is given. Without ``copy`` the model itself is
    traced, once, and raises what it needs. With ``warm_up`` it is the second call that is traced.
    Raises NotCopyable.
    """
    module, args, kwargs = prepare()

    def called(given: Pass, **options: Any) -> Trace:
        forget_shapes()
        if warm_up:
            record(*given, **{**options, "hooks": None})
        return record(*given, **options)

    if not copy:
        with globals_kept(module):
            return called(adapt(uncompiled(module), args, kwargs), **options)

    def attempt() -> Trace:
        twins = copies(module, args, kwargs, options.get("execute", False))
        with globals_kept(module):
            return called(adapt(*twins), **options, foreign=set(map(id, module.modules())))

    try:
        return with_imports(attempt)
    except Need as need:
        more = {need.given_by: True}
    return recorded(prepare, adapt=adapt, warm_up=warm_up, **{**options, **more})


def with_imports(attempt: Callable[[], Trace]) -> Trace:
    """What ``attempt`` gives, made anew where it imports what has to be there before."""
    try:
        return attempt()
    except ImportNeeded as need:
        importlib.import_module(str(need))
        return attempt()


def copies(module: nn.Module, args: tuple, kwargs: Mapping, real: bool) -> Pass:
    """Copies of a model as it is uncompiled and of its inputs, held against it. Raises NotCopyable."""
    if minds_copies(module):
        raise NotCopyable(f"{type(module).__name__} asks for the id of a module")
    twin, args, kwargs = copied((module, args, dict(kwargs)), real=real)
    if wrong := differences(module, twin):
        raise NotCopyable(f"in a copy of {type(module).__name__} {', '.join(wrong)}")
    return uncompiled(twin), args, kwargs
