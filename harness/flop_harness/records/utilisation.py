"""What a machine can do at best, and what share of it a published or measured rate is."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from flop_harness.records.transformer import Scope

Bound = Literal["compute", "memory"]


@dataclass(frozen=True, slots=True)
class Peak:
    """FLOP/s that a device does at best with one type of numbers.

    ``sparse`` marks a figure that holds only where half of the weights are zeros in fixed places.
    ``bandwidth`` is bytes per second, ``memory`` bytes; 0 where they are not known.
    """

    id: str
    device: str
    dtype: str
    flops: Fraction
    sparse: bool = False
    bandwidth: Fraction = Fraction(0)
    memory: Fraction = Fraction(0)
    source: str = ""

    @property
    def ridge(self) -> float | None:
        """FLOP per byte from which on the arithmetic is the limit."""
        return float(self.flops / self.bandwidth) if self.bandwidth else None


@dataclass(frozen=True, slots=True)
class Utilisation:
    """A rate of tokens as a share of a peak, by one formula.

    ``flops`` is FLOP per second and device; it is MFU by a formula of model FLOPs, HFU by one of
    what the hardware runs.
    """

    formula: str
    scope: Scope
    per_token: Fraction
    flops: Fraction
    share: Fraction
    outside: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """Bytes that one thing takes in memory; ``outside`` says why there is no figure."""

    what: str
    bytes: Fraction | None
    how: str
    outside: str = ""


@dataclass(frozen=True, slots=True)
class Phase:
    """Work and traffic of one phase, and what bounds it on a device.

    ``flop`` of the products, ``bytes`` that have to be read and written at least; ``seconds`` at
    best on one device, if a peak and its bandwidth are known.
    """

    name: str
    tokens: int
    flop: Fraction
    bytes: Fraction
    bound: Bound | None = None
    seconds: float | None = None

    @property
    def intensity(self) -> float:
        """FLOP per byte."""
        return float(self.flop / self.bytes)
