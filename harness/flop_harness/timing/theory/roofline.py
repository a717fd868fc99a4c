"""The roofline: how fast a layer could be, by what this machine was seen to reach.

Williams, Waterman and Patterson 2009, "Roofline: an insightful visual performance model". The ceilings
are measured, not read from a data sheet.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from flop_harness.records.times import Ceiling, LayerWork, Series

Bound = Literal["compute", "memory"]


@dataclass(frozen=True, slots=True)
class Roof:
    """The ceilings of one series: FLOP per second, and bytes per second by size of what is moved.

    ``copies`` are (bytes moved, bytes per second), from small to large.
    """

    compute: float
    copies: tuple[tuple[int, float], ...]

    def bandwidth(self, amount: int) -> float:
        """Bytes per second at which so many bytes can be moved.

        The best copy of at least as many bytes: small ones fit into a cache, large ones do not.
        Of more than was ever copied, the largest copy's.
        """
        fitting = [rate for size, rate in self.copies if size >= amount]
        return max(fitting, default=self.copies[-1][1])

    def seconds(self, work: LayerWork) -> float:
        """The least that the work can take: for its products, or for its bytes."""
        return max(self.compute_seconds(work), self.memory_seconds(work))

    def compute_seconds(self, work: LayerWork) -> float:
        return work.flop / self.compute

    def memory_seconds(self, work: LayerWork) -> float:
        return work.bytes / self.bandwidth(work.bytes)

    def bound(self, work: LayerWork) -> Bound:
        return "compute" if self.compute_seconds(work) >= self.memory_seconds(work) else "memory"

    @property
    def memory(self) -> float:
        """Bytes per second of the largest copy, which no cache holds."""
        return self.copies[-1][1]

    @property
    def ridge(self) -> float:
        """FLOP per byte from which on the products, not the memory, set the limit."""
        return self.compute / self.memory


def roof(ceilings: Iterable[Ceiling], series: Series) -> Roof | None:
    """The ceilings measured under a series, by the best sample of each size.

    None where a product or a copy is missing.
    """
    here = [each for each in ceilings if each.series == ceiling_series(series)]
    rates = [(each.kind == "copy", each.amount, each.amount / min(each.samples)) for each in here]
    products = [rate for is_copy, _, rate in rates if not is_copy]
    copies = [(amount, rate) for is_copy, amount, rate in rates if is_copy]
    return Roof(max(products), tuple(sorted(copies))) if products and copies else None


def ceiling_series(series: Series) -> Series:
    """Launches, layouts and what caches hold are nothing that a ceiling depends on."""
    return replace(series, launch="eager", flushed=False, channels_last=False, phase="forward")


def least_seconds(roof: Roof, layers: Iterable[LayerWork]) -> float:
    """The roofline bound of a model: its layers run one after another."""
    return sum(roof.seconds(layer) for layer in layers)


def compute_share(roof: Roof, layers: Iterable[LayerWork]) -> float:
    """The part of the bound that compute-bound layers make up."""
    layers = list(layers)
    whole = least_seconds(roof, layers)
    bound = sum(roof.seconds(layer) for layer in layers if roof.bound(layer) == "compute")
    return bound / whole if whole else 0.0
