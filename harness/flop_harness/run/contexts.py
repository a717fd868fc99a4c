"""How a counter and a context change what is passed to a model, and what is seen of its pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from flop_harness.conventions.reference import parameters, reference
from flop_harness.counters import Counter, overlay
from flop_harness.counters.protocol import ONE_AS_IT_IS, Inputs, as_given, named
from flop_harness.records import Call, Context, Trace
from flop_harness.suite.compiled import eagerly
from flop_harness.suite.seeding import seeded


def asked_with(
    watcher: Watcher, context: Context, model: Any, args: tuple, kwargs: dict
) -> tuple[tuple, dict]:
    """The inputs as the counter passes them on in this context; without one, as the context says."""
    if "keywords" in context.words:
        args, kwargs = named(model, args, kwargs)
    return (args, kwargs) if watcher is None else watcher.inputs(model, args, kwargs)


Terms: TypeAlias = tuple[dict[str, int | float], ...]


def reference_terms(trace: Trace) -> Terms:
    """What the reference says of a pass, term by term: products and parameters."""
    return tuple(price(trace).by_term() for price in (reference, parameters))


def observations(
    counter: Counter, context: Context, model: Any, args: tuple, kwargs: dict
) -> tuple[Call, ...]:
    """What the counter's rules need beyond the trace, of a model that may be spoilt, in a process for that alone.

    What is asked for it may come with the counter: its overlay is installed and imported from first.
    """
    from flop_harness.trace.sharding import forget_shapes
    from flop_harness.trace.surroundings import hooked, settings

    if counter.observe is None:
        return ()
    if counter.overlay:
        overlay.put_first(overlay.ensure(counter.overlay), counter.distribution)
    forget_shapes()
    with settings(context.grad, context.variant), eagerly(), seeded(), hooked(model, counter.hooks):
        return counter.observe(model, args, **kwargs)


def with_calls(trace: Trace, calls: tuple[Call, ...]) -> Trace:
    return replace(trace, root=trace.root._replace(children=(*trace.root.children, *calls)))


@dataclass(frozen=True, slots=True)
class Idle:
    """Who calls a model as a counter does, watches it by hooks, patches and a function mode, and does nothing."""

    hooks: Callable[[str, str], bool] | None
    function_mode: bool
    patches: frozenset[str]
    warm_up: bool
    inputs: Callable[[Any, tuple, dict], Inputs]


def idly(counter: Counter) -> Idle:
    return Idle(
        counter.hooks, not counter.fast_path, counter.patches, counter.warm_up, counter.inputs
    )


def unwatched(counter: Counter) -> Idle | None:
    """Who calls the model as the counter does and does not watch; None where nothing is special in it."""
    if counter.warm_up or counter.inputs not in (as_given, *ONE_AS_IT_IS):
        return replace(idly(counter), hooks=None, function_mode=False, patches=frozenset())
    return None


Watcher: TypeAlias = Counter | Idle | None
"""Who sees a pass; None where nobody does"""


def watched(watcher: Watcher, context: Context) -> dict[str, Any]:
    way = {"grad": context.grad, "variant": context.variant}
    if watcher is None:
        return way
    way = {**way, "hooks": watcher.hooks, "patched": watcher.patches, "warm_up": watcher.warm_up}
    if isinstance(watcher, Idle):
        return {**way, "function_mode": watcher.function_mode}
    own_mode = not watcher.fast_path
    return {**way, "fast_path": not own_mode, "function_mode": own_mode}


def seen_alike(watcher: Watcher, context: Context, model: Any, args: tuple, kwargs: dict) -> Any:
    """What a pass of a model depends on: where two who watch it agree in it, they see the same."""
    variant = context.variant if context.words & RUN_OTHERWISE else ""
    here = replace(context, variant=variant)
    if isinstance(watcher, Idle):
        return here, watcher
    form = None if watcher is None or handed_on(watcher, args, kwargs) else watcher.inputs
    if not minds_watchers(model):
        return here, form
    hooked, fast_path = hooked_by(watcher, model), watcher is None or watcher.fast_path
    patches = frozenset() if watcher is None else watcher.patches
    return here, form, hooked, fast_path, patches, watcher is not None and watcher.warm_up


def handed_on(counter: Counter, args: tuple, kwargs: dict) -> bool:
    """Whether a counter passes these inputs on as they are."""
    import torch

    one = len(args) == 1 and not kwargs and isinstance(args[0], torch.Tensor)
    return counter.inputs is as_given or (one and counter.inputs in ONE_AS_IT_IS)


def minds_watchers(model: Any) -> bool:
    """Whether hooks, patches, a counter's own mode, or an earlier call may change what runs or is seen of it.

    They do so beside the fast paths of attention; of modules that are not of a library we know, any
    may look at its hooks, and the code of a graph may call operators by their own names. Of distributed
    tensors the first call looks for shapes.
    """
    from flop_harness.trace.local_parts import is_distributed

    if is_distributed([*model.parameters(), *model.buffers()]):
        return True
    kinds = {kind for module in model.modules() for kind in type(module).__mro__}
    return any(is_attention(kind) or is_unknown(kind) or is_graph(kind) for kind in kinds)


HOOKS_IGNORED = frozenset({"torch", "torchvision", "timm", "builtins", "abc", "typing"})


def is_unknown(kind: type) -> bool:
    return kind.__module__.partition(".")[0] not in HOOKS_IGNORED


def is_attention(kind: type) -> bool:
    return kind.__name__ in ("MultiheadAttention", "TransformerEncoderLayer")


def is_graph(kind: type) -> bool:
    return kind.__name__ == "GraphModule"


def hooked_by(counter: Counter | None, model: Any) -> frozenset[str]:
    """Paths of the modules on which the counter has hooks."""
    from flop_harness.trace.encoding import qualified_name

    wanted = counter.hooks if counter is not None else None
    return frozenset(
        path for path, module in model.named_modules()
        if wanted is not None and wanted(path, qualified_name(type(module)))
    )  # fmt: skip


def as_on_meta(variant: str) -> str:
    """The variant of a step on the CPU that takes the products of one on meta; a forward pass takes them anyway."""
    return f"plain {variant}" if variant else ""


RUN_OTHERWISE = frozenset({"math", "plain", "keywords", "training"})
"""Variants that change what runs; others only ask for another figure."""
