"""The networks of the seed documents that no library has."""

from __future__ import annotations

from torch import Tensor, nn


class Seed002VGG11(nn.Module):
    """Seed 002's VGG11: one-channel images, no activations, no dropout.

    (batch, 1, 224, 224) -> (batch, 1000).
    """

    def __init__(self) -> None:
        super().__init__()
        layers = _convolutions([[64], [128], [256, 256], [512, 512], [512, 512]])
        self.features = nn.Sequential(*layers)
        self.fc1 = nn.Linear(7 * 7 * 512, 4096)
        self.fc2 = nn.Linear(4096, 4096)
        self.fc3 = nn.Linear(4096, 1000)

    def forward(self, images: Tensor) -> Tensor:
        return self.fc3(self.fc2(self.fc1(self.features(images).flatten(1))))


class Seed004Net(nn.Module):
    """Seed 004's "VGG16", which has ten convolutions, its typo mended.

    (batch, 1, 28, 28) -> (batch, 10); four halvings leave one pixel, hence 512 features.
    """

    def __init__(self) -> None:
        super().__init__()
        blocks = [[64, 64], [128, 128], [256, 256, 256], [512, 512, 512]]
        self.features = nn.Sequential(*_convolutions(blocks, activate=True))
        self.classifier = nn.Sequential(
            nn.Linear(512, 4096), nn.ReLU(inplace=True), nn.Dropout(),
            nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Dropout(),
            nn.Linear(4096, 10),
        )  # fmt: skip

    def forward(self, images: Tensor) -> Tensor:
        features = self.features(images)
        return self.classifier(features.view(features.size(0), -1))


def _convolutions(blocks: list[list[int]], activate: bool = False) -> list[nn.Module]:
    """3x3 convolutions of the given widths on one channel; each block ends by halving the image."""
    layers: list[nn.Module] = []
    channels = 1
    for block in blocks:
        for width in block:
            layers.append(nn.Conv2d(channels, width, kernel_size=3, padding=1))
            if activate:
                layers.append(nn.ReLU(inplace=True))
            channels = width
        layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
    return layers
