"""Networks and expressions that claims are about and no library has."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchvision import models
from torchvision.ops import FrozenBatchNorm2d


class Expression(nn.Module):
    """``a * b + c``, or ``a * b + c * d`` with four inputs."""

    def forward(self, a: Tensor, b: Tensor, c: Tensor, d: Tensor | None = None) -> Tensor:
        return a * b + (c if d is None else c * d)


def frozen_detector(name: str, size: int, **kwargs: object) -> tuple:
    """A detector of torchvision as its builder makes it for pretrained weights.

    Its backbone's batch normalisation is then frozen: buffers, no parameters. One image.
    """
    model = models.get_model(name, weights=None, weights_backbone=None, **kwargs)
    freeze(model.backbone)
    return model.eval(), ([torch.rand(3, size, size)],), {}


def freeze(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(module, name, FrozenBatchNorm2d(child.num_features))
        else:
            freeze(child)


# ------------------------------------------------------------------------ networks of papers


def resnet_v1(name: str) -> nn.Module:
    """A ResNet as it was published: a bottleneck halves the image in its first convolution.

    He et al. 2016; torchvision halves it in the second, "v1.5".
    """
    model = models.get_model(name, weights=None)
    for block in model.modules():
        if isinstance(block, models.resnet.Bottleneck):
            block.conv1.stride, block.conv2.stride = block.conv2.stride, (1, 1)
    return model


class PaddedShortcut(nn.Module):
    """A shortcut without parameters: every second pixel, new channels filled with zeros."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, self.channels - x.shape[1]))


def resnet_a(name: str) -> nn.Module:
    """A ResNet of basic blocks with shortcuts of option A, as in Table 1 of He et al. 2016."""
    model = models.get_model(name, weights=None)
    for block in model.modules():
        if isinstance(block, models.resnet.BasicBlock) and block.downsample is not None:
            block.downsample = PaddedShortcut(block.conv2.out_channels)
    return model


def mobilenet_v3(arch: str, width_mult: float, last_channel: int) -> nn.Module:
    """A MobileNetV3 whose last hidden layer has its own width; torchvision scales that too."""
    setting, _ = models.mobilenetv3._mobilenet_v3_conf(arch, width_mult=width_mult)
    return models.MobileNetV3(setting, last_channel)


class AlexNet2012(nn.Module):
    """Krizhevsky et al. 2012: two halves, joined in the third convolution; images of 227 x 227."""

    def __init__(self) -> None:
        super().__init__()
        relu, pool = nn.ReLU(), nn.MaxPool2d(3, 2)
        self.features = nn.Sequential(
            nn.Conv2d(3, 96, 11, 4), relu, pool,
            nn.Conv2d(96, 256, 5, padding=2, groups=2), relu, pool,
            nn.Conv2d(256, 384, 3, padding=1), relu,
            nn.Conv2d(384, 384, 3, padding=1, groups=2), relu,
            nn.Conv2d(384, 256, 3, padding=1, groups=2), relu, pool,
        )  # fmt: skip
        self.classifier = nn.Sequential(
            nn.Linear(256 * 6 * 6, 4096), relu, nn.Linear(4096, 4096), relu, nn.Linear(4096, 1000)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).flatten(1))


class CifarDenseNet(nn.Module):
    """Huang et al. 2017, section 3, on 32 x 32: three blocks; ``bottleneck`` is DenseNet-BC."""

    def __init__(
        self, depth: int, growth: int, bottleneck: bool = False, classes: int = 10
    ) -> None:
        super().__init__()
        channels = 2 * growth if bottleneck else 16
        layers: list[nn.Module] = [nn.Conv2d(3, channels, 3, padding=1, bias=False)]
        for block in range(3):
            for _ in range((depth - 4) // (6 if bottleneck else 3)):
                layers.append(DenseLayer(channels, growth, bottleneck))
                channels += growth
            if block < 2:
                reduced = channels // 2 if bottleneck else channels
                layers += [*before(channels, reduced, 1), nn.AvgPool2d(2)]
                channels = reduced
        self.features = nn.Sequential(*layers, nn.BatchNorm2d(channels), nn.ReLU())
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).mean((2, 3)))


class DenseLayer(nn.Module):
    """Adds ``growth`` channels to its input."""

    def __init__(self, channels: int, growth: int, bottleneck: bool) -> None:
        super().__init__()
        narrow = 4 * growth if bottleneck else channels
        first = before(channels, narrow, 1) if bottleneck else []
        self.layers = nn.Sequential(*first, *before(narrow, growth, 3))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.layers(x)], 1)


