"""Element-wise work: so many operations for each element of the result.

A function of one number that is no arithmetic is one special, whatever it takes. A complex number
counts as one number.
"""

from __future__ import annotations

from flop_harness.formulas.registry import Formula, formula
from flop_harness.records import Call, Tensor
from flop_harness.records.work import Work

# operations per output element: additions, multiplications, comparisons, divisions, specials
ELEMENTWISE: dict[str, tuple[str, tuple[int, int, int, int, int]]] = {
    "mul": ("element-wise", (0, 1, 0, 0, 0)),
    "reciprocal": ("element-wise", (0, 0, 0, 1, 0)),
    "neg abs sign": ("element-wise", (0, 0, 0, 0, 0)),
    "maximum minimum fmax fmin clamp_min clamp_max eq ne lt le gt ge isnan isinf where masked_fill":
        ("element-wise", (0, 0, 1, 0, 0)),
    "logical_and logical_or logical_xor logical_not bitwise_and bitwise_or bitwise_xor bitwise_not":
        ("element-wise", (0, 0, 1, 0, 0)),
    "sqrt exp exp2 log log2 log10 log1p expm1 sin cos tan asin acos atan sinh cosh erf floor ceil"
    " round trunc":
        ("element-wise", (0, 0, 0, 0, 1)),
    "rsqrt": ("element-wise", (0, 0, 0, 1, 1)),
    "erfc erfinv lgamma digamma i0 acosh asinh atanh special_erfcx special_i0e special_i1"
    " special_i1e special_ndtri special_log_ndtr special_bessel_j0 special_bessel_j1"
    " special_bessel_y0 special_bessel_y1 special_modified_bessel_i0 special_modified_bessel_i1"
    " special_modified_bessel_k0 special_modified_bessel_k1 special_airy_ai polygamma igamma"
    " igammac special_zeta gcd lcm nextafter frexp special_spherical_bessel_j0":
        ("element-wise", (0, 0, 0, 0, 1)),
    "signbit copysign bitwise_left_shift bitwise_right_shift":
        ("element-wise", (0, 0, 0, 0, 0)),
    "heaviside": ("element-wise", (0, 0, 2, 0, 0)),
    "isposinf isneginf": ("element-wise", (0, 0, 1, 0, 0)),
    "nan_to_num": ("element-wise", (0, 0, 3, 0, 0)),
    "deg2rad rad2deg": ("element-wise", (0, 1, 0, 0, 0)),
    # x 2^y
    "ldexp": ("element-wise", (0, 1, 0, 0, 1)),
    # x == 0 ? 1 : sin(pi x) / (pi x)
    "sinc": ("element-wise", (0, 1, 1, 1, 1)),
    # sqrt(x^2 + y^2)
    "hypot": ("element-wise", (1, 2, 0, 0, 1)),
    # r cos(t) + i r sin(t)
    "polar": ("element-wise", (0, 2, 0, 0, 2)),
    # max(x, y) + log(1 + exp(-|x - y|))
    "logaddexp logaddexp2": ("element-wise", (3, 0, 1, 0, 2)),
    # x == 0 ? 0 : -x log(x)
    "special_entr": ("element-wise", (0, 1, 1, 0, 1)),
    # x == 0 ? 0 : x log1p(y)
    "special_xlog1py": ("element-wise", (0, 1, 1, 0, 1)),
    "addcmul": ("element-wise", (1, 2, 0, 0, 0)),
    # x + v (y / z)
    "addcdiv": ("element-wise", (1, 1, 0, 1, 0)),
    # b x + a (y z), neither factor counted
    "addr": ("element-wise", (1, 1, 0, 0, 0)),
    # x + w (y - x)
    "lerp": ("element-wise", (2, 1, 0, 0, 0)),
    # x - trunc(x)
    "frac": ("element-wise", (1, 0, 0, 0, 1)),
    # x - y floor(x / y)
    "fmod remainder": ("element-wise", (1, 1, 0, 1, 1)),
    "floor_divide": ("element-wise", (0, 0, 0, 1, 1)),
    # atan(y / x)
    "atan2": ("element-wise", (0, 0, 0, 1, 1)),
    # x == 0 ? 0 : x log(y)
    "xlogy": ("element-wise", (0, 1, 1, 0, 1)),
    "relu threshold": ("activation", (0, 0, 1, 0, 0)),
    "hardtanh": ("activation", (0, 0, 2, 0, 0)),
    "leaky_relu _prelu_kernel rrelu_with_noise": ("activation", (0, 1, 1, 0, 0)),
    "hardshrink": ("activation", (0, 0, 2, 0, 0)),
    "softshrink": ("activation", (1, 0, 2, 0, 0)),
    "tanh": ("activation", (0, 0, 0, 0, 1)),
    # 1 / (1 + exp(-x))
    "sigmoid": ("activation", (1, 0, 0, 1, 1)),
    # x / (1 + exp(-x))
    "silu": ("activation", (1, 0, 0, 1, 1)),
    # clamp(x / 6 + 1 / 2, 0, 1), by 6 as a division
    "hardsigmoid": ("activation", (1, 0, 2, 1, 0)),
    "hardswish": ("activation", (1, 1, 2, 1, 0)),
    # x > 0 ? x : a (exp(x / a) - 1)
    "celu": ("activation", (1, 1, 1, 1, 1)),
    "threshold_backward": ("activation", (0, 0, 1, 0, 0)),
    # dy (1 - y^2), dy y (1 - y)
    "tanh_backward sigmoid_backward": ("activation", (1, 2, 0, 0, 0)),
    # x tanh(log(1 + exp(x)))
    "mish": ("activation", (1, 1, 0, 0, 3)),
    # b x > threshold ? x : log(1 + exp(b x)) / b
    "softplus": ("activation", (1, 1, 1, 1, 2)),
    # min(x, 0) - log(1 + exp(-|x|))
    "log_sigmoid_forward": ("activation", (2, 0, 1, 0, 2)),
    # x / (1 + exp(-gate)), for each pair
    "glu": ("activation", (1, 1, 0, 1, 1)),
}  # fmt: skip


