"""Small networks: attention, functional programs, and every way of holding and calling modules."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from layers import Factory, Sample, made
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class Program(nn.Module):
    """A function as a model."""

    def __init__(self, function: Callable) -> None:
        super().__init__()
        self.function = function

    def forward(self, a, b=None, c=None):
        return self.function(*(x for x in (a, b, c) if x is not None))


def program(function: Callable, *shapes: tuple[int, ...]) -> Factory:
    return made(lambda: Program(function), *shapes)


def sequential(*layers: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(*(layer() for layer in layers))


# -------------------------------------------------------------------------------- attention


class SelfAttention(nn.Module):
    """``nn.MultiheadAttention`` on one input, called with or without keywords."""

    def __init__(self, weights: bool = True, keywords: bool = False, **options) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, **options)
        self.weights, self.keywords = weights, keywords

    def forward(self, x):
        if self.keywords:
            return self.attention(query=x, key=x, value=x, need_weights=self.weights)[0]
        return self.attention(x, x, x, need_weights=self.weights)[0]


class CrossAttention(nn.Module):
    """Queries attend to another sequence, of widths of its own if need be."""

    def __init__(self, **options) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, **options)

    def forward(self, query, key, value):
        return self.attention(query, key, value)[0]


class CausalAttention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x):
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1], device=x.device)
        return self.attention(x, x, x, attn_mask=mask, need_weights=False, is_causal=True)[0]


def grouped_queries(q, k, v):
    return F.scaled_dot_product_attention(q, k, v, enable_gqa=True)


def by_hand(q, k, v):
    weights = torch.softmax(q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5, dim=-1)
    return weights @ v


def encoder_layer(**options) -> Callable[[], nn.Module]:
    return lambda: nn.TransformerEncoderLayer(8, 2, 6, **options)


ATTENTION: dict[str, Factory] = {
    "attention": made(SelfAttention, (3, 2, 8)),
    "attention batch first": made(lambda: SelfAttention(batch_first=True), (2, 3, 8)),
    "attention without weights": made(
        lambda: SelfAttention(weights=False, batch_first=True), (2, 3, 8)
    ),
    "attention without bias": made(lambda: SelfAttention(bias=False), (3, 2, 8)),
    "attention with bias kv": made(lambda: SelfAttention(add_bias_kv=True), (3, 2, 8)),
    "attention with zero": made(lambda: SelfAttention(add_zero_attn=True), (3, 2, 8)),
    "attention unbatched": made(SelfAttention, (3, 8)),
    "attention by keyword": made(lambda: SelfAttention(keywords=True), (3, 2, 8)),
    "attention causal": made(CausalAttention, (2, 3, 8)),
    "attention cross": made(CrossAttention, (3, 2, 8), (5, 2, 8), (5, 2, 8)),
    "attention cross widths": made(
        lambda: CrossAttention(kdim=6, vdim=4), (3, 2, 8), (5, 2, 6), (5, 2, 4)
    ),
    "attention as root": made(
        lambda: nn.MultiheadAttention(8, 2), (3, 2, 8), (3, 2, 8), (3, 2, 8)
    ),
    "encoder layer": made(encoder_layer(), (3, 2, 8)),
    "encoder layer batch first": made(encoder_layer(batch_first=True), (2, 3, 8)),
    "encoder layer norm first": made(encoder_layer(norm_first=True, batch_first=True), (2, 3, 8)),
    "encoder layer gelu": made(encoder_layer(activation="gelu", batch_first=True), (2, 3, 8)),
    "encoder layer unbatched": made(encoder_layer(), (3, 8)),
    "encoder layer without bias": made(encoder_layer(bias=False, batch_first=True), (2, 3, 8)),
    "encoder": made(
        lambda: nn.TransformerEncoder(encoder_layer(batch_first=True)(), 2), (2, 3, 8)
    ),
    "decoder layer": made(lambda: nn.TransformerDecoderLayer(8, 2, 6), (3, 2, 8), (5, 2, 8)),
    "transformer": made(lambda: nn.Transformer(8, 2, 1, 1, 6), (5, 2, 8), (3, 2, 8)),
    "scaled dot product": program(
        F.scaled_dot_product_attention, (2, 4, 3, 8), (2, 4, 5, 8), (2, 4, 5, 6)
    ),
    "scaled dot product equal": program(F.scaled_dot_product_attention, *[(2, 4, 3, 8)] * 3),
    "scaled dot product grouped": program(grouped_queries, (2, 4, 3, 8), *[(2, 2, 5, 8)] * 2),
    "scaled dot product 3d": program(F.scaled_dot_product_attention, *[(4, 3, 8)] * 3),
    "attention by hand": program(by_hand, *[(2, 4, 3, 8)] * 3),
}

# ------------------------------------------------------------------------ functional programs


FUNCTIONAL: dict[str, Factory] = {
    "matmul operator": program(lambda a, b: a @ b, (3, 4), (4, 5)),
    "matmul operator reversed": program(lambda a, b: torch.matmul(b.T, a.T), (3, 4), (4, 5)),
    "matmul batched": program(torch.matmul, (2, 3, 4), (2, 4, 5)),
    "matmul broadcast": program(torch.matmul, (2, 3, 4), (4, 5)),
    "matmul broadcast left": program(torch.matmul, (3, 4), (2, 4, 5)),
    "matmul vector": program(torch.matmul, (3, 4), (4,)),
    "matmul vectors": program(torch.matmul, (4,), (4,)),
    "matmul method": program(lambda a, b: a.matmul(b), (3, 4), (4, 5)),
    "mm": program(torch.mm, (3, 4), (4, 5)),
    "mm method": program(lambda a, b: a.mm(b), (3, 4), (4, 5)),
    "bmm": program(torch.bmm, (2, 3, 4), (2, 4, 5)),
    "bmm method": program(lambda a, b: a.bmm(b), (2, 3, 4), (2, 4, 5)),
    "mv": program(torch.mv, (3, 4), (4,)),
    "dot": program(torch.dot, (4,), (4,)),
    "addmm": program(torch.addmm, (5,), (3, 4), (4, 5)),
    "addmm method": program(lambda c, a, b: c.addmm(a, b), (3, 5), (3, 4), (4, 5)),
    "addmm without beta": program(
        lambda c, a, b: torch.addmm(c, a, b, beta=0), (5,), (3, 4), (4, 5)
    ),
    "baddbmm": program(torch.baddbmm, (2, 3, 5), (2, 3, 4), (2, 4, 5)),
    "baddbmm method": program(lambda c, a, b: c.baddbmm(a, b), (2, 3, 5), (2, 3, 4), (2, 4, 5)),
    "addbmm": program(torch.addbmm, (3, 5), (2, 3, 4), (2, 4, 5)),
    "addmv": program(torch.addmv, (3,), (3, 4), (4,)),
    "outer": program(torch.outer, (3,), (4,)),
    "einsum": program(lambda a, b: torch.einsum("bij,bjk->bik", a, b), (2, 3, 4), (2, 4, 5)),
    "einsum transposed": program(
        lambda a, b: torch.einsum("nct,ncp->ntp", a, b), (2, 3, 4), (2, 3, 5)
    ),
    "einsum of three": program(
        lambda a, b, c: torch.einsum("ij,jk,kl->il", a, b, c), (2, 3), (3, 4), (4, 5)
    ),
    "einsum outer": program(lambda a, b: torch.einsum("i,j->ij", a, b), (2,), (3,)),
    "einsum sum": program(lambda a: torch.einsum("ij->i", a), (2, 3)),
    "einsum list": program(lambda a, b: torch.einsum("ij,jk", [a, b]), (2, 3), (3, 4)),
    "einsum ellipsis": program(
        lambda a, b: torch.einsum("...ij,...jk->...ik", a, b), (2, 3, 4), (2, 4, 5)
    ),
    "tensordot": program(lambda a, b: torch.tensordot(a, b, 1), (2, 3, 4), (4, 5)),
    "functional linear": program(F.linear, (3, 4), (5, 4), (5,)),
    "functional linear 3d": program(F.linear, (2, 3, 4), (5, 4), (5,)),
    "functional conv": program(F.conv2d, (2, 3, 5, 6), (4, 3, 3, 3), (4,)),
    "functional conv same": program(
        lambda x, w: F.conv2d(x, w, padding="same"), (2, 3, 5, 6), (4, 3, 3, 3)
    ),
    "functional conv transposed": program(F.conv_transpose2d, (2, 3, 5, 6), (3, 4, 3, 3)),
    "functional bilinear": program(F.bilinear, (2, 3), (2, 5), (4, 3, 5)),
    "functional relu": program(F.relu, (2, 3, 4)),
    "torch relu": program(torch.relu, (2, 3, 4)),
    "method relu": program(lambda x: x.relu(), (2, 3, 4)),
    "functional gelu": program(F.gelu, (2, 3, 4)),
    "functional silu": program(F.silu, (2, 3, 4)),
    "functional softmax": program(lambda x: F.softmax(x, dim=1), (2, 3, 4)),
    "functional elu": program(F.elu, (2, 3, 4)),
    "functional relu6": program(F.relu6, (2, 3, 4)),
    "functional prelu": program(F.prelu, (2, 3, 4), (3,)),
    "functional leaky relu": program(F.leaky_relu, (2, 3, 4)),
    "torch softmax": program(lambda x: torch.softmax(x, 1), (2, 3, 4)),
    "functional max pool": program(lambda x: F.max_pool2d(x, 2), (2, 3, 4, 5)),
    "functional average pool": program(lambda x: F.avg_pool2d(x, 2), (2, 3, 4, 5)),
    "functional adaptive pool": program(lambda x: F.adaptive_avg_pool2d(x, 1), (2, 3, 4, 5)),
    "functional adaptive max": program(lambda x: F.adaptive_max_pool2d(x, 3), (2, 3, 4, 5)),
    "functional interpolate": program(lambda x: F.interpolate(x, scale_factor=2), (2, 3, 4, 5)),
    "interpolate to size": program(
        lambda x: F.interpolate(x, size=(7, 6), mode="bilinear"), (2, 3, 4, 5)
    ),
    "interpolate with list": program(
        lambda x: F.interpolate(x, scale_factor=[2.0, 3.0]), (2, 3, 4, 5)
    ),
    "interpolate by half": program(
        lambda x: F.interpolate(x, scale_factor=0.5, mode="bilinear"), (1, 3, 5, 5)
    ),
    "functional batch norm": program(F.batch_norm, (2, 3, 4), (3,), (3,)),
    "functional layer norm": program(lambda x: F.layer_norm(x, (4,)), (2, 3, 4)),
    "grid sample": program(
        lambda x, grid: F.grid_sample(x, grid, align_corners=False), (2, 3, 4, 5), (2, 6, 7, 2)
    ),
    "add operator": program(lambda a, b: a + b, (2, 3), (2, 3)),
    "add function": program(torch.add, (2, 3), (2, 3)),
    "add method": program(lambda a, b: a.add(b), (2, 3), (2, 3)),
    "add in place": program(lambda a, b: a.add_(b), (2, 3), (2, 3)),
    "add broadcast": program(torch.add, (2, 1, 4), (3, 1)),
    "add number": program(lambda a: torch.add(a, 1), (2, 3)),
    "add keyword": program(lambda a, b: torch.add(input=a, other=b, alpha=2), (2, 3), (2, 3)),
    "mul operator": program(lambda a, b: a * b, (2, 3), (2, 3)),
    "mul function": program(torch.mul, (2, 3), (3,)),
    "mul method": program(lambda a, b: a.mul(b), (2, 3), (2, 3)),
    "mul number": program(lambda a: 2 * torch.mul(a, 3), (2, 3)),
    "complex arithmetic": program(lambda a: torch.fft.rfft(a).abs(), (2, 8)),
}

# ---------------------------------------------------------- ways of holding and calling modules


class Twice(nn.Module):
    """One layer called two times."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.conv = nn.Conv1d(2, 2, 3, padding=1)
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(self.fc(self.relu(self.fc(self.conv(self.conv(x))))))


