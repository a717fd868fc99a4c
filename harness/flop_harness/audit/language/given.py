"""What a row gives: its figures as intervals, its model's shape, its device's peak."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Literal

from flop_harness.audit.language.described import shape_of_columns
from flop_harness.audit.language.quantities import (
    OF_SHAPE,
    QUANTITIES,
    Interval,
    column,
    cut,
    filled,
    is_zero,
    printed,
    stands_for,
    worth,
)
from flop_harness.conventions.transformers.catalogue import FORMULAS
from flop_harness.conventions.transformers.formula import Formula
from flop_harness.records import Claim
from flop_harness.records.transformer import Transformer
from flop_harness.suite.peaks import find as find_peak
from flop_harness.suite.peaks import known as known_peaks
from flop_harness.suite.shapes import find as find_shape

Mode = Literal["rounded", "filled", "cut", "samples", "seconds"]
TOLD: Mapping[Mode, str] = {
    "rounded": "", "filled": "figures beside it filled up with zeros",
    "cut": "figures beside it cut off", "samples": "a rate of whole sequences",
    "seconds": "a rate out of a step's seconds, rounded to hundredths",
}  # fmt: skip

ROUNDED_BEFORE = ("samples", "seconds")
RECOMPUTED = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(frozen=True)
class Given:
    """The cells beside a figure, read in one ``mode``: rounded, filled up with zeros, or cut off."""

    claim: Claim
    mode: Mode = "rounded"

    @cached_property
    def cells(self) -> dict[str, tuple[str, Fraction]]:
        """Quantity -> (cell, worth of its column's prefix), but for zeros: nothing follows from them."""
        return {name: each for name, each in self.figures.items() if not is_zero(each[0])}

    @property
    def zeros(self) -> set[str]:
        """What is printed as 0: it is not known, rather than left out."""
        return self.figures.keys() - self.cells.keys()

    @cached_property
    def figures(self) -> dict[str, tuple[str, Fraction]]:
        words = {key for key in self.claim.given if key.partition(" (")[0] not in QUANTITIES}
        named = ((column(head), cell) for head, cell in self.claim.given.items()
                 if head not in words and not (head == "peak" and not cell[:1].isdigit()))  # fmt: skip
        return {name: (cell, prefix) for (name, prefix), cell in named}

    def get(self, name: str) -> Interval | None:
        """What a figure beside it may stand for; None if there is none."""
        if name not in self.cells:
            return None
        cell, prefix = self.cells[name]
        plain = stands_for(name, cell, prefix)
        if self.mode == "filled":
            return filled(name, cell, prefix) or plain
        if self.mode == "cut" and not QUANTITIES[name].counted:
            return cut(name, cell, prefix)
        return plain

    def usually(self, name: str, usual: int) -> Interval | None:
        """The same, and what is usual where the row does not have the column."""
        return self.get(name) if name in self.figures else Interval.of(usual)

    @property
    def size(self) -> Interval | None:
        """Parameters that a token meets, as printed."""
        return self.get("active params" if "active params" in self.figures else "params")

    @cached_property
    def named(self) -> Transformer | None:
        """The shape of the model that the row names."""
        name = self.claim.given.get("model")
        return find_shape(name) if name is not None else None

    @cached_property
    def described(self) -> Transformer | None:
        """What the row's own columns say of a model that it does not name."""
        if "model" in self.claim.given or self.zeros & set(OF_SHAPE):
            return None
        return shape_of_columns(self.get)

    @cached_property
    def shape(self) -> Transformer | None:
        """The model's shape, with as many learned positions as the row's sequences are long."""
        shape, length = self.named, self.get("length")
        if shape is None:
            return self.described if self.described and self.described.vocabulary else None
        if length is not None and shape.positions == "learned":
            return replace(shape, context=int(length.low))
        return shape

    @cached_property
    def length(self) -> int | None:
        length = self.get("length")
        if length is not None:
            return int(length.low)
        return (self.shape.context or None) if self.shape and "length" not in self.zeros else None

    @property
    def recomputed(self) -> bool | None:
        return RECOMPUTED.get(self.claim.given.get("recomputed", "").lower())

    @cached_property
    def peak(self) -> Interval | None:
        """FLOP/s of one device."""
        text = self.claim.given.get("peak", "")
        if not text:
            return None
        return self.get("peak") if re.match(r"[\d.]", text) else Interval.of(find_peak(text).flops)

    @property
    def sparse(self) -> Interval | None:
        """The sparse peak of the same device, if it has one."""
        text = self.claim.given.get("peak", "")
        marked = known_peaks().get(f"{text}-sparse")
        return Interval.of(marked.flops) if marked else None

    @cached_property
    def rate(self) -> Interval | None:
        """Tokens per second of one device."""
        gpus = self.usually("gpus", 1)
        whole, each = self.get("tokens/s"), self.get("tokens/s/gpu")
        if gpus is None:
            return each
        if whole is None and each is None:
            return self.steps / gpus if self.steps else None
        rate = whole / gpus if whole is not None else each
        return (self.of_rounded() or rate) if self.mode in ROUNDED_BEFORE else rate

    @property
    def is_read_so(self) -> bool:
        """Whether its figures may be read in this mode; for most rows two of them say nothing."""
        return self.mode not in ROUNDED_BEFORE or self.of_rounded() is not None

    def of_rounded(self) -> Interval | None:
        """The rate of one device where it was worked out from a rounded figure; None where it was not."""
        rate, gpus = self.stated("tokens/s/gpu"), self.stated("gpus")
        length, batch = self.stated("length"), self.stated("batch")
        if rate is None or gpus is None or length is None:
            return None
        if self.mode == "samples":
            return of_whole_sequences(rate, length / gpus)
        return of_hundredths(rate, batch * length / gpus) if batch is not None else None

    def stated(self, name: str) -> Fraction | None:
        """A figure beside it as it stands."""
        if name not in self.cells:
            return None
        cell, prefix = self.cells[name]
        figure, letter = printed(cell)
        return figure.value * worth(name, prefix, letter)

    @property
    def step_tokens(self) -> Interval | None:
        """Tokens of one step, all devices together."""
        batch, length = self.get("batch"), self.get("length")
        return batch * length if batch and length else self.get("batch tokens")

    @property
    def pass_tokens(self) -> Interval | None:
        """Tokens of one pass: of one sequence unless a batch is given."""
        batch = self.usually("batch", 1)
        return batch * self.length if batch and self.length else None

    @property
    def steps(self) -> Interval | None:
        """Tokens per second of all devices, by the time that a step takes."""
        each, steps, seconds = self.step_tokens, self.get("steps/s"), self.get("step s")
        if each is None:
            return None
        if steps is not None:
            return each * steps
        return each / seconds if seconds is not None else None

    @property
    def device_seconds(self) -> Interval | None:
        """What a run takes of one device, of all together."""
        hours, gpus, days = self.get("gpu hours"), self.get("gpus"), self.get("days")
        if hours is not None:
            return hours * 3600
        return gpus * days * 86400 if gpus and days else None

    @property
    def rates_of_flop(self) -> list[tuple[str, Interval]]:
        """(how it is known, FLOP/s of one device), of model FLOPs or of the hardware's."""
        found, each = [], self.get("tflops/gpu")
        if each is not None:
            found.append(("TFLOP/s", each))
        for name, told in (("peak share", "share"), ("mfu", "MFU"), ("hfu", "HFU")):
            share = self.get(name)
            if share is not None and self.peak is not None and each is None:
                found.append((f"{told} x peak", share * self.peak))
        return found

    def per_token(self, formula: Formula) -> Interval | None:
        """FLOP per token of the row's model by a formula."""
        if self.shape is None or self.length is None:
            return None
        return reading_of(formula.id, self.shape, self.length)

    def formulas(self, *scopes: str) -> list[tuple[Formula, Interval, bool]]:
        """(formula, FLOP per token, whether it covers the model) of those about training."""
        if self.shape is None:
            return []
        found = []
        for formula in FORMULAS.values():
            amount = self.per_token(formula) if formula.scope in scopes else None
            if amount is not None:
                found.append((formula, amount, covers(formula.id, self.shape)))
        return found


def of_whole_sequences(rate: Fraction, sequence: Fraction) -> Interval | None:
    """A rate of tokens that is a whole number of sequences per second, rounded to it before."""
    number = rate / sequence
    if number.denominator != 1:
        return None
    half = Fraction(1, 2)
    return Interval((number - half) * sequence, (number + half) * sequence)


def of_hundredths(rate: Fraction, step: Fraction) -> Interval | None:
    """A rate, in whole tokens, that is ``step`` tokens in seconds which were rounded to hundredths."""
    seconds, half = Fraction(round(100 * step / rate), 100), Fraction(1, 200)
    if seconds <= half or abs(step / seconds - rate) > Fraction(1, 2):
        return None
    return Interval(step / (seconds + half), step / (seconds - half))


@lru_cache(maxsize=100_000)
def reading_of(formula: str, shape: Transformer, length: int) -> Interval | None:
    """What a formula says, kept: many rows are about few models."""
    reading = FORMULAS[formula].reading(shape, length)
    return None if reading is None else Interval.of(reading)


@lru_cache(maxsize=100_000)
def covers(formula: str, shape: Transformer) -> bool:
    return not FORMULAS[formula].outside(shape)