def elementwise(kind: str, each: tuple[int, int, int, int, int]) -> Formula:
    return lambda call: per_element(call, kind, each)


def per_element(call: Call, kind: str, each: tuple[int, int, int, int, int]) -> Work:
    n = elements(call.output)
    additions, multiplications, comparisons, divisions, specials = (n * one for one in each)
    return Work((), kind, additions, multiplications, comparisons, divisions, specials)


def elements(output: object) -> int:
    """Of a result, or of the first of several; a number is one."""
    first = output[0] if isinstance(output, tuple) and output else output
    return first.numel if isinstance(first, Tensor) else 1


for _names, (_kind, _each) in ELEMENTWISE.items():
    for _name in _names.split():
        formula(f"aten.{_name}", f"aten.{_name}_")(elementwise(_kind, _each))


@formula("aten.clamp", "aten.clamp_")
def clamp(call: Call) -> Work:
    """One comparison per bound and element."""
    bounds = sum(call.argument(i, name) is not None for i, name in ((1, "min"), (2, "max")))
    return Work((), "element-wise", comparisons=bounds * call.output.numel)


@formula(*(f"aten.{name}{place}" for name in ("add", "sub", "rsub") for place in ("", "_")))
def total(call: Call) -> Work:
    """x + a y; an ``a`` of 1 or of -1 is no factor."""
    scaled = call.argument(2, "alpha", 1) not in (1, -1)
    return per_element(call, "element-wise", (1, int(scaled), 0, 0, 0))


@formula("aten.div", "aten.div_")
def quotient(call: Call) -> Work:
    """Rounded too if a mode says how."""
    rounded = call.argument(2, "rounding_mode") is not None
    return per_element(call, "element-wise", (0, 0, 0, 1, int(rounded)))


@formula("aten.elu", "aten.elu_")
def elu(call: Call) -> Work:
    """x > 0 ? s x : s a (exp(t x) - 1), s a as one factor; an s or t of 1 is none."""
    factors = 1 + (call.argument(2, "scale", 1) != 1) + (call.argument(3, "input_scale", 1) != 1)
    return per_element(call, "activation", (1, factors, 1, 0, 1))


@formula("aten.gelu", "aten.gelu_")
def gelu(call: Call) -> Work:
    """x / 2 (1 + erf(x / sqrt 2)), or x / 2 (1 + tanh(a (x + b x^3))); halvings as products."""
    if call.argument(1, "approximate", "none") == "tanh":
        return per_element(call, "activation", (2, 6, 0, 0, 1))
    return per_element(call, "activation", (1, 3, 0, 0, 1))


@formula("aten.pow", "aten.pow_")
def power(call: Call) -> Work:
    """A square is a multiplication; any other power a special function."""
    n = call.output.numel
    if call.argument(1, "exponent") == 2:
        return Work((), "element-wise", multiplications=n)
    return Work((), "element-wise", specials=n)


@formula("aten.native_dropout")
def dropout(call: Call) -> Work:
    """In training a product with the mask and one with 1 / (1 - p); drawing is not counted."""
    n = call.args[0].numel if call.argument(2, "train") is not False else 0
    return Work((), "dropout", multiplications=2 * n)


@formula(
    "aten.quantize_per_tensor", "aten.quantize_per_tensor_dynamic", "aten.quantize_per_channel"
)
def quantise(call: Call) -> Work:
    """round(x / scale) + zero point, between two bounds."""
    n = call.args[0].numel
    return Work((), "quantisation", additions=n, comparisons=2 * n, divisions=n, specials=n)


@formula("aten.dequantize")
def dequantise(call: Call) -> Work:
    """(x - zero point) scale."""
    n = call.args[0].numel
    return Work((), "quantisation", additions=n, multiplications=n)
