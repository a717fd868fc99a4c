"""What the machine can do at best: the fastest product, the fastest copy, measured on the spot.

A convolution is a product too, and a library may do it faster than a product of matrices: MKL leaves the
wide instructions of AMD's processors alone, oneDNN's convolutions use them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

from flop_harness.records import DTYPE_BYTES, Policy
from flop_harness.records.times import Ceiling, Series
from flop_harness.timing.device import Device
from flop_harness.timing.sampling import sample

PRODUCTS = {"cpu": (256, 512, 1024, 2048), "cuda": (1024, 2048, 4096, 8192)}
"""n of the products n x n times n x n"""

CONVOLUTIONS = {
    "cpu": ((1, 64, 58), (1, 256, 58), (1, 512, 30)),
    "cuda": ((16, 256, 58), (64, 256, 58), (64, 512, 30)),
}
"""Batch, channels (as many go out as come in) and side of the input, for windows of 3 x 3"""

COPIES = {
    "cpu": tuple(2**power for power in range(14, 29, 2)),
    "cuda": tuple(2**power for power in range(18, 31, 2)),
}
"""Bytes that a copy reads; it writes as many"""

POLICY = Policy(samples=6, seconds=0.15, budget_s=0.5)


def ceilings(device: Device, series: Series, policy: Policy = POLICY) -> Iterator[Ceiling]:
    """Products, of matrices and in convolutions, and copies of several sizes under a series."""
    with device.settings(series):
        for size in PRODUCTS[series.device]:
            work = 2 * size**3
            yield measured("product", work, product(size, series), device, series, policy)
        for batch, channels, side in CONVOLUTIONS[series.device]:
            work = 2 * 9 * channels**2 * batch * (side - 2) ** 2
            run = convolution((batch, channels, side, side), series)
            yield measured("convolution", work, run, device, series, policy)
        for size in COPIES[series.device]:
            yield measured("copy", 2 * size, copying(size, series), device, series, policy)


def measured(
    kind: Any, amount: int, run: Callable[[], Any], device: Device, series: Series, policy: Policy
) -> Ceiling:
    turns = sample(run, policy, device.clock())
    plain = replace(series, launch="eager", flushed=False, channels_last=False, phase="forward")
    return Ceiling(kind, plain, amount, tuple(chain.from_iterable(turns)))


def product(size: int, series: Series) -> Callable[[], Any]:
    """One product of two square matrices into a third that is there already."""
    import torch

    where = {"dtype": getattr(torch, series.dtype), "device": series.device}
    a, b, out = (torch.ones(size, size, **where) for _ in range(3))
    return lambda: torch.mm(a, b, out=out)


def convolution(shape: tuple[int, int, int, int], series: Series) -> Callable[[], Any]:
    """One convolution with windows of 3 x 3, without padding, under inference mode."""
    import torch

    where = {"dtype": getattr(torch, series.dtype), "device": series.device}
    x, weight = torch.ones(shape, **where), torch.ones(shape[1], shape[1], 3, 3, **where)
    return torch.inference_mode()(lambda: torch.conv2d(x, weight))


def copying(size: int, series: Series) -> Callable[[], Any]:
    """One copy of ``size`` bytes into memory that has been written before."""
    import torch

    count = size // DTYPE_BYTES[series.dtype]
    where = {"dtype": getattr(torch, series.dtype), "device": series.device}
    source, target = (torch.ones(count, **where) for _ in range(2))
    return lambda: target.copy_(source)
