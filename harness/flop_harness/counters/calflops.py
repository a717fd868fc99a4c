"""calflops 0.3.2: functions of torch that it patches, FLOPs of forward, a fork of DeepSpeed's profiler.

Rules after calflops/pytorch_ops.py, calflops/calculate_pipline.py and calflops/utils.py of
calflops 0.3.2. It returns FLOPs, MACs and parameters; FLOPs come first and are the figure here, MACs
those of ``calflops-macs``.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

from flop_harness.counters.pricing import flops_profiler_rules as shared
from flop_harness.counters.pricing.flops_profiler import CONTEXT, price_flops
from flop_harness.counters.pricing.flops_profiler_rules import (
    DIMENSIONS,
    F,
    M,
    Multiplied,
    Rule,
    T,
    forward_size,
    of_input,
)
from flop_harness.counters.pricing.ptflops_functions import broadcast
from flop_harness.counters.pricing.recurrent import Charges
from flop_harness.counters.protocol import Answer, Counter, Quantity, every
from flop_harness.counters.ptflops_aten import price_params
from flop_harness.counters.usage import Usage
from flop_harness.records import Context, Trace
from flop_harness.records.account import Account
from flop_harness.trace.tree import applied, children_after
from flop_harness.trace.walk import Visit


def transposed_convolution(visit: Visit) -> Multiplied:
    """Cout // g is divided by g once more; the bias stands on a forward convolution's output."""
    call = visit.call
    x, weight, groups = of_input(call).shape, call.argument(1, "weight").shape, 6
    filters = weight[1] // call.argument(groups, "groups", 1)
    macs = prod(weight[2:]) * x[1] * filters * x[0] * prod(x[2:])
    biased = call.argument(2, "bias") is not None
    outputs = weight[1] * x[0] * prod(forward_size(call, 3, 7))
    unbatched = len(x) < len(weight)
    why = ("unbatched transposed convolution read as a batch" if unbatched
           else "transposed convolution divided by its groups twice")  # fmt: skip
    bias = "transposed convolution bias of a forward convolution"
    return Multiplied(macs, why, ((bias, outputs if biased else 0),))


def upsample(visit: Visit) -> Charges:
    """Output positions, without batch and channels; by a scale factor, the input's elements."""
    positions = shared.sized_positions(visit.call.argument(1, "size"), visit.call.output)
    return [("upsampling", visit.call.args[0].numel if positions is None else positions)]


def elementwise(name: str) -> Rule:
    """Elements of the result, shapes aligned at the left."""
    return lambda visit: [(name, broadcast(visit.call))]


PRODUCTS = shared.PRODUCTS | {f"{F}.conv_transpose{n}d": transposed_convolution for n in DIMENSIONS}
OTHERS = {
    **shared.OTHERS,
    **dict.fromkeys((f"{F}.upsample", f"{F}.interpolate"), upsample),
    **dict.fromkeys((f"{T}.mul", f"{M}.mul"), elementwise("multiplication")),
    **dict.fromkeys((f"{T}.add", f"{M}.add"), elementwise("addition")),
}


def price_compute(trace: Trace) -> Account:
    """A shared module's whole count is added at each of its places in the tree."""
    return price_flops(trace, PRODUCTS, OTHERS, applied(trace, children_after))


def figures(model: Any, args: tuple, kwargs: dict, context: Context) -> tuple[Any, Any, Any]:
    """``flops, macs, params = calculate_flops(model, args=..., kwargs=...)`` as in its README.

    A training step is asked for by ``include_backPropagation``: a backward pass of two forward ones.
    """
    from calflops import calculate_flops

    return calculate_flops(  # type: ignore[no-any-return]
        model=model,
        args=list(args),
        kwargs=dict(kwargs),
        print_results=False,
        output_as_string=False,
        include_backPropagation=context.training,
    )


def read(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
    flops, _, params = figures(model, args, kwargs, context)
    return Answer(flops, params)


USAGE = Usage(
    imports="from calflops import calculate_flops",
    call="flops, macs, params = calculate_flops(\n"
    "    model, args=list(args), print_results=False, output_as_string=False\n)",
    named="flops, macs, params = calculate_flops(\n"
    "    model, args=list(args), kwargs=kwargs, print_results=False, output_as_string=False\n)",
    step="flops, macs, params = calculate_flops(\n"
    "    model, args=list(args), kwargs={kwargs}, print_results=False, output_as_string=False,\n"
    "    include_backPropagation=True,\n)",
    figures={"compute": "flops", "params": "params"},
    tensors=True,
    parametric=True,
)

COUNTER = Counter(
    id="calflops",
    distribution="calflops",
    description="patched functions of torch, forward FLOPs",
    source="calflops/pytorch_ops.py, calflops/calculate_pipline.py (0.3.2)",
    quantities={
        "compute": Quantity("FLOPs", "FLOP", price_compute),
        "params": Quantity("Params", "parameter", price_params),
    },
    read=read,
    usage=USAGE,
    contexts=(CONTEXT,),
    further=(replace(CONTEXT, grad=False),),
    training=(replace(CONTEXT, variant="training"),),
    hooks=every,
    patches=frozenset(PRODUCTS) | frozenset(OTHERS),
    overlay=(
        "calflops==0.3.2",
        "accelerate==1.15.0",
        "huggingface-hub==0.36.2",
        "transformers==4.57.6",
        "tokenizers==0.22.1",
        "safetensors==0.8.0",
        "regex==2026.11.15",
        "requests==2.34.2",
        "urllib3==2.8.0",
        "idna==3.20",
        "certifi==2026.10.18",
        "charset-normalizer==3.5.2",
    ),
)
