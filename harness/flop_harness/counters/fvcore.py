"""fvcore 0.1.5: nodes of a torch.jit trace; says FLOPs, counts MACs.

Rules after fvcore/nn/flop_count.py and fvcore/nn/jit_handles.py of fvcore 0.1.5.post20221221.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import floor, prod
from typing import Any, TypeAlias

from flop_harness.conventions.products import ATTENTION_FUNCTIONS, RECURRENT_OPERATORS, work_at
from flop_harness.conventions.reference import Charge, registered_parameters, settled
from flop_harness.counters.pricing.copies import original
from flop_harness.counters.pricing.jit_graph import (
    captured,
    kept,
    named,
    named_by_origin,
    observed,
    traceable,
)
from flop_harness.counters.pricing.recurrent import Charges
from flop_harness.counters.protocol import Answer, Counter, Quantity, every
from flop_harness.counters.usage import Usage
from flop_harness.records import Call, Context, Tensor, Trace
from flop_harness.records.account import Account
from flop_harness.trace.tree import subtree
from flop_harness.trace.walk import Visit, visits

# Composite operators that the tracer passes through instead of writing them down.
TRANSPARENT = frozenset(
    f"aten.{name}"
    for name in [
        "conv1d",
        "conv2d",
        "conv3d",
        "conv_transpose1d",
        "conv_transpose2d",
        "conv_transpose3d",
        "lstm_cell",
        "gru_cell",
        "rnn_tanh_cell",
        "rnn_relu_cell",
    ]
)


AUTOGRAD_FUNCTION = "torch.autograd.Function.apply"
"""One node for the tracer, whatever is inside."""


def nodes(trace: Trace) -> Iterator[Visit]:
    """Operators as torch.jit's tracer writes them down: the outermost ones."""

    def opaque(visit: Visit) -> bool:
        if visit.call.level == "operator":
            return visit.call.packet not in TRANSPARENT
        return visit.call.name == AUTOGRAD_FUNCTION

    return (visit for visit in visits(trace, opaque) if opaque(visit))


def convolution(visit: Visit) -> Charges:
    work = work_at(visit)
    transposed = visit.call.argument(6, "transposed", False) is True
    name = "transposed convolution" if transposed else "convolution"
    return [(name, work.macs if work else 0)]


def place(visit: Visit) -> str:
    """The name of a matrix product by where it stands."""
    linear = visit.call.packet == "aten.linear"
    if visit.inside(*ATTENTION_FUNCTIONS):
        return "attention projection" if linear else "attention product"
    if visit.inside(*RECURRENT_OPERATORS):
        return "recurrent product"
    return "linear" if linear else "matrix product"


def linear(visit: Visit) -> Charges:
    x, weight = visit.call.args[:2]
    return [(place(visit), x.numel * weight.shape[0])]


def matmul(visit: Visit) -> Charges:
    x, y = visit.call.args[:2]
    if x.shape[-1] != y.shape[-2]:
        raise ValueError("fvcore asserts that inner dimensions match")
    return [(place(visit), x.numel * y.shape[-1])]


def addmm(visit: Visit) -> Charges:
    x, y = visit.call.args[1:3]
    return [(place(visit), x.numel * y.shape[1])]


def einsum(visit: Visit) -> Charges:
    equation, operands = visit.call.args[:2]
    shapes = [operand.shape for operand in operands]
    return [("einsum", einsum_cost(equation.replace(" ", ""), shapes))]


def einsum_cost(equation: str, shapes: list[tuple[int, ...]]) -> int | float:
    """Two equations are known; else half of numpy's optimised operation count, rounded down."""
    import numpy as np

    letters = dict.fromkeys(letter for letter in equation if letter.isalpha())
    renamed = equation.translate({ord(x): 97 + i for i, x in enumerate(letters)})
    if renamed == "abc,abd->acd":
        return prod(shapes[0]) * shapes[-1][-1]
    if renamed == "abc,adc->adb":
        return prod(shapes[0]) * shapes[-1][1]
    empties = [np.broadcast_to(0.0, shape) for shape in shapes]
    report = np.einsum_path(renamed, *empties, optimize="optimal")[1]
    line = next(line for line in report.split("\n") if "optimized flop" in line.lower())
    return float(floor(float(line.split(":")[-1]) / 2))


def norm(name: str, affine: int) -> Callable[[Visit], Charges]:
    """5 per element with an affine pair, 4 without; 2 to 5 dimensions."""

    def rule(visit: Visit) -> Charges:
        x = visit.call.args[0]
        if not 2 <= len(x.shape) <= 5:
            raise ValueError("fvcore asserts two to five dimensions")
        scaled = isinstance(visit.call.argument(affine, "weight"), Tensor)
        return [(name, x.numel * (5 if scaled else 4))]

    return rule


