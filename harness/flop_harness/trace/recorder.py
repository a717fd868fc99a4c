"""Run a model once under all three watches and write down what happened."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from itertools import chain
from threading import get_ident
from typing import Any

import torch
from torch import nn

from flop_harness.records import (
    HELD,
    RAISED,
    Call,
    Context,
    Phase,
    Trace,
)
from flop_harness.suite.compiled import is_training
from flop_harness.trace import functions, layers, step
from flop_harness.trace.backward import GraphMode, below_autograd
from flop_harness.trace.complex_gradients import GradientsMode
from flop_harness.trace.copying import NotCopyable
from flop_harness.trace.encoding import encode
from flop_harness.trace.identity import compared_by
from flop_harness.trace.layer_steps import LayerSteps, Run
from flop_harness.trace.local_parts import is_distributed
from flop_harness.trace.module_hooks import changes_seen, end_seen, is_hooked
from flop_harness.trace.modules import ModuleTable
from flop_harness.trace.needs import (
    Needs,
    exchanged,
    gradients_guarded,
    refuse_lazy,
)
from flop_harness.trace.operators import OperatorMode, rebuilt
from flop_harness.trace.plans import MEMORY, Memory
from flop_harness.trace.shapes import spec_of
from flop_harness.trace.sharding import looks_noted
from flop_harness.trace.surroundings import IdleMode, hooked, settings, undisturbed
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

    With ``execute`` the kernels run; without, results are empty tensors. A model that looks at
    values (``.item()``, boolean masks, ``.tolist()``) then raises ``ValuesNeeded``. With
    ``gradients`` autograd works, and composite operators are not seen; without, a model that takes
    gradients on its way raises ``GradientsNeeded``. ``memory`` keeps what operators return for which
    signature, across traces; None remembers nothing.
    Without ``fast_path`` the modules of attention do not take theirs; with
    ``function_mode`` one that does nothing keeps them off. In the variant
    ``training`` a backward pass follows, and the step of an optimizer if one is named: see ``step``.
    ``patched`` names functions of torch in whose places a counter puts its own: the model may see that.
    ``hooks`` tells by path and qualified class name which modules have a forward hook meanwhile.
    With ``own_nodes`` each operator of a step has nodes of its own in the graph of gradients; without, a
    model that takes gradients of gradients may raise ``NodesNeeded``.
    What the model writes into itself and its inputs stays: ``attempts.recorded`` takes copies. A call of a
    module whose id is in ``foreign`` raises NotCopyable.
    """
    if gradients:
        script_derivatives()
    device = device_of(module, args, kwargs)
    mark_given(args, kwargs)
    context = context_of(module, device, grad, variant)
    if is_distributed((args, dict(kwargs or {}), *module.parameters(), *module.buffers())):
        memory = None  # whose part a tensor is, its signature does not tell
    plain = not (execute or context.grad or gradients)
    recorder = Recorder(module, device, memory if plain else None)
    recorder.foreign = foreign
    operators = mode_for(recorder, context, execute, memory, gradients)
    if isinstance(operators, GraphMode) and not (
        execute or gradients or own_nodes or memory is None
    ):
        recorder.steps = LayerSteps(operators)
    after: tuple[tuple[Phase, Call], ...] = ()
    with (
        undisturbed(recorder.needs),
        settings(context.grad, variant, fast_path),
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
        training = isinstance(operators, GraphMode)
        if gradients and not training:
            levels.enter_context(gradients_written())
        if not gradients:
            levels.enter_context(gradients_guarded(recorder.needs, transforms_alone=training))
            # Below autograd a dispatch mode sees composite operators before they come apart.
            levels.enter_context(below_autograd())
        levels.enter_context(operators.parts.noted())
        levels.enter_context(looks_noted(recorder.stack))
        levels.enter_context(operators)
        yield


@contextmanager
def gradients_written() -> Iterator[None]:
    """Write down where the model takes gradients on its way."""
    with ExitStack() as levels:
        for holder, name in GRADIENTS:
            place = "torch.Tensor" if holder is torch.Tensor else holder.__name__
            written = functions.watched(f"{place}.{name}", getattr(holder, name))
            levels.enter_context(exchanged(holder, name, written))
        yield


GRADIENTS = ((torch.autograd, "grad"), (torch.autograd, "backward"), (torch.Tensor, "backward"))


def device_of(module: nn.Module, args: tuple, kwargs: Mapping | None) -> torch.device:
    """Where the first parameter, buffer or input stands."""
    leaves = torch.utils._pytree.tree_leaves((args, dict(kwargs or {})))
    candidates = chain(module.parameters(), module.buffers(), leaves)
    return next((t.device for t in candidates if isinstance(t, torch.Tensor)), torch.device("cpu"))


class Recorder:
    """The stack of open calls; each entry collects the calls made inside one of them."""

    def __init__(self, root: nn.Module, device: torch.device, memory: Memory | None = None) -> None:
        self.stack: list[list[Call]] = [[]]
        self.table = ModuleTable(root)
        self.device = device
        self.memory = memory
        self.needs = Needs()
        self.foreign: Collection[int] = ()
        self.steps: LayerSteps | None = None

    @contextmanager
    def watching_modules(self) -> Iterator[None]:
        """Write down each ``module(...)``, as a forward hook would see it."""
        original = nn.Module._call_impl
        stack, table, thread = self.stack, self.table, get_ident()
        index_of, paths = table.index, table.paths
        steps = self.steps

        def traced(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            if get_ident() != thread:
                self.needs.elsewhere(type(module).__name__)
                return original(module, *args, **kwargs)
            index = index_of.get(id(module))
            if index is None:
                index = self.added(module)
            table.enter(index)
            inputs = tuple([encode(arg) for arg in args])
            pairs = tuple([(k, encode(v)) for k, v in kwargs.items()]) if kwargs else ()
            opened = Call("module", paths[index], inputs, pairs, RAISED, (), index)
            run = partial(self.ran, original, opened, module)
            look = self.look(module, args, kwargs)
            if look is None:
                output, children = run(args, kwargs)
            elif steps is not None:
                output, children = steps.answer(look, args, kwargs, run)
            else:
                output, children = self.remembered(look, args, kwargs, run)
            call = Call("module", paths[index], inputs, pairs, encode(output), children, index)
            stack[-1].append(call)
            if look is not None and steps is not None:
                steps.made_by(call)
            return output

        # Not __call__: to replace a special method takes Python a search through all subclasses.
        nn.Module._call_impl = traced  # type: ignore[method-assign]
        try:
            yield
        finally:
            nn.Module._call_impl = original  # type: ignore[method-assign]

    def look(self, module: nn.Module, args: tuple, kwargs: dict) -> layers.Look | None:
        """What the call follows from, if it may be one that is known."""
        if self.steps is not None:
            return self.steps.look(module, args, kwargs)
        if self.memory is None or type(module) not in layers.LAYERS:
            return None
        return layers.look(module, args, kwargs)

    def remembered(
        self, look: layers.Look, args: tuple, kwargs: dict, run: Run
    ) -> tuple[Any, tuple[Call, ...]]:
        """What a layer gives and the calls made inside, from memory where there was one alike."""
        memory: Any = self.memory
        known = memory.layers.get(look.key)
        if known is None:
            output, children = run(args, kwargs)
            memory.keep_layer(look.key, children, spec_of(output, args, self.device))
            return output, children
        children, rebuild = known
        with torch._C._DisableTorchDispatch():  # to make it is no call of the model's
            return rebuilt(rebuild, args, self.device), children

    def ran(
        self,
        original: Callable[..., Any],
        opened: Call,
        module: nn.Module,
        args: tuple,
        kwargs: dict,
    ) -> tuple[Any, tuple[Call, ...]]:
        """What a module gives and the calls made inside; those before it raised are kept."""
        calls: list[Call] = []
        changed: list[Call] = []
        with ExitStack() if is_hooked(module) else AS_IT_IS as hooks:
            if hooks is not None:
                hooks.enter_context(changes_seen(module, (opened.args, opened.kwargs), changed))
                hooks.enter_context(end_seen(module, self.stack))
            self.stack.append(calls)
            try:
                output = original(module, *args, **kwargs)
            except BaseException:
                self.stack[-2].append(opened._replace(children=(*changed, *calls)))
                raise
            finally:
                self.stack.pop()
        return output, (*changed, *calls)

    def note_held(self, module: nn.Module) -> None:
        """What parameters a hook finds where a call of its module ends, if others than before."""
        held = self.table.held_now(module)
        if held is not None:
            self.stack[-1].append(Call("function", HELD, held, (), None))

    def added(self, module: nn.Module) -> int:
        """A module that the root does not hold; of a copy, never one of the original."""
        kind = type(module).__name__
        if id(module) in self.foreign:
            self.needs.demand(NotCopyable(f"a copy calls {kind} of its original"))
        return self.table.add(module, f"<new {kind} {len(self.table.paths)}>")

    def trace(
        self, context: Context, executed: bool, root: Call, phases: tuple[tuple[Phase, Call], ...]
    ) -> Trace:
        modules, parameters = self.table.freeze()
        lines = tuple(self.needs.lines)
        return Trace(context, modules, parameters, root, executed, lines, phases)


AS_IT_IS = nullcontext()
