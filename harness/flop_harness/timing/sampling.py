"""How often something runs, and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter

from flop_harness.records import Policy
from flop_harness.records.times import Ending
from flop_harness.suite.collection import uncollected
from flop_harness.timing.clock import Clock
from flop_harness.timing.statistics import half_width, median

MOST_SAMPLES = 1000
"""Samples that fill a policy's seconds, at most (roughly): what is stored stays of a sane size."""

STEADY_RUNS = 3
"""So many runs in a row that bring nothing faster end the warm-up."""


@dataclass
class Sampler:
    """Samples one ``run`` in turns, between which others may have theirs.

    A sample is the mean of ``block`` runs: a run shorter than ``seconds / MOST_SAMPLES`` is timed in
    blocks, which also lifts it above the resolution of the clock. ``flush`` goes before each sample,
    unmeasured, and then a sample is one run. ``spin`` gives the seconds of a fixed loop, taken
    before and after each turn. What ``run`` raises is passed on.
    """

    run: Callable[[], object]
    policy: Policy
    clock: Clock = perf_counter
    flush: Callable[[], object] | None = None
    spin: Callable[[], float] | None = None
    block: int = 1
    warmup: int = 0
    turns: list[tuple[float, ...]] = field(default_factory=list)
    spins: list[float] = field(default_factory=list)
    measured: float = 0.0
    spent: float = 0.0

    def warm(self) -> None:
        """Run until it gets no faster, and settle the size of a block."""
        seen: list[float] = []
        while not self._steady(seen):
            seen.append(timed(self.run, 1, self.clock))
        self.warmup = len(seen)
        if self.flush is None:
            least = self.policy.seconds / max(MOST_SAMPLES, self.policy.samples)
            self.block = block_size(self.run, least, self.clock)

    def _steady(self, seen: list[float]) -> bool:
        """Whether the last runs brought nothing faster than those before; a limit in any case.

        Only what gets faster is a warm-up: a clock that wanders, or slows down, does not prolong it.
        """
        if len(seen) < self.policy.warmup:
            return False
        before, latest = seen[:-STEADY_RUNS], seen[-STEADY_RUNS:]
        if sum(seen) >= self.policy.seconds:
            return True
        return bool(before) and min(latest) >= min(before) * (1 - self.policy.precision)

    def turn(self) -> tuple[float, ...]:
        """One turn between two spins."""
        before = self.spin() if self.spin else None
        samples = self._samples()
        if self.spin is not None and before is not None:
            self.spins.append((before + self.spin()) / 2)
        return samples

    def _samples(self) -> tuple[float, ...]:
        """A run to find the caches again, if it is short, then samples for a while.

        The turns of the least number that the policy asks for last as long as it asks for.
        """
        lasting = self.policy.seconds / self.policy.samples
        with uncollected():
            began = self.clock()
            if self.flush is None and self.turns and min(self.turns[0]) < lasting:
                self.run()
            samples: list[float] = []
            seconds = 0.0
            while not samples or seconds < lasting:
                if self.flush is not None:
                    self.flush()
                one = timed(self.run, self.block, self.clock)
                seconds += one
                samples.append(one / self.block)
            self.spent += self.clock() - began
        self.measured += seconds
        self.turns.append(tuple(samples))
        return self.turns[-1]

    @property
    def ended(self) -> Ending:
        """Whether it may stop, and why. The least that the policy asks for comes before its budget."""
        if len(self.turns) < self.policy.samples or self.measured < self.policy.seconds:
            return ""
        width = half_width([median(turn) for turn in self.turns])
        if width is not None and width <= self.policy.precision:
            return "precise"
        return "budget" if self.spent >= self.policy.budget_s else ""


def sample(
    run: Callable[[], object], policy: Policy, clock: Clock = perf_counter
) -> tuple[tuple[float, ...], ...]:
    """Turns of one ``run`` that has the machine to itself, until the policy is content."""
    sampler = Sampler(run, policy, clock)
    sampler.warm()
    while not sampler.ended:
        sampler.turn()
    return tuple(sampler.turns)


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
