"""What torch refuses has no figure: the same exception, for models on the CPU and on meta, in training too."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import weight_norm
from torchvision.ops import deform_conv2d

from flop_harness import count
from layers import Sample
from programs import Program

pytestmark = pytest.mark.filterwarnings("ignore")


def floats(*shape: int) -> torch.Tensor:
    return torch.rand(*shape)


def integers(*shape: int) -> torch.Tensor:
    return torch.zeros(*shape, dtype=torch.long)


def given(function, *args) -> Sample:
    return Sample(Program(function), args)


def assigned(x, y):
    x = x.clone()
    x[:, :2] = y
    return x


def added(x, y):
    x = x.clone()
    x += y
    return x


two, three = torch.tensor([0, 1]), torch.tensor([0, 1, 2])

LAYERS = {
    "channels": (nn.Conv2d(4, 5, 3), (1, 3, 8, 8)),
    "channels of volumes": (nn.Conv3d(3, 4, 3), (1, 4, 9, 9, 9)),
    "window": (nn.Conv2d(3, 5, 9), (1, 3, 8, 8)),
    "type of a convolution": (nn.Conv1d(3, 4, 3).bfloat16(), (1, 3, 9)),
    "transposed channels": (nn.ConvTranspose2d(4, 2, 3), (1, 3, 4, 4)),
    "output padding": (nn.ConvTranspose2d(3, 2, 3, output_padding=1), (1, 3, 4, 4)),
    "width": (nn.Linear(4, 5), (2, 3)),
    "type of weights": (nn.Linear(4, 5).bfloat16(), (2, 4)),
    "batch norm": (nn.BatchNorm2d(16), (2, 8, 4, 4)),
    "type of batch norm": (nn.BatchNorm2d(4).bfloat16(), (2, 4, 3, 3)),
    "layer norm": (nn.LayerNorm(7), (2, 3, 8)),
    "type of layer norm": (nn.LayerNorm(4).double(), (2, 4)),
    "group norm": (nn.GroupNorm(2, 6), (2, 8, 4)),
    "rms norm": (nn.RMSNorm(5), (2, 4)),
    "attention": (nn.MultiheadAttention(8, 2), (3, 1, 6), (3, 1, 6), (3, 1, 6)),
    "encoder's mask": (nn.TransformerEncoderLayer(8, 2, batch_first=True), (2, 5, 8), (4, 4)),
    "lstm": (nn.LSTM(4, 5), (3, 2, 6)),
    "type of an lstm": (nn.LSTM(4, 5).double(), (3, 2, 4)),
    "cell": (nn.GRUCell(4, 5), (3, 6)),
    "positions": (nn.Embedding(4, 5), (3,)),
    "pool": (nn.MaxPool2d(9), (1, 3, 4, 4)),
    "padding of a pool": (nn.MaxPool2d(2, padding=2), (1, 3, 4, 4)),
    "shuffle": (nn.PixelShuffle(2), (1, 3, 4, 4)),
    "reflection": (nn.ReflectionPad2d(5), (1, 3, 4, 4)),
    "native attention": (nn.MultiheadAttention(8, 2, batch_first=True).eval(), *[(2, 3, 9)] * 3),
    "native encoder": (nn.TransformerEncoderLayer(8, 2, batch_first=True).eval(), (2, 3, 9)),
    "slopes": (nn.PReLU(3), (2, 4, 5)),
    "bilinear": (nn.Bilinear(3, 4, 5), (2, 3), (3, 4)),
}  # fmt: skip

PRODUCTS = {
    "bias of a product": (torch.addmm, floats(3), floats(2, 4), floats(4, 5)),
    "type of a bias": (torch.addmm, floats(5).double(), floats(2, 4), floats(4, 5)),
    "bias of a linear layer": (F.linear, floats(2, 4), floats(5, 4), floats(3)),
    "bias of a convolution": (F.conv2d, floats(1, 3, 8, 8), floats(5, 3, 3, 3), floats(4)),
    "groups": (lambda x, w: F.conv2d(x, w, groups=2), floats(1, 4, 8, 8), floats(5, 2, 3, 3)),
    "batches": (torch.bmm, floats(2, 3, 4), floats(3, 4, 5)),
    "inner": (torch.bmm, floats(2, 3, 4), floats(2, 5, 5)),
    "broadcast": (torch.matmul, floats(2, 3, 4), floats(3, 4, 5)),
    "types": (torch.matmul, floats(2, 3, 4), floats(2, 4, 5).double()),
    "integers": (torch.matmul, floats(3, 4), integers(4, 5)),
    "vector": (torch.mv, floats(3, 4), floats(3)),
    "type of a vector": (torch.mv, floats(3, 4), floats(4).double()),
    "dot": (torch.dot, floats(3), floats(3).double()),
    "einsum": (lambda x, y: torch.einsum("ij,jk->ik", x, y), floats(2, 3), floats(4, 5)),
    "heads": (F.scaled_dot_product_attention, floats(1, 4, 3, 8), *[floats(1, 3, 5, 8)] * 2),
    "types of attention": (F.scaled_dot_product_attention, floats(1, 2, 3, 8), *[floats(1, 2, 5, 8).bfloat16()] * 2),
    "groups of channels": (lambda x: F.group_norm(x, 3), floats(2, 8, 4)),
    "softmax": (lambda x: F.softmax(x, 5), floats(2, 3)),
    "softmax of integers": (lambda x: F.softmax(x, 1), integers(2, 3)),
    "activation of integers": (F.silu, integers(2, 3)),
    "norm of integers": (lambda x: F.layer_norm(x, (3,)), integers(2, 3)),
    "integers enlarged": (lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"), integers(1, 3, 4, 4)),
    "dimension of cat": (lambda x, y: torch.cat([x, y], 2), floats(2, 3), floats(2, 3)),
    "types of distances": (torch.cdist, floats(40, 4), floats(50, 4).double()),
    "type of a grid": (F.grid_sample, floats(1, 3, 4, 4), floats(1, 4, 4, 2).double()),
    "sum of batches": (torch.addbmm, floats(3, 5), floats(2, 3, 4), floats(2, 4, 5).double()),
    "vector added": (torch.addmv, floats(2), floats(3, 4), floats(4)),
    "nothing left": (lambda x: F.interpolate(x, scale_factor=0.5), floats(1, 3, 1, 5)),
    "offsets": (deform_conv2d, floats(1, 2, 5, 5), floats(1, 16, 3, 3), floats(3, 2, 3, 3)),
    "type of offsets": (deform_conv2d, floats(1, 2, 5, 5), floats(1, 18, 3, 3).double(), floats(3, 2, 3, 3)),
    "solve": (torch.linalg.solve, floats(3, 3), floats(4, 4)),
}  # fmt: skip

WRITTEN = {
    "added": (added, floats(2, 16, 4), floats(2, 4, 4)),
    "grown": (added, floats(1, 4), floats(3, 4)),
    "assigned": (assigned, floats(4, 5), floats(4, 3)),
    "copied": (lambda x, y: x.clone().copy_(y), floats(2, 5), floats(2, 4)),
    "put": (lambda x, y: x.clone().index_put_((two,), y), floats(4, 5), floats(2, 4)),
    "put apart": (lambda x, y: x.index_put((two, three), y), floats(3, 4), floats(3, 4)),
    "masked": (lambda x, y: x.clone().masked_fill_(y > 0, 0), floats(4, 5), floats(3, 5)),
    "scattered by a mask": (lambda x, m, y: x.clone().masked_scatter_(m > 0, y), floats(3, 4), floats(2, 4), floats(12)),
    "scattered": (lambda x, i: x.clone().scatter_(1, i, 1.0), floats(3, 4), integers(5, 2)),
    "added at an index": (lambda x, y: x.clone().index_add_(0, two, y), floats(3, 4), floats(2, 5)),
    "copied at an index": (lambda x, y: x.index_copy(0, two, y), floats(3, 4), floats(3, 4)),
    "with products": (lambda m, x, y: m.clone().baddbmm_(x, y), floats(2, 3, 6), floats(2, 3, 4), floats(2, 4, 5)),
    "divided integers": (lambda x: x.clone().div_(2), integers(3)),
    "quotients of integers": (lambda x, y: x.clone().div_(y), integers(3), integers(3) + 2),
    "integers halved": (lambda x: x.clone().mul_(0.5), integers(3)),
    "integers times floats": (lambda x, y: x.clone().mul_(y), integers(3), floats(3)),
    "fractions of integers": (lambda x: x.clone().logit_(), integers(3)),
    "floats into integers": (lambda x, y: x.clone().add_(y), integers(3), floats(3)),
    "expanded": (lambda x: x.expand(3, 4).add_(1), floats(1, 4)),
    "clamped": (lambda x, y: x.clone().clamp_(min=y), floats(3, 4), floats(3, 5)),
}  # fmt: skip


def changed(layer: nn.Module, name: str, value: torch.Tensor) -> nn.Module:
    """A layer with another parameter in the place of one."""
    *outer, last = name.split(".")
    layer.get_submodule(".".join(outer))._parameters[last] = nn.Parameter(value)
    return layer


def native() -> nn.Module:
    return nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()


CHANGED = {
    "bias of a transposed convolution": (changed(nn.ConvTranspose1d(3, 4, 3), "bias", floats(4).double()), (2, 3, 9)),
    "gates of a bias": (changed(nn.LSTM(4, 5), "bias_ih_l0", floats(21)), (3, 2, 4)),
    "type of a state's weights": (changed(nn.LSTM(4, 5), "weight_hh_l0", floats(20, 5).double()), (3, 2, 4)),
    "projection": (changed(native(), "self_attn.out_proj.weight", floats(8, 9)), (2, 3, 8)),
    "second layer": (changed(native(), "linear2.weight", floats(8, 17)), (2, 3, 8)),
    "type of a norm": (changed(native(), "norm1.weight", floats(8).double()), (2, 3, 8)),
    "size of a direction": (changed(weight_norm(nn.Linear(4, 5)), "parametrizations.weight.original1", floats(5, 4).bfloat16()), (3, 4)),
}  # fmt: skip

REFUSED = {
    **{name: Sample(layer, tuple(floats(*shape) for shape in shapes))
       for name, (layer, *shapes) in {**LAYERS, **CHANGED}.items()},
    **{name: given(*each) for name, each in {**PRODUCTS, **WRITTEN}.items()},
}  # fmt: skip


def refusal(model: nn.Module, args: tuple, grad: bool) -> type[BaseException]:
    """What torch raises; with gradients, a way past the fast paths, it may be another."""
    with torch.set_grad_enabled(grad), pytest.raises(WRONG) as told:
        model(*args)
    return type(told.value)


WRONG = (RuntimeError, ValueError, IndexError, AssertionError)


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("name", REFUSED)
def test_what_torch_refuses_has_no_figure(name, device):
    model, args, _ = REFUSED[name]
    trains = any(p.requires_grad for p in model.parameters())
    told = {training: refusal(model, args, training) for training in (False, True)[: 1 + trains]}
    model = copy.deepcopy(model).to(device)
    for training, error in told.items():
        with pytest.raises(error if device == "cpu" else WRONG):  # meta has no fast paths
            count(model, *(x.to(device) for x in args), training=training)


MIXED = {
    "half precision beside single": (nn.LayerNorm(4), floats(2, 4).bfloat16(), 0),
    "statistics in single precision": (nn.BatchNorm2d(4), floats(2, 4, 3, 3).bfloat16(), 0),
    "no batch": (nn.Conv2d(3, 5, 3), floats(3, 8, 8), 5 * 3 * 9 * 6 * 6),
    "output padding": (nn.ConvTranspose1d(3, 2, 3, stride=2, output_padding=1), floats(1, 3, 4), 4 * 3 * 2 * 3),
}  # fmt: skip


@pytest.mark.parametrize("name", MIXED)
def test_what_torch_takes_counts(name):
    model, x, macs = MIXED[name]
    model(x)
    assert count(model, x).macs == macs


ROWS, COLUMNS, INNER = 3, 5, 4
TAKEN = {
    "row for all": lambda a, b, y: (a @ b).add_(y[:1]),
    "row in the place of one": lambda a, b, y: (a @ b).index_put_((torch.tensor([1]),), y[0]),
    "rows at an index": lambda a, b, y: (a @ b).index_add_(0, torch.tensor([2, 0]), y[:2]),
    "number": lambda a, b, y: (a @ b).mul_(torch.tensor(2.0)),
    "mask for all": lambda a, b, y: (a @ b).masked_fill_(y[:1] > 0, 0),
    "integers for all": lambda a, b, y: (
        (a @ b) * integers(COLUMNS).mul_(2).div_(3, rounding_mode="floor")
    ),
    "divided": lambda a, b, y: (a @ b).div_(torch.tensor(3)),
    "other type": lambda a, b, y: (a @ b).add_(y.half()),
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_can_be_written_counts(name):
    args = floats(ROWS, INNER), floats(INNER, COLUMNS), floats(ROWS, COLUMNS)
    TAKEN[name](*args)
    assert count(Program(TAKEN[name]), *args).macs == ROWS * COLUMNS * INNER
