"""Records <-> files. Every file carries the version of its schema; one of another is refused."""

from __future__ import annotations

from harness.store.files import write_atomically
from harness.store.journal import Journal
from harness.store.runs import dumps, load, loads, save
from harness.store.schema import RUN_SCHEMA, SCHEMA
from harness.store.traces import dump_trace, load_trace

__all__ = [
    "RUN_SCHEMA",
    "SCHEMA",
    "Journal",
    "dump_trace",
    "dumps",
    "load",
    "load_trace",
    "loads",
    "save",
    "write_atomically",
]
