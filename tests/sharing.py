"""Small networks that hold, share and tie modules and parameters in every way."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from layers import Factory, indexed, made, sequential


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


class Frozen(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.frozen, self.trained = nn.Linear(4, 4), nn.Linear(4, 3)
        self.frozen.requires_grad_(False)
        self.trained.bias.requires_grad_(False)

    def forward(self, x):
        return self.trained(self.frozen(x))


class Reached(nn.Module):
    """One layer at three depths."""

    def __init__(self) -> None:
        super().__init__()
        fc = nn.Linear(4, 4)
        self.a = nn.Sequential(fc, nn.ReLU())
        self.b = nn.Sequential(nn.Sequential(fc), nn.Linear(4, 4))
        self.c = fc

    def forward(self, x):
        return self.c(self.b(self.a(x)))


class OutOfOrder(nn.Module):
    """Layers in nested containers, called in another order than held."""

    def __init__(self) -> None:
        super().__init__()
        one = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])
        self.groups = nn.ModuleDict({"a": one, "b": nn.ModuleList([nn.Linear(4, 4)])})
        self.scale = nn.Parameter(torch.ones(4))

    def forward(self, x):
        x = self.groups["b"][0](self.groups["a"][0](x))
        return self.groups["a"][0](self.groups["a"][1](x)) * self.scale


class Again(nn.Module):
    """Holds a container that a child holds, and calls into it."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(4))
        self.inner = OutOfOrder()
        self.again = self.inner.groups["a"]

    def forward(self, x):
        return self.again[0](self.inner(x)) * self.scale


class LaterPlace(nn.Module):
    """Calls a shared block from its second place before its first."""

    def __init__(self) -> None:
        super().__init__()
        block = Block(nn.Linear(4, 4))
        self.x = nn.Sequential(nn.Sequential(block), nn.ReLU())
        self.y = nn.ModuleList([nn.ModuleList([block]), nn.Linear(4, 4)])

    def forward(self, x):
        return self.y[1](self.x(self.y[0][0](x)))


class TiedEmbedding(nn.Module):
    """A language model in small: the table is the last layer's weight."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.head = nn.Embedding(7, 4), nn.Linear(4, 7, bias=False)
        self.head.weight = self.table.weight

    def forward(self, x):
        return self.head(self.table(x))


class TiedInside(nn.Module):
    """Layers of two containers with the same weight and bias."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
        self.b = nn.Sequential(nn.Linear(4, 4))
        self.b[0].weight, self.b[0].bias = self.a[0].weight, self.a[0].bias

    def forward(self, x):
        return self.b(self.a(x))


class Borrowed(nn.Module):
    """Holds its layer's weight as its own too."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.weight = self.fc.weight

    def forward(self, x):
        return self.fc(x) @ self.weight


class ParameterLists(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tables = nn.ParameterList([torch.ones(4, 4), torch.ones(4, 3)])

    def forward(self, x):
        return x @ self.tables[0] @ self.tables[1]


class NoChild(nn.Module):
    """Names without a module or a parameter behind them."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.register_module("skip", None)
        self.register_parameter("scale", None)

    def forward(self, x):
        return self.fc(x)


class OnlyEmpty(nn.Module):
    """Nothing but an empty container below it, and a weight of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.empty = nn.Sequential()
        self.weight = nn.Parameter(torch.ones(4, 4))

    def forward(self, x):
        return F.linear(x, self.weight)


def blocks_called_twice():
    one, two = Block(nn.Linear(4, 4)), Block(nn.Linear(4, 4))
    return nn.Sequential(one, two, two, one)


SHARING: dict[str, Factory] = {
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
    "frozen": made(Frozen, (2, 4)),
    "reached at three depths": made(Reached, (3, 4)),
    "out of order": made(OutOfOrder, (3, 4)),
    "again": made(Again, (3, 4)),
    "later place": made(LaterPlace, (3, 4)),
    "tied embedding": indexed(TiedEmbedding, (2, 3)),
    "tied inside": made(TiedInside, (3, 4)),
    "borrowed weight": made(Borrowed, (3, 4)),
    "borrowed weight inside": made(sequential(Borrowed, lambda: nn.Linear(4, 3)), (3, 4)),
    "parameter list": made(ParameterLists, (3, 4)),
    "parameter list inside": made(sequential(ParameterLists, lambda: nn.Linear(3, 3)), (3, 4)),
    "no child": made(NoChild, (3, 4)),
    "only an empty child": made(OnlyEmpty, (3, 4)),
    "only an empty child inside": made(sequential(OnlyEmpty, lambda: nn.Linear(4, 3)), (3, 4)),
    "blocks called twice": made(blocks_called_twice, (3, 4)),
}
