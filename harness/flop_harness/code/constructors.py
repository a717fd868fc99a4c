"""Layers of torch.nn written as the call that makes them, from what a trace tells of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flop_harness.code.literals import CannotWrite, literal
from flop_harness.records import Call, List, Module, Tensor, Trace
from flop_harness.trace.walk import Visit, within

NN = "torch.nn.modules."


@dataclass(frozen=True, slots=True)
class Constructor:
    """The arguments that matter to what a layer does, and are kept under their own names.

    ``given`` come first, ``defaults`` follow where they differ, ``held`` tell by a parameter whether
    a switch is on, as (name of the parameter, default). ``spread`` layers keep a number that they are
    given as one for each axis; others are told apart by what they were given.
    """

    given: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    held: Mapping[str, tuple[str, bool]] = field(default_factory=dict)
    spread: bool = False


BIAS = {"bias": ("bias", True)}
AFFINE = {"affine": True, "track_running_stats": True}
WINDOW = {"padding": 0, "ceil_mode": False}
CONVOLUTION = Constructor(
    ("in_channels", "out_channels", "kernel_size"),
    {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "padding_mode": "zeros"}, BIAS, True,
)  # fmt: skip
TRANSPOSED = Constructor(
    CONVOLUTION.given, {**CONVOLUTION.defaults, "output_padding": 0}, BIAS, True
)
MAX_POOL = Constructor(
    ("kernel_size",), {"stride": None, **WINDOW, "dilation": 1, "return_indices": False}
)
AVERAGE_POOL = Constructor(("kernel_size",), {"stride": None, **WINDOW, "count_include_pad": True})
SEQUENCE = Constructor(
    ("input_size", "hidden_size"),
    {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0, "bidirectional": False,
     "proj_size": 0, "nonlinearity": "tanh"},
)  # fmt: skip
CELL = Constructor(("input_size", "hidden_size"), {"bias": True, "nonlinearity": "tanh"})
PLAIN = Constructor()
DIM = Constructor((), {"dim": None})
ATTENTION = f"{NN}activation.MultiheadAttention"


def family(folder: str, names: str, constructor: Constructor) -> dict[str, Constructor]:
    return {f"{NN}{folder}.{name}": constructor for name in names.split()}


CONSTRUCTORS: Mapping[str, Constructor] = {
    **family("conv", "Conv1d Conv2d Conv3d", CONVOLUTION),
    **family("conv", "ConvTranspose1d ConvTranspose2d ConvTranspose3d", TRANSPOSED),
    **family("linear", "Linear", Constructor(("in_features", "out_features"), {}, BIAS)),
    **family("linear", "Bilinear",
             Constructor(("in1_features", "in2_features", "out_features"), {}, BIAS)),
    **family("linear", "Identity", PLAIN),
    **family("batchnorm", "BatchNorm1d BatchNorm2d BatchNorm3d",
             Constructor(("num_features",), AFFINE)),
    **family("instancenorm", "InstanceNorm1d InstanceNorm2d InstanceNorm3d",
             Constructor(("num_features",), {"affine": False, "track_running_stats": False})),
    **family("normalization", "LayerNorm",
             Constructor(("normalized_shape",), {"elementwise_affine": True}, BIAS)),
    **family("normalization", "RMSNorm",
             Constructor(("normalized_shape",), {"elementwise_affine": True})),
    **family("normalization", "GroupNorm",
             Constructor(("num_groups", "num_channels"), {"affine": True})),
    **family("activation", "ReLU ReLU6 SiLU Mish ELU CELU SELU LeakyReLU Hardswish Hardsigmoid "
             "Hardtanh RReLU", Constructor((), {"inplace": False})),
    **family("activation", "Sigmoid Tanh LogSigmoid Softsign Tanhshrink Softplus", PLAIN),
    **family("activation", "GELU", Constructor((), {"approximate": "none"})),
    **family("activation", "PReLU", Constructor((), {"num_parameters": 1})),
    **family("activation", "Softmax LogSoftmax Softmin", DIM),
    **family("pooling", "MaxPool1d MaxPool2d MaxPool3d", MAX_POOL),
    **family("pooling", "AvgPool1d AvgPool2d AvgPool3d", AVERAGE_POOL),
    **family("pooling", "AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d "
             "AdaptiveMaxPool1d AdaptiveMaxPool2d AdaptiveMaxPool3d", Constructor(("output_size",))),
    **family("upsampling", "Upsample",
             Constructor((), {"size": None, "scale_factor": None, "mode": "nearest",
                              "align_corners": None})),
    **family("rnn", "RNN GRU LSTM", SEQUENCE),
    **family("rnn", "RNNCell GRUCell LSTMCell", CELL),
    ATTENTION: Constructor(
        ("embed_dim", "num_heads"),
        {"kdim": None, "vdim": None, "dropout": 0.0, "add_zero_attn": False, "batch_first": False},
        {"bias": ("in_proj_bias", True), "add_bias_kv": ("bias_k", False)},
    ),
}  # fmt: skip

GIVEN = {name.rpartition(".")[2]: each.given for name, each in CONSTRUCTORS.items()}
SAME_AS = {"stride": "kernel_size", "kdim": "embed_dim", "vdim": "embed_dim"}
"""What is kept for a default of None"""
WITHOUT = {"affine", "elementwise_affine"}
"""Switches that leave a layer without a bias of its own"""


def positional(name: str) -> tuple[str, ...]:
    """The arguments that a layer of torch.nn is given without their names."""
    return GIVEN.get(name, ())


def constructed(trace: Trace, module: Module) -> str:
    """``torch.nn.Conv2d(3, 64, 11, stride=4)``; empty for what is not told by its settings alone."""
    constructor = CONSTRUCTORS.get(module.type)
    held = dict(module.parameters)
    if constructor is None or "becomes" in module.config or not plain(trace, module):
        return ""
    config = {name: shortened(value, constructor.spread) for name, value in module.config.items()}
    if not config.keys() >= set(constructor.given):
        return ""
    words = [literal(config[name]) for name in constructor.given]
    words += [
        f"{name}={literal(config[name])}" for name, default in constructor.defaults.items()
        if name in config and not is_default(name, default, config)
    ]  # fmt: skip
    words += [
        f"{name}={parameter in held}" for name, (parameter, default) in constructor.held.items()
        if (parameter in held) != default and not any(config.get(each) is False for each in WITHOUT)
    ]  # fmt: skip
    return f"torch.nn.{module.type_name}({', '.join(words)})"


def plain(trace: Trace, module: Module) -> bool:
    """Whether a layer is as its constructor leaves it: trainable, of single precision, not wrapped."""
    names = {name for name, _ in module.parameters}
    wrapped = any(name.endswith(("_orig", "_g", "_v")) for name in names - {"bias_v"})
    parts = [trace.parameters[number] for _, number in module.parameters]
    below = module.children if module.type != ATTENTION else ()
    held = not any(isinstance(value, Tensor) for value in module.config.values())
    return held and not wrapped and not below and all(
        part.trainable and not part.lazy and part.dtype == "float32" for part in parts
    )  # fmt: skip


def is_default(name: str, default: Any, config: Mapping[str, Any]) -> bool:
    value = config[name]
    return value == default or (
        default is None and name in SAME_AS and value == config[SAME_AS[name]]
    )


def shortened(value: Any, spread: bool) -> Any:
    """``(3,)`` as ``3``, and ``(3, 3)`` where a number stands for each axis."""
    if not isinstance(value, tuple) or not value or isinstance(value, List):
        return value
    return value[0] if len(value) == 1 or (spread and len(set(value)) == 1) else value


# ---------------------------------------------------------------------------------- attention

TAKES: Mapping[str, Any] = {
    "query": None, "key": None, "value": None, "key_padding_mask": None, "need_weights": True,
    "attn_mask": None, "average_attn_weights": True, "is_causal": False,
}  # fmt: skip
"""What MultiheadAttention takes, in this order, with the defaults of all but the first three"""


QKV = tuple(TAKES)[:3]


def in_order(call: Call) -> Call:
    """A call of MultiheadAttention with all that matters by position."""
    given = dict(zip(TAKES, call.args, strict=False)) | dict(call.kwargs)
    last = max(place for place, name in enumerate(TAKES)
               if name in given and (place < 3 or given[name] != TAKES[name]))  # fmt: skip
    args = tuple(given.get(name, TAKES[name]) for name in list(TAKES)[: last + 1])
    return call._replace(args=args, kwargs=())


def shared_inputs(call: Call) -> dict[int | str, int]:
    """Which of the query, key and value of such a call, by position or name, are one tensor.

    Those are that have the same number. It projects one tensor once, key and value of another at once, and three each by itself.
    CannotWrite where its operators do not tell.
    """
    places = [place if place < len(call.args) else name for place, name in enumerate(QKV)]
    return dict(zip(places, sharing(call), strict=True))


def sharing(call: Call) -> tuple[int, int, int]:
    """A number for each of query, key and value: ``(0, 0, 0)`` if all are one tensor."""
    names = [visit.call.packet for visit in within(Visit(call, call.name, ()))]
    if any(name.startswith("aten._native_multi_head") for name in names):
        return 0, 0, 0
    known = {2: (0, 0, 0), 3: (0, 1, 1), 4: (0, 1, 2)}
    projections = names.count("aten.linear")
    if projections not in known:
        raise CannotWrite("attention whose inputs may be one tensor or several")
    return known[projections]
