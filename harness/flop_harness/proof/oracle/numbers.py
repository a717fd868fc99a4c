"""A complex number of two that count what is done to them."""

from __future__ import annotations

from typing import Any

from flop_harness.proof.oracle.scalar import Scalar, raw


class Complex:
    """A complex number; each operation on it is done on real ones, and counted there."""

    __slots__ = ("imag", "real")

    def __init__(self, real: Any, imag: Any) -> None:
        self.real, self.imag = real, imag

    @classmethod
    def of(cls, value: complex) -> Complex:
        return cls(Scalar(value.real), Scalar(value.imag))

    def __add__(self, other: Any) -> Complex:
        if isinstance(other, Complex):
            return Complex(self.real + other.real, self.imag + other.imag)
        return Complex(self.real + other, self.imag)

    def __sub__(self, other: Any) -> Complex:
        return self + -other

    def __rsub__(self, other: Any) -> Complex:
        return -self + other

    def __mul__(self, other: Any) -> Complex:
        if not isinstance(other, Complex):
            return Complex(self.real * other, self.imag * other)
        a, b, c, d = self.real, self.imag, other.real, other.imag
        return Complex(a * c - b * d, a * d + b * c)

    def __truediv__(self, other: Any) -> Complex:
        if not isinstance(other, Complex):
            return Complex(self.real / other, self.imag / other)
        a, b, c, d = self.real, self.imag, other.real, other.imag
        size = c * c + d * d
        return Complex((a * c + b * d) / size, (b * c - a * d) / size)

    def __rtruediv__(self, other: Any) -> Complex:
        return Complex(Scalar(raw(other)), Scalar(0.0)) / self

    def __neg__(self) -> Complex:
        return Complex(-self.real, -self.imag)

    def __complex__(self) -> complex:
        return complex(raw(self.real), raw(self.imag))

    __radd__, __rmul__ = __add__, __mul__
