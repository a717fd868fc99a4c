"""Random small networks as descriptions: lists of steps that hypothesis draws and shrinks.

A description is plain data, so that a failure prints as one; ``sample`` builds it anew for every
counter. Values flow as images (batch, channels, height, width), sequences (batch, length, width) or
rows (batch, width); a step names what it needs and is drawn only where it fits.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune, spectral_norm, weight_norm
from torch.nn.utils.parametrizations import weight_norm as parametrised

from layers import Sample

Shape = tuple[int, ...]


class Step(NamedTuple):
    """The name of a kind in ``KINDS``, and the numbers that it is made with."""

    kind: str
    width: int = 1
    option: int = 0


class Network(NamedTuple):
    """Steps in order, the shape of the input, and what the whole is like."""

    shape: Shape
    steps: tuple[Step, ...]
    training: bool = False
    wrapped: str = ""
    shared: bool = False


class Mine:
    """Makes subclasses of layers, as people's code is full of."""

    def __class_getitem__(cls, base: type) -> type:
        return type(f"My{base.__name__}Same", (base,), {})


class Function(nn.Module):
    """A function as a layer that has parts of its own."""

    def __init__(self, function: Callable, **parts: Any) -> None:
        super().__init__()
        self.function = function
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x):
        return self.function(self, x)


def kinds(option: int, plain: type) -> type:
    """The layer, or one derived from it."""
    return Mine[plain] if option % 3 == 2 else plain


# ---------------------------------------------------------------------------- layers by what they take


def convolution(shape: Shape, step: Step) -> nn.Module:
    groups = shape[1] if step.option == 1 else 1
    out = groups * step.width if groups > 1 else step.width
    size = np.int64(3) if step.option == 3 else 3
    return kinds(step.option, nn.Conv2d)(shape[1], out, size, padding=1, groups=groups)


def wrapped_convolution(shape: Shape, step: Step) -> nn.Module:
    layer = nn.Conv2d(shape[1], step.width, 3, padding=1)
    return (weight_norm, spectral_norm, parametrised, pruned)[step.option](layer)


def pruned(layer: nn.Module) -> nn.Module:
    prune.l1_unstructured(layer, "weight", amount=0.5)
    return prune.l1_unstructured(layer, "bias", amount=1)


def transposed(shape: Shape, step: Step) -> nn.Module:
    return kinds(step.option, nn.ConvTranspose2d)(
        shape[1], step.width, 2, stride=1 + step.option % 2
    )


def pool(shape: Shape, step: Step) -> nn.Module:
    layers = (nn.AvgPool2d, nn.MaxPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)
    return kinds(step.width, layers[step.option])(2)


def image_norm(shape: Shape, step: Step) -> nn.Module:
    layers = (nn.BatchNorm2d, nn.InstanceNorm2d, lambda n: nn.GroupNorm(1, n), Kept)
    return layers[step.option](shape[1])


