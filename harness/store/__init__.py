"""Records <-> files. Every file carries ``SCHEMA``; one of another schema is refused."""

from __future__ import annotations

from harness.store.files import write_atomically
from harness.store.journal import Journal
from harness.store.runs import dumps, load, loads
from harness.store.schema import SCHEMA
from harness.store.traces import dump_trace, load_trace

__all__ = [
    "SCHEMA",
    "Journal",
    "dump_trace",
    "dumps",
    "load",
    "load_trace",
    "loads",
    "write_atomically",
]
