"""The forward pass on the CPU: see ``flop_harness.timing.device`` for what each function is to do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from time import perf_counter
from typing import Any

from flop_harness.records.times import Series
from flop_harness.timing.clock import Clock
from flop_harness.timing.contexts import adapted, backward_too, compiled, grad_mode, training
from flop_harness.timing.scope import PLAIN, Scope


def series(dtype: str = "float32", scope: Scope = PLAIN) -> tuple[Series, ...]:
    """One thread, and all cores; none with emptied caches, which user code cannot empty.

    Contexts are channels last, compiled by inductor, and bfloat16 where the processor multiplies it.
    """
    cores = os.cpu_count() or 1
    plain = tuple(Series("cpu", threads, dtype) for threads in dict.fromkeys((1, cores)))
    return (
        *plain,
        *(training(each) for each in plain if scope.training),
        *(chain.from_iterable(map(others, plain)) if scope.contexts else ()),
    )


def others(plain: Series) -> Iterator[Series]:
    """The contexts in which a case is timed beside the plain one."""
    yield replace(plain, channels_last=True)
    yield replace(plain, launch="compiled")
    if plain.dtype == "float32" and multiplies_bfloat16():
        yield replace(plain, dtype="bfloat16")


def multiplies_bfloat16() -> bool:
    """Whether oneDNN has bfloat16 products on this processor; elsewhere they are emulated."""
    import torch

    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def clock() -> Clock:
    return perf_counter


@contextmanager
def settings(series: Series) -> Iterator[None]:
    """Inference mode, or gradients for training, on the series' number of threads."""
    with grad_mode(series), threads_set(series.threads):
        yield


def ready(
    module: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], series: Series
) -> Callable[[], Any]:
    module, args, kwargs = adapted(module, args, kwargs, series)
    if series.phase == "training":
        return backward_too(module, args, kwargs)
    if series.launch == "compiled":
        return compiled(module, args, kwargs)
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
