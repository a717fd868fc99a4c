"""Run a model once under all three watches and write down what happened."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from itertools import chain
from typing import Any

import torch
from torch import nn

from flop_harness.records import Call, Context, Phase, Trace
from flop_harness.suite.compiled import is_training
from flop_harness.suite.higher_order import taken_apart
from flop_harness.trace import functions, step
from flop_harness.trace.backward import (
    GraphMode,
    below_autograd,
    classes_changed,
    way_back_noted,
)
from flop_harness.trace.complex_gradients import GradientsMode
from flop_harness.trace.identity import compared_by
from flop_harness.trace.layer_steps import LayerSteps
from flop_harness.trace.local_parts import is_distributed
from flop_harness.trace.module_calls import Recorder
from flop_harness.trace.needs import (
    GradModeNeeded,
    Needs,
    exchanged,
    gradients_guarded,
    refuse_lazy,
)
from flop_harness.trace.operators import OperatorMode
from flop_harness.trace.plans import MEMORY, Memory
from flop_harness.trace.questions import refuse_if_it_minds_autograd
from flop_harness.trace.sharding import looks_noted
from flop_harness.trace.surroundings import (
    IdleMode,
    has_lstm,
    hooked,
    recurrent_by_products,
    settings,
    undisturbed,
)
from flop_harness.trace.tensors import classes_made
from flop_harness.trace.values import given, values_guarded


def record(
    module: nn.Module,
    args: tuple[Any, ...] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    grad: bool = False,
    execute: bool = False,
    memory: Memory | None = MEMORY,
    hooks: Callable[[str, str], bool] | None = None,
    variant: str = "",
    fast_path: bool = True,
    function_mode: bool = False,
    patched: Collection[str] = (),
    gradients: bool = False,
    foreign: Collection[int] = (),
    own_nodes: bool = False,
) -> Trace:
    """One forward pass of ``module``, on the device on which it and its inputs stand.

    How it runs:

    - ``grad``: gradients are recorded.
    - ``variant``: of ``training`` a backward pass follows, and the step of an optimizer that it names.
    - ``execute``: kernels run. Else results are empty tensors, and a model that looks at values
      (``.item()``, boolean masks) raises ValuesNeeded.
    - ``gradients``: autograd works on the way, and composite operators are not seen. Else a model
      that takes gradients in its forward pass raises GradientsNeeded.
    - ``own_nodes``: each operator of a step has nodes of its own in the graph of gradients. Else a
      model that takes gradients of gradients may raise NodesNeeded.
    - ``memory``: what operators return for which signature, across traces; None remembers nothing.

    How it is watched meanwhile, which a model may see:

    - ``hooks``: by path and qualified class name, which modules have a forward hook.
    - ``fast_path``: whether attention may take its fast paths.
    - ``function_mode``: there is a mode for functions that does nothing.
    - ``patched``: the functions of torch that a counter puts its own in place of.

    What the model writes into itself and its inputs stays: ``attempts.recorded`` takes copies. A call
    of a module whose id is in ``foreign`` raises NotCopyable.
    """
    if gradients:
        script_derivatives()
    device = device_of(module, args, kwargs)
    mark_given(args, kwargs)
    context = context_of(module, device, grad, variant)
    if is_distributed((args, dict(kwargs or {}), *module.parameters(), *module.buffers())):
        memory = None  # whose part a tensor is, its signature does not tell
    plain = not (execute or context.grad or gradients)
    recorder = Recorder(module, device, memory if plain else None, foreign)
    if not (gradients or context.training):
        refuse_if_it_minds_autograd(recorder.table.live, context.grad)
    operators = mode_for(recorder, context, execute, memory, gradients)
    if isinstance(operators, GraphMode) and not (
        execute or gradients or own_nodes or memory is None
    ):
        recorder.steps = LayerSteps(operators)
    operators.results.enters_kernels = bool(patched) and device.type != "meta"
    after: tuple[tuple[Phase, Call], ...] = ()
    with (
        undisturbed(recorder.needs),
        torch.autograd.set_multithreading_enabled(False),  # a device's gradients, in this thread
        settings(context.grad, variant, fast_path),
        recurrent_by_products("plain" in context.words and (not execute or has_lstm(module))),
        IdleMode(recorder.stack) if function_mode else nullcontext(),
        watched(recorder, operators, hooked(module, hooks, recorder.note_held), gradients, patched),
    ):
        output = module(*args, **(kwargs or {}))
        refuse_lazy(output)
        (root,) = recorder.stack[0]
        if isinstance(operators, GradientsMode):
            root = operators.told(root)
        if isinstance(operators, GraphMode):
            step.go_back(operators, output)
            after = step.phases(root, recorder.table, operators, context.optimizer)
    return recorder.trace(context, execute, root, after)


def script_derivatives() -> None:
    """Forward differentiation scripts functions of torch: done before those are watched."""
    with warnings.catch_warnings(action="ignore"):  # that scripting is deprecated
        importlib.import_module("torch._decomp.decompositions_for_jvp")


def mark_given(args: tuple[Any, ...], kwargs: Mapping[str, Any] | None) -> None:
    """Inputs on meta are known for what they are."""
    for leaf in torch.utils._pytree.tree_leaves((args, dict(kwargs or {}))):
        if isinstance(leaf, torch.Tensor) and leaf.is_meta:
            given(leaf, leaf)


def context_of(module: nn.Module, device: torch.device, grad: bool, variant: str) -> Context:
    context = Context(device.type, grad, "train" if is_training(module) else "eval", variant)
    return replace(context, grad=True) if context.training else context


def mode_for(
    recorder: Recorder, context: Context, execute: bool, memory: Memory | None, gradients: bool
) -> OperatorMode:
    """What writes down operators: with ``gradients`` it stands below autograd, else above."""
    given = (recorder.stack, recorder.device, execute, memory, recorder.needs)
    if context.training:
        return GraphMode(*given, lifts=not gradients)
    if gradients:  # each call is one of its own, of which nodes are known: nothing is remembered
        return GradientsMode(recorder.stack, recorder.device, execute, None, recorder.needs)
    mode = OperatorMode(*given)
    mode.passes_gradients = context.grad
    return mode


@contextmanager
def watched(
    recorder: Recorder,
    operators: OperatorMode,
    hooks: AbstractContextManager[None],
    gradients: bool,
    patched: Collection[str] = (),
) -> Iterator[None]:
    """Each level writes down its calls: functions, modules, operators; values are not looked at."""
    with ExitStack() as levels:
        compared = compared_by(recorder.table.live)
        levels.enter_context(functions.replaced(recorder.stack, recorder.needs, compared, patched))
        levels.enter_context(recorder.watching_modules())
        levels.enter_context(hooks)
        levels.enter_context(values_guarded(recorder.needs, operators.execute))
        levels.enter_context(classes_made())
        training = isinstance(operators, GraphMode)
        if isinstance(operators, GraphMode):
            levels.enter_context(classes_changed())
            levels.enter_context(way_back_noted(operators))
        if gradients and not training:
            levels.enter_context(gradients_written(recorder.needs))
            levels.enter_context(taken_apart(under_modes=True))
        if not gradients:
            levels.enter_context(gradients_guarded(recorder.needs, transforms_alone=training))
            # Below autograd a dispatch mode sees composite operators before they come apart.
            levels.enter_context(below_autograd())
        levels.enter_context(operators.parts.noted())
        levels.enter_context(looks_noted(recorder.stack))
        levels.enter_context(operators)
        yield


@contextmanager
def gradients_written(needs: Needs) -> Iterator[None]:
    """Write down where the model takes gradients on its way."""
    asked = torch.is_grad_enabled()
    with ExitStack() as levels:
        for holder, name in GRADIENTS:
            place = "torch.Tensor" if holder is torch.Tensor else holder.__name__
            taking = getattr(holder, name) if asked else with_graph(needs, getattr(holder, name))
            written = functions.watched(f"{place}.{name}", taking)
            levels.enter_context(exchanged(holder, name, written))
        yield


def with_graph(needs: Needs, take: Callable[..., Any]) -> Callable[..., Any]:
    """A way to gradients that says so where it fails in a pass that records none, as called to infer."""

    def taking(*args: Any, **kwargs: Any) -> Any:
        try:
            return take(*args, **kwargs)
        except RuntimeError as error:
            needs.demand(GradModeNeeded(str(error)))

    return taking


GRADIENTS = ((torch.autograd, "grad"), (torch.autograd, "backward"), (torch.Tensor, "backward"))


def device_of(module: nn.Module, args: tuple, kwargs: Mapping | None) -> torch.device:
    """Where the first parameter, buffer or input stands."""
    leaves = torch.utils._pytree.tree_leaves((args, dict(kwargs or {})))
    candidates = chain(module.parameters(), module.buffers(), leaves)
    return next((t.device for t in candidates if isinstance(t, torch.Tensor)), torch.device("cpu"))