class Block(nn.Module):
    def __init__(self, fc: nn.Module) -> None:
        super().__init__()
        self.fc, self.norm = fc, nn.LayerNorm(4)

    def forward(self, x):
        return self.norm(self.fc(x))


class TwoParents(nn.Module):
    """One layer held by two blocks."""

    def __init__(self) -> None:
        super().__init__()
        fc = nn.Linear(4, 4)
        self.one, self.two = Block(fc), Block(fc)

    def forward(self, x):
        return self.two(self.one(x))


class TwoNames(nn.Module):
    """One layer under two names of one parent."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Linear(4, 4)
        self.two = self.one

    def forward(self, x):
        return self.two(self.one(x))


class SharedBlock(nn.Module):
    """One block, with layers inside, under two names and in a list."""

    def __init__(self) -> None:
        super().__init__()
        self.block = Block(nn.Linear(4, 4))
        self.list = nn.ModuleList([self.block, self.block])

    def forward(self, x):
        return self.list[1](self.block(x))


class TiedWeights(nn.Module):
    """Two layers with one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.encode, self.decode = nn.Linear(4, 4), nn.Linear(4, 4)
        self.decode.weight = self.encode.weight

    def forward(self, x):
        return self.decode(self.encode(x))


class Unused(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.used, self.unused = nn.Linear(4, 3), nn.Linear(4, 5)
        self.list = nn.ModuleList([nn.Conv2d(3, 4, 3), nn.ReLU()])

    def forward(self, x):
        return self.used(x)


class Listed(nn.Module):
    """A list and a dictionary of layers, never called themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.list = nn.ModuleList([nn.Linear(4, 4), nn.Sequential(nn.Linear(4, 4), nn.ReLU())])
        self.dict = nn.ModuleDict({"last": nn.Linear(4, 2)})

    def forward(self, x):
        for layer in self.list:
            x = layer(x)
        return self.dict["last"](x)


class OwnParameters(nn.Module):
    """Parameters of its own beside a layer, and a functional product of them."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(4))
        self.table = nn.Parameter(torch.ones(4, 3))
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        return (self.scale * self.fc(x)) @ self.table


class Attached(nn.Module):
    """A parameter beside called layers of a nested module that is a leaf itself."""

    def __init__(self) -> None:
        super().__init__()
        self.leaf = Gain()
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        return self.fc(self.leaf(x))


class Gain(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4))

    def forward(self, x):
        return x * self.weight


