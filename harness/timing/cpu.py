"""The forward pass on the CPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from harness.records import Policy
from harness.timing.clock import Clock
from harness.timing.sampling import sample


def time_forward(
    module: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    policy: Policy,
    threads: int,
    clock: Clock = perf_counter,
) -> tuple[float, ...]:
    """Seconds of ``module(*args, **kwargs)`` under inference mode on ``threads`` threads."""
    import torch

    with torch.inference_mode(), threads_set(threads):
        return sample(lambda: module(*args, **kwargs), policy, clock)


@contextmanager
def threads_set(count: int) -> Iterator[None]:
    """torch computes on ``count`` threads within, and on as many as before afterwards."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
