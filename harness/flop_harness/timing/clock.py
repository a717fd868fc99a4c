"""What a clock is to the harness. It is always passed in, so that tests can turn the hands."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Seconds since some moment of the clock's own; only differences mean anything.

    ``time.perf_counter`` is one; ``flop_harness.timing.cuda.EventClock`` is another.
    """

    def __call__(self) -> float: ...
