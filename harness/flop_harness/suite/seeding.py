"""Random numbers that are the same for every pass, and the caller's state as it was.

A generator of numpy's that is made without a seed asks the system for one: here it gets one.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flop_harness.records import SEED


@contextmanager
def seeded(seed: int = SEED) -> Iterator[None]:
    """Draw from ``seed`` meanwhile: torch on the CPU, Python, and numpy where it is loaded."""
    import torch

    drawn = torch.get_rng_state(), random.getstate()
    torch.default_generator.manual_seed(seed)
    random.seed(seed)
    try:
        with numpy_seeded(sys.modules.get("numpy"), seed):
            yield
    finally:
        torch.set_rng_state(drawn[0])
        random.setstate(drawn[1])


@contextmanager
def numpy_seeded(numpy: Any, seed: int) -> Iterator[None]:
    if numpy is None:
        yield
        return
    sources = numpy.random.bit_generator
    drawn, asks = numpy.random.get_state(), sources.randbits
    numpy.random.seed(seed)
    sources.randbits = random.Random(seed).getrandbits
    try:
        yield
    finally:
        numpy.random.set_state(drawn)
        sources.randbits = asks
