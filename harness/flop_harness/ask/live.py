"""A live model as it is asked about: apart from what its owner's process has set, and as it is wanted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from threading import RLock
from typing import TYPE_CHECKING, Any

from flop_harness.errors import UserError, suggest

if TYPE_CHECKING:
    import torch

    from flop_harness.suite.build import Built

MODES = ("", "eval", "train")
ONE_AT_A_TIME = RLock()
"""A trace puts its own functions into torch's places: two threads may not at once."""


@contextmanager
def set_aside() -> Iterator[None]:
    """Within, no dispatch mode, default device or inference mode of the caller's own code holds."""
    import torch

    from flop_harness.trace.values import modes_off

    with ONE_AT_A_TIME, modes_off(), torch.inference_mode(False), default_device_off():
        yield


@contextmanager
def default_device_off() -> Iterator[None]:
    """Tensors are made on the CPU, whatever ``set_default_device`` or ``with torch.device`` says."""
    from torch.overrides import _len_torch_function_stack, _pop_mode, _push_mode
    from torch.utils import _device

    modes = [_pop_mode() for _ in range(_len_torch_function_stack())][::-1]
    device, _device.CURRENT_DEVICE = _device.CURRENT_DEVICE, None
    kept = [mode for mode in modes if not isinstance(mode, _device.DeviceContext)]
    for mode in kept:
        _push_mode(mode)
    try:
        yield
    finally:
        for _ in kept:
            _pop_mode()
        for mode in modes:
            _push_mode(mode)
        _device.CURRENT_DEVICE = device


def options(mode: str | None, dtype: Any) -> dict[str, str]:
    """The keys of a case that were asked for."""
    mode = mode or ""
    if mode not in MODES:
        raise UserError(f"unknown mode {mode!r}{suggest(mode, MODES)}; known: eval, train")
    name = "" if dtype is None else str(dtype).removeprefix("torch.")
    return {key: each for key, each in (("mode", mode), ("dtype", name)) if each}


def as_asked(built: Built, mode: str | None, dtype: Any) -> Built:
    """A copy of a model in another mode or dtype, of plain tensors in one place; itself if it is that."""
    import torch

    from flop_harness.suite.compiled import set_mode
    from flop_harness.suite.inputs import cast

    wanted = options(mode, dtype)
    if wanted in ({}, {"mode": built.mode}):
        return traceable(built)
    kind = getattr(torch, wanted.get("dtype", "float32"), None)
    if not isinstance(kind, torch.dtype):
        raise UserError(f"unknown dtype {dtype!r}: it is float32, bfloat16, ...")
    built = traceable(copy_of(built, "set its mode and dtype before it is passed", real=True))
    if "mode" in wanted:
        set_mode(built.module, mode == "train")
    if "dtype" not in wanted:
        return built
    args, kwargs = cast((built.args, built.kwargs), kind)
    return replace(built, module=built.module.to(kind), args=args, kwargs=kwargs)


def traceable(built: Built) -> Built:
    """The model itself, or where it or its inputs could not be traced and run, a copy that can."""
    from flop_harness.suite.build import place
    from flop_harness.suite.inputs import move
    from flop_harness.suite.plain_tensors import all_plain

    values = (built.args, built.kwargs)
    if not all_plain(built.module, values):
        built = copy_of(built, "make it of plain tensors before it is passed", real=False)
    if not built.on_meta or not has_values(built):
        return built
    built = copy_of(built, "put all of it on meta before it is passed", real=False)
    place(built.module, "meta", None)
    args, kwargs = move((built.args, built.kwargs), "meta")
    return replace(built, args=args, kwargs=kwargs)


def on_cpu(built: Built) -> Built:
    """A copy on the CPU of a model on a GPU: each counter runs in a fork, and no fork may use CUDA
    after its parent. A model elsewhere stays itself.
    """
    from flop_harness.suite.build import place
    from flop_harness.suite.inputs import move

    if not any(each.is_cuda for each in tensors_of(built)):
        return built
    built = copy_of(built, "move it to the CPU before it is passed", real=True)
    place(built.module, "cpu", None)
    args, kwargs = move((built.args, built.kwargs), "cpu")
    return replace(built, args=args, kwargs=kwargs)


def tensors_of(built: Built) -> Iterator[torch.Tensor]:
    """Parameters, buffers and inputs."""
    import torch
    from torch.utils._pytree import tree_leaves

    held = chain(built.module.parameters(), built.module.buffers())
    given = tree_leaves((built.args, built.kwargs))
    yield from (each for each in chain(held, given) if isinstance(each, torch.Tensor))


def has_values(built: Built) -> bool:
    """Whether a parameter, buffer or input stands elsewhere than on meta."""
    return not all(each.is_meta for each in tensors_of(built))


def copy_of(built: Built, advice: str, *, real: bool) -> Built:
    """UserError with the ``advice`` where a model refuses to be copied."""
    from flop_harness.trace.copying import NotCopyable, copied

    try:
        module, args, kwargs = copied((built.module, built.args, built.kwargs), real=real)
    except NotCopyable as error:
        raise UserError(f"{error}: {advice}") from error
    return replace(built, module=module, args=args, kwargs=kwargs)
