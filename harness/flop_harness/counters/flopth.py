"""flopth 0.1.6: the last call of each leaf module that it has a rule for; says FLOPs, counts MACs.

Rules after flopth/model_viewer.py and flopth/helper.py of flopth 0.1.6. Amounts are MACs and, for
what is no product, elements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import prod
from typing import Any

from flop_harness.conventions.products import products_inside
from flop_harness.conventions.reference import registered_parameters
from flop_harness.counters.pricing.layers import biased
from flop_harness.counters.pricing.recurrent import Charges
from flop_harness.counters.protocol import Answer, Counter, Quantity, positionally
from flop_harness.counters.usage import Usage
from flop_harness.records import RAISED, Context, Module, Trace
from flop_harness.records.account import Account
from flop_harness.trace.tree import subtree
from flop_harness.trace.walk import Visit, is_closed, visits

Rule = Callable[[Visit, Module], Charges]


def nothing(visit: Visit, module: Module) -> Charges:
    return []


def convolution(visit: Visit, module: Module) -> Charges:
    """kernel x Cin x (Cout // g) per output position, transposed or not; the bias per output."""
    x, y, config = visit.call.args[0], visit.call.output, module.config
    each = prod(config["kernel_size"]) * x.shape[1] * (y.shape[1] // config["groups"])
    charged = y.shape[0] * prod(y.shape[2:]) * each
    term = "transposed convolution" if "Transpose" in module.type_name else "convolution"
    true = products_inside(visit).get(term, 0)
    return [
        (term, true),
        (f"{term} counted on its output", charged - true),
        (f"{term} bias", y.numel if biased(visit, module) else 0),
    ]


def linear(visit: Visit, module: Module) -> Charges:
    """Product of the input's first two dimensions and the output's second."""
    x, y = visit.call.args[0], visit.call.output
    true = products_inside(visit).get("linear", 0)
    charged = x.shape[0] * x.shape[1] * y.shape[1]
    return [("linear", true), ("linear layer read as two-dimensional", charged - true)]


def normalisation(name: str) -> Rule:
    """1 per input element, 2 where ``affine`` is set; a layer norm's switch has another name."""

    def rule(visit: Visit, module: Module) -> Charges:
        return [(name, visit.call.args[0].numel * (2 if module.config.get("affine") else 1))]

    return rule


def per_input(name: str) -> Rule:
    return lambda visit, module: [(name, visit.call.args[0].numel)]


def per_output(name: str) -> Rule:
    return lambda visit, module: [(name, visit.call.output.numel)]


def upsample(visit: Visit, module: Module) -> Charges:
    """Batch x output positions: the channels are left out."""
    shape = visit.call.output.shape
    return [("upsampling", shape[0] * prod(shape[2:]))]


def table(folder: str, labels: dict[str, str], rule: Callable[[str], Rule]) -> dict[str, Rule]:
    return {f"torch.nn.modules.{folder}.{name}": rule(labels[name]) for name in labels}


ACTIVATIONS = ("ReLU", "ReLU6", "PReLU", "ELU", "LeakyReLU", "GELU", "CELU", "SELU")
CONVOLUTIONS = [f"Conv{kind}{n}d" for kind in ("", "Transpose") for n in (1, 2, 3)]

# By isinstance, the first that fits; everything else is zero.
RULES: dict[str, Rule] = {
    **{f"torch.nn.modules.conv.{name}": convolution for name in CONVOLUTIONS},
    **table("batchnorm", {f"BatchNorm{n}d": "batch normalisation" for n in (1, 2, 3)},
            normalisation),
    **table("normalization", {"LayerNorm": "layer normalisation",
                              "GroupNorm": "group normalisation"}, normalisation),
    **table("instancenorm", {f"InstanceNorm{n}d": "instance normalisation" for n in (1, 2, 3)},
            normalisation),
    **table("pooling", {"AvgPool2d": "average pooling", "MaxPool2d": "max pooling",
                        "AdaptiveAvgPool2d": "adaptive average pooling",
                        "AdaptiveMaxPool2d": "adaptive max pooling"}, per_input),
    **table("activation", {name: name for name in ACTIVATIONS}, per_input),
    "torch.nn.modules.upsampling.Upsample": upsample,
    "torch.nn.modules.linear.Linear": linear,
    **table("activation", {name: name for name in ("Hardswish", "Hardsigmoid")}, per_output),
    **table("activation", {"Tanh": "Tanh"}, per_input),
}  # fmt: skip


def classes(module: Module) -> tuple[str, ...]:
    """What it is an instance of when it is charged, which a lazy module becomes in its first call."""
    return module.config.get("becomes", module.bases)


def without(*names: str) -> dict[str, Rule]:
    """The rules but for those of these classes of torch.nn: what an earlier release did not know."""
    return {each: rule for each, rule in RULES.items() if each.rpartition(".")[2] not in names}


TRANSPOSED = tuple(name for name in CONVOLUTIONS if "Transpose" in name)
NORMS = ("LayerNorm", "GroupNorm", *(f"InstanceNorm{n}d" for n in (1, 2, 3)))
RULES_0_1_3 = without(*TRANSPOSED, "Tanh")
"""flopth/helper.py of 0.1.3 and 0.1.4"""
RULES_0_1_1 = without(
    *TRANSPOSED, "Tanh", *NORMS, "GELU", "CELU", "SELU", "Hardswish", "Hardsigmoid"
)
"""flopth/helper.py of 0.1.1 and 0.1.2"""
KNOWN_AT_FIRST = ("Conv2d", "BatchNorm2d", "AvgPool2d", "MaxPool2d", "ReLU", "ReLU6", "PReLU", "ELU",
                  "LeakyReLU", "Upsample", "Linear")  # fmt: skip
RULES_0_0_1 = {
    each: rule for each, rule in RULES.items() if each.rpartition(".")[2] in KNOWN_AT_FIRST
}
"""flopth/helper.py of 0.0.1 to 0.0.4"""
RULES_0_0_5 = {each: rule for each, rule in RULES_0_1_1.items() if "Adaptive" not in each}
"""flopth/helper.py of 0.0.5 to 0.0.502"""


def rule_of(module: Module, rules: Mapping[str, Rule]) -> Rule:
    return next((rule for name, rule in rules.items() if name in classes(module)), nothing)


def last_calls(trace: Trace) -> Iterator[tuple[Visit, Module]]:
    """Each leaf module's last call that came to its end; an earlier one is overwritten.

    The class of each leaf is patched, so that it comes before pre-hooks; later calls of a lazy module only if what it has become is.
    """
    leaves = {index for index in subtree(trace, 0) if not trace.modules[index].children}
    patched = {trace.modules[index].type for index in leaves}
    last: dict[int, tuple[Visit, Module]] = {}
    for visit in visits(trace, is_closed):
        index = visit.call.module
        if index < 0 or visit.call.output == RAISED:
            continue
        module = trace.modules[index]
        if index in leaves and (index not in last or not patched.isdisjoint(classes(module))):
            last[index] = (visit, module)
    yield from last.values()


def price_compute(trace: Trace, rules: Mapping[str, Rule] = RULES) -> Account:
    return Account.of(
        (visit.path, term, amount)
        for visit, module in last_calls(trace)
        for term, amount in rule_of(module, rules)(visit, module)
    )


def read(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
    """``flops, params = flopth(model, inputs=(x,))`` as in its README, ``bare_number=True``.

    Each leaf's figure, a row of its table, stands in the buffer ``flops`` that it leaves there.
    It moves everything to CUDA wherever there is one; here it is asked on the context's device.
    """
    from unittest.mock import patch

    from flopth import flopth

    leaves = [(name, m) for name, m in model.named_modules() if not list(m.children())]
    with patch("torch.cuda.is_available", lambda: context.device == "cuda"):
        flops, params = flopth(model, inputs=args, bare_number=True)
    return Answer(flops, params, {name: m.flops[0].item() for name, m in leaves})


COUNTER = Counter(
    id="flopth",
    distribution="flopth",
    description="leaf modules of known type, their last call only",
    source="flopth/model_viewer.py, flopth/helper.py (0.1.6)",
    quantities={
        "compute": Quantity(
            "FLOPs", "MAC", price_compute, lambda trace: price_compute(trace).by_module()
        ),
        "params": Quantity("Params", "parameter", registered_parameters),
    },
    read=read,
    usage=Usage(
        imports="from flopth import flopth",
        call="flops, params = flopth(model, inputs=args, bare_number=True)",
        figures={"compute": "flops", "params": "params"},
        tensors=True,
        parametric=True,
    ),
    contexts=(Context(grad=True, mode="eval"),),
    further=(Context(grad=False, mode="eval"),),
    inputs=positionally,
    overlay=("flopth==0.1.6",),
)
