"""Seconds of a pass as launches, bytes and MACs: what each kind of layer takes of each.

    seconds of a layer = launch + bytes / bandwidth + MACs / rate

with three constants for each kind of layer, none negative, fitted to the layers that were timed. A
model is predicted by the layers of other families: what it is made of, not what it is like.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from flop_harness.records.times import LayerWork
from flop_harness.timing.theory.least_squares import nonnegative

FEW, MANY = 10, 60
"""FLOP per byte that part depthwise from grouped and 1 x 1, and those from dense convolutions"""
NAMES = ("BatchNorm", "LayerNorm", "MaxPool", "AvgPool", "GELU")
"""Parts of class names of layers without products that have a kind of their own"""
PASSES = 2
"""For each kind of layer, at least, that a multiple of its own is fitted to"""


@dataclass(frozen=True, slots=True)
class Rates:
    """Seconds of a launch, of a byte and of a FLOP of one kind of layer."""

    launch: float
    byte: float
    flop: float

    def parts(self, work: LayerWork) -> Parts:
        return Parts(self.launch, self.byte * work.bytes, self.flop * work.flop)


@dataclass(frozen=True, slots=True)
class Parts:
    """Seconds of a pass, by what they go into."""

    launches: float = 0.0
    bytes: float = 0.0
    macs: float = 0.0

    @property
    def seconds(self) -> float:
        return self.launches + self.bytes + self.macs

    def __add__(self, other: Parts) -> Parts:
        return Parts(self.launches + other.launches, self.bytes + other.bytes,
                     self.macs + other.macs)  # fmt: skip


def kind_of(work: LayerWork) -> str:
    """By the class of the layer, and for convolutions by FLOP per byte."""
    if not work.flop:
        return next((name for name in NAMES if name in work.type), "other layers without products")
    intensity = work.flop / max(work.bytes, 1)
    if work.type.startswith("Conv"):
        return f"convolutions, {'over' if intensity >= MANY else 'up to'} {MANY} FLOP per byte" if (
            intensity >= FEW) else f"convolutions, up to {FEW} FLOP per byte"  # fmt: skip
    if work.type == "Linear":
        return f"linear layers, {'over' if intensity >= FEW else 'up to'} {FEW} FLOP per byte"
    return "other layers with products"


def fitted(timed: Iterable[tuple[LayerWork, float]]) -> dict[str, Rates]:
    """The rates of each kind in layers that took so many seconds; a kind without any has none.

    Weights are 1 / seconds: half way between absolute and relative errors, so that a sum over
    layers is neither the long ones' alone nor drowned in the short ones.
    """
    by_kind: dict[str, list[tuple[LayerWork, float]]] = {}
    for work, seconds in timed:
        if seconds > 0:
            by_kind.setdefault(kind_of(work), []).append((work, seconds))
    return {kind: _rates(layers) for kind, layers in by_kind.items()}


def _rates(layers: list[tuple[LayerWork, float]]) -> Rates:
    taken = np.array([seconds for _, seconds in layers])
    amounts = np.array([(1.0, work.bytes, work.flop) for work, _ in layers])
    weights = 1 / np.sqrt(taken)
    return Rates(*map(float, nonnegative(amounts * weights[:, None], taken * weights)))


def predicted(layers: Iterable[LayerWork], rates: Mapping[str, Rates]) -> Parts:
    """What a pass goes into; a kind that was not fitted takes the mean of those that were."""
    usual = _mean(rates.values())
    each = (rates.get(kind_of(work), usual).parts(work) for work in layers)
    return sum(each, Parts())


def seconds_by_kind(layers: Iterable[LayerWork], rates: Mapping[str, Rates]) -> dict[str, float]:
    """What a pass spends on each kind of layer."""
    kinds: dict[str, list[LayerWork]] = {}
    for work in layers:
        kinds.setdefault(kind_of(work), []).append(work)
    return {kind: predicted(of, rates).seconds for kind, of in kinds.items()}


def multiples(passes: Sequence[Mapping[str, float]], seconds: Sequence[float]) -> dict[str, float]:
    """By how much each kind of layer takes longer in a whole pass than alone; all kinds the same of
    few passes.

    ``passes`` are seconds by kind that layers alone let expect, ``seconds`` those of the passes, forward
    or forward and backward together. Errors are relative. Kinds that models have in like shares are
    not told apart: the multiples serve to predict, not to be read.
    """
    kinds = tuple(dict.fromkeys(kind for each in passes for kind in each))
    amounts = np.array([[each.get(kind, 0.0) for kind in kinds] for each in passes])
    shares = amounts / np.array(seconds)[:, None]
    if len(passes) < PASSES * len(kinds):
        shares = shares.sum(axis=1, keepdims=True)
    found = nonnegative(shares, np.ones(len(seconds)))
    return dict(zip(kinds, map(float, np.broadcast_to(found, len(kinds))), strict=True))


def _mean(rates: Iterable[Rates]) -> Rates:
    found = list(rates)
    count = len(found) or 1
    return Rates(sum(each.launch for each in found) / count,
                 sum(each.byte for each in found) / count,
                 sum(each.flop for each in found) / count)  # fmt: skip
