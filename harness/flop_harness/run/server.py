"""Imported first by the process that all others are forked from, and by nobody else: it acts.

See ``run.processes``, which starts it.
"""

from __future__ import annotations

import os
import signal

from flop_harness.run.variables import HASH_SEED, OUR_SEED, OURS, SAFE_PATH
from flop_harness.suite.search_path import put_standard_library_first

put_standard_library_first()
signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is heard by who started it
if os.environ.get(SAFE_PATH) == OURS:  # what users' models start is none of our business
    del os.environ[SAFE_PATH]
if os.environ.get(HASH_SEED) == OUR_SEED:  # read by now
    del os.environ[HASH_SEED]
