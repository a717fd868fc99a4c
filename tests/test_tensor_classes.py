"""Classes of tensors: torch's own and a user's, made where a mode is on, or with products of their own."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.attention.bias import causal_lower_right

import flop_harness


class Attends(nn.Module):
    """Attention of 2 batches and 3 heads, 7 queries on 9 keys of 8, after a layer of 8 to 8."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 8, bias=False)

    def forward(self, queries, keys):
        bias = causal_lower_right(7, 9)
        return F.scaled_dot_product_attention(self.layer(queries), keys, keys, bias)


def test_a_causal_bias_that_is_made_on_the_way():
    layer, product = 2 * 3 * 7 * 64, 2 * 3 * 7 * 9 * 8
    model, inputs = Attends(), ((2, 3, 7, 8), (2, 3, 9, 8))
    assert flop_harness.count(model, *inputs).macs == layer + 2 * product
    # On the way back: one product for the probabilities, one for the queries, one for the weight.
    step = flop_harness.count(model, *inputs, training=True)
    assert step.macs == 2 * layer + 4 * product
    run = flop_harness.compare(model, *inputs, counters="thop,fvcore").run
    assert [bridge.residual for bridge in run.bridges] == [0] * 4


class Named(torch.Tensor):
    """A class that is called with sizes or numbers."""


def test_a_class_that_is_called_for_a_tensor():
    assert flop_harness.count(lambda x: x @ Named(8, 5), torch.rand(3, 8)).macs == 3 * 8 * 5
    assert flop_harness.count(lambda x: x @ Named([1.0, 2]), torch.rand(3, 2)).macs == 3 * 2
    assert "__new__" not in vars(torch.Tensor)
    assert type(Named(2)) is Named


class Mixed(torch.Tensor):
    """A weight that mixes the outputs of a linear layer, by a product of its own."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func is torch.nn.functional.linear:
            x, weight = args[:2]
            outputs = weight.shape[0]
            return x @ weight.as_subclass(torch.Tensor).t() @ torch.ones(outputs, outputs)
        return super().__torch_function__(func, types, args, kwargs)


class Mixing(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.rand(5, 8).as_subclass(Mixed))

    def forward(self, x):
        return F.linear(x, self.weight)


def mixing_here(x):
    return F.linear(x, torch.rand(5, 8).as_subclass(Mixed))


LINEAR, MIXING = 3 * 8 * 5, 3 * 5 * 5


def test_a_class_that_answers_to_a_function_of_torch():
    assert flop_harness.count(Mixing(), (3, 8)).macs == LINEAR + MIXING
    assert flop_harness.count(mixing_here, torch.rand(3, 8)).macs == LINEAR + MIXING
    run = flop_harness.compare(Mixing(), (3, 8), counters="torch,ptflops-pytorch,fvcore").run
    assert {bridge.residual for bridge in run.bridges} == {0}


def test_gradients_go_through_a_change_of_class():
    """Both products go back to what came from the weight: that is a product for each."""
    assert flop_harness.count(Mixing(), (3, 8), training=True).macs == 2 * (LINEAR + MIXING)
