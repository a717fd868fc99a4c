"""What a model holds beside its layers: buffers, and the bytes of its checkpoint."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class State:
    """What a model holds: elements of its buffers, and the bytes that a checkpoint has of it."""

    buffers: int
    buffer_bytes: int
    checkpoint_bytes: int


def state_of(module: Any) -> State:
    """Buffers, and what ``module.state_dict()`` holds, tensors that are shared once."""
    buffers = list(module.buffers())
    held = {id(tensor): tensor for tensor in (*module.parameters(), *persistent(module))}
    return State(
        sum(each.numel() for each in buffers), size(buffers), size(held.values())
    )  # fmt: skip


def persistent(module: Any) -> list[Any]:
    """The buffers that a checkpoint holds."""
    return [
        buffer
        for each in module.modules()
        for name, buffer in each._buffers.items()
        if buffer is not None and name not in each._non_persistent_buffers_set
    ]


def size(tensors: Iterable[Any]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
