"""The function level: calls that go through a public name of torch.

A name is replaced by a wrapper for the time of a trace, as counters that patch functions do; a
function taken by ``from torch.nn.functional import relu`` before is not seen, neither here nor
by them (its operators are). ``a + b`` is seen as ``torch.Tensor.__add__``.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import cache
from operator import attrgetter
from threading import get_ident
from typing import Any, TypeAlias

import torch
import torch.nn.functional

from flop_harness.records import RAISED, Call
from flop_harness.trace.encoding import encode
from flop_harness.trace.needs import Needs, exchanged

PRODUCTS = """matmul mm bmm mv dot addmm addbmm baddbmm addmv addr einsum tensordot chain_matmul bilinear
    inner outer kron conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d
    cdist""".split()
ELEMENTWISE = """add sub subtract mul multiply div divide true_divide pow square sqrt rsqrt exp log log2
    log10 log1p expm1 sin cos tan tanh sigmoid erf abs neg reciprocal floor ceil round clamp
    minimum maximum where relu relu_ lerp addcmul addcdiv rsub""".split()
REDUCTIONS = """sum mean prod max min amax amin argmax argmin var std var_mean std_mean norm logsumexp
    cumsum cumprod softmax log_softmax sort topk""".split()
LAYERS = [
    "batch_norm",
    "layer_norm",
    "group_norm",
    "instance_norm",
    "dropout",
    "embedding",
    "prelu",
    "celu",
    "selu",
    "pixel_shuffle",
]
FOURIER = ["stft", "istft"]
DUNDERS = """__add__ __radd__ __iadd__ __sub__ __rsub__ __isub__ __mul__ __rmul__ __imul__ __truediv__
    __rtruediv__ __itruediv__ __pow__ __rpow__ __neg__ __matmul__ __rmatmul__""".split()

NOT_FUNCTIONS = {"handle_torch_function", "boolean_dispatch", "assert_int_or_pair", "grad"}


def public_functions(namespace: Any) -> list[str]:
    """Callable public names of ``namespace`` that are torch's own and no classes."""
    return [
        name
        for name, value in vars(namespace).items()
        if name[0] != "_"
        and callable(value)
        and not isinstance(value, (type, types.ModuleType))
        and not name.startswith("has_torch_function")
        and name not in NOT_FUNCTIONS
        and (getattr(value, "__module__", None) or "torch").startswith("torch")
    ]


Target: TypeAlias = tuple[Any, str, str]
"""(namespace, attribute, public name)"""


def targets() -> tuple[Target, ...]:
    """Everything that is watched: functions of torch, and of einops where a model has imported it."""
    einops = sys.modules.get("einops")
    more = ((einops, "einsum", "einops.einsum"),) if hasattr(einops, "einsum") else ()
    return (*functions_of_torch(), *more)


@cache
def functions_of_torch() -> tuple[Target, ...]:
    F = torch.nn.functional
    tables = [
        (F, "torch.nn.functional", public_functions(F)),
        (torch, "torch", PRODUCTS + ELEMENTWISE + REDUCTIONS + LAYERS + FOURIER),
        (torch.Tensor, "torch.Tensor", PRODUCTS + ELEMENTWISE + REDUCTIONS + DUNDERS),
        (torch.linalg, "torch.linalg", ["matmul", "multi_dot", "vecdot", "norm"]),
        (torch.autograd.Function, "torch.autograd.Function", ["apply"]),
        (torch.jit.ScriptFunction, "torch.jit.ScriptFunction", ["__call__"]),
    ]
    return tuple(
        (namespace, name, f"{prefix}.{name}")
        for namespace, prefix, names in tables
        for name in names
        if hasattr(namespace, name)
    )


Stack: TypeAlias = list[list[Call]]
"""The calls made so far in each open call."""

WATCHING: list[tuple[Stack, Needs, int]] = []
"""The traces that are going on, and the thread of each; the last one is written to."""


def watched(name: str, original: Callable) -> Callable:
    """``original``, writing its calls down where a trace goes on."""

    def traced(*args: Any, **kwargs: Any) -> Any:
        if not WATCHING:
            return original(*args, **kwargs)
        stack, needs, thread = WATCHING[-1]
        if get_ident() != thread:
            needs.elsewhere(name)
            return original(*args, **kwargs)
        children: list[Call] = []
        written: Any = RAISED
        stack.append(children)
        try:
            output = original(*args, **kwargs)
            written = encode(output)
            return output
        finally:
            stack.pop()
            pairs = tuple([(k, encode(v)) for k, v in kwargs.items()]) if kwargs else ()
            inputs = tuple([encode(arg) for arg in args])
            stack[-1].append(Call("function", name, inputs, pairs, written, tuple(children)))

    return traced


