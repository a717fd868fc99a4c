"""How busy others keep this machine: what is timed beside them tells of them too."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from flop_harness.records.times import Load

IDLE = ("idle", "iowait", "guest", "guest_nice")
"""Fields of CPU times that are no work, or stand in another field too (psutil, proc(5))"""

QUIET = 0.15
"""Cores; more that others keep busy is called a load."""


def busy_seconds() -> float:
    """Core seconds that this machine has worked since it started; what a hypervisor takes, too."""
    import psutil

    spent = psutil.cpu_times()._asdict()
    return float(sum(seconds for name, seconds in spent.items() if name not in IDLE))


def own_seconds() -> float:
    """Core seconds of this process."""
    return time.process_time()


def load(
    when: str,
    seconds: float = 1.0,
    busy: Callable[[], float] = busy_seconds,
    own: Callable[[], float] = own_seconds,
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], Any] = time.sleep,
) -> Load:
    """Cores that others keep busy, over a while in which this process sleeps; load averages."""
    began, before = clock(), busy() - own()
    sleep(seconds)
    worked = busy() - own() - before
    return Load(when, round(max(worked / (clock() - began), 0.0), 3), averages())


def averages() -> tuple[float, ...]:
    """Load averages of 1, 5 and 15 minutes; none on a system without."""
    import os

    try:
        return tuple(round(value, 2) for value in os.getloadavg())
    except (AttributeError, OSError):
        return ()
