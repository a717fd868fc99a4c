"""Imported last by the process that all others are forked from: what each of them would do anew.

Counters of ours alone: a plugin may do anything when it is imported.
"""

from __future__ import annotations

import os
from importlib import import_module
from pkgutil import iter_modules

import psutil  # noqa: F401

import flop_harness.run.workers
import flop_harness.trace.attempts  # noqa: F401
from flop_harness import counters
from flop_harness.run.autograd import start_engine
from flop_harness.run.large_pages import use_large_pages
from flop_harness.run.variables import LARGE_PAGES
from flop_harness.suite.sources import distributions, own_modules

for info in iter_modules(counters.__path__, f"{counters.__name__}."):
    ours = getattr(import_module(info.name), "COUNTER", None)
    if ours is not None:
        counters.version_of(ours)  # of an overlay, kept
distributions()  # half a second, kept: which packages are installed,
own_modules()  # and which of the modules that are imported by now are the user's
start_engine()
if os.environ.pop(LARGE_PAGES, ""):
    use_large_pages()