class CalledByKeyword(nn.Module):
    """Layers that get their input by name."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.relu = nn.Linear(4, 3), nn.ReLU()

    def forward(self, x):
        return self.relu(input=self.fc(input=x))


class Several(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(4, 3), nn.Linear(5, 3)

    def forward(self, first, second=None):
        y = self.one(first)
        return y if second is None else y + self.two(second)


class InDict(nn.Module):
    """Takes a dictionary, gives one."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 3)

    def forward(self, batch):
        y = self.fc(batch["x"])
        return {"first": y, "last": y.sum(1)}


class OutDict(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        y = self.fc(x)
        return {"first": y, "last": y.sum(1)}


class OutDictInside(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = OutDict()

    def forward(self, x):
        return self.inner(x)["first"]


class Frozen(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.frozen, self.trained = nn.Linear(4, 4), nn.Linear(4, 3)
        self.frozen.requires_grad_(False)
        self.trained.bias.requires_grad_(False)

    def forward(self, x):
        return self.trained(self.frozen(x))


class Residual(nn.Module):
    """A basic block: convolutions, normalisation, one ReLU many times, an addition."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(2, 2, 3, padding=1)
        self.bn1, self.bn2 = nn.BatchNorm2d(2), nn.BatchNorm2d(2)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += x
        return self.relu(y)


class Packed(nn.Module):
    """A recurrent layer on sequences of different lengths."""

    def __init__(self, kind: type[nn.RNNBase] = nn.LSTM) -> None:
        super().__init__()
        self.rnn = kind(5, 4)

    def forward(self, x):
        packed = pack_padded_sequence(x, torch.tensor([3, 2]))
        return pad_packed_sequence(self.rnn(packed)[0])[0]


class CellLoop(nn.Module):
    """A cell stepping through a sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(5, 4)

    def forward(self, x):
        state = None
        for step in x:
            state = self.cell(step, state)
        return state[0]


class Inherited(nn.Linear):
    """A layer with more work than its parent's."""

    def forward(self, x):
        return F.relu(super().forward(x)) @ self.weight


class Direct(nn.Module):
    """Calls ``forward`` of a layer past its hooks."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        return self.fc.forward(x)


def dictionary() -> Sample:
    return Sample(InDict().eval(), ({"x": torch.rand(2, 4)},))


HOLDING: dict[str, Factory] = {
    "sequential": made(sequential(lambda: nn.Linear(4, 3), nn.ReLU), (2, 4)),
    "sequential batch of one": made(sequential(lambda: nn.Linear(4, 3), nn.ReLU), (1, 4)),
    "nested sequential": made(
        lambda: nn.Sequential(
            nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Sequential(nn.BatchNorm2d(3))),
            nn.Flatten(),
            nn.Linear(27, 2),
        ),
        (3, 2, 5, 5),
    ),
    "empty sequential": made(
        lambda: nn.Sequential(nn.Linear(4, 3), nn.Sequential(), nn.Linear(3, 2)), (2, 4)
    ),
    "relu shared": made(
        lambda: (lambda relu: nn.Sequential(nn.Linear(4, 4), relu, nn.Linear(4, 4), relu, relu))(
            nn.ReLU()
        ),
        (3, 4),
    ),
    "linear shared in sequential": made(
        lambda: (lambda fc: nn.Sequential(fc, nn.ReLU(), fc))(nn.Linear(4, 4)), (3, 4)
    ),
    "called twice": made(Twice, (3, 2, 4)),
    "two parents": made(TwoParents, (3, 4)),
    "two names": made(TwoNames, (3, 4)),
    "shared block": made(SharedBlock, (3, 4)),
    "tied weights": made(TiedWeights, (3, 4)),
    "unused": made(Unused, (3, 4)),
    "listed": made(Listed, (3, 4)),
    "own parameters": made(OwnParameters, (3, 4)),
    "leaf with a parameter": made(Attached, (3, 4)),
    "called by keyword": made(CalledByKeyword, (3, 4)),
    "keyword input": made(Several, first=(2, 4)),
    "keyword inputs": made(Several, first=(2, 4), second=(2, 5)),
    "several inputs": made(Several, (2, 4), (2, 5)),
    "mixed inputs": made(Several, (2, 4), second=(2, 5)),
    "dictionary in": dictionary,
    "dictionary out": made(OutDict, (2, 4)),
    "dictionary out inside": made(OutDictInside, (2, 4)),
    "frozen": made(Frozen, (2, 4)),
    "residual block": made(Residual, (3, 2, 4, 5)),
    "packed lstm": made(Packed, (3, 2, 5)),
    "packed gru": made(lambda: Packed(nn.GRU), (3, 2, 5)),
    "cell loop": made(CellLoop, (3, 2, 5)),
    "inherited linear": made(lambda: nn.Sequential(Inherited(4, 3)), (2, 4)),
    "forward called directly": made(Direct, (2, 4)),
    "empty batch": made(sequential(lambda: nn.Conv2d(2, 3, 3), nn.ReLU), (0, 2, 5, 5)),
    "half precision": lambda: Sample(
        nn.Sequential(nn.Linear(4, 3), nn.ReLU()).eval().to(torch.bfloat16),
        (torch.rand(2, 4, dtype=torch.bfloat16),),
    ),
    "double precision": lambda: Sample(
        nn.Sequential(nn.Linear(4, 3), nn.ReLU()).eval().double(), (torch.rand(2, 4).double(),)
    ),
}

NETWORKS: dict[str, Factory] = {**ATTENTION, **FUNCTIONAL, **HOLDING}
