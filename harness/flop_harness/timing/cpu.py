"""The forward pass on the CPU: see ``flop_harness.timing.device`` for what each function is to do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from flop_harness.records.times import Series
from flop_harness.timing.clock import Clock


def series(dtype: str = "float32", flushed: bool = False) -> tuple[Series, ...]:
    """One thread, and all cores; none with emptied caches, which user code cannot empty."""
    if flushed:
        return ()
    cores = os.cpu_count() or 1
    return tuple(Series("cpu", threads, dtype) for threads in dict.fromkeys((1, cores)))


def clock() -> Clock:
    return perf_counter


@contextmanager
def settings(series: Series) -> Iterator[None]:
    """Inference mode, on the series' number of threads."""
    import torch

    with torch.inference_mode(), threads_set(series.threads):
        yield


def ready(
    module: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], series: Series
) -> Callable[[], Any]:
    return lambda: module(*args, **kwargs)


def flush(series: Series) -> None:
    return None


def state() -> Mapping[str, Any]:
    """Nothing: the clocks of a CPU are steered where user code does not see it."""
    return {}


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
