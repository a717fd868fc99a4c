"""A fixed piece of work beside each turn: how long it takes tells how fast the machine is just then.

On a shared machine the clock rate, and what others leave of a core, wander over seconds. The same loop
before and after a turn wanders with them, whatever is being timed in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import perf_counter

from flop_harness.records.times import Forward
from flop_harness.timing.statistics import iqr, median

ROUNDS = 20_000
"""Of the loop: about a millisecond. The same in every process, so that spins can be compared."""


def loop(rounds: int = ROUNDS) -> int:
    """Additions in the interpreter: no memory, no thread, nothing that a library may choose."""
    total = 0
    for each in range(rounds):
        total += each
    return total


def spin(clock: Callable[[], float] = perf_counter, work: Callable[[], object] = loop) -> float:
    """Seconds of the loop."""
    began = clock()
    work()
    return clock() - began


def usual_spin(forwards: Iterable[Forward], precision: float) -> float | None:
    """The median of all spins; None where there are none, or where the machine kept its speed.

    It kept it where the middle half of the spins lies within ``precision``: the spins alone decide
    whether seconds are corrected by them.
    """
    spins = [each for forward in forwards for each in forward.spins]
    if not spins or iqr(spins) <= precision * median(spins):
        return None
    return median(spins)


def middles(forward: Forward, usual: float | None) -> list[float]:
    """The median of each turn in seconds; with ``usual``, as at the machine's usual speed."""
    found = [median(turn) for turn in forward.turns]
    if usual is None or len(forward.spins) != len(found):
        return found
    return [each * usual / spin for each, spin in zip(found, forward.spins, strict=True)]
