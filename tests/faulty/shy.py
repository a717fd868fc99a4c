"""A plugin that can be imported by the first process only."""

from __future__ import annotations

import multiprocessing

from faulty.counters import good

if multiprocessing.current_process().name != "MainProcess":
    raise ImportError("only in the first process")

COUNTER = good
