"""flop-harness: what FLOP counters say of a model, and why they differ.

>>> import flop_harness
>>> flop_harness.count(model, (1, 3, 224, 224))            # doctest: +SKIP
>>> flop_harness.compare("torchvision:resnet18", jobs=2)   # doctest: +SKIP
>>> flop_harness.load("results/seeds").bridges             # doctest: +SKIP
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flop_harness.version import __version__

if TYPE_CHECKING:
    from flop_harness.api import Results
    from flop_harness.ask.count import Count

__all__ = ["__version__", "compare", "count", "load"]


def count(
    model: Any,
    *inputs: Any,
    convention: str | None = None,
    mode: str | None = None,
    dtype: Any = None,
    **kwargs: Any,
) -> Count:
    """Count ``model(*inputs, **kwargs)`` without running it; see ``flop_harness.api.count``."""
    from flop_harness.suite.search_path import standard_library_first

    with standard_library_first():
        from flop_harness import api

        return api.count(model, *inputs, convention=convention, mode=mode, dtype=dtype, **kwargs)


def compare(
    model: Any,
    *inputs: Any,
    counters: str | Sequence[str] | None = None,
    mode: str | None = None,
    dtype: Any = None,
    jobs: int | None = None,
    **kwargs: Any,
) -> Results:
    """Ask every counter about ``model(*inputs, **kwargs)``; see ``flop_harness.api.compare``."""
    from flop_harness.suite.search_path import standard_library_first

    with standard_library_first():
        from flop_harness import api

        return api.compare(
            model, *inputs, counters=counters, mode=mode, dtype=dtype, jobs=jobs, **kwargs
        )


def load(path: Any) -> Results:
    """The results in a folder such as ``results/seeds``; see ``flop_harness.api.load``."""
    from flop_harness.suite.search_path import standard_library_first

    with standard_library_first():
        from flop_harness import api

        return api.load(path)


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext flop_harness``: records show themselves as tables and charts."""
    from flop_harness.report.formats.display import register

    register(shell)


if "IPython" in sys.modules:  # as in a notebook that imports us
    load_ipython_extension(None)
