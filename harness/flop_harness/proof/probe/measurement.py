"""What a probe gives, the register of probes, and sums of which nothing is rounded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any, TypeAlias

import torch

from flop_harness.proof.replay import CannotRun, run
from flop_harness.records import Call


class NotProvable(Exception):
    """The work of an operator cannot be counted by running it; the text says why."""


class Rounded(ArithmeticError):
    """A sum that is no whole number, or too large for every whole number below it to be exact."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What an operator did on ones, in multiplications.

    ``reached`` the output as the operator was called; ``whole`` did with ones in the place of what
    ``gap`` names (padding, cropping, masking), and is the same where it names nothing. ``products``
    are (multiplications, outputs) of the whole, one for each product of the operator, or none
    where only their sum can be told. ``method`` says what was run.
    """

    reached: int
    whole: int
    method: str
    products: tuple[tuple[int, int], ...] = ()
    gap: str = ""


Probe: TypeAlias = Callable[[Call], Measured]

PROBES: dict[str, Probe] = {}


def probe(*names: str) -> Callable[[Probe], Probe]:
    """Register a probe for operators by name, without overload. A second one raises."""

    def register(function: Probe) -> Probe:
        for name in names:
            if name in PROBES:
                raise ValueError(f"a second probe for {name}")
            PROBES[name] = function
        return function

    return register


def measure(call: Call) -> Measured:
    """Count the multiplications of one operator call; NotProvable with the reason."""
    known = PROBES.get(call.packet)
    if known is None:
        raise NotProvable(f"no way is known to run {call.packet} on ones")
    try:
        return known(call)
    except CannotRun as error:
        raise NotProvable(str(error)) from error
    except Rounded as error:
        raise NotProvable(f"a sum is rounded: {error}") from error


# ------------------------------------------------------------------------------- exact sums

EXACT = {torch.float32: 2**24, torch.float64: 2**53, torch.int32: 2**31, torch.int64: 2**63}
"""Below these every whole number has a representation of its own.

Partial sums of ones are whole numbers that never exceed the sum, in whatever order they are added:
a sum that came out below the limit was rounded nowhere on its way.
"""


def summed(output: torch.Tensor) -> int:
    """The sum of an output, exact; Rounded if an element of it may not be."""
    if output.is_nested:
        return sum(map(summed, output.unbind()))
    if output.is_complex():
        output = output.real
    if not output.numel():
        return 0
    if output.is_floating_point() and not torch.equal(output, output.trunc()):
        raise Rounded("an element of the output is no whole number")
    low, high = (int(bound) for bound in output.aminmax())
    if max(-low, high) >= EXACT[output.dtype]:
        raise Rounded(f"{high} in {output.dtype}")
    return int(output.sum(dtype=torch.int64))


NEAR = 0.01


def whole_numbers(values: torch.Tensor) -> int:
    """The sum of whole numbers that came back from logarithms or scales, a little beside themselves."""
    nearest = values.round()
    if values.numel() and float((values - nearest).abs().max()) > NEAR:
        raise Rounded("a number is not near a whole one")
    return int(nearest.sum(dtype=torch.int64))


def exactly(work: Callable[[torch.dtype], int]) -> int:
    """In single precision where every sum is exact in it, in double otherwise."""
    try:
        return work(torch.float32)
    except Rounded:
        return work(torch.float64)


def output_of(name: str, named: dict[str, Any]) -> torch.Tensor:
    """The first of an operator's results."""
    result = run(name, named)
    return result[0] if isinstance(result, (tuple, list)) else result  # type: ignore[no-any-return]


# ------------------------------------------------------------------------------------- parts

MOST_ELEMENTS = 2**28
MOST_MACS = 2**36


def fits(elements: int, macs: int) -> bool:
    """Whether a product is small enough, in memory and in time, to be run whole."""
    return elements <= MOST_ELEMENTS and macs <= MOST_MACS


Sizes: TypeAlias = Mapping[str, Any]
"""Lengths of named axes"""


def parts(
    sizes: Sizes, axes: Sequence[str], fits: Callable[[Sizes], bool]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """(how many, sizes) of the parts of a product that is too large to be run at once.

    ``axes`` are those along which parts do not share an output; they are halved until a part
    ``fits``. Parts of equal sizes are one and the same computation on ones, which need run once.
    """
    chosen = dict(sizes)
    for axis in axes:
        while chosen[axis] > 1 and not fits(chosen):
            chosen[axis] = -(-chosen[axis] // 2)
    for pieces in product(*(cut(sizes[axis], chosen[axis]) for axis in axes)):
        shares = {axis: size for axis, (size, _) in zip(axes, pieces, strict=True)}
        yield prod(times for _, times in pieces), {**sizes, **shares}


def cut(whole: int, part: int) -> list[tuple[int, int]]:
    """(size, how many) of the pieces of an axis."""
    if not whole or whole == part:
        return [(whole, 1)]
    pieces = [(part, whole // part), (whole % part, 1)]
    return [piece for piece in pieces if piece[0]]


def in_parts(count: int) -> str:
    return f", in {count} parts, equal ones once" if count > 1 else ""
