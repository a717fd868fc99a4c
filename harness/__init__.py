"""flop-harness: what FLOP counters say of a model, and why they differ.

>>> import harness
>>> harness.count(model, x).macs            # doctest: +SKIP
>>> harness.compare(model, x).readings      # doctest: +SKIP
>>> harness.load("results/seeds").bridges   # doctest: +SKIP
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.api import Results
    from harness.counting import Count

__all__ = ["compare", "count", "load"]
__version__ = "0.1.0"


def count(module: Any, *inputs: Any, convention: str = "macs", **kwargs: Any) -> Count:
    """Count ``module(*inputs, **kwargs)`` without running it; see ``harness.api.count``."""
    from harness import api

    return api.count(module, *inputs, convention=convention, **kwargs)


def compare(module: Any, *inputs: Any, counters: tuple[str, ...] = (), **kwargs: Any) -> Results:
    """Ask every counter about ``module(*inputs, **kwargs)``; see ``harness.api.compare``."""
    from harness import api

    return api.compare(module, *inputs, counters=counters, **kwargs)


def load(path: Any) -> Results:
    """The results in a folder such as ``results/seeds``; see ``harness.api.load``."""
    from harness import api

    return api.load(path)


if "IPython" in sys.modules:  # in a notebook records show themselves as tables and charts
    from harness.display import register

    register()
