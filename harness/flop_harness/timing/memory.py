"""The memory that a forward pass really takes, as the allocator tells it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple


class Allocation(NamedTuple):
    """Bytes taken (positive) or given back (negative) at some moment."""

    moment: int
    size: int


def peak_of(allocations: Iterable[Allocation]) -> int:
    """The most that is held at once, in bytes, of what is taken after the first moment."""
    held = peak = 0
    for allocation in sorted(allocations, key=lambda each: each.moment):
        held += allocation.size
        peak = max(peak, held)
    return peak


def cpu_peak(run: Callable[[], Any]) -> int:
    """Peak bytes of one ``run`` beyond what stood before, by torch.profiler's memory events."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        run()
    events = profiler.profiler.kineto_results.events()
    return peak_of(
        Allocation(event.start_ns(), event.nbytes())
        for event in events
        if event.name() == "[memory]"
    )


def cuda_peak(run: Callable[[], Any], cuda: Any = None) -> int:
    """Peak bytes of one ``run`` beyond what stood before, by the CUDA caching allocator."""
    import torch

    cuda = cuda or torch.cuda
    cuda.synchronize()
    before = cuda.memory_allocated()
    cuda.reset_peak_memory_stats()
    run()
    cuda.synchronize()
    return int(cuda.max_memory_allocated() - before)


SOURCES = {
    "cpu": ("torch.profiler, memory events", cpu_peak),
    "cuda": ("torch.cuda.max_memory_allocated", cuda_peak),
}