class StandIn:
    # Stands for a function of torch's, and is like it for all that a model may ask, but for ``is``.

    __slots__ = ("call", "original")

    def __init__(self, name: str, original: Callable) -> None:
        self.call, self.original = watched(name, original), original

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.call(*args, **kwargs)

    def __eq__(self, other: object) -> bool:
        return other is self or bool(self.original == other)

    def __hash__(self) -> int:
        return hash(self.original)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)

    def __deepcopy__(self, memo: Any) -> Any:
        return self.original

    __class__ = property(lambda self: type(self.original))  # type: ignore[assignment]
    __module__ = property(lambda self: self.original.__module__)  # type: ignore[assignment]
    __doc__ = property(lambda self: self.original.__doc__)  # type: ignore[assignment]


@contextmanager
def replaced(
    stack: Stack, needs: Needs, compared: Collection[str] = (), patched: Collection[str] = ()
) -> Iterator[None]:
    """Write every call of a watched function into the innermost open call of ``stack``.

    Those that the model ``compared`` by identity stay as they are; for those that a counter ``patched``, by
    public name, stands what is nothing like them.
    """
    undo: dict[Any, dict[str, Any]] = {}
    put: dict[Any, dict[str, Any]] = {}
    WATCHING.append((stack, needs, get_ident()))
    try:
        for namespace, watch in watches(targets()).items():
            held, stand_ins = watch.now()
            if isinstance(namespace, types.ModuleType):
                stand_ins = without(compared, stand_ins)
                if patched:
                    stand_ins = stand_ins | watch.unlike(patched)
            elif namespace is torch.Tensor:
                own = {f"Tensor.{k}" for k, public in watch.public.items() if public not in patched}
                methods = {each.partition(".")[2] for each in own.intersection(compared)}
                held, stand_ins = without(methods, held), without(methods, stand_ins)
            undo[namespace], put[namespace] = held, stand_ins
            replace(namespace, stand_ins)
        with exchanged(torch.jit, "script", reading_sources(torch.jit.script, undo, put)):
            yield
    finally:
        for namespace, held in reversed(undo.items()):
            replace(namespace, held)
        WATCHING.pop()


def without(left_out: Collection[str], named: dict[str, Any]) -> dict[str, Any]:
    return {k: each for k, each in named.items() if k not in left_out} if left_out else named


def reading_sources(original: Callable, undo: dict, put: dict) -> Callable:
    """``original``, which compiles the source of functions, with torch's own in their places.

    It calls itself for what a function calls in turn.
    """
    open_calls = 0

    def called(*args: Any, **kwargs: Any) -> Any:
        nonlocal open_calls
        if not open_calls:
            for namespace, held in undo.items():
                replace(namespace, held)
        open_calls += 1
        try:
            return original(*args, **kwargs)
        finally:
            open_calls -= 1
            if not open_calls:
                for namespace, stand_ins in put.items():
                    replace(namespace, stand_ins)

    return called


@cache
def watches(wanted: tuple[Target, ...]) -> dict[Any, PatchedNames]:
    names: dict[Any, dict[str, str]] = {}
    for namespace, name, public in wanted:
        names.setdefault(namespace, {})[name] = public
    return {namespace: PatchedNames(namespace, public) for namespace, public in names.items()}


def generation() -> int:
    """A number that grows whenever a watched function is found to be another one."""
    return PatchedNames.changes


class PatchedNames:
    """What stands in for the functions of one namespace; made once, for there are hundreds."""

    changes = 0

    def __init__(self, namespace: Any, public: dict[str, str]) -> None:
        self.namespace = namespace
        self.public = public
        self.all_of = attrgetter(*public)
        self.found: Any = None
        self.made: tuple[dict[str, Any], dict[str, Any]] = ({}, {})

    def now(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """(what the namespace itself holds, what is to stand there); anew if somebody changed it."""
        found = self.all_of(self.namespace)
        if found != self.found:
            held = {name: vars(self.namespace).get(name) for name in self.public}
            self.made = (held, {name: self.stand_in(name, held[name]) for name in held})
            self.found = found
            PatchedNames.changes += 1
        return self.made

    def unlike(self, patched: Collection[str]) -> dict[str, Callable]:
        return {
            name: watched(public, getattr(self.namespace, name))
            for name, public in self.public.items() if public in patched
        }  # fmt: skip

    def stand_in(self, name: str, held: Any) -> Any:
        public = self.public[name]
        if self.namespace is torch.autograd.Function:  # a method of the class
            method = watched(public, lambda cls, *a, **k: held.__get__(None, cls)(*a, **k))
            return classmethod(method)
        stands = StandIn if isinstance(self.namespace, types.ModuleType) else watched
        return stands(public, getattr(self.namespace, name))


def replace(namespace: Any, values: dict[str, Any]) -> None:
    """Set attributes; a class that has one from a base only gets rid of its own by None."""
    if isinstance(namespace, types.ModuleType):
        vars(namespace).update(values)
        return
    for name, value in values.items():
        if value is None:
            delattr(namespace, name)
        else:
            setattr(namespace, name, value)
