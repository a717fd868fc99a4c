"""Models that take gradients in their forward pass, and training steps of nested tensors, by arithmetic."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import flop_harness

pytestmark = pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")

ROWS = 5
# A linear layer of 4 to 8 on five rows, and one of 8 to 1.
WIDE, NARROW = ROWS * 4 * 8, ROWS * 8
LATENT = 2 * 4 * 8


class Energy(nn.Module):
    """Forces are the gradient of an energy; whoever calls it has gradients recorded."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 8), nn.SiLU(), nn.Linear(8, 1))

    def forward(self, x):
        x.requires_grad_(True)
        energy = self.net(x).sum()
        (gradient,) = torch.autograd.grad(energy, x, create_graph=self.training)
        return energy, -gradient


class Learns(nn.Module):
    """Goes back itself: nothing is left to go back through."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 8)

    def forward(self, x):
        with torch.enable_grad():
            loss = self.layer(x).pow(2).sum()
            loss.backward()
        return loss.detach()


class Searches(nn.Module):
    """Three steps of an optimizer on what the layer is given."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 8)

    def forward(self, wanted):
        with torch.enable_grad():
            latent = torch.zeros(2, 4, requires_grad=True)
            optimizer = torch.optim.SGD([latent], lr=0.1)
            for _ in range(3):
                optimizer.zero_grad()
                (self.layer(latent) - wanted).pow(2).sum().backward()
                optimizer.step()
        return latent.detach()


X, WANTED = torch.rand(ROWS, 4), torch.rand(2, 8)
STEPS = [
    (Learns, X, 2 * WIDE, 2 * WIDE),  # the layer, its weight's gradient
    (Searches, WANTED, 3 * 3 * LATENT, 3 * 3 * LATENT),  # and the gradient of what it is given
]


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_forces_are_counted_whoever_records_gradients(mode):
    counted = flop_harness.count(Energy(), X.clone(), mode=mode)
    assert (counted.macs, counted.trace.context.grad) == (2 * (WIDE + NARROW), True)
    with torch.no_grad():
        assert flop_harness.count(Energy(), X.clone(), mode=mode).macs == 2 * (WIDE + NARROW)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("kind", "given", "once", "step"), STEPS)
def test_a_model_that_goes_back_itself_is_a_step(kind, given, once, step, training):
    counted = flop_harness.count(kind(), given, training=training)
    assert counted.macs == (step if training else once)
    assert counted.phases == {"forward": counted.macs}


def test_the_optimizer_steps_on_what_a_model_has_gone_back_to():
    """SGD: a weight less its gradient by a rate, for each of 40 parameters; no products."""
    counted = flop_harness.count(Learns(), X, optimizer="sgd", convention="operations")
    assert counted.macs == 2 * WIDE
    assert counted.phases["optimizer"] == 2 * (4 * 8 + 8)


@pytest.mark.parametrize("kind", [Energy, Learns, Searches])
def test_every_figure_of_such_models_is_explained(kind):
    given = WANTED if kind is Searches else X.clone()
    run = flop_harness.compare(kind(), given, counters="torch,analytic,thop").run
    assert {bridge.residual for bridge in run.bridges} == {0}


@pytest.mark.parametrize("kind", [Learns, Searches])
def test_torch_says_the_same_of_a_step_as_of_a_pass(kind):
    given = WANTED if kind is Searches else X
    run = flop_harness.compare(kind(), given, training=True, counters="torch").run
    assert {bridge.residual for bridge in run.bridges} == {0}


# ------------------------------------------------------------------------------- nested tensors


class Two(nn.Module):
    """Linear layers of 8 to 16 and of 16 to 4."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(8, 16), nn.Linear(16, 4)

    def forward(self, x):
        return self.second(torch.relu(self.first(x)))


class Padded(Two):
    def forward(self, x):
        return torch.nested.to_padded_tensor(super().forward(x), 0.0).mean()


class Square(nn.Module):
    """Each sequence against itself."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 16)

    def forward(self, x):
        y = self.layer(x)
        return torch.matmul(y, y.transpose(1, 2))


LENGTHS = (3, 5)
LAYOUTS = (torch.jagged, torch.strided)


def nested(layout) -> torch.Tensor:
    return torch.nested.nested_tensor([torch.rand(n, 8) for n in LENGTHS], layout=layout)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", [Two, Padded])
def test_a_step_of_nested_tensors_goes_back_through_every_row(kind, layout):
    """Weights' gradients of both layers and that of what stands between them."""
    first, second = sum(LENGTHS) * 8 * 16, sum(LENGTHS) * 16 * 4
    counted = flop_harness.count(kind(), nested(layout), training=True)
    assert counted.phases["forward"] == first + second
    assert counted.phases["backward"] == first + 2 * second
    assert not counted.unsupported


def test_a_product_of_nested_tensors_goes_back_to_both():
    layer, square = sum(LENGTHS) * 8 * 16, sum(n * n * 16 for n in LENGTHS)
    counted = flop_harness.count(Square(), nested(torch.strided), training=True)
    assert counted.phases["backward"] == layer + 2 * square
    assert not counted.unsupported
