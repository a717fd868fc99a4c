"""Complex numbers: what is said of them, in operations on real ones.

A complex sum is two additions, a complex product four multiplications and two additions, a quotient
six, three and two divisions: (a + bi) / (c + di) = (ac + bd + (bc - ad) i) / (c^2 + d^2). With a
real number on one side there is one operation for each part. A function of one number that is no
arithmetic stays one special, a comparison one comparison.
"""

from __future__ import annotations

from dataclasses import replace

from flop_harness.records import Call, Tensor
from flop_harness.records.work import Work

SAYS_SO_ITSELF = frozenset(f"aten.{name}" for name in "_fft_c2c _fft_r2c _fft_c2r".split())
"""Operators whose formulas count real operations."""

ONE_FOR_EACH_PART = frozenset("aten.mean aten.var aten.std".split())
"""Operators that divide by a real number."""


def is_complex(call: Call) -> bool:
    """Whether an operator takes complex numbers; one that makes them of real ones computes with these."""
    return any(map(of_complex, call.args))


def of_complex(value: object) -> bool:
    kind = type(value)
    if kind is Tensor:  # first, as it is asked of every argument of every operator
        return value.dtype in COMPLEX  # type: ignore[attr-defined]
    if kind in REAL:
        return False
    if isinstance(value, tuple):
        return any(map(of_complex, value))
    return isinstance(value, complex)


COMPLEX = frozenset(("complex32", "complex64", "complex128"))
REAL = frozenset((int, float, bool, str, type(None)))


def in_real_numbers(call: Call, work: Work) -> Work:
    """The same work with real numbers counted; products say that they are of complex ones."""
    if call.packet in SAYS_SO_ITSELF:
        return work
    products = tuple(replace(product, complex=True) for product in work.products)
    if call.packet in ABSOLUTE:
        n = call.args[0].numel
        return replace(work, additions=n, multiplications=2 * n, specials=n)
    real = with_real_number(call)
    sums = 1 if real and call.packet in SUMS else 2
    products_of_numbers, quotients = work.multiplications, work.divisions
    halves = real or call.packet in ONE_FOR_EACH_PART
    return replace(
        work,
        products=products,
        additions=sums * work.additions
        + (0 if real else 2 * products_of_numbers)
        + (0 if halves else 3 * quotients),
        multiplications=(2 if real else 4) * products_of_numbers + (0 if halves else 6 * quotients),
        divisions=2 * quotients,
    )


ABSOLUTE = frozenset(("aten.abs", "aten.abs_"))
"""The root of a sum of squares"""

SUMS = frozenset(f"aten.{name}{place}" for name in ("add", "sub", "rsub") for place in ("", "_"))
OF_TWO = SUMS | {f"aten.{name}{place}" for name in ("mul", "div") for place in ("", "_")}


def with_real_number(call: Call) -> bool:
    """Whether there is a real number on one side, of a quotient on the right."""
    if call.packet not in OF_TWO:
        return False
    sides = call.args[1:2] if ".div" in call.packet else call.args[:2]
    return not all(map(of_complex, sides))
