"""The convention for fvcore's activations, held against fvcore, and against the dimensions."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from flop_harness.counters.versions.catalogue import PUBLISHED
from flop_harness.trace.recorder import record

pytestmark = pytest.mark.filterwarnings("ignore")
PRICED = PUBLISHED["fvcore-activations"]


class Attention(nn.Module):
    """One head over (2, 5, 8), its products written out or fused."""

    def __init__(self, fused: bool) -> None:
        super().__init__()
        self.fused, self.qkv, self.proj = fused, nn.Linear(8, 24), nn.Linear(8, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        if self.fused:
            return self.proj(nn.functional.scaled_dot_product_attention(q, k, v))
        return self.proj((q @ k.transpose(1, 2)).softmax(-1) @ v)


class Products(nn.Module):
    """Each way of multiplying matrices, on (2, 3, 4)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        square = torch.bmm(x, x.transpose(1, 2))
        summed = torch.einsum("bij,bkj->bik", x, x)
        added = torch.addmm(torch.ones(4), x[0], torch.ones(4, 4))
        plain = torch.mm(x[0], torch.ones(4, 4))
        return square.sum() + summed.sum() + added.sum() + plain.sum()


LINEAR = 2 * 5 * (24 + 8)
BY_HAND = [
    (Attention(fused=False), (2, 5, 8), LINEAR + 2 * 5 * 5 + 2 * 5 * 8),
    (Attention(fused=True), (2, 5, 8), LINEAR),
    (Products(), (2, 3, 4), 2 * 3 * 3 + 2 * 3 * 3 + 3 * 4),  # none of mm's
    (nn.ConvTranspose2d(3, 4, 2, stride=2), (1, 3, 5, 5), 4 * 10 * 10),
    (nn.Conv1d(3, 6, 3, groups=3), (2, 3, 9), 2 * 6 * 7),
]


@pytest.mark.parametrize("net, shape, outputs", BY_HAND)
def test_elements_of_the_products_it_names(net, shape, outputs):
    x = torch.rand(shape)
    assert PRICED.price(record(net.eval(), (x,), grad=True)).total == outputs
    assert counted_by_fvcore(net, x) == outputs


@pytest.mark.parametrize(
    "name", ["resnet18", "mobilenet_v3_small", "squeezenet1_1", "swin_t", "vit_b_32"]
)
def test_networks_of_torchvision(name):
    models = pytest.importorskip("torchvision.models")
    net, x = models.get_model(name, weights=None).eval(), torch.rand(1, 3, 224, 224)
    assert PRICED.price(record(net, (x,), grad=True)).total == counted_by_fvcore(net, x)


def counted_by_fvcore(net: nn.Module, x: torch.Tensor) -> int:
    analysis = pytest.importorskip("fvcore.nn").ActivationCountAnalysis(net.eval(), (x,))
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    return int(analysis.total())
