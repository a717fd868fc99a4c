"""Operands for the oracle: numbers that an operator takes, few enough to be carried out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from flop_harness.records import Tensor


def maker(packet: str, name: str) -> Callable[[Tensor], torch.Tensor]:
    """Numbers of either sign, or above zero where the operator or the argument needs them."""
    positive = packet.removesuffix("_") in POSITIVE or name in ("running_var", "scales")
    kind = torch.float32 if packet.startswith("aten.quantize") else torch.float64

    def draw(tensor: Tensor) -> torch.Tensor:
        if packet in EIGHT_BITS or packet.startswith("quantized."):
            return few_numbers(tensor)
        if name in PLACES and (name != "target" or tensor.dtype == "int64"):
            return PLACES[name](tensor.numel).reshape(tensor.shape)
        source = torch.Generator().manual_seed(tensor.numel + len(name))
        if tensor.dtype == "bool":
            return torch.arange(tensor.numel).reshape(tensor.shape) % 2 == 0
        if tensor.dtype.startswith(("int", "uint")):
            return torch.randint(1, 5, tensor.shape, generator=source)
        if tensor.dtype.startswith("complex"):
            return torch.randn(tensor.shape, dtype=torch.complex128, generator=source)
        if packet in FACTORED and name in ("self", "A", "input2"):
            return factored(packet, tensor, source)
        drawn = torch.rand(tensor.shape, dtype=kind, generator=source)
        return drawn * 0.9 + 0.05 if positive else 2 * drawn - 1

    return draw


PLACES: dict[str, Callable[[int], torch.Tensor]] = {
    "index": lambda n: torch.zeros(n, dtype=torch.int64),
    "indices": lambda n: torch.arange(n) % 2,
    "offsets": torch.arange,
    "target": lambda n: torch.arange(n) % 2,
    "rois": lambda n: torch.tensor([0, 0.3, 0.2, 2.4, 2.7]).double().repeat(n // 5),
}
"""Tensors that hold places of others."""

POSITIVE = frozenset(
    f"aten.{name}" for name in
    """log log2 log10 log1p sqrt rsqrt pow xlogy atan2 fmod remainder asin acos
    binary_cross_entropy special_entr special_ndtri igamma igammac special_bessel_y0 special_bessel_y1
    special_modified_bessel_k0 special_modified_bessel_k1""".split()
)  # fmt: skip


FACTORED = frozenset(("aten.linalg_cholesky_ex", "aten._cholesky_solve_helper", "aten.cholesky_solve",
                      "aten.linalg_solve_triangular", "aten.triangular_solve"))  # fmt: skip
"""Operators that take a matrix with a large diagonal"""


def factored(packet: str, tensor: Tensor, source: torch.Generator) -> torch.Tensor:
    """Symmetric, of a large diagonal."""
    drawn = torch.rand(tensor.shape, dtype=torch.float64, generator=source)
    if tensor.shape[-1] != tensor.shape[-2]:
        return drawn
    return drawn + drawn.mT + 2 * tensor.shape[-1] * torch.eye(tensor.shape[-1])


EIGHT_BITS = frozenset({"aten.dequantize", "aten.quantized_max_pool2d"})
"""Operators that take nothing but quantised tensors."""


def few_numbers(tensor: Tensor) -> torch.Tensor:
    """Zeros and ones, quantised if the tensor is: products and sums of them fit into eight bits."""
    numbers = (torch.arange(tensor.numel) % 3 > 0).float().reshape(tensor.shape)
    if not tensor.dtype.startswith("q"):
        return numbers
    return torch.quantize_per_tensor(numbers, 1.0, 0, getattr(torch, tensor.dtype))


def copied(value: Any) -> Any:
    return value.clone() if isinstance(value, torch.Tensor) else value
