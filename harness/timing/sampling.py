"""How often something runs, and what is kept of it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

from harness.records import Policy
from harness.timing.clock import Clock

MOST_SAMPLES = 1000
"""Samples that fill a policy's seconds, at most (roughly): what is stored stays of a sane size."""


def sample(
    run: Callable[[], object], policy: Policy, clock: Clock = perf_counter
) -> tuple[float, ...]:
    """Seconds of one ``run``, again and again, in the order measured.

    Goes on until there are ``policy.samples`` and they last ``policy.seconds`` in all. A run
    shorter than ``policy.seconds / MOST_SAMPLES`` is timed in blocks, and a sample is a block's
    mean; that also lifts it above the resolution of the clock. What ``run`` raises is passed on.
    """
    for _ in range(policy.warmup):
        run()
    with collection_held_off():
        block = block_size(run, policy.seconds / max(MOST_SAMPLES, policy.samples), clock)
        samples: list[float] = []
        spent = 0.0
        while len(samples) < policy.samples or spent < policy.seconds:
            seconds = timed(run, block, clock)
            spent += seconds
            samples.append(seconds / block)
    return tuple(samples)


def block_size(run: Callable[[], object], seconds: float, clock: Clock) -> int:
    """The smallest power of two of runs that last ``seconds``."""
    size = 1
    while timed(run, size, clock) < seconds:
        size *= 2
    return size


def timed(run: Callable[[], object], times: int, clock: Clock) -> float:
    """Seconds of ``times`` runs in a row."""
    before = clock()
    for _ in range(times):
        run()
    return clock() - before


@contextmanager
def collection_held_off() -> Iterator[None]:
    """Garbage is collected before, not within."""
    enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
