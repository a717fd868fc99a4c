"""Small layers and networks with their inputs, for the tests of traces, conventions and counters.

Each entry is a function, so that every user gets a fresh model. Shapes are tiny and, where it can
be told apart, no two dimensions are equal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn.utils import weight_norm
from torch.nn.utils.parametrizations import weight_norm as parametrized_weight_norm
from torchvision.ops import DeformConv2d


class Sample(NamedTuple):
    """A model and what to call it with."""

    module: nn.Module
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = {}  # noqa: RUF012


Factory = Callable[[], Sample]


def made(module: Callable[[], nn.Module], *shapes: tuple[int, ...], **named: tuple[int, ...]):
    """A factory of a module with random inputs of these shapes."""

    def factory() -> Sample:
        torch.manual_seed(0)
        kwargs = {name: torch.rand(shape) for name, shape in named.items()}
        return Sample(module().eval(), tuple(torch.rand(shape) for shape in shapes), kwargs)

    return factory


def indexed(module: Callable[[], nn.Module], shape: tuple[int, ...], high: int = 5) -> Factory:
    """A factory of a module with one input of integers below ``high``."""
    return lambda: Sample(module().eval(), (torch.randint(high, shape),))


def sequential(*layers: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(*(layer() for layer in layers))


class Subclassed(nn.Conv2d):
    """A convolution by another name."""


CONVOLUTIONS: dict[str, Factory] = {
    "conv1d": made(lambda: nn.Conv1d(2, 6, 3, padding=1), (2, 2, 7)),
    "conv2d": made(lambda: nn.Conv2d(3, 4, (3, 2), stride=(2, 1)), (2, 3, 7, 6)),
    "conv2d without bias": made(lambda: nn.Conv2d(3, 4, 3, bias=False), (1, 3, 5, 5)),
    "conv2d grouped": made(lambda: nn.Conv2d(4, 6, 3, groups=2), (2, 4, 6, 5)),
    "conv2d depthwise": made(lambda: nn.Conv2d(4, 4, 3, padding=1, groups=4), (1, 4, 5, 5)),
    "conv2d dilated": made(lambda: nn.Conv2d(3, 4, 3, dilation=2), (1, 3, 7, 8)),
    "conv2d same": made(lambda: nn.Conv2d(3, 4, 3, padding="same"), (1, 3, 6, 5)),
    "conv2d same even": made(lambda: nn.Conv2d(3, 4, 4, padding="same"), (1, 3, 6, 5)),
    "conv2d circular": made(
        lambda: nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular"), (1, 3, 6, 5)
    ),
    "conv2d unbatched": made(lambda: nn.Conv2d(3, 4, 3), (3, 7, 6)),
    "conv2d unbatched grouped": made(lambda: nn.Conv2d(4, 6, 3, groups=2), (4, 7, 6)),
    "conv2d subclass": made(lambda: Subclassed(3, 4, 3), (1, 3, 5, 5)),
    "conv3d": made(lambda: nn.Conv3d(2, 3, (1, 3, 2)), (1, 2, 3, 5, 4)),
    "conv1d unbatched": made(lambda: nn.Conv1d(2, 6, 3), (2, 7)),
    "conv transposed 1d": made(lambda: nn.ConvTranspose1d(4, 6, 3, stride=2), (2, 4, 5)),
    "conv transposed 2d": made(
        lambda: nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1), (2, 4, 5, 3)
    ),
    "conv transposed grouped": made(
        lambda: nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2, bias=False), (1, 4, 5, 3)
    ),
    "conv transposed unbatched": made(lambda: nn.ConvTranspose2d(4, 6, 3), (4, 5, 3)),
    "conv transposed 3d": made(lambda: nn.ConvTranspose3d(2, 3, 2), (1, 2, 3, 4, 2)),
    "conv weight norm": made(lambda: weight_norm(nn.Conv2d(3, 4, 3)), (1, 3, 5, 6)),
    "conv parametrized": made(lambda: parametrized_weight_norm(nn.Conv2d(3, 4, 3)), (1, 3, 5, 6)),
    "lazy conv": made(lambda: nn.LazyConv2d(4, 3), (1, 3, 5, 6)),
}

LINEARS: dict[str, Factory] = {
    "linear": made(lambda: nn.Linear(6, 4), (3, 6)),
    "linear without bias": made(lambda: nn.Linear(6, 4, bias=False), (3, 6)),
    "linear 1d": made(lambda: nn.Linear(6, 4), (6,)),
    "linear 3d": made(lambda: nn.Linear(6, 4), (2, 3, 6)),
    "linear 3d without bias": made(lambda: nn.Linear(6, 4, bias=False), (2, 3, 6)),
    "linear 4d": made(lambda: nn.Linear(6, 4), (2, 3, 5, 6)),
    "linear weight norm": made(lambda: weight_norm(nn.Linear(6, 4)), (3, 6)),
    "linear parametrized": made(lambda: parametrized_weight_norm(nn.Linear(6, 4)), (3, 6)),
    "lazy linear": made(lambda: nn.LazyLinear(4), (3, 6)),
    "bilinear": made(lambda: nn.Bilinear(3, 5, 4), (2, 3), (2, 5)),
    "embedding": indexed(lambda: nn.Embedding(7, 4), (2, 3)),
    "embedding bag": indexed(lambda: nn.EmbeddingBag(7, 4), (2, 3)),
}

NORMS: dict[str, Factory] = {
    "batch norm 1d": made(lambda: nn.BatchNorm1d(3), (4, 3)),
    "batch norm 1d sequence": made(lambda: nn.BatchNorm1d(3), (4, 3, 5)),
    "batch norm 2d": made(lambda: nn.BatchNorm2d(3), (2, 3, 4, 5)),
    "batch norm 2d not affine": made(lambda: nn.BatchNorm2d(3, affine=False), (2, 3, 4, 5)),
    "batch norm 2d no statistics": made(
        lambda: nn.BatchNorm2d(3, track_running_stats=False), (2, 3, 4, 5)
    ),
    "batch norm 3d": made(lambda: nn.BatchNorm3d(3), (2, 3, 4, 5, 2)),
    "layer norm": made(lambda: nn.LayerNorm(5), (2, 3, 5)),
    "layer norm without bias": made(lambda: nn.LayerNorm(5, bias=False), (2, 3, 5)),
    "layer norm not affine": made(lambda: nn.LayerNorm(5, elementwise_affine=False), (2, 3, 5)),
    "layer norm 1d input": made(lambda: nn.LayerNorm(5), (5,)),
    "group norm": made(lambda: nn.GroupNorm(2, 4), (2, 4, 5)),
    "group norm not affine": made(lambda: nn.GroupNorm(2, 4, affine=False), (2, 4, 5, 3)),
    "instance norm": made(lambda: nn.InstanceNorm2d(3), (2, 3, 4, 5)),
    "instance norm affine": made(lambda: nn.InstanceNorm2d(3, affine=True), (2, 3, 4, 5)),
    "instance norm tracking": made(
        lambda: nn.InstanceNorm2d(3, track_running_stats=True), (2, 3, 4, 5)
    ),
    "local response norm": made(lambda: nn.LocalResponseNorm(2), (2, 3, 4, 5)),
    "rms norm": made(lambda: nn.RMSNorm(5), (2, 3, 5)),
}

ACTIVATIONS: dict[str, Factory] = {
    name: made(kind, (2, 3, 4))
    for name, kind in {
        "relu": nn.ReLU, "relu in place": lambda: nn.ReLU(inplace=True), "relu6": nn.ReLU6,
        "leaky relu": nn.LeakyReLU, "prelu": nn.PReLU, "prelu per channel": lambda: nn.PReLU(3),
        "elu": nn.ELU, "gelu": nn.GELU, "silu": nn.SiLU, "mish": nn.Mish, "selu": nn.SELU,
        "celu": nn.CELU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "hardswish": nn.Hardswish,
        "hardsigmoid": nn.Hardsigmoid, "hardtanh": nn.Hardtanh, "softplus": nn.Softplus,
        "softmax last": lambda: nn.Softmax(dim=-1), "softmax first": lambda: nn.Softmax(dim=1),
        "log softmax": lambda: nn.LogSoftmax(dim=1), "glu": lambda: nn.GLU(dim=2),
        "dropout": nn.Dropout, "identity": nn.Identity, "flatten": nn.Flatten,
        "softmax without dim": nn.Softmax, "rrelu": nn.RReLU, "threshold":
        lambda: nn.Threshold(0.1, 0), "dropout1d": nn.Dropout1d, "softmin": lambda: nn.Softmin(1),
    }.items()
}  # fmt: skip

POOLS: dict[str, Factory] = {
    "max pool 1d": made(lambda: nn.MaxPool1d(2), (2, 3, 7)),
    "max pool 2d": made(lambda: nn.MaxPool2d(3, stride=2, padding=1), (2, 3, 7, 6)),
    "max pool 2d ceil": made(lambda: nn.MaxPool2d(2, ceil_mode=True), (2, 3, 7, 5)),
    "max pool with indices": made(lambda: nn.MaxPool2d(2, return_indices=True), (2, 3, 6, 4)),
    "max pool 3d": made(lambda: nn.MaxPool3d(2), (1, 3, 4, 5, 6)),
    "max pool unbatched": made(lambda: nn.MaxPool2d(2), (3, 6, 4)),
    "average pool 1d": made(lambda: nn.AvgPool1d(2), (2, 3, 7)),
    "average pool 2d": made(lambda: nn.AvgPool2d((2, 3)), (2, 3, 7, 6)),
    "average pool 3d": made(lambda: nn.AvgPool3d(2), (1, 3, 4, 5, 6)),
    "adaptive average 1d": made(lambda: nn.AdaptiveAvgPool1d(3), (2, 3, 7)),
    "adaptive average 2d": made(lambda: nn.AdaptiveAvgPool2d((3, 2)), (2, 3, 7, 5)),
    "adaptive average to one": made(lambda: nn.AdaptiveAvgPool2d(1), (2, 3, 7, 5)),
    "adaptive average enlarging": made(lambda: nn.AdaptiveAvgPool2d(7), (2, 3, 5, 3)),
    "adaptive average 3d": made(lambda: nn.AdaptiveAvgPool3d((2, 3, 1)), (1, 2, 5, 4, 3)),
    "adaptive average unbatched": made(lambda: nn.AdaptiveAvgPool2d(2), (3, 7, 5)),
    "adaptive max 1d": made(lambda: nn.AdaptiveMaxPool1d(3), (2, 3, 7)),
    "adaptive max 2d": made(lambda: nn.AdaptiveMaxPool2d((3, 2)), (2, 3, 7, 5)),
    "lp pool": made(lambda: nn.LPPool2d(2, 2), (1, 3, 4, 6)),
}

RESIZES: dict[str, Factory] = {
    "upsample nearest": made(lambda: nn.Upsample(scale_factor=2), (2, 3, 4, 5)),
    "upsample nearest 1d": made(lambda: nn.Upsample(size=9), (2, 3, 4)),
    "upsample bilinear": made(
        lambda: nn.Upsample(size=(7, 6), mode="bilinear", align_corners=False), (2, 3, 4, 5)
    ),
    "upsample fractional": made(
        lambda: nn.Upsample(scale_factor=1.5, mode="bilinear"), (1, 3, 4, 5)
    ),
    "upsample tuple": made(lambda: nn.Upsample(scale_factor=(2, 3)), (1, 3, 4, 5)),
    "upsample bicubic": made(lambda: nn.Upsample(scale_factor=2, mode="bicubic"), (1, 3, 4, 5)),
    "upsample linear": made(lambda: nn.Upsample(scale_factor=2, mode="linear"), (2, 3, 4)),
    "upsample trilinear": made(
        lambda: nn.Upsample(scale_factor=2, mode="trilinear"), (1, 3, 2, 3, 4)
    ),
    "upsampling bilinear 2d": made(lambda: nn.UpsamplingBilinear2d(scale_factor=2), (1, 3, 4, 5)),
    "upsampling nearest 2d": made(lambda: nn.UpsamplingNearest2d(size=6), (1, 3, 4, 5)),
    "pixel shuffle": made(lambda: nn.PixelShuffle(2), (2, 8, 3, 5)),
    "pixel unshuffle": made(lambda: nn.PixelUnshuffle(2), (2, 2, 6, 4)),
    "channel shuffle": made(lambda: nn.ChannelShuffle(2), (2, 4, 6, 3)),
    "zero pad": made(lambda: nn.ZeroPad2d(1), (2, 2, 6, 4)),
    "reflection pad": made(lambda: nn.ReflectionPad2d(1), (2, 2, 6, 4)),
    "unfold": made(lambda: nn.Unfold(2), (2, 2, 6, 4)),
    "fold": made(lambda: nn.Fold((6, 4), 2), (2, 8, 15)),
    "deformable convolution": made(
        lambda: DeformConv2d(4, 6, 3, groups=2), (2, 4, 5, 6), (2, 18, 3, 4)
    ),
    "deformable convolution masked": made(
        lambda: DeformConv2d(4, 6, 3, bias=False), (2, 4, 5, 6), (2, 18, 3, 4), (2, 9, 3, 4)
    ),
}

RECURRENT: dict[str, Factory] = {
    "rnn": made(lambda: nn.RNN(5, 4), (3, 2, 5)),
    "rnn relu": made(lambda: nn.RNN(5, 4, nonlinearity="relu"), (3, 2, 5)),
    "rnn two layers": made(lambda: nn.RNN(5, 4, num_layers=2), (3, 2, 5)),
    "gru": made(lambda: nn.GRU(5, 4), (3, 2, 5)),
    "gru bidirectional": made(lambda: nn.GRU(5, 4, 2, bidirectional=True), (3, 2, 5)),
    "gru without bias": made(lambda: nn.GRU(5, 4, bias=False, batch_first=True), (3, 2, 5)),
    "lstm": made(lambda: nn.LSTM(5, 4), (3, 2, 5)),
    "lstm batch first": made(lambda: nn.LSTM(5, 4, batch_first=True), (3, 2, 5)),
    "lstm one step": made(lambda: nn.LSTM(5, 4), (1, 1, 5)),
    "lstm two layers": made(lambda: nn.LSTM(5, 4, num_layers=2), (3, 2, 5)),
    "lstm bidirectional": made(lambda: nn.LSTM(5, 4, 2, bidirectional=True), (3, 2, 5)),
    "lstm without bias": made(lambda: nn.LSTM(5, 4, 2, bias=False), (3, 2, 5)),
    "lstm projected": made(lambda: nn.LSTM(5, 4, 2, proj_size=3), (3, 2, 5)),
    "lstm projected both ways": made(
        lambda: nn.LSTM(5, 4, 2, proj_size=3, bidirectional=True), (3, 2, 5)
    ),
    "lstm unbatched": made(lambda: nn.LSTM(5, 4), (3, 5)),
    "rnn cell": made(lambda: nn.RNNCell(5, 4), (2, 5)),
    "gru cell": made(lambda: nn.GRUCell(5, 4), (2, 5)),
    "gru cell without bias": made(lambda: nn.GRUCell(5, 4, bias=False), (2, 5)),
    "lstm cell": made(lambda: nn.LSTMCell(5, 4), (2, 5)),
    "lstm cell without bias": made(lambda: nn.LSTMCell(5, 4, bias=False), (2, 5)),
    "lstm cell unbatched": made(lambda: nn.LSTMCell(5, 4), (5,)),
}

LAYERS: dict[str, Factory] = {
    **CONVOLUTIONS,
    **LINEARS,
    **NORMS,
    **ACTIVATIONS,
    **POOLS,
    **RESIZES,
    **RECURRENT,
}
