"""Models built within the memory that they may take."""

from __future__ import annotations

from itertools import chain
from typing import Any

from flop_harness.errors import UserError
from flop_harness.records import Case
from flop_harness.run.isolation import OUT_OF_MEMORY, limited_memory
from flop_harness.suite.build import Built, build

GIB = 2**30


class TooLarge(UserError):
    """The model's weights do not fit: what needs no values can still be asked."""


def build_within(case: Case, folder: str, memory_bytes: int, device: str = "cpu") -> Built:
    """A case's model. Raises TooLarge where it takes more than ``memory_bytes``, or than is free.

    0 stands for what is free. On meta too: some factories fill tensors wherever they are told to.
    """
    try:
        with limited_memory(min(memory_bytes or free_bytes(), free_bytes())):
            return build(case, device=device, folder=folder)
    except (UserError, MemoryError) as error:
        if not isinstance(error, MemoryError) and not any(w in str(error) for w in OUT_OF_MEMORY):
            raise
        allowed = (
            f"memory_gib = {memory_bytes / GIB:g}" if memory_bytes else "the memory that is free"
        )
        raise TooLarge(f"the model is too large: to build it takes more than {allowed}") from error


def refuse_too_large(weights: int, memory_bytes: int) -> None:
    """Raise TooLarge for so many bytes of weights, before they are filled."""
    free = free_bytes()
    if memory_bytes and weights > memory_bytes:
        limit = f"memory_gib = {memory_bytes / GIB:g}"
    elif weights > free:
        limit = f"the {free / GIB:.1f} GiB that are free"
    else:
        return
    raise TooLarge(f"the model is too large: its weights take {weights / GIB:.1f} GiB, more than "
                   f"{limit}")  # fmt: skip


def free_bytes() -> int:
    import psutil

    return psutil.virtual_memory().available  # type: ignore[no-any-return]


def weight_bytes(module: Any) -> int:
    """Bytes of a model's distinct parameters and buffers; lazy ones count as nothing."""
    from torch.nn.parameter import is_lazy

    tensors = {id(each): each for each in chain(module.parameters(), module.buffers())}
    return sum(t.numel() * t.element_size() for t in tensors.values() if not is_lazy(t))
