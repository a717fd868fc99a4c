"""What a forward pass holds: parameters, live activations, and what the allocator says."""

from __future__ import annotations

from collections.abc import Iterator

from flop_harness.records.times import MemoryPeak, Theory
from flop_harness.report.analysis.timings import MachineTimings
from flop_harness.report.words.text import digits, group, plural

MB, MIB = 10**6, 2**20


def peaks(clock: MachineTimings) -> Iterator[tuple[Theory, MemoryPeak | None]]:
    """Each case with each peak that was measured of it; with None where none was."""
    for theory in clock.times.theory:
        measured: list[MemoryPeak | None] = [
            each for each in clock.times.memory if each.case == theory.case
        ]
        yield from ((theory, peak) for peak in measured or [None])


def over_live(theory: Theory, peak: MemoryPeak | None) -> float | None:
    """The measured peak divided by the live activations that are computed."""
    return peak.peak / theory.live if peak and theory.live else None


def sentences(clock: MachineTimings) -> Iterator[str]:
    """How near the computed peak comes, and what a size in "mb" may mean."""
    each = (over_live(theory, peak) for theory, peak in peaks(clock))
    ratios = sorted(ratio for ratio in each if ratio)
    if ratios:
        exact = sum(abs(ratio - 1) < 0.001 for ratio in ratios)
        yield (
            f"The peak of live activations computed without running a kernel is the allocator's on "
            f"{group(exact)} of {plural(len(ratios), 'case')}; kernels hold up to {digits(ratios[-1])} times "
            "as much."
        )
    for theory in clock.times.theory:
        if theory.case == "alexnet" and (size := theory.amount("param-bytes")):
            yield (
                f"AlexNet's parameters are {group(size)} bytes: {digits(size / MB, 4)} MB or "
                f"{digits(size / MIB, 4)} MiB. The 228 mb of seed 001 are 240,000,000 / 1024 / 1024 = "
                f"{digits(240e6 / MIB, 4)}, mebibytes of a rounded count."
            )