class Kept(nn.Module):
    """Keeps its normalisation in training, whatever the model is told."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(width)

    def train(self, mode: bool = True):
        super().train(mode)
        self.norm.train()
        return self

    def forward(self, x):
        return self.norm(x)


def activation(shape: Shape, step: Step) -> nn.Module:
    return (nn.ReLU, nn.GELU, nn.PReLU, lambda: nn.Softmax(-1))[step.option]()


def activation_function(shape: Shape, step: Step) -> nn.Module:
    name = ("relu", "gelu", "silu", "sigmoid")[step.option]
    return Function(lambda m, x: getattr(F, name)(x))


def linear(shape: Shape, step: Step) -> nn.Module:
    width = np.int64(shape[-1]) if step.option == 3 else shape[-1]
    return kinds(step.option, nn.Linear)(width, step.width, bias=step.option != 1)


def pre_hooked(shape: Shape, step: Step) -> nn.Module:
    layer = nn.Linear(shape[-1], step.width)
    if step.option % 2:
        layer.register_forward_pre_hook(lambda m, a, k: ((k["input"],), {}), with_kwargs=True)
        return Function(lambda m, x: m.layer(input=x), layer=layer)
    layer.register_forward_pre_hook(lambda m, a: (torch.cat([a[0], a[0]]),))
    return Function(lambda m, x: m.layer(x)[: x.shape[0]], layer=layer)


def product(shape: Shape, step: Step) -> nn.Module:
    weight = nn.Parameter(torch.rand(shape[-1], step.width))
    ways = (
        lambda m, x: x @ m.weight,
        lambda m, x: torch.matmul(x, m.weight),
        lambda m, x: F.linear(x, m.weight.T),
        lambda m, x: torch.einsum("...i,ij->...j", x, m.weight),
    )
    return Function(ways[step.option], weight=weight)


def arithmetic(shape: Shape, step: Step) -> nn.Module:
    ways = (lambda m, x: x + x, lambda m, x: torch.mul(x, x), lambda m, x: torch.add(x, 1.0),
            lambda m, x: x * 2)  # fmt: skip
    return Function(ways[step.option])


def recurrent(shape: Shape, step: Step) -> nn.Module:
    base = (nn.LSTM, nn.GRU, nn.RNN)[step.option % 3]
    layer = (Mine[base] if step.option == 3 else base)(shape[-1], step.width, batch_first=True)
    return Function(lambda m, x: m.layer(x)[0], layer=layer)


def attention(shape: Shape, step: Step) -> nn.Module:
    layer = nn.MultiheadAttention(shape[-1], 1, batch_first=True, bias=step.option != 3)
    ways = (
        lambda m, x: m.layer(x, x, x)[0],
        lambda m, x: m.layer(query=x, key=x, value=x)[0],
        lambda m, x: m.layer(x, key=x, value=x, need_weights=False)[0],
        lambda m, x: m.layer(x, x, x)[0],
    )
    return Function(ways[step.option], layer=layer)


def scaled(shape: Shape, step: Step) -> nn.Module:
    return Function(lambda m, x: F.scaled_dot_product_attention(x, x, x))


def late(shape: Shape, step: Step) -> nn.Module:
    def forward(m, x):
        if "made" not in m._modules:
            m.made = nn.Linear(x.shape[-1], step.width, device=x.device)
        return m.made(x)

    return Function(forward)


def lazy(shape: Shape, step: Step) -> nn.Module:
    return nn.LazyLinear(step.width)


KINDS: dict[str, tuple[Callable[[Shape, Step], nn.Module], tuple[int, ...]]] = {
    "convolution": (convolution, (4,)),
    "wrapped convolution": (wrapped_convolution, (4,)),
    "transposed": (transposed, (4,)),
    "pool": (pool, (4,)),
    "image norm": (image_norm, (4,)),
    "activation": (activation, (2, 3, 4)),
    "activation function": (activation_function, (2, 3, 4)),
    "linear": (linear, (2, 3, 4)),
    "pre-hooked": (pre_hooked, (2, 3)),
    "product": (product, (2, 3)),
    "arithmetic": (arithmetic, (2, 3, 4)),
    "recurrent": (recurrent, (3,)),
    "attention": (attention, (3,)),
    "scaled attention": (scaled, (2, 3)),
    "layer norm": (lambda shape, step: nn.LayerNorm(shape[-1]), (2, 3, 4)),
    "late": (late, (2, 3)),
    "lazy": (lazy, (2, 3)),
    "flatten": (lambda shape, step: nn.Flatten(), (3, 4)),
}
"""What makes a layer, and of how many dimensions its input may be"""


# ---------------------------------------------------------------------------------------- networks


def sample(network: Network) -> Sample:
    """The network with its input, made anew."""
    torch.manual_seed(0)
    x = torch.rand(network.shape)
    layers: list[nn.Module] = []
    with torch.no_grad():
        value = x
        for step in network.steps:
            make, dimensions = KINDS[step.kind]
            if value.dim() in dimensions and fits(step, tuple(value.shape)):
                shape = tuple(value.shape)
                layers.append(make(shape, step))
                value = make(shape, step).eval()(value)
    if network.shared and layers:
        layers = twice(layers, x)
    model: nn.Module = nn.Sequential(*layers)
    if network.wrapped == "function":
        model = Function(lambda m, x: m.inner(x), inner=model)
    return Sample(model.train(network.training), (x,))


def fits(step: Step, shape: Shape) -> bool:
    """A window of two needs room; a norm over images has no spread over a single place."""
    if step.kind == "pool":
        return min(shape[2:]) > 1
    return step.kind != "image norm" or prod(shape[2:]) > 1


def twice(layers: list[nn.Module], x: torch.Tensor) -> list[nn.Module]:
    """The first layer once more where it takes what it gives."""
    with torch.no_grad():
        same = layers[0](x).shape == x.shape
    return [layers[0], *layers] if same else layers


SHAPES = ((2, 3, 6, 5), (1, 2, 5, 6), (2, 5, 4), (1, 3, 6), (2, 6), (1, 4))
steps = st.builds(Step, st.sampled_from(sorted(KINDS)), st.integers(1, 4), st.integers(0, 3))
networks = st.builds(
    Network, st.sampled_from(SHAPES), st.lists(steps, min_size=1, max_size=5).map(tuple),
    st.booleans(), st.sampled_from(["", "function"]), st.booleans(),
)  # fmt: skip