def before(inputs: int, outputs: int, size: int) -> list[nn.Module]:
    """Normalisation and activation before a convolution."""
    layer = nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False)
    return [nn.BatchNorm2d(inputs), nn.ReLU(), layer]


def convolution(
    inputs: int, outputs: int, size: int, stride: int = 1, groups: int = 1
) -> nn.Module:
    layer = nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class MobileNetV1(nn.Module):
    """Howard et al. 2017, Table 1, with its width multiplier.

    ``full`` has no depthwise layers, ``same`` is the number of layers of 14 x 14 x 512.
    """

    def __init__(self, width: float = 1.0, full: bool = False, same: int = 5) -> None:
        super().__init__()
        blocks = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *same * [(512, 1)],
                  (1024, 2), (1024, 1)]  # fmt: skip
        channels = int(32 * width)
        self.stem = convolution(3, channels, 3, 2)
        layers = []
        for wide, stride in blocks:
            outputs = int(wide * width)
            if full:
                layers.append(convolution(channels, outputs, 3, stride))
            else:
                layers.append(convolution(channels, channels, 3, stride, groups=channels))
                layers.append(convolution(channels, outputs, 1))
            channels = outputs
        self.features = nn.Sequential(*layers)
        self.fc = nn.Linear(channels, 1000)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.features(self.stem(x)).mean((2, 3)))


class ShuffleUnit(nn.Module):
    """Zhang et al. 2018, Figure 2: with a stride its input is pooled and put beside its output."""

    def __init__(self, inputs: int, outputs: int, groups: int, stride: int, first: bool) -> None:
        super().__init__()
        middle, own = outputs // 4, outputs - inputs if stride == 2 else outputs
        self.groups = groups
        self.reduce = convolution(inputs, middle, 1, groups=1 if first else groups)
        self.depthwise = nn.Conv2d(middle, middle, 3, stride, 1, groups=middle, bias=False)
        self.norm = nn.BatchNorm2d(middle)
        self.expand = nn.Conv2d(middle, own, 1, groups=groups, bias=False)
        self.last_norm = nn.BatchNorm2d(own)
        self.shortcut = nn.AvgPool2d(3, 2, 1) if stride == 2 else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.reduce(x)
        if self.groups > 1:
            y = y.unflatten(1, (self.groups, -1)).transpose(1, 2).flatten(1, 2)
        y = self.last_norm(self.expand(self.norm(self.depthwise(y))))
        if self.shortcut is None:
            return torch.relu(x + y)
        return torch.relu(torch.cat([self.shortcut(x), y], 1))


SHUFFLENET_WIDTHS = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}


class ShuffleNetV1(nn.Module):
    """Zhang et al. 2018, Table 1; ``stem`` is the width of its first layer."""

    def __init__(self, groups: int = 3, scale: float = 1.0, stem: int = 24) -> None:
        super().__init__()
        channels = stem
        self.stem = convolution(3, channels, 3, 2)
        self.pool = nn.MaxPool2d(3, 2, 1)
        units = []
        for stage, repeats in enumerate((4, 8, 4)):
            outputs = int(SHUFFLENET_WIDTHS[groups] * scale) * 2**stage
            for place in range(repeats):
                stride, first = (2 if place == 0 else 1), stage == place == 0
                units.append(ShuffleUnit(channels, outputs, groups, stride, first))
                channels = outputs
        self.units = nn.Sequential(*units)
        self.fc = nn.Linear(channels, 1000)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.units(self.pool(self.stem(x))).mean((2, 3)))


# ----------------------------------------------------------------------- networks of READMEs


class ConvNet(nn.Module):
    """The first example in torchinfo's README: (batch, 1, 28, 28) -> (batch, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, 5)
        self.conv2 = nn.Conv2d(10, 20, 5)
        self.conv2_drop = nn.Dropout2d(0.3)
        self.fc1 = nn.Linear(320, 50)
        self.fc2 = nn.Linear(50, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.relu(nn.functional.max_pool2d(self.conv1(x), 2))
        x = nn.functional.max_pool2d(self.conv2_drop(self.conv2(x)), 2)
        return self.fc2(nn.functional.relu(self.fc1(nn.functional.relu(x).flatten(1))))


class LSTMNet(nn.Module):
    """The recurrent example in torchinfo's README: (batch, length) of indices below 20."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20, 300)
        self.encoder = nn.LSTM(300, 512, num_layers=2, batch_first=True)
        self.decoder = nn.Linear(512, 20)

    def forward(self, x: Tensor) -> Tensor:
        out, _ = self.encoder(self.embedding(x))
        return self.decoder(out).flatten(0, 1)
