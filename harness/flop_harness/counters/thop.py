"""thop 0.1.1: forward hooks on modules whose exact type it has a rule for.

Rules after thop/profile.py, thop/vision/basic_hooks.py, thop/vision/calc_func.py and
thop/rnn_hooks.py of thop 0.1.1.post2209072238.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from math import prod
from typing import Any

from flop_harness.conventions.products import products_inside
from flop_harness.conventions.reference import parameter_term
from flop_harness.counters.pricing.copies import is_copy, original, tallied
from flop_harness.counters.pricing.layers import held_at, kernel_of, kind_of
from flop_harness.counters.pricing.recurrent import Charges, cell_products, sequence_cells
from flop_harness.counters.protocol import Answer, Counter, Quantity, positionally
from flop_harness.counters.usage import Usage
from flop_harness.records import Context, Dict, Module, Trace
from flop_harness.records.account import Account
from flop_harness.trace.tree import all_parameters, applied, children, is_a, summed
from flop_harness.trace.walk import Visit, module_calls

Rule = Callable[[Visit, Module], Charges]

SEQUENTIAL = "torch.nn.modules.container.Sequential"
MODULE_LIST = "torch.nn.modules.container.ModuleList"


def nothing(visit: Visit, module: Module) -> Charges:
    return []


def convolution(visit: Visit, module: Module) -> Charges:
    """Output elements x second dimension of the input // groups x kernel; no bias."""
    x, y = visit.call.args[0], visit.call.output
    charged = y.numel * (x.shape[1] // module.config["groups"]) * prod(kernel_of(visit, module))
    transposed = "Transpose" in module.type_name
    term = "transposed convolution" if transposed else "convolution"
    true = products_inside(visit).get(term, 0)
    why = (
        "transposed convolution counted on its output"
        if transposed
        else "unbatched convolution: second dimension taken for channels"
    )
    return [(term, true), (why, charged - true)]


def linear(visit: Visit, module: Module) -> Charges:
    return [("linear", module.config["in_features"] * visit.call.output.numel)]


def normalisation(name: str) -> Rule:
    """2 per input element, 4 with an affine pair."""

    def rule(visit: Visit, module: Module) -> Charges:
        config = module.config
        affine = config.get("affine", False) or config.get("elementwise_affine", False)
        return [(name, visit.call.args[0].numel * (4 if affine else 2))]

    return rule


def prelu(visit: Visit, module: Module) -> Charges:
    """1 per input element, unless the model has kept the layer in training."""
    return [("PReLU", 0 if module.training else visit.call.args[0].numel)]


def softmax(visit: Visit, module: Module) -> Charges:
    """3n - 1 for each row of n."""
    x = visit.call.args[0]
    size = x.shape[module.config["dim"]]
    return [("softmax", x.numel // size * (3 * size - 1))]


def average_pool(visit: Visit, module: Module) -> Charges:
    return [("average pooling", visit.call.output.numel)]


def adaptive_average_pool(visit: Visit, module: Module) -> Charges:
    """(window + 1) per output element, the window taken as input size / output size."""
    x, y = visit.call.args[0], visit.call.output
    ratios = [a / b for a, b in zip(x.shape[2:], y.shape[2:], strict=True)]
    return [("adaptive average pooling", int((prod(ratios, start=1.0) + 1) * y.numel))]


UPSAMPLE = {"nearest": 1, "linear": 5, "bilinear": 11, "bicubic": 259}


def upsample(visit: Visit, module: Module) -> Charges:
    return [("upsampling", visit.call.output.numel * UPSAMPLE.get(module.config["mode"], 0))]


# Per hidden element of one cell step beyond the matrix products: gates, then the combination.
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
COMBINATION = {"RNN": 0, "GRU": 4, "LSTM": 4}


def cell_extra(kind: str, hidden: int, bias: bool) -> int:
    """Additions, activations and Hadamard products that thop charges for one step of a cell."""
    return hidden * (GATES[kind] * (3 if bias else 1) + COMBINATION[kind])


def cell(visit: Visit, module: Module) -> Charges:
    kind = kind_of(module).removesuffix("Cell")
    hidden, batch = module.config["hidden_size"], visit.call.args[0].shape[0]
    products = cell_products(kind, module.config["input_size"], hidden)
    extra = cell_extra(kind, hidden, module.config["bias"])
    return [("recurrent product", batch * products), ("recurrent cell arithmetic", batch * extra)]


def sequence(visit: Visit, module: Module) -> Charges:
    """All layers and directions; every step of the batch, packed or not; projections unknown."""
    x, config = visit.call.args[0], module.config
    kind = kind_of(module)
    if isinstance(x, Dict):
        sizes = x.values[1]
        steps = max(sizes) * len(sizes)
    else:
        steps = x.shape[0] * x.shape[1]
    hidden = config["hidden_size"]
    cells = sequence_cells(config)
    products = steps * sum(cell_products(kind, width, hidden) for width in cells)
    extra = steps * len(cells) * cell_extra(kind, hidden, config["bias"])
    true = products_inside(visit).get("recurrent product", 0)
    return [
        ("recurrent product", true),
        ("recurrent steps or projection counted differently", products - true),
        ("recurrent cell arithmetic", extra),
    ]


def qualified(folder: str, names: str) -> list[str]:
    return [f"torch.nn.modules.{folder}.{name}" for name in names.split()]


RULES: dict[str, Rule] = {
    **dict.fromkeys(qualified("padding", "ZeroPad2d"), nothing),
    **dict.fromkeys(
        qualified(
            "conv",
            "Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d",
        ),
        convolution,
    ),
    **dict.fromkeys(
        qualified("batchnorm", "BatchNorm1d BatchNorm2d BatchNorm3d SyncBatchNorm"),
        normalisation("batch normalisation"),
    ),
    **dict.fromkeys(qualified("normalization", "LayerNorm"), normalisation("layer normalisation")),
    **dict.fromkeys(
        qualified("instancenorm", "InstanceNorm1d InstanceNorm2d InstanceNorm3d"),
        normalisation("instance normalisation"),
    ),
    **dict.fromkeys(qualified("activation", "PReLU"), prelu),
    **dict.fromkeys(qualified("activation", "Softmax"), softmax),
    **dict.fromkeys(qualified("activation", "ReLU ReLU6 LeakyReLU"), nothing),
    **dict.fromkeys(
        qualified(
            "pooling",
            "MaxPool1d MaxPool2d MaxPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d AdaptiveMaxPool3d",
        ),
        nothing,
    ),
    **dict.fromkeys(qualified("pooling", "AvgPool1d AvgPool2d AvgPool3d"), average_pool),
    **dict.fromkeys(
        qualified("pooling", "AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d"),
        adaptive_average_pool,
    ),
    **dict.fromkeys(qualified("linear", "Linear"), linear),
    **dict.fromkeys(qualified("dropout", "Dropout"), nothing),
    **dict.fromkeys(
        qualified("upsampling", "Upsample UpsamplingBilinear2d UpsamplingNearest2d"), upsample
    ),
    **dict.fromkeys(qualified("rnn", "RNNCell GRUCell LSTMCell"), cell),
    **dict.fromkeys(qualified("rnn", "RNN GRU LSTM"), sequence),
    **dict.fromkeys(qualified("container", "Sequential"), nothing),
    **dict.fromkeys(qualified("pixelshuffle", "PixelShuffle"), nothing),
}


def leaf_of_sum(module: Module, rules: Mapping[str, Rule] = RULES) -> bool:
    """Where thop's sum over the tree stops: at a module with a rule, unless it is a container."""
    return module.type in rules and not is_a(module, SEQUENTIAL, MODULE_LIST)


def price_compute(trace: Trace, rules: Mapping[str, Rule] = RULES, copies: bool = True) -> Account:
    """By ``rules`` for the types that have one; each call as often as hooks and sum take it in.

    Without ``copies`` the sum leaves out what stands on those that the model made of its layers.
    """
    hooks, sums = applied(trace), summed(trace, partial(leaf_of_sum, rules=rules))

    def charges() -> Iterator[tuple[str, str, int]]:
        for visit, module, index, suffix in tallied(trace):
            if module.type not in rules or (is_copy(trace.modules[index]) and not copies):
                continue
            times = hooks[original(trace, index)] * sums[index]
            for term, amount in rules[module.type](visit, module):
                if times:
                    yield visit.path, term + suffix, amount
                    yield (
                        visit.path,
                        f"{term} of a shared module counted again",
                        amount * (times - 1),
                    )

    return Account.of(charges())


def price_params(trace: Trace, rules: Mapping[str, Rule] = RULES) -> Account:
    """Parameters of called modules that have a rule, once for each place in the tree.

    The root's own are left out, so that a model that is one layer has none.
    """
    hooks, sums = applied(trace), summed(trace, partial(leaf_of_sum, rules=rules))
    last = {visit.call.module: visit for visit, _ in module_calls(trace)}
    entries = []
    for index, visit in last.items():
        module = trace.modules[index]
        if not (index and leaf_of_sum(module, rules) and sums[index] and hooks[index]):
            continue
        term, amount = parameter_term(module), elements_at(trace, visit)
        entries.append((module.path, term, amount))
        entries.append((module.path, f"{term} counted again", amount * (sums[index] - 1)))
    return Account.of(entries)


def elements_at(trace: Trace, visit: Visit) -> int:
    """Elements of the distinct parameters of a module and all below it, as its hooks find them."""
    index = visit.call.module
    numbers = dict(trace.modules[index].parameters)
    found: dict[Any, int] = {}  # by number, or by name where one is gone
    for child in children(trace, index):
        found |= all_parameters(trace, child)
    held = held_at(trace, visit).items()
    return sum((found | {numbers.get(name, name): n for name, (n, _) in held}).values())


def read(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
    """``macs, params = profile(model, inputs=(input,))`` as in thop's README."""
    from thop import profile

    macs, params, layers = profile(model, inputs=args, verbose=False, ret_layer_info=True)
    return Answer(macs, params, dict(flattened(layers)))


def flattened(layers: dict, prefix: str = "") -> Iterator[tuple[str, float]]:
    """thop's nested layer information as path -> MACs."""
    for name, (macs, _, below) in layers.items():
        path = f"{prefix}{name}"
        yield path, macs
        yield from flattened(below, path + ".")


USAGE = Usage(
    imports="from thop import profile",
    call="macs, params = profile(model, inputs=args, verbose=False)",
    figures={"compute": "macs", "params": "params"},
)

COUNTER = Counter(
    id="thop",
    distribution="thop",
    description="forward hooks on layers of known type, under no_grad",
    source="thop/profile.py, thop/vision/basic_hooks.py, thop/rnn_hooks.py (0.1.1.post2209072238)",
    quantities={
        "compute": Quantity("MACs", "MAC", price_compute),
        "params": Quantity("params", "parameter", price_params),
    },
    on_meta=True,
    read=read,
    usage=USAGE,
    contexts=(Context(mode="eval"),),
    inputs=positionally,
    hooks=lambda path, kind: kind in RULES,
)
