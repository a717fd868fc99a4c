"""Small networks: attention layers, and every way of holding and calling modules."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from layers import Factory, Sample, made
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


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

NETWORKS: dict[str, Factory] = {**ATTENTION, **HOLDING}
