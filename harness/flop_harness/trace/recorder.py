"""Run a model once under all three watches and write down what happened."""

from __future__ import annotations

import gc
import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from itertools import chain
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from flop_harness.records import PRE_HOOKED, Call, Context, Trace
from flop_harness.trace import functions, layers
from flop_harness.trace.encoding import encode, qualified_name
from flop_harness.trace.modules import ModuleTable
from flop_harness.trace.operators import MEMORY, Memory, OperatorMode, ValuesNeeded, rebuilt
from flop_harness.trace.shapes import spec_of

__all__ = ["GradientsNeeded", "ValuesNeeded", "hooked", "record", "recorded"]


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
    gradients: bool = False,
) -> Trace:
    """One forward pass of ``module``, on the device on which it and its inputs stand.

    With ``execute`` the kernels run; without, results are empty tensors. A model that looks at
    values (``.item()``, boolean masks, ``.tolist()``) then raises ``ValuesNeeded``. With
    ``gradients`` autograd works, and composite operators are not seen; without, a model that takes
    gradients on its way raises ``GradientsNeeded``. ``memory``
    keeps what operators return for which signature, across traces; None remembers nothing.
    Without ``fast_path`` the modules of attention do not take theirs.
    ``hooks`` tells by path and qualified class name which modules have a forward hook meanwhile.
    What the model writes into itself stays: give a ``shadow`` of a model that matters.
    """
    if gradients:  # forward differentiation scripts functions of torch, which are watched below
        importlib.import_module("torch._decomp.decompositions_for_jvp")
    device = device_of(module, args, kwargs)
    plain = not (execute or grad or gradients)
    recorder = Recorder(module, device, memory if plain else None)
    watch = OperatorMode(recorder.stack, device, execute, memory)
    watch.passes_gradients = grad and not gradients
    with ExitStack() as watches:
        watches.enter_context(garbage_kept())
        watches.enter_context(settings(grad, variant, fast_path))
        watches.enter_context(functions.replaced(recorder.stack))
        watches.enter_context(recorder.watching_modules())
        watches.enter_context(hooked(module, hooks))
        if not execute:
            watches.enter_context(values_guarded())
        if not gradients:
            watches.enter_context(gradients_guarded())
            # Below autograd a dispatch mode sees composite operators before they come apart.
            watches.enter_context(torch._C._AutoDispatchBelowAutograd())
        watches.enter_context(watch)
        module(*args, **(kwargs or {}))
    context = Context(device.type, grad, "train" if module.training else "eval", variant)
    return recorder.trace(context, execute)


