"""The forward pass on a CUDA device, by the device's own clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from harness.records import Policy
from harness.timing.clock import Clock
from harness.timing.sampling import sample


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


def time_forward(
    module: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    policy: Policy,
    device: str = "cuda",
    clock: Clock | None = None,
) -> tuple[float, ...]:
    """Seconds of ``module(*args, **kwargs)`` under inference mode, launch to last kernel.

    The module and its arguments stand on ``device`` already; each sample starts on an idle stream
    and ends with it idle again.
    """
    import torch

    with torch.inference_mode(), torch.cuda.device(device):
        clock = clock or EventClock(lambda: torch.cuda.Event(enable_timing=True))
        return sample(lambda: module(*args, **kwargs), policy, clock)
