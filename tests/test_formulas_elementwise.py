"""Element-wise operators against the scalar oracle, and the register of formulas."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torchvision.ops import deform_conv2d

from flop_harness.conventions.products import works
from flop_harness.errors import UserError
from flop_harness.formulas import ELEMENTWISE, FORMULAS, MOVEMENT, formula, product_of, work_of
from flop_harness.proof import oracle
from flop_harness.proof.operation import Operation, prove
from flop_harness.proof.oracle import (
    Scalar,
    choose,
    counted,
    erf,
    exp,
    larger,
    log,
    raw,
    smaller,
    tanh,
)
from flop_harness.records import Call, Tensor
from flop_harness.records.work import FREE, Product, Work
from flop_harness.trace.recorder import record
from programs import Program
from test_formulas import agree, priced, some


def sigmoid(x):
    return 1 / (1 + exp(-x))


def clamped(x, low, high):
    return smaller(larger(x, low), high)


def one(function):
    """One special function of one number, whichever it is."""
    return lambda x: counted("specials", function(torch.tensor(raw(x), dtype=torch.float64)).item())


def compared(function):
    return lambda x, y: counted("comparisons", float(function(raw(x), raw(y))))


def free(function):
    return lambda x: Scalar(function(raw(x)))


BINARY = {
    "add": (torch.add, lambda x, y: x + y),
    "sub": (torch.sub, lambda x, y: x - y),
    "mul": (torch.mul, lambda x, y: x * y),
    "div": (torch.div, lambda x, y: x / y),
    "maximum": (torch.maximum, larger),
    "minimum": (torch.minimum, smaller),
    **{
        name: (getattr(torch, name), compared(function))
        for name, function in {
            "eq": lambda x, y: x == y, "ne": lambda x, y: x != y, "lt": lambda x, y: x < y,
            "le": lambda x, y: x <= y, "gt": lambda x, y: x > y, "ge": lambda x, y: x >= y,
            "logical_and": lambda x, y: bool(x and y), "logical_or": lambda x, y: bool(x or y),
            "logical_xor": lambda x, y: bool(x) != bool(y),
        }.items()
    },
    "fmax": (torch.fmax, larger),
    "fmin": (torch.fmin, smaller),
    "fmod": (torch.fmod, lambda x, y: x - y * one(torch.trunc)(x / y)),
    "remainder": (torch.remainder, lambda x, y: x - y * one(torch.floor)(x / y)),
    "floor_divide": (torch.floor_divide, lambda x, y: one(torch.floor)(x / y)),
    "atan2": (torch.atan2, lambda x, y: one(torch.atan)(x / y)),
    "xlogy": (torch.xlogy, lambda x, y: choose(False, 0, x * log(y))),
    "tanh_backward": (torch.ops.aten.tanh_backward, lambda dy, y: dy * (1 - y * y)),
    "sigmoid_backward": (torch.ops.aten.sigmoid_backward, lambda dy, y: dy * y * (1 - y)),
    "threshold_backward": (
        lambda dy, x: torch.ops.aten.threshold_backward(dy, x, 0.5),
        lambda dy, x: choose(raw(x) > 0.5, dy, 0),
    ),
    "lerp": (lambda x, y: torch.lerp(x, y, 0.25), lambda x, y: x + 0.25 * (y - x)),
}  # fmt: skip

UNARY = {
    "rsub": (lambda x: torch.rsub(x, 2.0), lambda x: 2 - x),
    "reciprocal": (torch.reciprocal, lambda x: 1 / x),
    "neg": (torch.neg, lambda x: -x),
    "abs": (torch.abs, free(abs)),
    "sign": (torch.sign, free(lambda x: (x > 0) - (x < 0))),
    "logical_not": (torch.logical_not, lambda x: counted("comparisons", float(not raw(x)))),
    "masked_fill": (lambda x: x.masked_fill(torch.tensor(True), 2.0), lambda x: choose(True, 2, x)),
    "clamp": (lambda x: torch.clamp(x, 0.3, 0.6), lambda x: clamped(x, 0.3, 0.6)),
    "pow": (lambda x: torch.pow(x, 1.5), one(lambda x: x**1.5)),
    **{
        name: (getattr(torch, name), one(getattr(torch, name)))
        for name in [
            "sqrt",
            "exp",
            "exp2",
            "log",
            "log2",
            "log10",
            "log1p",
            "expm1",
            "sin",
            "cos",
            "tan",
            "atan",
            "sinh",
            "cosh",
            "erf",
            "tanh",
            "floor",
            "ceil",
            "round",
            "trunc",
        ]
    },
    "asin": (lambda x: torch.asin(x / 2), lambda x: one(torch.asin)(x / 2)),
    "acos": (lambda x: torch.acos(x / 2), lambda x: one(torch.acos)(x / 2)),
    "frac": (torch.frac, lambda x: x - one(torch.trunc)(x)),
    "isnan": (torch.isnan, lambda x: counted("comparisons", float(raw(x) != raw(x)))),
    "isinf": (torch.isinf, lambda x: counted("comparisons", float(abs(raw(x)) > 1e30))),
    "clamp_min": (lambda x: torch.clamp_min(x, 0.5), lambda x: larger(x, 0.5)),
    "clamp_max": (lambda x: torch.clamp_max(x, 0.5), lambda x: smaller(x, 0.5)),
    "rsqrt": (torch.rsqrt, lambda x: 1 / one(torch.sqrt)(x)),
    "relu": (torch.relu, lambda x: larger(x, 0)),
    "threshold": (lambda x: F.threshold(x, 0.5, 0.0), lambda x: choose(raw(x) > 0.5, x, 0)),
    "hardtanh": (lambda x: F.hardtanh(x, 0.3, 0.6), lambda x: clamped(x, 0.3, 0.6)),
    "leaky_relu": (lambda x: F.leaky_relu(-x, 0.1), lambda x: choose(False, x, -x * 0.1)),
    "sigmoid": (torch.sigmoid, sigmoid),
    "silu": (F.silu, lambda x: x / (1 + exp(-x))),
    "hardsigmoid": (F.hardsigmoid, lambda x: clamped(x / 6 + 0.5, 0, 1)),
    "hardswish": (F.hardswish, lambda x: x * clamped(x / 6 + 0.5, 0, 1)),
    "elu": (lambda x: F.elu(-x, 0.5), lambda x: choose(False, x, 0.5 * (exp(-x) - 1))),
    "gelu": (F.gelu, lambda x: x * 0.5 * (1 + erf(x * 0.5**0.5))),
    "celu": (lambda x: F.celu(-x, 0.5), lambda x: choose(False, x, 0.5 * (exp(-x / 0.5) - 1))),
    "softplus": (
        lambda x: F.softplus(x, 2.0),
        lambda x: choose(False, x, log(1 + exp(2.0 * x)) / 2.0),
    ),
    "log_sigmoid_forward": (F.logsigmoid, lambda x: smaller(x, 0) - log(1 + exp(-x))),
    "rrelu_with_noise": (
        lambda x: F.rrelu(-x, 0.25, 0.25),
        lambda x: choose(False, x, -x * 0.25),
    ),
    "hardshrink": (
        lambda x: F.hardshrink(x, 0.5),
        lambda x: choose(raw(x) > 0.5, x, choose(False, x, 0)),
    ),
    "softshrink": (
        lambda x: F.softshrink(x, 0.1),
        lambda x: choose(True, choose(True, x - 0.1, 0), 0),
    ),
    "mish": (F.mish, lambda x: x * tanh(log(1 + exp(x)))),
}

BITWISE = {"bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_not"}
ONE_SPECIAL = set(
    """erfc erfinv lgamma digamma i0 acosh asinh atanh special_erfcx special_i0e special_i1
    special_i1e special_ndtri special_log_ndtr special_bessel_j0 special_bessel_j1
    special_bessel_y0 special_bessel_y1 special_modified_bessel_i0 special_modified_bessel_i1
    special_modified_bessel_k0 special_modified_bessel_k1 special_airy_ai
    special_spherical_bessel_j0 frexp""".split()
)
OF_ONE = ONE_SPECIAL | set(
    "signbit isposinf isneginf nan_to_num deg2rad rad2deg sinc special_entr".split()
)
OF_TWO = set(
    """igamma igammac nextafter copysign heaviside hypot logaddexp logaddexp2 special_xlog1py ldexp
    special_zeta polar""".split()
)
OF_WHOLE = set("gcd lcm bitwise_left_shift bitwise_right_shift".split())
CARRIED_OUT = dict.fromkeys(OF_ONE, 1) | dict.fromkeys(OF_TWO | OF_WHOLE, 2)


@pytest.mark.parametrize("name", sorted(CARRIED_OUT))
def test_a_rarer_function_is_carried_out(name):
    """By the algorithm that proofs use; what is no arithmetic is one special."""
    x = torch.tensor([[3, 1, 2]]) if name in OF_WHOLE else some(1, 3) * 0.5
    trace = record(Program(getattr(torch.ops.aten, name)), (x,) * CARRIED_OUT[name])
    ((visit, work),) = works(trace)
    assert prove(Operation(visit.call)).standing == "oracle"
    if name in ONE_SPECIAL:
        assert (work.specials, work.operations) == (3, 3)


SEPARATE = {"where", "addcmul", "addcdiv", "addr", "glu", "_prelu_kernel"} | BITWISE


def test_every_element_wise_formula_is_tested():
    named = {name for names in ELEMENTWISE for name in names.split()}
    own = {"add", "sub", "rsub", "div", "clamp", "pow", "elu", "gelu"}  # formulas of their own
    separate = SEPARATE | set(CARRIED_OUT) | {"polygamma"}
    assert named == (set(BINARY) | set(UNARY) | separate) - own


@pytest.mark.parametrize("name", BINARY)
def test_two_numbers(name):
    function, naive = BINARY[name]
    agree(function, lambda x, y: oracle.each(naive, x, y), some(2, 3), some(2, 3) + 0.125)


@pytest.mark.parametrize("name", UNARY)
def test_one_number(name):
    function, naive = UNARY[name]
    agree(function, lambda x: oracle.each(naive, x), some(2, 3))


def test_a_square_is_a_multiplication():
    agree(torch.square, lambda x: oracle.each(lambda one: one * one, x), some(2, 3))


def test_what_is_added_a_few_times_is_multiplied_first():
    x, y = some(2, 3), some(2, 3) + 0.125
    agree(lambda x, y: torch.add(x, y, alpha=3),
          lambda x, y: oracle.each(lambda a, b: a + b * 3, x, y), x, y)  # fmt: skip
    said, _ = priced(lambda x, y: torch.add(x, y, alpha=-1), x, y)
    assert said.multiplications == 0


def test_a_rounded_quotient_is_rounded():
    def naive(x):
        return counted("specials", raw(x / 0.3) // 1)

    agree(lambda x: torch.div(x, 0.3, rounding_mode="floor"),
          lambda x: oracle.each(naive, x), some(2, 3))  # fmt: skip


def test_a_scaled_activation_multiplies_once_more():
    """SELU, for numbers below zero: s a (exp(x) - 1), s a as one factor, beside s x."""
    alpha, scale = 1.6732632423543772, 1.0507009873554805
    agree(lambda x: F.selu(-x), lambda x: oracle.each(
        lambda v: choose(False, -v * scale, (exp(-v) - 1) * (alpha * scale)), x), some(2, 3))  # fmt: skip


def test_the_other_gelu_takes_a_cube():
    def naive(x):
        return x * 0.5 * (1 + tanh((x + x * x * x * 0.044715) * (2 / 3.141592653589793) ** 0.5))

    agree(lambda x: F.gelu(x, approximate="tanh"), lambda x: oracle.each(naive, x), some(2, 3))


def test_a_choice_is_a_comparison():
    condition = torch.tensor([True, False, True])
    said, _ = priced(lambda x, y: torch.where(condition, x, y), some(3), some(3))
    assert said.comparisons == 3 and said.additions == said.multiplications == 0


def test_prelu_multiplies_and_compares():
    said, _ = priced(F.prelu, some(2, 3), some(3))
    assert (said.multiplications, said.comparisons) == (6, 6)


def test_addcmul():
    agree(
        lambda x, y, z: torch.addcmul(x, y, z, value=0.5),
        lambda x, y, z: oracle.each(lambda a, b, c: a + 0.5 * b * c, x, y, z),
        some(2, 3), some(2, 3), some(2, 3),
    )  # fmt: skip


def test_addcdiv():
    agree(
        lambda x, y, z: torch.addcdiv(x, y, z, value=0.5),
        lambda x, y, z: oracle.each(lambda a, b, c: a + 0.5 * (b / c), x, y, z),
        some(2, 3), some(2, 3), some(2, 3),
    )  # fmt: skip


def test_an_outer_product_is_added_element_by_element():
    said, _ = priced(torch.addr, some(3, 4), some(3), some(4))
    assert (said.additions, said.multiplications) == (12, 12)


def test_a_gate_meets_half_of_its_input():
    """(2, 6) is split into three values and three gates: x / (1 + exp(-gate)), times one."""

    def naive(x):
        return oracle.each(lambda a, b: a * sigmoid(b), x[:, :3], x[:, 3:])

    agree(lambda x: F.glu(x, 1), naive, some(2, 6))


@pytest.mark.parametrize("name", sorted(BITWISE))
def test_bits_are_compared(name):
    x = torch.tensor([5, 3, 1])
    said, _ = priced(getattr(torch, name), *((x,) if name.endswith("not") else (x, x + 1)))
    assert said == priced(torch.logical_not, some(3))[0]


def test_broadcasting_works_on_the_result():
    """(2, 1, 4) and (3, 1) add up to 2 x 3 x 4."""
    said, _ = priced(torch.add, some(2, 1, 4), some(3, 1))
    assert said.additions == 2 * 3 * 4


@pytest.mark.parametrize("name", ["relu_", "add_", "mul_", "clamp_", "sigmoid_"])
def test_in_place_costs_the_same(name):
    assert FORMULAS[f"aten.{name}"] is FORMULAS[f"aten.{name[:-1]}"]


def test_a_clamp_with_one_bound_compares_once():
    said, _ = priced(lambda x: torch.clamp(x, min=0.5), some(2, 3))
    assert said.comparisons == 2 * 3


# ------------------------------------------------------------------------------ the register


def test_a_second_formula_for_an_operator_is_refused():
    with pytest.raises(UserError, match=r"aten\.mm has two formulas: mm .*test_a_second"):
        formula("aten.mm")(lambda call: FREE)


def test_an_operator_without_a_formula_is_unknown_and_not_zero():
    assert work_of(Call("operator", "aten.no_such_thing.default", (), (), Tensor((2,)))) is None


@pytest.mark.parametrize("name", ["aten.view", "aten.cat", "aten.embedding", "aten.transpose"])
def test_movement_is_free(name):
    assert work_of(Call("operator", f"{name}.default", (), (), Tensor((2,)))) is FREE
    assert name.removeprefix("aten.") in MOVEMENT and FREE.operations == FREE.macs == 0


def test_a_product_of_matrices():
    product = product_of(3, 4, 5, bias=True)
    assert product == Product(3 * 4 * 5, 3 * 5, 3 * 5)
    assert product.flops == 3 * 5 * (2 * 4 - 1) + 3 * 5


def test_a_product_over_nothing_has_no_flops():
    assert product_of(3, 0, 5).flops == 0


def test_work_adds_up():
    work = Work((product_of(1, 2, 3), product_of(2, 2, 2)), "x", 1, 2, 3, 4, 5)
    assert (work.macs, work.operations) == (6 + 8, 15)


def test_convolution_padding_is_data():
    """Kernel 3 with padding 1 on 4 x 4: 16 positions of 9 products, the border's zeros included."""
    _, (product,) = priced(lambda x, w: F.conv2d(x, w, padding=1), some(1, 1, 4, 4),
                           some(1, 1, 3, 3))  # fmt: skip
    assert product.macs == 16 * 9


def test_deformable_convolution():
    """Three channels of nine weights for each of 2 x 3 x 4 outputs; sampling has no formula."""
    _, (product,) = priced(deform_conv2d, some(1, 3, 5, 6), some(1, 18, 3, 4), some(2, 3, 3, 3))
    assert product.macs == 2 * 3 * 4 * 3 * 9


def test_a_convolution_on_an_empty_batch():
    made = record(Program(F.conv2d), (torch.rand(0, 2, 5, 5), torch.rand(3, 2, 3, 3)))
    assert sum(work.macs for _, work in works(made)) == 0
