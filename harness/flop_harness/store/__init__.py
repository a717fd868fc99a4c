"""Records <-> files. Every file carries the version of its schema; one of another is refused."""

from __future__ import annotations

from flop_harness.store.audits import AUDIT_FILE, dump_audit, load_audit
from flop_harness.store.effects import dump_effects, load_effects
from flop_harness.store.files import require_writable, write_atomically
from flop_harness.store.journal import Journal, finished
from flop_harness.store.passes import TraceStore
from flop_harness.store.proofs import PROOFS_FILE, dump_proofs, load_proofs
from flop_harness.store.runs import MEASURED_FILE, RUN_FILE, dumps, load, loads, save
from flop_harness.store.schema import (
    PROOFS_SCHEMA,
    RUN_SCHEMA,
    SCHEMA,
    TIMELINE_SCHEMA,
    TIMES_SCHEMA,
    TRACE_SCHEMA,
)
from flop_harness.store.timelines import TIMELINE_SUFFIX, dump_timeline, load_timeline
from flop_harness.store.times import TIMES_FILE, dump_times, load_times
from flop_harness.store.traces import dump_trace, load_trace

__all__ = [
    "AUDIT_FILE",
    "MEASURED_FILE",
    "PROOFS_FILE",
    "PROOFS_SCHEMA",
    "RUN_FILE",
    "RUN_SCHEMA",
    "SCHEMA",
    "TIMELINE_SCHEMA",
    "TIMELINE_SUFFIX",
    "TIMES_FILE",
    "TIMES_SCHEMA",
    "TRACE_SCHEMA",
    "Journal",
    "TraceStore",
    "dump_audit",
    "dump_effects",
    "dump_proofs",
    "dump_timeline",
    "dump_times",
    "dump_trace",
    "dumps",
    "finished",
    "load",
    "load_audit",
    "load_effects",
    "load_proofs",
    "load_timeline",
    "load_times",
    "load_trace",
    "loads",
    "require_writable",
    "save",
    "write_atomically",
]
