"""Models that leave the beaten track of a forward pass: scripts, gradients, transforms."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from stress_parts import Functional, image, rows, weight
from torch import nn
from torch.utils.checkpoint import checkpoint


def checkpointed():
    block = nn.Sequential(nn.Linear(6, 6), nn.ReLU())
    return Functional(lambda m, x: checkpoint(m.block, x, use_reentrant=False) + x,
                      block=block), (rows(),), {}  # fmt: skip


def functional_call():
    def forward(m, x):
        weights = {"weight": m.fc.weight * 2, "bias": m.fc.bias}
        return torch.func.functional_call(m.fc, weights, (x,))

    return Functional(forward, fc=nn.Linear(6, 5)), (rows(),), {}


def ensemble():
    """One layer's weights stacked, mapped over by vmap."""

    def forward(m, x):
        return torch.func.vmap(lambda w, b: F.linear(x, w, b))(m.weights, m.biases)

    return Functional(forward, weights=weight(3, 5, 6), biases=weight(3, 5)), (rows(),), {}


def scripted():
    return (
        torch.jit.script(nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4))),
        (torch.rand(3, 6),),
        {},
    )


def scripted_part():
    part = torch.jit.script(nn.Sequential(nn.Linear(5, 5), nn.Tanh()))
    return nn.Sequential(nn.Linear(6, 5), part, nn.Linear(5, 4)), (rows(),), {}


@torch.jit.script
def gated(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return torch.sigmoid(torch.matmul(x, w)) * x


def scripted_function():
    return Functional(lambda m, x: gated(m.fc(x), m.w), fc=nn.Linear(6, 6), w=weight(6, 6)), (
        rows(),), {}  # fmt: skip


def traced():
    net = nn.Sequential(nn.Conv2d(4, 6, 3), nn.ReLU()).eval()
    return nn.Sequential(torch.jit.trace(net, image()), nn.Flatten()), (image(),), {}


class Square(torch.autograd.Function):
    """A function with a gradient of its own and a product inside."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x @ x.T

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return (grad + grad.T) @ x


def own_gradient():
    return Functional(lambda m, x: Square.apply(m.fc(x)), fc=nn.Linear(6, 5)), (rows(),), {}


def gradient_inside():
    """A model whose output is the gradient of an energy."""

    def forward(m, x):
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            return torch.autograd.grad(m.net(x).sum(), x)[0]

    net = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 1))
    return Functional(forward, net=net), (rows(),), {}
