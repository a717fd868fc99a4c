"""DeepSpeed 0.19.8's flops profiler: functions of torch that it patches, FLOPs of one forward pass.

Rules after deepspeed/profiling/flops_profiler/profiler.py of deepspeed 0.19.8. It returns FLOPs,
MACs and parameters; FLOPs come first and are the figure here, MACs those of ``deepspeed-macs``.
"""

from __future__ import annotations

from collections import Counter as Counts
from dataclasses import replace
from math import prod
from typing import Any

from flop_harness.conventions.reference import registered_parameters
from flop_harness.counters.pricing import flops_profiler_rules as shared
from flop_harness.counters.pricing.flops_profiler import CONTEXT, price_flops
from flop_harness.counters.pricing.flops_profiler_rules import (
    DIMENSIONS,
    F,
    M,
    Multiplied,
    Rule,
    T,
    attention,
    each,
    einsum,
    matrix_product,
    of_input,
)
from flop_harness.counters.pricing.recurrent import Charges
from flop_harness.counters.protocol import Answer, Counter, Quantity, every
from flop_harness.counters.usage import Usage
from flop_harness.records import Call, Context, Trace
from flop_harness.records.account import Account
from flop_harness.trace.tree import subtree_after
from flop_harness.trace.walk import Visit


def backward_size(call: Call) -> list[int]:
    """Output lengths of a transposed convolution by its formula."""
    x, kernel = of_input(call).shape[2:], call.argument(1, "weight").shape[2:]
    positions = {"stride": (3, 1), "padding": (4, 0), "output_padding": (5, 0), "dilation": (7, 1)}
    stride, padding, extra, dilation = (
        each(call.argument(at, name, default), len(x)) for name, (at, default) in positions.items()
    )
    return [
        (n - 1) * stride[i] - 2 * padding[i] + dilation[i] * (kernel[i] - 1) + extra[i] + 1
        for i, n in enumerate(x)
    ]


def transposed_convolution(visit: Visit) -> Multiplied:
    """kernel x Cin x Cout // g per input position, and the bias per output."""
    call = visit.call
    x, weight = of_input(call).shape, call.argument(1, "weight").shape
    macs = prod(weight[2:]) * x[1] * weight[1] * x[0] * prod(x[2:])
    channels = weight[1] * call.argument(6, "groups", 1)
    biased = call.argument(2, "bias") is not None
    outputs = channels * x[0] * prod(backward_size(call))
    bias = ("transposed convolution bias", outputs if biased else 0)
    return Multiplied(macs, "unbatched transposed convolution read as a batch", (bias,))


def upsample(visit: Visit) -> Charges:
    """Output positions, without batch and channels; by a scale factor, the scaled input, whole."""
    positions = shared.sized_positions(visit.call.argument(1, "size"), visit.call.output)
    if positions is not None:
        return [("upsampling", positions)]
    x, scale = visit.call.args[0], visit.call.argument(2, "scale_factor")
    factor = prod(scale) if isinstance(scale, tuple) else scale ** (len(x.shape) - 2)
    return [("upsampling", int(x.numel * factor))]


def elementwise(name: str) -> Rule:
    return lambda visit: [(name, visit.call.output.numel)]


PRODUCTS = shared.PRODUCTS | {
    **{f"{F}.conv_transpose{n}d": transposed_convolution for n in DIMENSIONS},
    f"{F}.scaled_dot_product_attention": attention,
    f"{M}.__matmul__": matrix_product,
    **{f"{space}.{name}": matrix_product for space in (T, M) for name in ("mm", "bmm")},
}
OTHERS = {
    **shared.OTHERS,
    **dict.fromkeys((f"{F}.upsample", f"{F}.interpolate"), upsample),
    "einops.einsum": einsum,
    **dict.fromkeys((f"{T}.mul", f"{M}.mul"), elementwise("multiplication")),
    **dict.fromkeys((f"{T}.add", f"{M}.add"), elementwise("addition")),
}


def price_compute(trace: Trace) -> Account:
    """Each module of the tree once, shared or not, of the second call: the first is to warm up."""
    return price_flops(trace, PRODUCTS, OTHERS, each_once(trace))


def each_once(trace: Trace) -> Counts[int]:
    return Counts(subtree_after(trace))


def figures(model: Any, args: tuple, kwargs: dict) -> tuple[Any, Any, Any]:
    """``flops, macs, params = get_model_profile(model, args=..., kwargs=...)`` as in its manual."""
    from deepspeed.profiling.flops_profiler import get_model_profile

    return get_model_profile(  # type: ignore[no-any-return]
        model, args=list(args), kwargs=dict(kwargs), print_profile=False, as_string=False
    )


def read(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
    """A training step is three times that: the profiler of an engine prints ``3 * fwd flops per GPU``."""
    flops, _, params = figures(model, args, kwargs)
    return Answer(3 * flops if context.training else flops, params)


USAGE = Usage(
    imports="from deepspeed.profiling.flops_profiler import get_model_profile",
    call="flops, macs, params = get_model_profile(\n"
    "    model, args=list(args), print_profile=False, as_string=False\n)",
    named="flops, macs, params = get_model_profile(\n"
    "    model, args=list(args), kwargs=kwargs, print_profile=False, as_string=False\n)",
    step="flops, macs, params = get_model_profile(\n"
    "    model, args=list(args), kwargs={kwargs}, print_profile=False, as_string=False\n)\n"
    "flops = 3 * flops  # as the profiler of an engine prints it",
    figures={"compute": "flops", "params": "params"},
)

COUNTER = Counter(
    id="deepspeed",
    distribution="deepspeed",
    description="DeepSpeed's flops profiler: patched functions of torch",
    source="deepspeed/profiling/flops_profiler/profiler.py (0.19.8)",
    quantities={
        "compute": Quantity("flops", "FLOP", price_compute),
        "params": Quantity("params", "parameter", registered_parameters),
    },
    read=read,
    usage=USAGE,
    contexts=(CONTEXT,),
    further=(replace(CONTEXT, grad=False),),
    training=(replace(CONTEXT, variant="training"),),
    hooks=every,
    patches=frozenset(PRODUCTS) | frozenset(OTHERS),
    warm_up=True,
    overlay=(
        "deepspeed==0.19.8",
        "einops==0.8.2",
        "hjson==3.1.0",
        "msgpack==1.2.4",
        "py-cpuinfo==9.0.0",
    ),
)
