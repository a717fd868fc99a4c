"""Random numbers that are the same for every pass, and the caller's state as it was.

A generator of numpy's that is made without a seed asks the system for one: here it gets one.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
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


@contextmanager
def draws_told(tell: Callable[[str], None]) -> Iterator[None]:
    """Tell afterwards from which generators of Python's and numpy's was drawn: no operator shows that."""
    before = states()
    yield
    for name, state in states().items():
        if before.get(name, state) != state:
            tell(name)


def states() -> dict[str, Any]:
    """Where the generators stand that everybody shares, by the file that they are drawn from by."""
    found: dict[str, Any] = {"random.py": random.getstate()}
    if numpy := sys.modules.get("numpy"):
        name, keys, *place = numpy.random.get_state()
        found["numpy/random"] = (name, keys.tobytes(), *place)
    return found
