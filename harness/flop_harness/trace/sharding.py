"""How torch finds the shapes of distributed tensors, and remembers them from pass to pass."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flop_harness.records import LOOKS_FOR_SHAPE, Call
from flop_harness.trace.needs import exchanged

MODULE = "torch.distributed.tensor"
LOOK = "_propagate_tensor_meta_non_cached"


def forget_shapes() -> None:
    """Have torch find the shapes of distributed tensors anew, as in a process that has just begun.

    It looks for that of each operator once, on tensors without values, by functions that some counters
    charge: what these say of a first pass they do not say of a second.
    """
    if MODULE not in sys.modules:
        return
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.distributed.tensor import DTensor, debug

    debug._clear_sharding_prop_cache()  # type: ignore[no-untyped-call]
    type(DTensor._op_dispatcher.sharding_propagator)._propagate_tensor_meta_cached.cache_clear()
    FakeTensorMode.cache_clear()


@contextmanager
def looks_noted(stack: list[list[Call]]) -> Iterator[None]:
    """Write down where torch looks for a shape: beside the operator whose inner calls are on top."""
    if MODULE not in sys.modules:
        yield
        return
    from torch.distributed.tensor import DTensor

    propagator = type(DTensor._op_dispatcher.sharding_propagator)
    look = getattr(propagator, LOOK)

    def noted(*given: Any) -> Any:
        calls: list[Call] = []
        stack.append(calls)
        try:
            return look(*given)
        finally:
            stack.pop()
            if calls:
                stack[-2].append(Call("function", LOOKS_FOR_SHAPE, (), (), None, tuple(calls)))

    with exchanged(propagator, LOOK, noted):
        yield
