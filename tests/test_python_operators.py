"""Operators that a user writes in Python, by ``torch.library``: who patches functions of torch sees inside."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import flop_harness

pytestmark = pytest.mark.filterwarnings("ignore")

ROWS, IN, OUT = 2, 5, 3
PRODUCT = ROWS * IN * OUT


@torch.library.custom_op("flop_tests::biased", mutates_args=())
def biased(x: torch.Tensor, w: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.addmm(b, x, w)


@biased.register_fake
def _(x, w, b):
    return x.new_empty(x.shape[0], w.shape[1])


LIBRARY = torch.library.Library("flop_tests", "FRAGMENT")
LIBRARY.define("scaled(Tensor a, Tensor b, float s) -> Tensor")
LIBRARY.impl("scaled", lambda a, b, s: torch.matmul(a, b) * s, "CompositeImplicitAutograd")


class Biased(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(IN, OUT)), nn.Parameter(torch.ones(OUT))

    def forward(self, x):
        return torch.ops.flop_tests.biased(x, self.weight, self.bias)


class Scaled(Biased):
    def forward(self, x):
        return torch.ops.flop_tests.scaled(x, self.weight, 0.5)


def read(model, counter) -> tuple[int, int]:
    """What the counter says, and the residual."""
    run = flop_harness.compare(model.eval(), torch.ones(ROWS, IN), counters=counter).run
    (told,) = {(b.reading, b.residual) for b in run.bridges if b.metric == "compute"}
    return told


COUNTERS = ("ptflops-pytorch", 1), ("calflops", 2), ("deepspeed", 2)
"""Counters that patch functions, and what they charge for a product"""


@pytest.mark.parametrize(("counter", "each"), COUNTERS)
def test_a_kernel_in_python_is_seen_by_who_patches_functions(counter, each):
    assert read(Biased(), counter) == (each * PRODUCT + OUT, 0)


@pytest.mark.parametrize(("counter", "each"), COUNTERS)
def test_a_composite_in_python_too(counter, each):
    assert read(Scaled(), counter) == (each * PRODUCT, 0)


def test_who_watches_operators_sees_one_without_a_formula():
    assert read(Biased(), "torch") == (0, 0)
    assert flop_harness.count(Biased().eval(), torch.ones(ROWS, IN)).macs == 0
