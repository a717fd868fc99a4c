"""How many elements of its parameters a process keeps in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise

import torch

from flop_harness.trace.tensors import PLAIN


def elements_kept(parameters: Iterable[torch.Tensor]) -> dict[int, int]:
    """Id of a parameter -> its elements in memory that no earlier one has; without those that keep them all.

    Views of one memory keep it once, an expanded parameter what it is expanded from, a distributed
    one the shard of this process.
    """
    kept: dict[int, int] = {}
    sharing: dict[int, list[torch.Tensor]] = defaultdict(list)
    for parameter in {id(each): each for each in parameters}.values():
        if type(parameter) in PLAIN:
            if parameter.layout is torch.strided and parameter.numel():
                sharing[parameter.untyped_storage()._cdata].append(parameter)
        elif hasattr(parameter, "placements"):
            kept[id(parameter)] = parameter._local_tensor.numel()
    for group in sharing.values():
        if not apart(group):
            kept |= newly_taken(group)
    return kept


def apart(group: list[torch.Tensor]) -> bool:
    """Whether tensors on one memory are dense and do not touch each other."""
    if not all(map(is_dense, group)):
        return False
    if len(group) == 1:
        return True
    spans = sorted(map(span, group))
    return all(end <= start for (_, end), (start, _) in pairwise(spans))


def is_dense(tensor: torch.Tensor) -> bool:
    """Whether its elements fill their memory without gaps, in whatever order of dimensions."""
    if tensor.is_contiguous():
        return True
    order = sorted(range(tensor.ndim), key=tensor.stride, reverse=True)
    return tensor.permute(order).is_contiguous()


def span(tensor: torch.Tensor) -> tuple[int, int]:
    """The bytes of a dense tensor in its memory, from the first to before the last."""
    width = tensor.element_size()
    start = tensor.storage_offset() * width
    return start, start + tensor.numel() * width


def newly_taken(group: list[torch.Tensor]) -> dict[int, int]:
    """Id -> elements in bytes that none before it has, of tensors on one memory."""
    taken = torch.zeros(group[0].untyped_storage().nbytes(), dtype=torch.bool)
    found = {}
    for each in group:
        width, before = each.element_size(), int(taken.sum())
        once = tuple(0 if stride == 0 else slice(None) for stride in each.stride())
        one = each.detach()[once]  # of what is expanded, the one place that it stands for
        strides = [stride * width for stride in one.stride()]
        place = taken.as_strided((*one.shape, width), (*strides, 1), one.storage_offset() * width)
        place.fill_(True)
        found[id(each)] = (int(taken.sum()) - before) // width
    return found
