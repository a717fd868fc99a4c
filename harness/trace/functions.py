"""The function level: calls that go through a public name of torch.

A name is replaced by a wrapper for the time of a trace, as counters that patch functions do; a
function taken by ``from torch.nn.functional import relu`` before is not seen, neither here nor
by them (its operators are). ``a + b`` is seen as ``torch.Tensor.__add__``.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeAlias

import torch
import torch.nn.functional

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


def of_class(held: Any) -> Callable:
    """A class method as a function of the class."""
    return lambda cls, *args, **kwargs: held.__get__(None, cls)(*args, **kwargs)


@contextmanager
def replaced(wrap: Callable[[str, Callable], Callable]) -> Iterator[None]:
    """Put ``wrap(public name, original)`` in the place of every watched function."""
    undo = []
    try:
        for namespace, name, public in targets():
            held = vars(namespace).get(name)
            undo.append((namespace, name, held))
            if namespace is torch.autograd.Function:
                setattr(namespace, name, classmethod(wrap(public, of_class(held))))
            else:
                setattr(namespace, name, wrap(public, getattr(namespace, name)))
        yield
    finally:
        for namespace, name, original in reversed(undo):
            if original is None:
                delattr(namespace, name)
            else:
                setattr(namespace, name, original)
