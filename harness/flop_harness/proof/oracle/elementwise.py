"""Element-wise operators, one number at a time.

A function of one number that is no arithmetic is one special, rounding included; taking a number's
sign, or its opposite, is free.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from flop_harness.proof.oracle.numbers import Complex
from flop_harness.proof.oracle.registry import elementwise
from flop_harness.proof.oracle.scalar import (
    Scalar,
    choose,
    counted,
    erf,
    exp,
    larger,
    log,
    raw,
    smaller,
    special,
    sqrt,
    tanh,
)

BOTH = "self other"
ROUNDINGS: dict[str | None, Callable] = {"floor": special(math.floor), "trunc": special(math.trunc)}


def compared(function: Callable[..., Any]) -> Callable[..., Scalar]:
    return lambda *x: counted("comparisons", float(function(*map(raw, x))))


def scaled(x: Any, factor: float) -> Any:
    """A factor of one is none, and one of minus one a sign."""
    if factor in (1, -1):
        return x if factor == 1 else -x
    return x * factor


def divided(x: Any, y: Any, rounding_mode: str | None = None) -> Scalar:
    return ROUNDINGS[rounding_mode](x / y) if rounding_mode else x / y


def clamped(x: Any, min_val: Any, max_val: Any) -> Any:
    x = x if min_val is None else larger(x, min_val)
    return x if max_val is None else smaller(x, max_val)


def absolute(x: Any) -> Scalar:
    """Free, but of a complex number, the root of a sum of squares."""
    if isinstance(x, Complex):
        return sqrt(x.real * x.real + x.imag * x.imag)
    return Scalar(abs(raw(x)))


def finite(x: Any) -> Scalar:
    """Whether it is a number, and between the bounds."""
    compared(math.isnan)(x)
    return larger(smaller(x, LARGEST), -LARGEST)


LARGEST = 1.7976931348623157e308

# --------------------------------------------------------------------------------- arithmetic

elementwise("add", lambda x, y, alpha=1: x + scaled(y, alpha), BOTH, "alpha")
elementwise("sub", lambda x, y, alpha=1: x - scaled(y, alpha), BOTH, "alpha")
elementwise("rsub", lambda x, y, alpha=1: y - scaled(x, alpha), BOTH, "alpha")
elementwise("mul", lambda x, y: x * y, BOTH)
elementwise("reciprocal", lambda x: 1 / x)
elementwise("neg", lambda x: -x)
elementwise("abs", lambda x: absolute(x))
elementwise("sign", lambda x: Scalar((raw(x) > 0) - (raw(x) < 0)))
elementwise("addcmul", lambda x, y, z, value: x + value * y * z, "self tensor1 tensor2", "value")
elementwise("addcdiv", lambda x, y, z, value: x + value * (y / z), "self tensor1 tensor2", "value")
elementwise("lerp", lambda x, y, w: x + w * (y - x), "self end weight")
elementwise("remainder fmod", lambda x, y: x - y * ROUNDINGS["floor"](x / y), BOTH)
elementwise("floor_divide", lambda x, y: divided(x, y, "floor"), BOTH)
elementwise("atan2", lambda y, x: special(math.atan)(y / x), BOTH)
elementwise("frac", lambda x: x - ROUNDINGS["trunc"](x))

# -------------------------------------------------------------------------------- comparisons

elementwise("maximum fmax", larger, BOTH)
elementwise("minimum fmin", smaller, BOTH)
elementwise("clamp_min", larger, "self min")
elementwise("clamp_max", smaller, "self max")
elementwise("clamp", clamped, "self min max")
elementwise("eq", compared(lambda x, y: x == y), BOTH)
elementwise("ne", compared(lambda x, y: x != y), BOTH)
elementwise("lt", compared(lambda x, y: x < y), BOTH)
elementwise("le", compared(lambda x, y: x <= y), BOTH)
elementwise("gt", compared(lambda x, y: x > y), BOTH)
elementwise("ge", compared(lambda x, y: x >= y), BOTH)
elementwise("isnan", compared(math.isnan))
elementwise("isinf", compared(math.isinf))
elementwise("where", lambda c, x, y: choose(bool(raw(c)), x, y), "condition self other")
elementwise("masked_fill", lambda x, m, value: choose(bool(raw(m)), value, x), "self mask value")
elementwise("logical_and", compared(lambda x, y: bool(x) and bool(y)), BOTH)
elementwise("logical_or", compared(lambda x, y: bool(x) or bool(y)), BOTH)
elementwise("logical_xor", compared(lambda x, y: bool(x) != bool(y)), BOTH)
elementwise("logical_not", compared(lambda x: not x))
elementwise("bitwise_not", compared(lambda x: not x))  # of truth values, which are bits too
elementwise("bitwise_and", compared(lambda x, y: int(x) & int(y)), BOTH)
elementwise("bitwise_or", compared(lambda x, y: int(x) | int(y)), BOTH)
elementwise("bitwise_xor", compared(lambda x, y: int(x) ^ int(y)), BOTH)

elementwise("signbit", lambda x: Scalar(math.copysign(1, raw(x)) < 0))
elementwise("copysign", lambda x, y: Scalar(math.copysign(raw(x), raw(y))), BOTH)
elementwise("bitwise_left_shift", lambda x, y: Scalar(raw(x) * 2 ** raw(y)), BOTH)
elementwise("bitwise_right_shift", lambda x, y: Scalar(raw(x) // 2 ** raw(y)), BOTH)
elementwise("isposinf", compared(lambda x: x == math.inf))
elementwise("isneginf", compared(lambda x: x == -math.inf))
elementwise("heaviside", lambda x, y: choose(raw(x) == 0, y, choose(raw(x) > 0, 1, 0)),
            "self values")  # fmt: skip
elementwise("nan_to_num", lambda x: finite(x))
elementwise("deg2rad", lambda x: x * (math.pi / 180))
elementwise("rad2deg", lambda x: x * (180 / math.pi))

# ----------------------------------------------------------------------- functions of a number


def of_torch(name: str, *before: Any) -> Callable[..., Scalar]:
    """A function of numbers, one special whatever it takes, as torch computes it."""
    function = getattr(torch.ops.aten, name)

    def computed(*numbers: Any) -> Scalar:
        whole = torch.int64 if name in ("gcd", "lcm") else torch.float64
        given = [torch.tensor(raw(x), dtype=whole) for x in numbers]
        made = function(*before, *given)
        first = made[0] if isinstance(made, tuple) else made
        return counted("specials", first.item())

    return computed


FUNCTIONS: dict[str, Callable[..., float]] = {
    "sqrt": math.sqrt, "exp": math.exp, "log": math.log, "log2": math.log2, "log10": math.log10,
    "log1p": math.log1p, "expm1": math.expm1, "exp2": lambda x: 2.0**x, "sin": math.sin,
    "cos": math.cos, "tan": math.tan, "asin": math.asin, "acos": math.acos, "atan": math.atan,
    "sinh": math.sinh, "cosh": math.cosh, "tanh": math.tanh, "erf": math.erf,
    "floor": math.floor, "ceil": math.ceil, "round": round, "trunc": math.trunc,
}  # fmt: skip
for _name, _function in FUNCTIONS.items():
    elementwise(_name, special(_function))
SPECIAL = """erfc erfinv lgamma digamma i0 acosh asinh atanh special_erfcx special_i0e special_i1
    special_i1e special_log_ndtr special_bessel_j0 special_bessel_j1 special_bessel_y0
    special_bessel_y1 special_modified_bessel_i0 special_modified_bessel_i1
    special_modified_bessel_k0 special_modified_bessel_k1 special_ndtri
    frexp"""
for _name in SPECIAL.split():
    elementwise(_name, of_torch(_name))
for _name in ("special_airy_ai", "special_spherical_bessel_j0"):
    elementwise(_name, of_torch(_name), "x")
for _name in "igamma igammac special_zeta gcd lcm nextafter".split():
    elementwise(_name, of_torch(_name), BOTH)
elementwise("polygamma", lambda x, n: of_torch("polygamma", n)(x), options="n")
elementwise("rsqrt", lambda x: 1 / sqrt(x))
elementwise("xlogy", lambda x, y: choose(raw(x) == 0, 0, x * log(y)), BOTH)


def power(x: Any, exponent: Any) -> Scalar:
    """A square is a product; any other power a function of its own."""
    if not isinstance(exponent, Scalar) and exponent == 2:
        return x * x  # type: ignore[no-any-return]
    return counted("specials", raw(x) ** raw(exponent))


def entropy(x: Any) -> Scalar:
    return choose(raw(x) == 0, 0, -(x * log(x)))


def sinc(x: Any) -> Scalar:
    turn = x * math.pi
    return choose(raw(x) == 0, 1, special(math.sin)(turn) / turn)


def log_of_sum(base: float) -> Callable[[Any, Any], Any]:
    """max + log(1 + base^-|x - y|)."""
    power_of = special(lambda d: base**d)
    logarithm = special(lambda x: math.log(x) / math.log(base))
    return lambda x, y: larger(x, y) + logarithm(1 + power_of(Scalar(-abs(raw(x - y)))))


elementwise("sinc", sinc)
elementwise("special_entr", entropy)
elementwise("special_xlog1py",
            lambda x, y: choose(raw(x) == 0, 0, x * special(math.log1p)(y)), BOTH)  # fmt: skip
elementwise("ldexp", lambda x, y: x * special(lambda n: 2.0**n)(y), BOTH)
elementwise("hypot", lambda x, y: sqrt(x * x + y * y), BOTH)
elementwise(
    "polar",
    lambda r, angle: Complex(r * special(math.cos)(angle), r * special(math.sin)(angle)),
    "abs angle",
)
elementwise("logaddexp", log_of_sum(math.e), BOTH)
elementwise("logaddexp2", log_of_sum(2.0), BOTH)
elementwise("pow", power, "self exponent")
elementwise("div", divided, BOTH, "rounding_mode")

# -------------------------------------------------------------------------------- activations


def elu(x: Any, alpha: float, scale: float, input_scale: float) -> Scalar:
    """x > 0 ? s x : s a (exp(x) - 1); the constants are multiplied once and for all."""
    curved = (exp(scaled(x, input_scale)) - 1) * (alpha * scale)
    return choose(raw(x) > 0, scaled(x, scale), curved)


def gelu(x: Any, approximate: str) -> Scalar:
    """x / 2 (1 + erf(x / sqrt 2)), or x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))."""
    if approximate == "tanh":
        inner = (x + x * x * x * 0.044715) * math.sqrt(2 / math.pi)
        return x * 0.5 * (1 + tanh(inner))  # type: ignore[no-any-return]
    return x * 0.5 * (1 + erf(x * math.sqrt(0.5)))  # type: ignore[no-any-return]


def softplus(x: Any, beta: float, threshold: float) -> Scalar:
    product = x * beta
    return choose(raw(product) > threshold, x, log(1 + exp(product)) / beta)


def log_sigmoid(x: Any) -> Scalar:
    return smaller(x, 0) - log(1 + exp(Scalar(-abs(raw(x)))))


def hard_sigmoid(x: Any) -> Scalar:
    return clamped(x / 6 + 0.5, 0, 1)  # type: ignore[no-any-return]


elementwise("relu", lambda x: larger(x, 0))
elementwise("threshold", lambda x, threshold, value: choose(raw(x) > threshold, x, value),
            options="threshold value")  # fmt: skip
elementwise("hardtanh", clamped, options="min_val max_val")
elementwise("leaky_relu", lambda x, negative_slope: choose(raw(x) > 0, x, x * negative_slope),
            options="negative_slope")  # fmt: skip
elementwise("_prelu_kernel", lambda x, slope: choose(raw(x) > 0, x, x * slope), "self weight")
elementwise("rrelu_with_noise", lambda x, lower, upper: choose(raw(x) > 0, x, x * ((lower + upper) / 2)),
            options="lower upper")  # fmt: skip
elementwise("hardshrink", lambda x, lambd: shrunk(x, lambd, 0), options="lambd")
elementwise("softshrink", lambda x, lambd: shrunk(x, lambd, lambd), options="lambd")
elementwise("sigmoid", lambda x: 1 / (1 + exp(-x)))
elementwise("threshold_backward", lambda dy, x, threshold: choose(raw(x) > threshold, dy, 0),
            "grad_output self", "threshold")  # fmt: skip
elementwise("tanh_backward", lambda dy, y: dy * (1 - y * y), "grad_output output")
elementwise("sigmoid_backward", lambda dy, y: dy * (1 - y) * y, "grad_output output")
elementwise("silu", lambda x: x / (1 + exp(-x)))
elementwise("hardsigmoid", hard_sigmoid)
elementwise("hardswish", lambda x: x * hard_sigmoid(x))
elementwise("elu", elu, options="alpha scale input_scale")
elementwise("celu", lambda x, alpha: choose(raw(x) > 0, x, (exp(x / alpha) - 1) * alpha),
            options="alpha")  # fmt: skip
elementwise("gelu", gelu, options="approximate")
elementwise("mish", lambda x: x * tanh(log(1 + exp(x))))
elementwise("softplus", softplus, options="beta threshold")
elementwise("log_sigmoid_forward", log_sigmoid)


def shrunk(x: Any, bound: float, step: float) -> Scalar:
    """Nothing between the bounds, and outside them nearer to zero by a step."""
    beyond = x if not step else x - math.copysign(step, raw(x))
    return choose(raw(x) > bound, beyond, choose(raw(x) < -bound, beyond, 0))
