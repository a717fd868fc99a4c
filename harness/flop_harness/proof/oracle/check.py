"""A formula held against the oracle: an operator shrunk, run, and carried out number by number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from flop_harness.proof.oracle.drawing import copied, maker
from flop_harness.proof.oracle.numbers import Complex
from flop_harness.proof.oracle.reasons import REASONS
from flop_harness.proof.oracle.registry import ALGORITHMS
from flop_harness.proof.oracle.scalar import done, each, forget, numbers, scalars
from flop_harness.proof.oracle.shrink import shrunk
from flop_harness.proof.replay import CannotRun, arguments, in_words, is_packed, realised, run
from flop_harness.records import Call
from flop_harness.records.work import Work
from flop_harness.trace.encoding import encode

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
    named = {name: realised(given[name], maker(call.packet, name)) for name in given}
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
    if not all(map(same, several(made), several(result))):
        raise NoOracle(f"the naive algorithm does not give what {call.packet} gives")
    return Counted(in_words(small), operations(work), did)


def several(result: Any) -> tuple[Any, ...]:
    """The results of an operator, or of an algorithm, that may have but one, or give but the first."""
    return tuple(result) if isinstance(result, (tuple, list)) else (result,)


def same(made: Any, expected: Any) -> bool:
    """Whether an algorithm gives what the operator gives; None is what neither was asked for."""
    if made is None or expected is None:
        return made is expected
    expected = plain(expected)
    if expected.is_complex():
        found, wanted = np.vectorize(complex, otypes=[complex])(made), expected.resolve_conj()
    else:
        found, wanted = numbers(made), expected.double()
    close = made.shape == tuple(wanted.shape) and np.allclose(
        found, wanted.numpy(), 1e-4, 1e-6, equal_nan=True
    )
    return bool(close)


def operations(work: Work | None) -> dict[str, int]:
    """Everything that a formula says, products included."""
    if work is None:
        return {}
    said = {kind: getattr(work, kind) for kind in KINDS}
    said["multiplications"] += sum(product.real_macs for product in work.products)
    said["additions"] += sum(product.flops - product.real_macs for product in work.products)
    return said


def as_scalars(value: Any, recorded: Any) -> Any:
    """Tensors as arrays of Scalars; a packed weight as one among the layer's settings."""
    if is_packed(recorded):
        held = dict(zip(recorded.keys, recorded.values, strict=True))
        return {**held, "weight": scalars(plain(value.unpack()[0]))}
    if isinstance(value, complex):
        return Complex.of(value)
    if not isinstance(value, torch.Tensor):
        return value
    return each(Complex.of, np.asarray(value)) if value.is_complex() else scalars(plain(value))


def plain(tensor: torch.Tensor) -> torch.Tensor:
    """A quantised tensor as the whole numbers that it holds."""
    return tensor.int_repr() if tensor.is_quantized else tensor
