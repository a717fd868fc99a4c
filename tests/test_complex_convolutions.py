"""Convolutions of complex numbers count as products of them, whatever torch makes of them."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import flop_harness
from cells import CELLS, Refusal, bridges
from layers import Sample
from test_formulas_matrices import complex_numbers, says

CONVOLUTIONS = {
    "conv1d": (F.conv1d, (2, 3, 6), (5, 3, 2), 2 * 5 * 5 * 3 * 2, 2 * 5 * 5),
    "conv2d": (F.conv2d, (2, 3, 6, 6), (5, 3, 2, 2), 2 * 5 * 25 * 3 * 4, 2 * 5 * 25),
    "conv3d": (F.conv3d, (1, 3, 4, 4, 4), (5, 3, 2, 2, 2), 5 * 27 * 3 * 8, 5 * 27),
}
"""x, weight, MACs, outputs"""


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_a_convolution_of_complex_numbers_counts_as_a_product_of_them(name):
    """Whatever it is made of: torch runs three real ones, each as large as the whole."""
    function, x, weight, macs, outputs = CONVOLUTIONS[name]
    numbers = complex_numbers(*x), complex_numbers(*weight)
    assert says("macs", function, *numbers) == macs
    assert says("real-macs", function, *numbers) == 4 * macs
    assert says("exact-flops", function, *numbers) == 6 * macs + 2 * (macs - outputs)
    biased = (*numbers, complex_numbers(weight[0]))
    assert says("exact-flops", function, *biased) == 8 * macs


def test_a_transposed_convolution_of_complex_numbers():
    """Each of 2 x 3 x 6 numbers is multiplied by 5 x 2."""
    numbers = complex_numbers(2, 3, 6), complex_numbers(3, 5, 2)
    assert says("macs", F.conv_transpose1d, *numbers) == 2 * 3 * 6 * 5 * 2


@pytest.mark.parametrize("asks", [False, True])
def test_training_a_complex_convolution_of_one_is_training_a_linear_layer(asks):
    given = complex_numbers(2, 8).requires_grad_(asks)
    linear, filters = (
        flop_harness.count(layer, x, training=True).phases
        for layer, x in [
            (nn.Linear(8, 5, dtype=torch.complex64), given),
            (
                nn.Conv1d(8, 5, 1, dtype=torch.complex64),
                given.detach()[..., None].requires_grad_(asks),
            ),
        ]
    )
    assert linear == filters == {"forward": 80, "backward": 160 if asks else 80}


MORE = "complex convolution as three real ones"
TWICE_MORE = ("torch", "ptflops-aten")
"""Counters that see three real convolutions"""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("counter", "context"), CELLS, ids=str)
def test_who_sees_three_real_convolutions_charges_two_more(counter, context):
    """Four filters of 3 x 3 over three channels, at 16 places."""
    macs = 16 * 4 * 3 * 9
    layer = nn.Sequential(nn.Conv2d(3, 4, 3, dtype=torch.complex64))
    factory = partial(Sample, layer, (complex_numbers(1, 3, 6, 6),))
    try:
        made = bridges(counter, context, factory)["compute"]
    except (Refusal, KeyError):
        pytest.skip("it says nothing of complex numbers")
    amounts = {step.term: step.amount for step in made.steps}
    assert (made.reference, made.residual) == (macs, 0)
    if counter in TWICE_MORE:
        assert amounts[MORE] == 2 * macs


class Gradients(nn.Module):
    """Takes gradients of a layer's output on its way, and of these again where ``twice`` is true."""

    def __init__(self, layer: nn.Module, twice: bool) -> None:
        super().__init__()
        self.layer = layer
        self.twice = twice

    def forward(self, x):
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            outputs = (self.layer(x) ** 2).abs().sum()
            asked = [x, self.layer.weight]
            found = torch.autograd.grad(outputs, asked, create_graph=self.twice)
            if self.twice:
                found = torch.autograd.grad(found[0].abs().sum(), asked)
            return found


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("twice", [False, True])
def test_gradients_inside_a_pass_are_those_of_real_numbers(twice):
    """A product for the output, two for the gradients; of gradients of these as many as for real ones."""
    dtypes = torch.float32, torch.complex64
    layers = (nn.Conv2d(2, 3, 3, bias=False, dtype=dtype) for dtype in dtypes)
    inputs = torch.rand(1, 2, 5, 5), complex_numbers(1, 2, 5, 5)
    real, complex_ = (
        flop_harness.count(Gradients(layer, twice), x).macs
        for layer, x in zip(layers, inputs, strict=True)
    )
    assert real == complex_
    assert twice or complex_ == 3 * 9 * 2 * 9 * 3
