"""A fixed piece of work beside each turn: how long it takes tells how fast the machine is just then.

On a shared machine the clock rate, and what others leave of a core, wander over seconds. The same loop
before and after a turn wanders with them, whatever is being timed in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from time import perf_counter

from flop_harness.records.times import Forward
from flop_harness.timing.statistics import iqr, median

ROUNDS = 20_000
"""Of the loop: about a millisecond. The same in every process, so that spins can be compared."""

TIMES = 3


def loop(rounds: int = ROUNDS) -> int:
    """Additions in the interpreter: no memory, no thread, nothing that a library may choose."""
    total = 0
    for each in range(rounds):
        total += each
    return total


def spin(clock: Callable[[], float] = perf_counter, work: Callable[[], object] = loop) -> float:
    """Seconds of the loop: the shortest of three, so that an interrupt is not taken for a pace."""
    return min(seconds_of(work, clock) for _ in range(TIMES))


def seconds_of(work: Callable[[], object], clock: Callable[[], float]) -> float:
    began = clock()
    work()
    return clock() - began


Pace = Mapping[int, Sequence[float]]
"""Session -> by round, how many times as long as usual everything took"""


def pace(forwards: Iterable[Forward], precision: float) -> Pace:
    """The pace of the machine; empty where it kept its speed, or where there are no spins.

    All cases have their n-th turn in the n-th round, so the median of a round's spins tells how fast
    the machine was then: one spin alone tells of its own interruptions too. It kept its speed where
    the middle half of the rounds lies within ``precision``. Spins alone decide whether seconds are
    corrected by them.
    """
    found = {session: [median(spins) for spins in rounds]
             for session, rounds in by_round(forwards).items()}  # fmt: skip
    every = [each for rounds in found.values() for each in rounds]
    if not every or iqr(every) <= precision * median(every):
        return {}
    usual = median(every)
    return {session: [each / usual for each in rounds] for session, rounds in found.items()}


def by_round(forwards: Iterable[Forward]) -> dict[int, list[list[float]]]:
    """Session -> round -> the spins of all cases."""
    found: dict[int, list[list[float]]] = {}
    for forward in forwards:
        rounds = found.setdefault(forward.session, [])
        for place, each in enumerate(forward.spins):
            if place == len(rounds):
                rounds.append([])
            rounds[place].append(each)
    return found


def middles(forward: Forward, paces: Pace) -> list[float]:
    """The median of each turn in seconds, as at the machine's usual speed where its pace is known."""
    found = [median(turn) for turn in forward.turns]
    rounds = paces.get(forward.session, ())
    if len(forward.spins) != len(found) or len(rounds) < len(found):
        return found
    return [each / factor for each, factor in zip(found, rounds, strict=False)]
