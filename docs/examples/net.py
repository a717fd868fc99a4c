"""The network that every convention and every counter is asked about in the documentation."""

from collections import OrderedDict

import torch
from torch import nn


def net():
    """A convolution, what usually stands after it, and a linear layer, on an image of 8 x 8."""
    layers = OrderedDict(
        conv=nn.Conv2d(3, 8, 3, padding=1),
        norm=nn.BatchNorm2d(8),
        relu=nn.ReLU(),
        pool=nn.AdaptiveAvgPool2d(1),
        flat=nn.Flatten(),
        fc=nn.Linear(8, 5),
    )
    return nn.Sequential(layers).eval(), (torch.rand(1, 3, 8, 8),), {}
