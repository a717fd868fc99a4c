"""Bytes of tensors that are alive at once in a forward pass, found without running a kernel.

A storage lives from the operator that makes it until Python and torch let go of it: a pass on tensors
without values shows both moments. What a kernel allocates inside itself is not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

from flop_harness.errors import raised


class NeedsValues(Exception):
    """The model cannot run on tensors without values; the text says why."""


def live_peak(module: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:
    """Bytes alive at the peak beyond parameters, buffers and inputs.

    Module and inputs may stand on any device; the pass takes the path of that device on fake tensors
    (the kernels of attention it chooses among are the device's own). Raises NeedsValues, or
    what the model raises.
    """
    from torch._subclasses import fake_tensor

    wanting = (
        fake_tensor.DataDependentOutputException, fake_tensor.DynamicOutputShapeException,
        fake_tensor.UnsupportedFakeTensorException, fake_tensor.UnsupportedOperatorException,
    )  # fmt: skip
    with torch.no_grad(), fake_tensor.FakeTensorMode() as mode:
        try:
            return watched_peak(module, args, kwargs, mode.from_tensor)
        except wanting as error:
            raise NeedsValues(raised(error)) from error


def watched_peak(module: Any, args: Any, kwargs: Any, made_fake: Callable[[Any], Any]) -> int:
    held = dict(chain(module.named_parameters(), module.named_buffers()))
    held, args, kwargs = tree_map_only(torch.Tensor, made_fake, (held, tuple(args), dict(kwargs)))
    given = {storage_of(tensor) for tensor in tree_leaves((held, args, kwargs))
             if isinstance(tensor, torch.Tensor)}  # fmt: skip
    with LiveTensors(given) as watch:
        torch.func.functional_call(module, held, args, kwargs)
    return watch.peak


class LiveTensors(TorchDispatchMode):
    """Follows the storages that operators make, but for those ``given``."""

    def __init__(self, given: set[int]) -> None:
        super().__init__()
        self.given = given
        self.alive: dict[int, tuple[StorageWeakRef, int]] = {}
        self.peak = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[override]
        self.alive = {key: (ref, size) for key, (ref, size) in self.alive.items()
                      if not ref.expired()}  # fmt: skip
        output = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(output):
            if isinstance(tensor, torch.Tensor):
                self.note(tensor.untyped_storage())
        self.peak = max(self.peak, sum(size for _, size in self.alive.values()))
        return output

    def note(self, storage: Any) -> None:
        if storage._cdata not in self.given:
            self.alive[storage._cdata] = (StorageWeakRef(storage), storage.nbytes())


def storage_of(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage()._cdata
