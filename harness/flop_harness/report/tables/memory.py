"""Parameters, live activations and the measured peak of each case."""

from __future__ import annotations

from flop_harness.report.analysis.memory import MB, MIB, over_live, peaks
from flop_harness.report.analysis.timings import MachineTimings
from flop_harness.report.tables.table import Column, Table

MEMORY = (
    Column("case"), Column("parameters", "integer", "byte"), Column("in MB", "number"),
    Column("in MiB", "number"), Column("live", "integer", "byte", "activations, computed"),
    Column("peak", "integer", "byte", "measured"), Column("peak / live", "factor"),
    Column("device"), Column("measured by"),
)  # fmt: skip


def table(clock: MachineTimings) -> Table:
    """Bytes of parameters in both units; the peak of live tensors computed and measured."""
    rows = []
    for theory, peak in peaks(clock):
        size = int(theory.amount("param-bytes") or 0)
        rows.append((
            theory.case, size, size / MB, size / MIB, theory.live, peak.peak if peak else None,
            over_live(theory, peak), peak.device if peak else "", peak.source if peak else "",
        ))  # fmt: skip
    note = (
        "Live: the most bytes of tensors alive at once, beyond parameters and inputs, in a pass that "
        "runs no kernel. The measured peak also holds what kernels allocate inside themselves, such as "
        "weights laid out anew. MB is 10^6 bytes, MiB 2^20."
    )
    return Table("Memory", MEMORY, tuple(rows), note)
