"""The forward pass on a CUDA device, by the device's own clock.

See ``flop_harness.timing.device`` for what each function is to do. ``cuda`` stands for ``torch.cuda``
and is passed in by tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Protocol

from flop_harness.records.times import Series
from flop_harness.timing.clock import Clock
from flop_harness.timing.contexts import adapted, backward_too, grad_mode, training
from flop_harness.timing.scope import PLAIN, Scope

STATES = {
    "sm_clock_mhz": "clock_rate",
    "power_mw": "power_draw",
    "temperature_c": "temperature",
    "utilization_percent": "utilization",
}
"""What is recorded of a device, and the functions of ``torch.cuda`` that ask NVML for it."""

RUNS_BEFORE_CAPTURE = 3
"""On a side stream, as torch's notes on CUDA graphs ask for: what a first run allocates is no part."""


class Event(Protocol):
    """The part of ``torch.cuda.Event`` that a clock needs."""

    def record(self) -> None: ...

    def synchronize(self) -> None: ...

    def elapsed_time(self, end_event: Any) -> float: ...


class EventClock:
    """The time at which the current stream has done everything asked of it so far, in seconds.

    Each reading records an event and waits for it. Elapsed times are float32 milliseconds, so
    they are added up from one event to the next: measured from a common origin, they would grow
    coarser as the run goes on.
    """

    def __init__(self, make_event: Callable[[], Event]) -> None:
        self._make_event = make_event
        self._last: Event | None = None
        self._seconds = 0.0

    def __call__(self) -> float:
        event = self._make_event()
        event.record()
        event.synchronize()
        if self._last is not None:
            self._seconds += self._last.elapsed_time(event) / 1e3
        self._last = event
        return self._seconds


def available() -> bool:
    """Whether torch can reach a CUDA device."""
    import torch

    return torch.cuda.is_available()


def series(dtype: str = "float32", scope: Scope = PLAIN) -> tuple[Series, ...]:
    """Eager and graph replay: of float32 without and with TF32, and of bfloat16.

    With contexts of float16 too. Training is launched kernel by kernel.
    """
    kinds = [(dtype, False)]
    if dtype == "float32":
        kinds += [("float32", True), ("bfloat16", False)]
        kinds += [("float16", False)] if scope.contexts else []
    return tuple(each for flushed in (False, True)[: 1 + scope.flushed] for kind, tf32 in kinds
                 for each in launched(Series("cuda", 1, kind, "eager", tf32, flushed), scope))  # fmt: skip


def launched(eager: Series, scope: Scope) -> Iterator[Series]:
    """One kernel after another, as a graph, and for training where it is asked for."""
    yield eager
    yield replace(eager, launch="graph")
    if scope.training and not eager.flushed:
        yield training(eager)


def clock() -> Clock:
    """Events on the current stream."""
    import torch

    return EventClock(lambda: torch.cuda.Event(enable_timing=True))


@contextmanager
def settings(series: Series) -> Iterator[None]:
    """Inference mode, or gradients for training, with TF32 as the series says."""
    import torch

    with grad_mode(series), tf32_set(series.tf32, torch.backends):
        yield


@contextmanager
def tf32_set(allowed: bool, backends: Any) -> Iterator[None]:
    """float32 products and convolutions may be rounded to TF32 within, or may not."""
    holders = (backends.cuda.matmul, backends.cudnn)
    before = [holder.allow_tf32 for holder in holders]
    for holder in holders:
        holder.allow_tf32 = allowed
    try:
        yield
    finally:
        for holder, value in zip(holders, before, strict=True):
            holder.allow_tf32 = value


def ready(
    module: Any, args: Sequence[Any], kwargs: Mapping[str, Any], series: Series, cuda: Any = None
) -> Callable[[], Any]:
    """The pass, or the replay of its graph; in another dtype than the case's, of a copy."""
    import torch

    module, args, kwargs = adapted(module, args, kwargs, series)

    if series.phase == "training":
        return backward_too(module, args, kwargs)

    def run() -> Any:
        return module(*args, **kwargs)

    return captured(run, cuda or torch.cuda) if series.launch == "graph" else run


def captured(run: Callable[[], Any], cuda: Any) -> Callable[[], Any]:
    """What replays the kernels that ``run`` launches, without launching them one by one.

    What ``run`` raises while it is captured is passed on: such a model has no graph. A graph names
    the memory of weights and inputs and does not hold it: ``run`` does, as long as it is replayed.
    """
    side = cuda.Stream()
    side.wait_stream(cuda.current_stream())
    with cuda.stream(side):
        for _ in range(RUNS_BEFORE_CAPTURE):
            run()
    cuda.current_stream().wait_stream(side)
    graph = cuda.CUDAGraph()
    with cuda.graph(graph):
        run()

    def replay(held: Callable[[], Any] = run) -> None:
        graph.replay()

    return replay


def flush(series: Series) -> Callable[[], Any] | None:
    """What writes over twice the L2 cache, if the series asks for it."""
    if not series.flushed:
        return None
    import torch

    size = torch.cuda.get_device_properties().L2_cache_size
    return torch.empty(2 * size, dtype=torch.int8, device="cuda").zero_


def state(cuda: Any = None) -> Mapping[str, Any]:
    """Clock, power, temperature and load of the device through NVML, or why they are not known."""
    import torch

    cuda = cuda or torch.cuda
    try:
        return {name: getattr(cuda, function)() for name, function in STATES.items()}
    except (ImportError, RuntimeError) as error:  # without nvidia-ml-py, or without permission
        return {"unknown": " ".join(str(error).split())}
