"""torchscan 0.2.0: formulas for leaf modules, by what they are instances of.

Rules after torchscan/crawler.py, torchscan/modules/macs.py and torchscan/modules/_pooling.py of
torchscan 0.2.0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import prod
from typing import Any

from flop_harness.conventions.products import products_inside
from flop_harness.conventions.reference import registered_parameters
from flop_harness.counters.pricing.copies import original
from flop_harness.counters.pricing.matched import corrected
from flop_harness.counters.pricing.recurrent import Charges
from flop_harness.counters.pricing.torchinfo_rows import is_leaf
from flop_harness.counters.protocol import Answer, Counter, Quantity, every
from flop_harness.counters.usage import Usage
from flop_harness.records import Context, Dict, List, Module, Tensor, Trace
from flop_harness.records.account import Account
from flop_harness.trace.tree import is_a, subtree
from flop_harness.trace.walk import Visit, module_calls


def first_tensor(value: Any) -> Tensor | None:
    """The first tensor in nested containers."""
    if isinstance(value, Tensor):
        return value
    items = value.values if isinstance(value, Dict) else value
    if not isinstance(items, tuple):
        return None
    return next((found for item in items if (found := first_tensor(item)) is not None), None)


def given(visit: Visit) -> Tensor | None:
    return first_tensor((*visit.call.args, *(value for _, value in visit.call.kwargs)))


# ------------------------------------------------------------------------------------- rules

Rule = Callable[[Visit, Module, Tensor, Tensor], Charges]


def linear(visit: Visit, module: Module, x: Tensor, y: Tensor) -> Charges:
    return corrected(products_inside(visit), "linear", module.config["in_features"] * y.numel)


def flat_linear(visit: Visit, module: Module, x: Tensor, y: Tensor) -> Charges:
    """First two dimensions of the input x second of the output: torchscan before 0.1.2."""
    charged = x.shape[0] * x.shape[1] * y.shape[1]
    why = "linear layer read as two-dimensional"
    return corrected(products_inside(visit), "linear", charged, why)


def by_output(module: Module, x: Tensor, y: Tensor) -> int:
    """Output elements x second dimension of the input // groups x kernel."""
    return y.numel * (x.shape[1] // module.config["groups"]) * prod(module.config["kernel_size"])


def plain_transposed(visit: Visit, module: Module, x: Tensor, y: Tensor) -> Charges:
    """As a convolution: torchscan 0.1.0 looks for a class that torch has renamed."""
    term, why = "transposed convolution", "transposed convolution counted on its output"
    return corrected(products_inside(visit), term, by_output(module, x, y), why)


def convolution(visit: Visit, module: Module, x: Tensor, y: Tensor) -> Charges:
    why = "unbatched convolution: second dimension taken for channels"
    return corrected(products_inside(visit), "convolution", by_output(module, x, y), why)


def transposed(visit: Visit, module: Module, x: Tensor, y: Tensor) -> Charges:
    """As a convolution, and four for each dimension's padding."""
    padding = 4 * len(module.config["kernel_size"])
    return [
        *plain_transposed(visit, module, x, y),
        ("transposed convolution padding arithmetic", padding),
    ]


def batch_norm(visit: Visit, module: Module, x: Tensor, y: Tensor) -> Charges:
    """1 per input element, 2 with an affine pair; statistics, where the model keeps it in training."""
    config, per_channel = module.config, x.shape[0] * prod(x.shape[2:])
    tracks = config["track_running_stats"] and module.training
    tracking = config["num_features"] * (3 * per_channel + 2) if tracks else 0
    return [
        ("batch normalisation", x.numel * (2 if config["affine"] else 1)),
        ("batch normalisation statistics", tracking),
    ]


def window(module: Module) -> int:
    """Elements of a window; a size given as one number is taken for all of it, a list fails."""
    kernel = module.config["kernel_size"]
    if isinstance(kernel, List):
        raise TypeError("unsupported operand: a list is taken for a number")
    return prod(kernel) if isinstance(kernel, tuple) else kernel


def max_pool(visit: Visit, module: Module, x: Tensor, y: Tensor) -> Charges:
    return [("max pooling", y.numel * (window(module) - 1))]


def average_pool(visit: Visit, module: Module, x: Tensor, y: Tensor) -> Charges:
    return [("average pooling", y.numel * (window(module) - 1 + len(x.shape) - 2))]


def ratios(x: Tensor, y: Tensor) -> list[int]:
    """Input / output size where it divides, else the remainder + 1."""
    pairs = zip(x.shape[2:], y.shape[2:], strict=False)
    return [i // o if i % o == 0 else i % o + 1 for i, o in pairs]


def adaptive_max_pool(visit: Visit, module: Module, x: Tensor, y: Tensor) -> Charges:
    return [("adaptive max pooling", y.numel * (prod(ratios(x, y)) - 1))]


def adaptive_average_pool(visit: Visit, module: Module, x: Tensor, y: Tensor) -> Charges:
    kernel = ratios(x, y)
    return [("adaptive average pooling", y.numel * (prod(kernel) - 1 + len(kernel)))]


RULES: dict[str, Rule] = {
    f"torch.nn.modules.{name}": rule
    for name, rule in {
        "linear.Linear": linear,
        "conv._ConvTransposeNd": transposed,
        "conv._ConvNd": convolution,
        "batchnorm._BatchNorm": batch_norm,
        "pooling._MaxPoolNd": max_pool,
        "pooling._AvgPoolNd": average_pool,
        "pooling._AdaptiveMaxPoolNd": adaptive_max_pool,
        "pooling._AdaptiveAvgPoolNd": adaptive_average_pool,
    }.items()
}
RULES_0_1_1 = {**RULES, "torch.nn.modules.linear.Linear": flat_linear}
RULES_0_1_0 = {**RULES_0_1_1, "torch.nn.modules.conv._ConvTransposeNd": plain_transposed}
ATTENTION = "torch.nn.modules.activation.MultiheadAttention"
TRANSFORMER = "torch.nn.modules.transformer.Transformer"


def charges(
    trace: Trace, rules: Mapping[str, Rule] = RULES, first_alone: bool = False
) -> Iterator[tuple[str, str, int]]:
    """Calls of leaves that were there before the forward pass; a root Transformer is one leaf.

    With ``first_alone`` the first call of each.
    """
    if is_a(trace.modules[0], TRANSFORMER):
        return
    held = {index for index in subtree(trace, 0) if is_leaf(trace, index)}
    called: set[int] = set()
    for visit, module in module_calls(trace):
        if first_alone and visit.call.module in called:
            continue
        called.add(visit.call.module)
        rule = next((rules[base] for base in module.bases if base in rules), None)
        x, y = given(visit), first_tensor(visit.call.output)
        if original(trace, visit.call.module) in held and rule and x is not None and y is not None:
            yield from ((visit.path, *charge) for charge in failing(rule, visit, module, x, y))


def failing(rule: Any, visit: Visit, module: Module, x: Tensor, y: Tensor) -> Charges:
    """A formula that fails has no share in the total."""
    try:
        return rule(visit, module, x, y)
    except (IndexError, TypeError, ZeroDivisionError):
        return []


def price_compute(trace: Trace) -> Account:
    return Account.of(charges(trace))


def price_first_calls(trace: Trace, rules: Mapping[str, Rule] = RULES) -> Account:
    """torchscan/crawler.py of releases 0.1: a hook is used once."""
    return Account.of(charges(trace, rules, first_alone=True))


def by_module(trace: Trace) -> dict[str, int | float]:
    """A copy's figures under the name of its original."""
    paths = {module.path: trace.modules[original(trace, index)].path
             for index, module in enumerate(trace.modules)}  # fmt: skip
    named = ((paths[path], term, amount) for path, term, amount in charges(trace))
    return Account.of(named).by_module()


def read(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
    """``crawl_module(model, args=..., kwargs=...)``; the known values of its totals."""
    from torchscan import crawl_module

    report = crawl_module(model, args=args, kwargs=kwargs)
    modules: dict[str, int | float] = {}
    for layer in report["layers"]:
        known = layer["metrics"].get("macs", {}).get("known_value")
        modules[layer["path"]] = modules.get(layer["path"], 0) + (known or 0)
    totals = report["totals"]
    return Answer(totals["macs"]["known_value"], totals["parameters"]["known_value"], modules)


COUNTER = Counter(
    id="torchscan",
    distribution="torchscan",
    description="formulas for leaf modules of known kind, under no_grad",
    source="torchscan/crawler.py, torchscan/modules/macs.py (0.2.0)",
    quantities={
        "compute": Quantity("Multiply-Accumulations", "MAC", price_compute, by_module),
        "params": Quantity("Total params", "parameter", registered_parameters),
    },
    read=read,
    usage=Usage(
        imports="from torchscan import crawl_module",
        call='totals = crawl_module(model, args=args)["totals"]',
        named='totals = crawl_module(model, args=args, kwargs=kwargs)["totals"]',
        figures={
            "compute": 'totals["macs"]["known_value"]',
            "params": 'totals["parameters"]["known_value"]',
        },
        silent=True,
    ),
    contexts=(Context(mode="eval"),),
    hooks=every,
    overlay=("torchscan==0.2.0",),
)
