"""Where a counter's figure hangs on more than the trace holds: known, marked, and never hidden."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from cells import Refusal, bridges
from flop_harness.records import Context
from layers import made, sequential

pytestmark = pytest.mark.filterwarnings("ignore")

GRAD = Context(grad=True)
EVAL = Context(mode="eval")


class Discards(nn.Module):
    """Computes a product that nothing comes of."""

    def __init__(self, width: int = 5) -> None:
        super().__init__()
        self.used, self.discarded = nn.Linear(4, 3), nn.Linear(4, width)

    def forward(self, x):
        self.discarded(x)
        return self.used(x)


class Differentiable(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        return x @ y

    @staticmethod
    def backward(ctx, grad):
        return grad, grad


class OwnDerivative(nn.Module):
    def forward(self, x, y):
        return Differentiable.apply(x, y)


class MakesALayer(nn.Module):
    """Builds a layer while it runs: no parameter of the model."""

    def forward(self, x):
        return nn.Linear(4, 3)(x)


class Scripted(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = torch.jit.script(nn.Linear(4, 3))

    def forward(self, x):
        return self.fc(x)


class Padded(nn.Module):
    """An encoder told which steps are padding; its fast path nests tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(8, 2, 6, batch_first=True), 1
        )

    def forward(self, x):
        mask = torch.zeros(x.shape[:2], dtype=torch.bool)
        return self.encoder(x, src_key_padding_mask=mask)


def pruned() -> nn.Module:
    return prune.l1_unstructured(nn.Linear(6, 4), "weight", amount=0.5)


def residuals(counter, context, factory) -> dict[str, int]:
    return {metric: made.residual for metric, made in bridges(counter, context, factory).items()}


def test_fvcore_on_a_discarded_result():
    assert residuals("fvcore", GRAD, made(Discards, (2, 4))) == {"compute": 0, "params": 0}


def test_a_graph_tells_which_of_two_equal_layers_nothing_comes_of():
    factory = made(lambda: Discards(width=3), (2, 4))
    assert all(made.explained for made in bridges("fvcore", GRAD, factory).values())


def test_fvcore_on_an_autograd_function():
    factory = made(OwnDerivative, (3, 4), (4, 5))
    assert residuals("fvcore", GRAD, factory) == {"compute": 0, "params": 0}


def test_torchinfo_on_a_pruned_layer():
    assert residuals("torchinfo", EVAL, made(pruned, (3, 6))) == {"compute": 0, "params": 0}


@pytest.mark.parametrize(
    ("counter", "context"),
    [
        ("numel", Context(variant="total")),
        ("ptflops-aten", Context(grad=True, mode="eval")),
        ("torchinfo", EVAL),
        ("fvcore", GRAD),
    ],
    ids=lambda value: str(value),
)
def test_a_layer_made_during_the_forward_pass(counter, context):
    assert set(residuals(counter, context, made(MakesALayer, (2, 4))).values()) == {0}


@pytest.mark.parametrize(
    ("counter", "context"), [("torch", Context()), ("numel", Context(variant="total"))]
)
def test_a_scripted_layer(counter, context):
    assert set(residuals(counter, context, made(Scripted, (2, 4))).values()) == {0}


def test_torchinfo_on_a_scripted_layer():
    assert residuals("torchinfo", EVAL, made(Scripted, (2, 4))) == {"compute": 0, "params": 0}


@pytest.mark.parametrize(("counter", "context"), [("thop", EVAL), ("fvcore", GRAD)])
def test_a_scripted_layer_takes_no_hooks(counter, context):
    with pytest.raises(Refusal):
        bridges(counter, context, made(Scripted, (2, 4)))


@pytest.mark.parametrize(("counter", "context"), [("torch", GRAD), ("thop", EVAL)])
def test_a_padded_encoder(counter, context):
    assert set(residuals(counter, context, made(Padded, (2, 3, 8))).values()) == {0}


def test_ptflops_averages_layers_but_not_functions():
    """Two samples of three: hooks are averaged, patched functions are not."""
    factory = made(sequential(nn.ReLU), (2, 3))
    bridge = bridges("ptflops-pytorch", Context(grad=True, mode="eval"), factory)["compute"]
    assert (bridge.reading, bridge.residual) == (6 // 2 + 6, 0)


class Nested(nn.Module):
    """An encoder layer so many modules below the root."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.inner = layer if depth == 1 else Nested(depth - 1)

    def forward(self, x):
        return self.inner(x)


@pytest.mark.parametrize(("depth", "seen"), [(1, True), (2, False)])
def test_ptflops_aten_hooks_the_roots_children_alone(depth, seen):
    """A hook on the layer keeps it from its fused kernel; one on what holds it does not."""
    factory = made(lambda: Nested(depth), (3, 5, 8))
    bridge = bridges("ptflops-aten", Context(mode="eval"), factory)["compute"]
    assert bridge.explained
    feed_forward = 3 * 5 * (2 * 8 * 16 + 16 + 8)  # attention has a fused kernel of its own
    assert bridge.reading == (feed_forward if seen else 0)
