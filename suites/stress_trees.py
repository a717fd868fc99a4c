"""Trees of modules: shared, lazy, wrapped, parametrised, and called in uncommon ways."""

from __future__ import annotations

import torch
from stress_parts import Functional, image, rows, weight
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune, weight_norm

# --------------------------------------------------------------------------- sharing and trees


def shared_module_twice():
    return Functional(lambda m, x: m.fc(m.fc(x)), fc=nn.Linear(6, 6)), (torch.rand(3, 6),), {}


def shared_between_parents():
    conv = nn.Conv2d(4, 4, 3, padding=1)
    return nn.Sequential(nn.Sequential(conv, nn.ReLU()), nn.Sequential(conv)), (image(),), {}


def shared_activation():
    act = nn.ReLU()
    layers = [nn.Conv2d(4, 4, 1), act, nn.Conv2d(4, 4, 1), act, nn.BatchNorm2d(4), act]
    return nn.Sequential(*layers), (image(),), {}


def tied_weights():
    net = nn.Sequential(nn.Embedding(11, 6), nn.Linear(6, 6), nn.Linear(6, 11, bias=False))
    net[2].weight = net[0].weight
    return net, (torch.randint(0, 11, (2, 5)),), {}


def unused_modules():
    def forward(m, x):
        return m.used(x)

    parts = {"used": nn.Linear(6, 4), "unused": nn.Sequential(nn.Linear(6, 9), nn.BatchNorm1d(9))}
    return Functional(forward, **parts), (torch.rand(3, 6),), {}


def nested_sequentials():
    inner = nn.Sequential(nn.Conv2d(4, 6, 3), nn.Sequential(nn.BatchNorm2d(6), nn.ReLU()))
    return nn.Sequential(nn.Sequential(inner), nn.Sequential(), nn.AvgPool2d(2)), (image(),), {}


class Doubled(nn.Linear):
    """A subclass of a layer."""

    def forward(self, x):
        return 2 * super().forward(x)


def subclass_of_a_layer():
    return nn.Sequential(Doubled(6, 5), nn.ReLU()), (torch.rand(3, 6),), {}


class Block(nn.Sequential):
    """A subclass of a container."""


def subclass_of_a_container():
    return Block(nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4), nn.ReLU()), (image(),), {}


def module_lists_and_dicts():
    def forward(m, x):
        for layer in m.layers:
            x = m.acts["relu"](layer(x))
        return x

    layers = nn.ModuleList(nn.Linear(6, 6) for _ in range(3))
    parts = {"layers": layers, "acts": nn.ModuleDict({"relu": nn.ReLU(), "gelu": nn.GELU()})}
    return Functional(forward, **parts), (torch.rand(3, 6),), {}


def modules_called_with_keywords():
    parts = {"fc": nn.Linear(6, 5), "norm": nn.LayerNorm(5)}
    return Functional(lambda m, x: m.norm(m.fc(input=x)), **parts), (torch.rand(3, 6),), {}


def frozen_parameters():
    net = nn.Sequential(nn.Linear(6, 5), nn.Linear(5, 4))
    net[0].requires_grad_(False)
    return net, (torch.rand(3, 6),), {}


def own_parameters():
    """Parameters that the root holds itself, beside a layer."""

    def forward(m, x):
        return m.fc(x + m.position) @ m.mix

    parts = {"fc": nn.Linear(6, 6), "position": weight(1, 6), "mix": weight(6, 4)}
    return Functional(forward, **parts), (torch.rand(3, 6),), {}


def subclass_beside_its_base():
    return nn.Sequential(nn.Linear(6, 6), Doubled(6, 5), nn.Linear(5, 4)), (rows(),), {}


class Standardised(nn.Conv2d):
    """A convolution that standardises its weights."""

    def forward(self, x):
        mean, var = self.weight.mean((1, 2, 3), True), self.weight.var((1, 2, 3), keepdim=True)
        return self._conv_forward(x, (self.weight - mean) / (var + 1e-5).sqrt(), self.bias)


def standardised_weights():
    return nn.Sequential(Standardised(4, 6, 3, groups=2), nn.GroupNorm(2, 6)), (image(),), {}


