"""The vocabulary of the harness as frozen records.

Nothing here knows of files, torch or the terminal: a record can be made, compared, stored and
priced with the standard library alone.
"""

from __future__ import annotations

from flop_harness.records.claims import Audit, Claim, Fit, Ruling, Verdict
from flop_harness.records.proofs import Proof, Proofs, Standing
from flop_harness.records.releases import Release, Timeline
from flop_harness.records.run import (
    AGAIN,
    HERE,
    UNSEEN,
    Bridge,
    Failure,
    Figure,
    Metric,
    Reading,
    Reference,
    Run,
    Status,
    Step,
    Tool,
    TraceFile,
    Unit,
)
from flop_harness.records.suite import Case, Input, Policy, Sources, Suite
from flop_harness.records.trace import (
    DTYPE_BYTES,
    INFERENCE,
    PRE_HOOKED,
    RAISED,
    SEED,
    Call,
    Context,
    Dict,
    Level,
    List,
    Module,
    Opaque,
    Parameter,
    Phase,
    Tensor,
    Trace,
    without_overload,
)

__all__ = [
    "AGAIN",
    "DTYPE_BYTES",
    "HERE",
    "INFERENCE",
    "PRE_HOOKED",
    "RAISED",
    "SEED",
    "UNSEEN",
    "Audit",
    "Bridge",
    "Call",
    "Case",
    "Claim",
    "Context",
    "Dict",
    "Failure",
    "Figure",
    "Fit",
    "Input",
    "Level",
    "List",
    "Metric",
    "Module",
    "Opaque",
    "Parameter",
    "Phase",
    "Policy",
    "Proof",
    "Proofs",
    "Reading",
    "Reference",
    "Release",
    "Ruling",
    "Run",
    "Sources",
    "Standing",
    "Status",
    "Step",
    "Suite",
    "Tensor",
    "Timeline",
    "Tool",
    "Trace",
    "TraceFile",
    "Unit",
    "Verdict",
    "without_overload",
]
