"""What is set around a pass: grad mode, draws, room for deep models, hooks that do nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext

import torch
from torch import nn
from torch._ops import OpOverload, OpOverloadPacket
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode

from flop_harness.records import Call
from flop_harness.suite.collection import uncollected
from flop_harness.suite.compiled import eagerly
from flop_harness.suite.seeding import draws_told, seeded
from flop_harness.suite.standing import entries_kept
from flop_harness.trace.encoding import qualified_name
from flop_harness.trace.needs import Needs, imports_guarded, threads_guarded

RECURSION = 6_000
"""Python's own limit is for a model that nests itself; each module stands for several of our calls."""


@contextmanager
def undisturbed(needs: Needs) -> Iterator[None]:
    """The same draws, room for deep models, nothing that compiles or imports unseen."""
    with ExitStack() as guards:
        guards.enter_context(dispatch_kept())
        guards.enter_context(needs.met())
        guards.enter_context(seeded())
        guards.enter_context(draws_told(needs.lines.setdefault))
        guards.enter_context(imports_guarded(needs))
        guards.enter_context(threads_guarded(needs))
        guards.enter_context(nested_deeply())
        guards.enter_context(uncollected())
        guards.enter_context(eagerly())
        guards.enter_context(torch.jit.optimized_execution(False))  # which compares weights
        guards.enter_context(entries_kept())
        yield


def dispatch_kept() -> AbstractContextManager[None]:
    """The dispatcher's keys afterwards as they are now, whatever guards an error has left behind."""
    keys = (torch._C._dispatch_tls_local_include_set(), torch._C._dispatch_tls_local_exclude_set())
    return torch._C._ForceDispatchKeyGuard(*keys)  # type: ignore[return-value]


@contextmanager
def settings(grad: bool, variant: str = "", fast_path: bool = True) -> Iterator[None]:
    """Grad mode, the fast paths of attention, and its plain kernels in the variants ``math`` and ``plain``."""
    plain = not {"math", "plain"}.isdisjoint(variant.split())
    allowed = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(allowed and fast_path and not plain)
    try:
        with torch.set_grad_enabled(grad), sdpa_kernel(SDPBackend.MATH) if plain else nullcontext():
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(allowed)


@contextmanager
def recurrent_by_products(wanted: bool) -> Iterator[None]:
    """Recurrent layers on the CPU by the products that they take on meta, not by one kernel of oneDNN."""
    before = torch._C._get_mkldnn_enabled()
    torch._C._set_mkldnn_enabled(before and not wanted)
    try:
        yield
    finally:
        torch._C._set_mkldnn_enabled(before)


def has_lstm(module: nn.Module) -> bool:
    """Whether it holds a layer that oneDNN has one kernel for, in TorchScript too."""
    names = (getattr(each, "original_name", type(each).__name__) for each in module.modules())
    return "LSTM" in names


@contextmanager
def nested_deeply() -> Iterator[None]:
    """Room for models that nest some hundred modules."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, RECURSION))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


class IdleHook:
    """A forward hook that tells ``seen`` of its module, counts its calls and does nothing else.

    A deep copy of its module carries one that knows the ``path`` of the original, and how many
    calls that had come to ``before``; so do the hooks of counters stay on copies.
    """

    def __init__(self, path: str, seen: Seen, before: int | None = None) -> None:
        self.path = path
        self.seen = seen
        self.before = before
        self.calls = 0

    def __call__(self, module: nn.Module, *_: object) -> None:
        self.calls += 1
        self.seen(module)

    def __deepcopy__(self, memo: dict) -> IdleHook:
        return IdleHook(self.path, self.seen, self.calls)


Seen = Callable[[nn.Module], None]


def ignored(module: nn.Module) -> None:
    """Of a call nothing is kept."""


def origin_of(module: nn.Module) -> IdleHook | None:
    """The hook that a module has from the one it was copied from, if it is a copy."""
    hooks = vars(module).get("_forward_hooks")
    if not hooks or isinstance(module, torch.jit.ScriptModule):
        return None
    carried = (h for h in hooks.values() if isinstance(h, IdleHook) and h.before is not None)
    return next(carried, None)


@contextmanager
def hooked(
    root: nn.Module, wanted: Callable[[str, str], bool] | None, seen: Seen = ignored
) -> Iterator[None]:
    """Forward hooks that do nothing, on the modules that are wanted by path and class."""
    if wanted is None:
        yield
        return
    handles = [
        module.register_forward_hook(IdleHook(path, seen))
        for path, module in root.named_modules()
        if wanted(path, qualified_name(type(module)))
        and not isinstance(module, torch.jit.ScriptModule)
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


class IdleMode(TorchFunctionMode):
    """A function mode that does nothing: that there is one keeps attention off its fast paths.

    Operators that are called by their own name (``torch.ops.aten.linear``) are noted around what
    they run: a counter's function mode is told of these, not of the function they are behind.
    """

    def __init__(self, stack: list[list[Call]]) -> None:
        super().__init__()
        self.stack = stack

    def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        if not isinstance(func, (OpOverload, OpOverloadPacket)):
            return func(*args, **(kwargs or {}))
        children: list[Call] = []
        self.stack.append(children)
        try:
            return func(*args, **(kwargs or {}))
        finally:
            self.stack.pop()
            note = Call("function", f"torch.ops.{func}", (), (), None, tuple(children))
            self.stack[-1].append(note)
