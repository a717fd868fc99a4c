"""flop-harness: what FLOP counters say of a model, and why they differ.

>>> import flop_harness
>>> flop_harness.count(model, x).macs            # doctest: +SKIP
>>> flop_harness.compare(model, x).readings      # doctest: +SKIP
>>> flop_harness.load("results/seeds").bridges   # doctest: +SKIP
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from flop_harness.suite.search_path import standard_library_first

if TYPE_CHECKING:
    from flop_harness.api import Results
    from flop_harness.ask.count import Count

__all__ = ["compare", "count", "load"]
__version__ = "0.1.0"


def count(module: Any, *inputs: Any, convention: str = "macs", **kwargs: Any) -> Count:
    """Count ``module(*inputs, **kwargs)`` without running it; see ``flop_harness.api.count``."""
    with standard_library_first():
        from flop_harness import api

        return api.count(module, *inputs, convention=convention, **kwargs)


def compare(module: Any, *inputs: Any, counters: tuple[str, ...] = (), **kwargs: Any) -> Results:
    """Ask every counter about ``module(*inputs, **kwargs)``; see ``flop_harness.api.compare``."""
    with standard_library_first():
        from flop_harness import api

        return api.compare(module, *inputs, counters=counters, **kwargs)


def load(path: Any) -> Results:
    """The results in a folder such as ``results/seeds``; see ``flop_harness.api.load``."""
    with standard_library_first():
        from flop_harness import api

        return api.load(path)


if "IPython" in sys.modules:  # in a notebook records show themselves as tables and charts
    from flop_harness.report.formats.display import register

    register()
