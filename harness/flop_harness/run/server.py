"""Imported first by the process that all others are forked from: see ``run.processes``."""

from __future__ import annotations

import os
import signal

from flop_harness.suite.search_path import put_standard_library_first

SAFE_PATH = "PYTHONSAFEPATH"
HASH_SEED = "PYTHONHASHSEED"
LARGE_PAGES = "FLOP_HARNESS_LARGE_PAGES"
OURS = "flop-harness"
"""What a variable holds where we set it; any text turns it on."""
OUR_SEED = "00"
"""Zero as nobody else writes it"""

put_standard_library_first()
if os.environ.get(SAFE_PATH) == OURS:  # what users' models start is none of our business
    del os.environ[SAFE_PATH]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is heard by who started it
if os.environ.get(HASH_SEED) == OUR_SEED:  # read by now
    del os.environ[HASH_SEED]
