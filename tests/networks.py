"""Small networks: attention layers, and every way of calling modules and giving results."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.utils.checkpoint import checkpoint
from torchvision.ops import DeformConv2d

from layers import Factory, Sample, made, sequential

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
    "attention as root": made(lambda: nn.MultiheadAttention(8, 2), (3, 2, 8), (3, 2, 8), (3, 2, 8)),
    "encoder layer": made(encoder_layer(), (3, 2, 8)),
    "encoder layer batch first": made(encoder_layer(batch_first=True), (2, 3, 8)),
    "encoder layer norm first": made(encoder_layer(norm_first=True, batch_first=True), (2, 3, 8)),
    "encoder layer gelu": made(encoder_layer(activation="gelu", batch_first=True), (2, 3, 8)),
    "encoder layer unbatched": made(encoder_layer(), (3, 8)),
    "encoder layer without bias": made(encoder_layer(bias=False, batch_first=True), (2, 3, 8)),
    "encoder": made(lambda: nn.TransformerEncoder(encoder_layer(batch_first=True)(), 2), (2, 3, 8)),
    "decoder layer": made(lambda: nn.TransformerDecoderLayer(8, 2, 6), (3, 2, 8), (5, 2, 8)),
    "transformer": made(lambda: nn.Transformer(8, 2, 1, 1, 6), (5, 2, 8), (3, 2, 8)),
}

# -------------------------------------------------------------------------- ways of calling


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


class Discards(nn.Module):
    """Computes a product that nothing comes of."""

    def __init__(self) -> None:
        super().__init__()
        self.used, self.discarded = nn.Linear(4, 3), nn.Linear(4, 5)

    def forward(self, x):
        self.discarded(x)
        return self.used(x)


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


class TupleOut(nn.Module):
    """An inner module gives a tuple with nothing and a dictionary in it."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Tuples()

    def forward(self, x):
        return self.inner(x)[0]


class Tuples(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        y = self.fc(x)
        return y, None, {"sum": y}


class Deformable(nn.Module):
    """Offsets, and a mask, from convolutions; called by position."""

    def __init__(self, masked: bool) -> None:
        super().__init__()
        self.offset = nn.Conv2d(4, 18, 3)
        self.mask = nn.Conv2d(4, 9, 3) if masked else None
        self.conv = DeformConv2d(4, 6, 3, groups=2)

    def forward(self, x):
        if self.mask is None:
            return self.conv(x, self.offset(x))
        return self.conv(x, self.offset(x), self.mask(x))


class ByKeyword(nn.Module):
    """One layer called with its input by name."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(input=x)


class SizedByValues(nn.Module):
    """An interpolation whose size is two tensors, as that of an image whose mask tells it."""

    def forward(self, x):
        return F.interpolate(x, size=tuple((x > 2).sum((1, 2))[0, :2] + 3))


class Experts(nn.Module):
    """A mixture of experts: values decide which layer gets which row."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Linear(4, 2)
        self.experts = nn.ModuleList(nn.Linear(4, 4) for _ in range(2))

    def forward(self, x):
        chosen, y = self.gate(x).argmax(-1), torch.zeros_like(x)
        for number, expert in enumerate(self.experts):
            rows = chosen == number
            if rows.any():
                y[rows] = expert(x[rows])
        return y


class Checkpointed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        return checkpoint(self.fc, x, use_reentrant=False)


class ListIn(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 3)

    def forward(self, pair):
        return self.fc(pair[0]) + self.fc(pair[1])


def in_training(factory: Factory) -> Factory:
    def made_to_train() -> Sample:
        sample = factory()
        sample.module.train()
        return sample

    return made_to_train


def typed(module: Callable[[], nn.Module], dtype: torch.dtype, *shape: int) -> Factory:
    return lambda: Sample(module().eval().to(dtype), (torch.ones(shape, dtype=dtype),))


CALLING: dict[str, Factory] = {
    "called by keyword": made(CalledByKeyword, (3, 4)),
    "keyword input": made(Several, first=(2, 4)),
    "keyword inputs": made(Several, first=(2, 4), second=(2, 5)),
    "several inputs": made(Several, (2, 4), (2, 5)),
    "mixed inputs": made(Several, (2, 4), second=(2, 5)),
    "dictionary in": dictionary,
    "dictionary out": made(OutDict, (2, 4)),
    "dictionary out inside": made(OutDictInside, (2, 4)),
    "residual block": made(Residual, (3, 2, 4, 5)),
    "packed lstm": made(Packed, (3, 2, 5)),
    "packed gru": made(lambda: Packed(nn.GRU), (3, 2, 5)),
    "cell loop": made(CellLoop, (3, 2, 5)),
    "inherited linear": made(lambda: nn.Sequential(Inherited(4, 3)), (2, 4)),
    "forward called directly": made(Direct, (2, 4)),
    "empty batch": made(sequential(lambda: nn.Conv2d(2, 3, 3), nn.ReLU), (0, 2, 5, 5)),
    "bfloat linear": typed(sequential(lambda: nn.Linear(4, 3), nn.ReLU), torch.bfloat16, 2, 4),
    "double linear": typed(sequential(lambda: nn.Linear(4, 3), nn.ReLU), torch.float64, 2, 4),
    "tuple out": made(TupleOut, (2, 4)),
    "deformable": made(lambda: Deformable(masked=False), (2, 4, 5, 6)),
    "deformable masked": made(lambda: Deformable(masked=True), (2, 4, 5, 6)),
    "conv by keyword": made(lambda: ByKeyword(nn.Conv2d(4, 6, 3)), (2, 4, 5, 6)),
    "relu by keyword": made(lambda: ByKeyword(nn.ReLU()), (2, 4)),
    "rnn by keyword": made(lambda: ByKeyword(nn.RNN(5, 4)), (3, 2, 5)),
    "experts": made(Experts, (5, 4)),
    "interpolate to tensors": made(SizedByValues, (2, 3, 4, 5)),
    "checkpointed": made(Checkpointed, (2, 4)),
    "list in": lambda: Sample(ListIn().eval(), ([torch.rand(2, 4), torch.rand(2, 4)],)),
    "in training": in_training(
        made(sequential(lambda: nn.Conv2d(2, 3, 3), lambda: nn.BatchNorm2d(3)), (2, 2, 5, 5))
    ),
    "encoder in training": in_training(ATTENTION["encoder"]),
    "channels last": made(
        lambda: nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last), (2, 3, 6, 5)
    ),
    "half precision": typed(lambda: nn.Conv2d(2, 3, 3), torch.float16, 1, 2, 5, 5),
    "bfloat lstm": typed(lambda: nn.LSTM(5, 4), torch.bfloat16, 3, 2, 5),
    "double lstm": typed(lambda: nn.LSTM(5, 4), torch.float64, 3, 2, 5),
    "complex linear": typed(lambda: nn.Linear(4, 3), torch.complex64, 2, 4),
    "empty linear": made(lambda: nn.Linear(4, 3), (0, 4)),
    "no features": made(lambda: nn.Linear(0, 3), (2, 0)),
}

NETWORKS: dict[str, Factory] = {**ATTENTION, **CALLING}
