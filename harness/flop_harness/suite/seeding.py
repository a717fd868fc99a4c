"""Random numbers that are the same for every pass, and the caller's state as it was."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from flop_harness.records import SEED


@contextmanager
def seeded(seed: int = SEED) -> Iterator[None]:
    """Draw from ``seed`` meanwhile: torch on the CPU, Python, and numpy where it is loaded."""
    import torch

    numpy = sys.modules.get("numpy")
    drawn = torch.get_rng_state(), random.getstate(), numpy.random.get_state() if numpy else None
    torch.default_generator.manual_seed(seed)
    random.seed(seed)
    if numpy:
        numpy.random.seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(drawn[0])
        random.setstate(drawn[1])
        if numpy:
            numpy.random.set_state(drawn[2])
