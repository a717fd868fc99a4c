"""The module level: each call of a module, as a forward hook would see it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from threading import get_ident
from typing import Any

import torch
from torch import nn

from flop_harness.records import HELD, RAISED, Call, Context, Opaque, Phase, Trace
from flop_harness.trace import layers
from flop_harness.trace.copying import NotCopyable
from flop_harness.trace.encoding import encode, with_length
from flop_harness.trace.layer_steps import LayerSteps, Run
from flop_harness.trace.module_hooks import changes_seen, end_seen, is_hooked
from flop_harness.trace.modules import ModuleTable
from flop_harness.trace.needs import Needs
from flop_harness.trace.plans import Memory
from flop_harness.trace.signatures import rebuilt, spec_of


class Recorder:
    """The stack of open calls; each entry collects the calls made inside one of them."""

    def __init__(
        self,
        root: nn.Module,
        device: torch.device,
        memory: Memory | None = None,
        foreign: Collection[int] = (),
    ) -> None:
        self.stack: list[list[Call]] = [[]]
        self.table = ModuleTable(root)
        self.device = device
        self.memory = memory
        self.needs = Needs()
        self.foreign = foreign
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
            if index == 0 and args and isinstance(inputs[0], Opaque):
                inputs = (with_length(inputs[0], args[0]), *inputs[1:])
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
