"""Plain tensors that are this rank's part of a distributed one, and what is made of them.

``DTensor.to_local()`` hands out such a part, as layers that are parallel over columns do to attention:
what is done with it from then on, every rank does with its own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from math import prod
from typing import Any, TypeAlias

import torch
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakTensorKeyDictionary

from flop_harness.records import ON_LOCAL_PART, Call
from flop_harness.trace.needs import exchanged

MODULE = "torch.distributed.tensor"
Cuts: TypeAlias = dict[str, Fraction]
"""Name of a group of ranks -> how often this rank's part fits into what they have together"""

JOINING = ("all_gather", "allgather", "all_reduce", "allreduce", "broadcast")
"""Collective operators that give every rank the same"""


def is_distributed(values: Any) -> bool:
    """Whether some tensor is distributed; nothing is imported to find out."""
    tensor = sys.modules.get(MODULE)
    return tensor is not None and any(
        isinstance(each, tensor.DTensor) for each in tree_leaves(values)
    )


def cuts_of(tensor: Any) -> Cuts:
    """By which groups of ranks a distributed tensor is cut, and how finely."""
    cuts: Cuts = {}
    for axis, length in enumerate(tensor.shape):
        groups = [tensor.device_mesh.get_group(at)
                  for at, each in enumerate(tensor.placements) if each.is_shard(axis)]  # fmt: skip
        cuts |= {each.group_name: Fraction(each.size()) for each in groups}
        if groups and (own := tensor._local_tensor.shape[axis]):  # the last takes what is uneven
            others = prod(cuts[each.group_name] for each in groups[:-1])
            cuts[groups[-1].group_name] = Fraction(length, own) / others
    return cuts


class LocalParts:
    """The parts that a pass has seen. An operator on one gives another, of the same whole."""

    def __init__(self) -> None:
        self.cuts = WeakTensorKeyDictionary()
        self.seen = False

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note what ``to_local`` hands out meanwhile."""
        distributed = getattr(sys.modules.get(MODULE), "DTensor", None)
        if distributed is None:
            yield
            return
        original = distributed.to_local

        def to_local(tensor: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
            local = original(tensor, *args, **kwargs)
            if cuts := cuts_of(tensor):
                self.cuts[local] = cuts
                self.seen = True
            return local

        with exchanged(distributed, "to_local", to_local):
            yield

    def placed(self, call: Call, args: tuple, kwargs: Mapping, output: Any) -> Call:
        """An operator's call; on parts inside a note of how often it stands in the whole."""
        cuts: Cuts = {}
        for each in tree_leaves((args, kwargs)):
            if isinstance(each, torch.Tensor):
                cuts |= self.cuts.get(each, {})
        if not cuts or any(word in call.name for word in JOINING):
            return call
        for each in tree_leaves(output):
            if isinstance(each, torch.Tensor):
                self.cuts[each] = cuts
        times = prod(cuts.values(), start=Fraction(1))
        note = (times.numerator, times.denominator)
        return call if call.children else Call("function", ON_LOCAL_PART, note, (), None, (call,))