def recorded(prepare: Callable[[], tuple[nn.Module, tuple, Mapping]], **options: Any) -> Trace:
    """A trace of what ``prepare`` makes, anew with values or gradients if the model asks for them."""
    try:
        return record(*prepare(), **options)
    except ValuesNeeded:
        return recorded(prepare, **options, execute=True)
    except GradientsNeeded:
        return recorded(prepare, **options, gradients=True)


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

    @contextmanager
    def watching_modules(self) -> Iterator[None]:
        """Write down each ``module(...)``, as a forward hook would see it."""
        original = nn.Module._call_impl
        stack, table = self.stack, self.table
        index_of, paths = table.index, table.paths
        memory, device = self.memory, self.device

        def traced(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            index = index_of.get(id(module))
            if index is None:
                index = table.add(module, f"<new {type(module).__name__} {len(paths)}>")
            inputs = tuple([encode(arg) for arg in args])
            pairs = tuple([(k, encode(v)) for k, v in kwargs.items()]) if kwargs else ()
            key = inner = None
            if memory is not None and type(module) in layers.LAYERS:
                key = layers.signature(module, args, kwargs)
                inner = memory.layers.get(key)
            changed: list[Call] = []
            if inner is not None:
                children, rebuild = inner
                with torch._C._DisableTorchDispatch():  # to make it is no call of the model's
                    output = rebuilt(rebuild, args, device)
            else:
                with changes_seen(module, (inputs, pairs), changed):
                    output, children = self.inside(lambda: original(module, *args, **kwargs))
                if memory is not None and key is not None:
                    memory.keep_layer(key, children, spec_of(output, args, device))
            stack[-1].append(
                Call(
                    "module",
                    paths[index],
                    inputs,
                    pairs,
                    encode(output),
                    (*changed, *children),
                    index,
                )
            )
            return output

        # Not __call__: to replace a special method takes Python a search through all subclasses.
        nn.Module._call_impl = traced  # type: ignore[method-assign]
        try:
            yield
        finally:
            nn.Module._call_impl = original  # type: ignore[method-assign]

    def inside(self, run: Callable[[], Any]) -> tuple[Any, tuple[Call, ...]]:
        """What ``run`` gives, and the calls made meanwhile."""
        calls: list[Call] = []
        self.stack.append(calls)
        try:
            return run(), tuple(calls)
        finally:
            self.stack.pop()

    def trace(self, context: Context, executed: bool) -> Trace:
        modules, parameters = self.table.freeze()
        (root,) = self.stack[0]
        return Trace(context, modules, parameters, root, executed)


@contextmanager
def changes_seen(
    module: nn.Module, given: tuple[tuple[Any, ...], tuple], noted: list[Call]
) -> Iterator[None]:
    """Note what a module is called with, once its own pre-hooks have changed that."""
    if not module._forward_pre_hooks or isinstance(module, torch.jit.ScriptModule):
        yield
        return

    def note(module: nn.Module, args: tuple, kwargs: dict) -> None:
        after = tuple(map(encode, args)), tuple((k, encode(v)) for k, v in kwargs.items())
        if after != given:
            noted[:] = [Call("function", PRE_HOOKED, *after, None)]

    handle = module.register_forward_pre_hook(note, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def settings(grad: bool, variant: str = "", fast_path: bool = True) -> Iterator[None]:
    """Grad mode, the fast paths of attention, and its plain kernels in the variant ``math``."""
    plain = variant == "math"
    allowed = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(allowed and fast_path and not plain)
    try:
        with torch.set_grad_enabled(grad), sdpa_kernel(SDPBackend.MATH) if plain else nullcontext():
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(allowed)


@contextmanager
def garbage_kept() -> Iterator[None]:
    """No garbage collection: thousands of records set off full ones, which find nothing."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def hooked(root: nn.Module, wanted: Callable[[str, str], bool] | None) -> Iterator[None]:
    """Forward hooks that do nothing, on the modules that are wanted by path and class."""
    handles = [
        module.register_forward_hook(lambda *_: None)
        for path, module in root.named_modules()
        if wanted is not None
        and wanted(path, qualified_name(type(module)))
        and not isinstance(module, torch.jit.ScriptModule)
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


class GradientsNeeded(Exception):
    """The model takes gradients in its forward pass, which a trace below autograd does not have."""


def refusing(kind: type[Exception], does: str) -> Callable:
    def refused(*args: Any, **kwargs: Any) -> Any:
        raise kind(f"the model {does}")

    return refused


@contextmanager
def values_guarded() -> Iterator[None]:
    """Make the ways to values that bypass the dispatcher say so."""
    with ExitStack() as guards:
        for name in ("tolist", "numpy", "__array__"):
            refusal = refusing(ValuesNeeded, f"reads values with Tensor.{name}()")
            guards.enter_context(exchanged(torch.Tensor, name, refusal))
        yield


@contextmanager
def gradients_guarded() -> Iterator[None]:
    """Make the ways to gradients say so."""
    ways = (
        (torch.autograd, "grad"), (torch.autograd, "backward"), (torch.Tensor, "backward"),
        (torch.autograd.forward_ad, "make_dual"),
    )  # fmt: skip
    with ExitStack() as guards:
        for holder, name in ways:
            refusal = refusing(GradientsNeeded, f"takes gradients with {name}()")
            guards.enter_context(exchanged(holder, name, refusal))
        yield


@contextmanager
def exchanged(holder: Any, name: str, other: Callable) -> Iterator[None]:
    """Another attribute in the place of one that ``holder`` may only have inherited."""
    original = vars(holder).get(name)
    setattr(holder, name, other)
    try:
        yield
    finally:
        if original is None:
            delattr(holder, name)
        else:
            setattr(holder, name, original)