def one_block_in_many_places():
    block = nn.Sequential(nn.Linear(6, 6), nn.ReLU())

    def forward(m, x):
        for layer in m.layers:
            x = layer(x)
        return m.last(x)

    return Functional(forward, layers=nn.ModuleList([block] * 3), last=block[0]), (rows(),), {}


def made_in_forward():
    """A layer that did not exist before the forward pass."""

    def forward(m, x):
        return nn.Linear(5, 4, device=x.device)(m.fc(x))

    return Functional(forward, fc=nn.Linear(6, 5)), (rows(),), {}


def forward_called_directly():
    return Functional(lambda m, x: m.act.forward(m.fc.forward(x)), fc=nn.Linear(6, 5),
                      act=nn.ReLU()), (rows(),), {}  # fmt: skip


def hooks_already_there():
    """Hooks of its own that change what goes in and what comes out."""
    net = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4))
    net[0].register_forward_pre_hook(lambda module, args: (2 * args[0],))
    net[2].register_forward_hook(lambda module, args, out: out - out.mean())
    return net, (rows(),), {}


class Counting(nn.Module):
    """Counts its calls in a buffer and an attribute, and makes a buffer on the first."""

    def __init__(self):
        super().__init__()
        self.fc, self.calls = nn.Linear(6, 6), 0
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x):
        self.calls += 1
        self.seen += 1
        if not hasattr(self, "scale"):
            self.register_buffer("scale", torch.ones(6, device=x.device))
        return self.fc(x) * self.scale


def counts_its_calls():
    return nn.Sequential(Counting(), nn.ReLU()), (rows(),), {}


# ------------------------------------------------------------------- a module that is one layer


def one_linear():
    return nn.Linear(6, 5), (rows(),), {}


def one_convolution():
    return nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2), (image(),), {}


def one_activation():
    return nn.GELU(), (rows(),), {}


def one_attention():
    x = torch.rand(2, 5, 8)
    return nn.MultiheadAttention(8, 2, batch_first=True), (x, x, x), {}


# ------------------------------------------------------------------------- parameters elsewhere


def reparametrised():
    spectral = parametrizations.spectral_norm(nn.Linear(6, 6))
    normed = parametrizations.weight_norm(nn.Linear(6, 6))
    return nn.Sequential(spectral, normed, nn.ReLU()), (torch.rand(3, 6),), {}


def weight_normed():
    return nn.Sequential(weight_norm(nn.Conv2d(4, 4, 3)), nn.ReLU()), (image(),), {}


def orthogonal():
    return nn.Sequential(parametrizations.orthogonal(nn.Linear(6, 6))), (rows(),), {}


class Symmetric(nn.Module):
    def forward(self, x):
        return x.triu() + x.triu(1).T


def own_parametrisation():
    net = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 6))
    for layer in net:
        parametrize.register_parametrization(layer, "weight", Symmetric())
    return net, (rows(),), {}


def pruned():
    layer = nn.Linear(6, 5)
    prune.l1_unstructured(layer, "weight", amount=10)
    return nn.Sequential(layer, nn.ReLU()), (rows(),), {}


def lazy_layers():
    return nn.Sequential(nn.LazyConv2d(6, 3), nn.LazyBatchNorm2d(), nn.Flatten(),
                         nn.LazyLinear(5)), (image(),), {}  # fmt: skip


def lazy_layers_of_each_kind():
    layers = [nn.LazyConvTranspose2d(6, 2, stride=2), nn.LazyInstanceNorm2d(affine=True),
              nn.LazyConv2d(3, 3), nn.Conv2d(3, 2, 1), nn.Flatten(), nn.Linear(392, 8),
              nn.LazyLinear(5)]  # fmt: skip
    return nn.Sequential(*layers), (image(),), {}


def parameter_lists():
    def forward(m, x):
        for w in m.weights:
            x = x @ w
        return x * m.scales["out"]

    parts = {"weights": nn.ParameterList([weight(6, 6), weight(6, 4)]),
             "scales": nn.ParameterDict({"out": weight(4)})}  # fmt: skip
    return Functional(forward, **parts), (rows(),), {}
