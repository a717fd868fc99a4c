"""How a counter and a context change what is passed to a model, and what is seen of its pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from flop_harness.conventions.reference import parameters, reference
from flop_harness.counters import Counter
from flop_harness.counters.protocol import as_given, named
from flop_harness.records import Call, Context, Trace
from flop_harness.suite.compiled import eagerly
from flop_harness.suite.seeding import seeded


def asked_with(
    watcher: Watcher, context: Context, model: Any, args: tuple, kwargs: dict
) -> tuple[tuple, dict]:
    """The inputs as the counter passes them on in this context; without one, as the context says."""
    if "keywords" in context.words:
        args, kwargs = named(model, args, kwargs)
    return watcher.inputs(model, args, kwargs) if isinstance(watcher, Counter) else (args, kwargs)


def alike(one: Trace, other: Trace) -> bool:
    """Whether the reference says the same of both passes, term by term."""
    return all(price(one).by_term() == price(other).by_term() for price in (reference, parameters))


def observations(
    counter: Counter, context: Context, model: Any, args: tuple, kwargs: dict
) -> tuple[Call, ...]:
    """What the counter's rules need beyond the trace, of a model that may be spoilt."""
    from flop_harness.trace.surroundings import hooked, settings

    if counter.observe is None:
        return ()
    with settings(context.grad, context.variant), eagerly(), seeded(), hooked(model, counter.hooks):
        return counter.observe(model, args)


def with_calls(trace: Trace, calls: tuple[Call, ...]) -> Trace:
    return replace(trace, root=trace.root._replace(children=(*trace.root.children, *calls)))


@dataclass(frozen=True, slots=True)
class Idle:
    """Who watches a pass as a counter does, by hooks and a function mode, and does nothing."""

    hooks: Callable[[str, str], bool] | None
    function_mode: bool


def idly(counter: Counter) -> Idle:
    return Idle(counter.hooks, not counter.fast_path)


Watcher: TypeAlias = Counter | Idle | None
"""Who sees a pass; None where nobody does"""


def watched(watcher: Watcher, context: Context) -> dict[str, Any]:
    way = {"grad": context.grad, "variant": context.variant}
    if watcher is None:
        return way
    if isinstance(watcher, Idle):
        return {**way, "hooks": watcher.hooks, "function_mode": watcher.function_mode}
    return {**way, "hooks": watcher.hooks, "fast_path": watcher.fast_path}


def seen_alike(watcher: Watcher, context: Context) -> Any:
    """What a trace depends on, beside its case."""
    variant = context.variant if context.words & RUN_OTHERWISE else ""
    here = replace(context, variant=variant)
    if watcher is None:
        return here, as_given, None, None, True
    if isinstance(watcher, Idle):
        return here, watcher
    return here, watcher.inputs, watcher.hooks, watcher.observe, watcher.fast_path


RUN_OTHERWISE = frozenset({"math", "keywords", "training"})
"""Variants that change what runs; others only ask for another figure."""
