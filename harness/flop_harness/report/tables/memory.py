"""What a forward pass holds: parameters, live activations, and what the allocator says."""

from __future__ import annotations

from collections.abc import Iterator

from flop_harness.records.times import MemoryPeak
from flop_harness.report.analysis.timings import MachineTimings
from flop_harness.report.tables.tables import Column, Table
from flop_harness.report.words.text import digits, group, plural

MB, MIB = 10**6, 2**20

MEMORY = (
    Column("case"), Column("parameters", "integer", "byte"), Column("in MB", "number"),
    Column("in MiB", "number"), Column("live", "integer", "byte", "activations, computed"),
    Column("peak", "integer", "byte", "measured"), Column("peak / live", "factor"),
    Column("device"), Column("measured by"),
)  # fmt: skip


def table(clock: MachineTimings) -> Table:
    """Bytes of parameters in both units; the peak of live tensors computed and measured."""
    rows = []
    for theory in clock.times.theory:
        size = int(theory.amount("param-bytes") or 0)
        peaks: list[MemoryPeak | None] = [
            each for each in clock.times.memory if each.case == theory.case
        ]
        for peak in peaks or [None]:
            rows.append((
                theory.case, size, size / MB, size / MIB, theory.live, peak.peak if peak else None,
                peak.peak / theory.live if peak and theory.live else None,
                peak.device if peak else "", peak.source if peak else "",
            ))  # fmt: skip
    note = (
        "Live: the most bytes of tensors alive at once, beyond parameters and inputs, in a pass that "
        "runs no kernel. The measured peak also holds what kernels allocate inside themselves, such as "
        "weights laid out anew. MB is 10^6 bytes, MiB 2^20."
    )
    return Table("Memory", MEMORY, tuple(rows), note)


def sentences(clock: MachineTimings) -> Iterator[str]:
    """How near the computed peak comes, and what a size in "mb" may mean."""
    ratios = sorted(row[6] for row in table(clock).rows if row[6])
    if ratios:
        exact = sum(abs(ratio - 1) < 0.001 for ratio in ratios)
        yield (
            f"The peak of live activations computed without running a kernel is the allocator's on "
            f"{exact} of {plural(len(ratios), 'case')}; kernels hold up to {digits(ratios[-1])} times "
            "as much."
        )
    for theory in clock.times.theory:
        if theory.case == "alexnet" and (size := theory.amount("param-bytes")):
            yield (
                f"AlexNet's parameters are {group(size)} bytes: {digits(size / MB, 4)} MB or "
                f"{digits(size / MIB, 4)} MiB. The 228 mb of seed 001 are 240,000,000 / 1024 / 1024 = "
                f"{digits(240e6 / MIB, 4)}, mebibytes of a rounded count."
            )
