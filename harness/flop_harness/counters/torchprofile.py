"""torchprofile 0.1.0: nodes of a torch.jit trace, element-wise multiplications among them.

Rules after torchprofile/profile.py, torchprofile/trace.py and torchprofile/handlers.py of
torchprofile 0.1.0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

from flop_harness.counters.fvcore import nodes, output_of
from flop_harness.counters.pricing.jit_graph import (
    kept,
    named,
    named_by_origin,
    observed,
    traceable,
)
from flop_harness.counters.pricing.matched import matched
from flop_harness.counters.pricing.recurrent import Charges
from flop_harness.counters.protocol import Answer, Counter, Quantity
from flop_harness.counters.usage import Usage
from flop_harness.records import Call, Context, Tensor, Trace
from flop_harness.records.account import Account
from flop_harness.trace.walk import Visit

# ------------------------------------------------------------------------------- products


def convolution(call: Call) -> int:
    """Output elements x kernel x the weight's second dimension, or its first if transposed.

    A transposed one is told by its weight: the first dimension is not the output's channels.
    """
    y, weight = call.output.shape, call.args[1].shape
    channels = weight[1] if y[1] == weight[0] else weight[0]
    return prod(y) * channels * prod(weight[2:])


def matmul(call: Call) -> int:
    """Output elements x the inner dimension, which a linear layer's weight has last."""
    return call.output.numel * call.args[0].shape[-1]


def added(call: Call) -> int:
    """addmm, addmv, baddbmm."""
    return call.args[1].numel * prod(
        call.args[2].shape[2 if call.packet == "aten.baddbmm" else 1 :]
    )


def bmm(call: Call) -> int:
    return call.args[0].numel * call.args[1].shape[-1]


def lstm(call: Call) -> int:
    """Four gates in every layer and direction; a projection's width is taken for the hidden one."""
    out, state = call.output[0].shape, call.output[1].shape
    width, hidden = call.args[0].shape[-1], state[-1]
    directions = out[-1] // hidden
    layers = state[0] // directions
    inputs = [width] + [hidden * directions] * (layers - 1)
    macs = sum(4 * hidden * (inner + hidden) for inner in inputs)
    return out[0] * out[1] * directions * macs


def einsum(call: Call) -> int:
    """The product of all labels' sizes; nothing with an ellipsis."""
    equation, operands = call.args[:2]
    if "..." in equation or not operands:
        return 0
    sizes: dict[str, int] = {}
    for labels, operand in zip(equation.split("->")[0].split(","), operands, strict=False):
        sizes |= zip(labels.replace(" ", ""), operand.shape, strict=False)
    return prod(sizes.values())


def scaled_dot_product(call: Call) -> int:
    """The first dimension is the batch, also where it is the sequence: of two dimensions."""
    q, k, v = (tensor.shape for tensor in call.args[:3])
    return q[0] * prod(q[1:-2]) * q[-2] * k[-2] * (q[-1] + v[-1])


Products = Mapping[str, Callable[[Call], int]]
PerOutput = Mapping[str, tuple[str, Callable[[Call], int]]]

PRODUCTS: Products = {
    "aten.convolution": convolution,
    "aten.linear": matmul,
    "aten.matmul": matmul,
    "aten.addmm": added,
    "aten.addmv": added,
    "aten.baddbmm": added,
    "aten.bmm": bmm,
    "aten.lstm": lstm,
    "aten.einsum": einsum,
    "aten.scaled_dot_product_attention": scaled_dot_product,
}

# ------------------------------------------------------------------- charges per output element


def affine(position: int) -> Callable[[Call], int]:
    """One where a weight is given."""
    return lambda call: int(isinstance(call.argument(position, "weight"), Tensor))


GRID = {1: 0, 2: 16}

PER_OUTPUT: PerOutput = {
    "aten.mul": ("element-wise multiplication", lambda call: 1),
    "aten.mul_": ("element-wise multiplication", lambda call: 1),
    "aten.batch_norm": ("batch normalisation", affine(1)),
    "aten.instance_norm": ("instance normalisation", affine(1)),
    "aten.layer_norm": ("layer normalisation", affine(2)),
    "aten.group_norm": ("group normalisation", affine(2)),
    **{f"aten.adaptive_avg_pool{n}d": ("adaptive average pooling", lambda call: 1)
       for n in (1, 2, 3)},
    **{f"aten.avg_pool{n}d": ("average pooling", lambda call: 1) for n in (1, 2, 3)},
    "aten.mean": ("mean", lambda call: 1),
    "aten.leaky_relu": ("LeakyReLU", lambda call: 1),
    "aten.upsample_bilinear2d": ("bilinear upsampling", lambda call: 4),
    "aten.grid_sampler": ("grid sampling", lambda call: GRID.get(call.argument(2, "mode"), 4)),
}  # fmt: skip


def charges(visit: Visit, products: Products, per_output: PerOutput) -> Charges:
    call, packet = visit.call, named(visit.call.packet)
    if packet in products:
        return matched(visit, products[packet](call))
    name, each = per_output[packet]
    return [(name, each(call) * output_of(call).numel)]


def price_compute(
    trace: Trace, products: Products = PRODUCTS, per_output: PerOutput = PER_OUTPUT
) -> Account:
    """Nodes that the tracer keeps; a product of two sizes is one multiplication."""
    names = {*products, *per_output}
    return Account.of(
        (visit.path, *charge)
        for visit in kept(trace, nodes(trace), names.__contains__)
        for charge in named_by_origin(visit, charges(visit, products, per_output))
    )


def read(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
    """``macs = profile_macs(model, inputs)`` as in its README."""
    from torchprofile import profile_macs

    return Answer(profile_macs(model, args))


COUNTER = Counter(
    id="torchprofile",
    distribution="torchprofile",
    description="operators of a torch.jit trace, multiplications of tensors among them",
    source="torchprofile/profile.py, torchprofile/handlers.py (0.1.0)",
    quantities={"compute": Quantity("MACs", "MAC", price_compute)},
    read=read,
    usage=Usage(
        imports="from torchprofile import profile_macs",
        call="macs = profile_macs(model, args)",
        figures={"compute": "macs"},
    ),
    observe=observed,
    contexts=(Context(grad=True),),
    further=(Context(grad=False),),
    inputs=traceable,
    overlay=("torchprofile==0.1.0",),
    by_operator=True,
)
