"""Tensors of given shapes, on the CPU whatever the default is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flop_harness.suite.configured.sizes import Sizes

if TYPE_CHECKING:
    import torch


def whole(value: int, *shape: int) -> torch.Tensor:
    """Integers, on the CPU whatever the default is: the model may look at them."""
    import torch

    return torch.full(shape, value, dtype=torch.int64, device="cpu")


def drawn(*shape: int) -> torch.Tensor:
    import torch

    return torch.rand(shape, device="cpu")


def of_width(*names: str, rows: int = 0) -> Callable[[Sizes], Any]:
    """Rows, one for each token, as wide as the first of these keys says."""

    def rows_of(sizes: Sizes) -> torch.Tensor:
        return drawn(sizes.batch, rows or sizes.length, sizes.first(*names, default=1))

    return rows_of
