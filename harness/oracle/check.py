"""A formula held against the oracle: an operator shrunk, run, and carried out number by number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from harness.oracle.registry import ALGORITHMS
from harness.oracle.scalar import done, forget, numbers, scalars
from harness.oracle.shrink import shrunk
from harness.records import Call, Tensor
from harness.replay import CannotRun, arguments, in_words, is_packed, realised, run
from harness.trace.encoding import encode
from harness.work import Work

KINDS = ("additions", "multiplications", "comparisons", "divisions", "specials")


class NoOracle(Exception):
    """The oracle does not know the operator, or cannot carry it out; the text says why."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What a formula says of an operator at a small shape, and what its naive algorithm did."""

    at: str
    said: Mapping[str, int]
    did: Mapping[str, int]

    @property
    def agrees(self) -> bool:
        return self.said == self.did


def check(call: Call, formula: Callable[[Call], Work | None]) -> Counted:
    """Carry out an operator at a small shape, with all else as in ``call``. NoOracle if it cannot.

    The naive algorithm has to give what the operator gives; what it did then is the truth.
    """
    algorithm = ALGORITHMS.get(call.packet)
    if algorithm is None:
        raise NoOracle(REASONS.get(call.packet, f"no naive algorithm is written for {call.packet}"))
    small = shrunk(call)
    given = arguments(small)
    named = {name: as_real(realised(given[name], maker(call.packet, name))) for name in given}
    try:
        result = run(call.name, {name: copied(value) for name, value in named.items()})
    except CannotRun as error:
        raise NoOracle(str(error)) from error
    work = formula(small._replace(output=encode(result)))
    forget()
    try:
        made = algorithm(**{name: as_scalars(named[name], given[name]) for name in named})
    except (TypeError, ValueError, IndexError, ArithmeticError) as error:
        raise NoOracle(f"the oracle cannot carry out {call.name}: {error}") from error
    did = {kind: done[kind] for kind in KINDS}
    expected = plain(result[0] if isinstance(result, (tuple, list)) else result)
    same = np.allclose(numbers(made), expected.double().numpy(), rtol=1e-4, atol=1e-6)
    if not same or made.shape != tuple(expected.shape):
        raise NoOracle(f"the naive algorithm does not give what {call.packet} gives")
    return Counted(in_words(small), operations(work), did)


BY_VALUES = "its comparisons hang on values, and the formula gives the worst case of one algorithm"
REASONS = {
    **{f"aten.{name}": BY_VALUES for name in
       """sort argsort msort topk kthvalue median nanmedian _unique _unique2 unique_consecutive
       searchsorted bucketize""".split()},
    "torchvision.nms": BY_VALUES,
    **dict.fromkeys(("aten._thnn_fused_lstm_cell", "aten._thnn_fused_gru_cell",
                     "aten.cudnn_affine_grid_generator", "aten.cudnn_grid_sampler"),
                    "only a GPU has a kernel of it"),
    "aten.quantize_per_tensor_dynamic": "at which scale it rounds hangs on values",
    "aten.embedding_renorm_": "which rows it scales hangs on values; the formula says all",
    "aten.fractional_max_pool2d": "where its windows lie is drawn at random",
    "aten.fractional_max_pool3d": "where its windows lie is drawn at random",
    "aten.native_dropout": "what it drops is drawn at random",
}  # fmt: skip
"""Why there is no algorithm that could be held against the operator."""


def operations(work: Work | None) -> dict[str, int]:
    """Everything that a formula says, products included."""
    if work is None:
        return {}
    said = {kind: getattr(work, kind) for kind in KINDS}
    said["multiplications"] += work.macs
    said["additions"] += sum(product.flops - product.macs for product in work.products)
    return said


# --------------------------------------------------------------------------------- numbers


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
    binary_cross_entropy""".split()
)  # fmt: skip


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


def as_scalars(value: Any, recorded: Any) -> Any:
    """Tensors as arrays of Scalars; a packed weight as one among the layer's settings."""
    if is_packed(recorded):
        held = dict(zip(recorded.keys, recorded.values, strict=True))
        return {**held, "weight": scalars(plain(value.unpack()[0]))}
    return scalars(plain(value)) if isinstance(value, torch.Tensor) else value


def plain(tensor: torch.Tensor) -> torch.Tensor:
    """A quantised tensor as the whole numbers that it holds."""
    return tensor.int_repr() if tensor.is_quantized else tensor


def as_real(value: Any) -> Any:
    """A complex number counts as one number."""
    return value.real if isinstance(value, complex) else value