def batch_norm(visit: Visit) -> Charges:
    if visit.call.argument(5, "training") is True:
        return norm("batch normalisation", 1)(visit)
    scaled = isinstance(visit.call.argument(1, "weight"), Tensor)
    return [("batch normalisation", visit.call.args[0].numel * (2 if scaled else 1))]


def per_element(name: str, inputs: int, outputs: int) -> Callable[[Visit], Charges]:
    def rule(visit: Visit) -> Charges:
        call = visit.call
        return [(name, inputs * call.args[0].numel + outputs * output_of(call).numel)]

    return rule


def output_of(call: Call) -> Any:
    return call.output[0] if isinstance(call.output, tuple) else call.output


Rules: TypeAlias = Mapping[str, Callable[[Visit], Charges]]
RULES: Rules = {
    "aten.addmm": addmm,
    "aten.bmm": matmul,
    "aten.convolution": convolution,
    "aten._convolution": convolution,
    "aten.einsum": einsum,
    "aten.matmul": matmul,
    "aten.mm": matmul,
    "aten.linear": linear,
    "aten.batch_norm": batch_norm,
    "aten.group_norm": norm("group normalisation", 2),
    "aten.layer_norm": norm("layer normalisation", 2),
    "aten.instance_norm": norm("instance normalisation", 1),
    "aten.upsample_nearest2d": per_element("nearest upsampling", 0, 1),
    "aten.upsample_bilinear2d": per_element("bilinear upsampling", 0, 4),
    "aten.adaptive_avg_pool2d": per_element("adaptive average pooling", 1, 0),
    "aten.grid_sampler": per_element("grid sampling", 0, 4),
}


def outputs(visit: Visit) -> Charges:
    """The elements of a product's output, under the product's own name."""
    name = "convolution" if "conv" in visit.call.packet else place(visit)
    return [(name, output_of(visit.call).numel)]


ACTIVATIONS: Rules = dict.fromkeys(
    (f"aten.{name}" for name in "convolution addmm bmm einsum matmul linear".split()), outputs
)
"""What ``ActivationCountAnalysis`` counts (fvcore/nn/activation_count.py)"""


def charges(trace: Trace, rules: Rules = RULES) -> Iterator[Charge]:
    for visit in kept(trace, nodes(trace), rules.__contains__):
        for term, amount in named_by_origin(visit, rules[named(visit.call.packet)](visit)):
            yield visit, term, amount


def activation_charges(trace: Trace) -> Iterator[Charge]:
    return charges(trace, ACTIVATIONS)


def price_compute(trace: Trace, rules: Rules = RULES) -> Account:
    return settled(charges(trace, rules))


def by_module(trace: Trace) -> dict[str, int | float]:
    """What is charged in a module that the forward pass makes goes to the one around it, and in a
    copy to its original.
    """
    held = set(subtree(trace, 0))

    def owner(visit: Visit) -> str:
        calls = (call for call in reversed(visit.around) if call.level == "module")
        modules = (original(trace, call.module) for call in calls)
        return next((trace.modules[m].path for m in modules if m in held), visit.path)

    owned = ((owner(visit), term, amount) for visit, term, amount in charges(trace))
    return Account.of(owned).inclusive()


def read(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
    """``FlopCountAnalysis(model, inputs).total()`` and ``parameter_count(model)[""]``."""
    from fvcore.nn import FlopCountAnalysis, parameter_count

    analysis = FlopCountAnalysis(model, args)
    total = analysis.total()
    return Answer(total, parameter_count(model)[""], dict(analysis.by_module()))


COUNTER = Counter(
    id="fvcore",
    distribution="fvcore",
    description="operators of a torch.jit trace",
    source="fvcore/nn/flop_count.py, fvcore/nn/jit_handles.py (0.1.5.post20221221)",
    quantities={
        "compute": Quantity("FLOPs", "MAC", price_compute, by_module),
        "params": Quantity("parameter count", "parameter", registered_parameters),
    },
    read=read,
    usage=Usage(
        imports="import fvcore.nn",
        call="flops = fvcore.nn.FlopCountAnalysis(model, args).total()",
        figures={"compute": "flops", "params": 'fvcore.nn.parameter_count(model)[""]'},
    ),
    observe=observed,
    capture=captured,
    contexts=(Context(grad=True),),
    further=(Context(grad=False),),
    inputs=traceable,
    hooks=every,
    by_operator=True,
)
