"""A model that compares functions of torch takes the way that it takes without us."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import flop_harness as harness
from flop_harness.records import HOOKED
from flop_harness.trace.identity import compared_by

pytestmark = pytest.mark.filterwarnings("ignore")

WIDE, NARROW = 2 * 4 * 8, 2 * 4 * 2
NAMES = {F.relu: "relu", F.gelu: "gelu"}


class Asking(nn.Module):
    """Wide where what it holds is what it takes it to be."""

    def __init__(self) -> None:
        super().__init__()
        self.act, self.product = F.gelu, torch.matmul
        self.wide, self.narrow = nn.Linear(4, 8), nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.wide(x) if self.asks() else self.narrow(x)


class Identical(Asking):
    def asks(self) -> bool:
        return self.act is F.gelu


class IdenticalOnTheLeft(Asking):
    def asks(self) -> bool:
        return torch.nn.functional.gelu is self.act and torch.matmul is self.product


class IdenticalToAnItem(Asking):
    def asks(self) -> bool:
        return F.gelu is [self.act][0]


class InAHelper(Asking):
    def asks(self) -> bool:
        return is_gelu(self.act)


def is_gelu(function: Callable) -> bool:
    return function is not None and not (function is not F.gelu)


class Equal(Asking):
    def asks(self) -> bool:
        return self.act == F.gelu and self.product in (torch.mul, torch.matmul)


class Keyed(Asking):
    def asks(self) -> bool:
        return NAMES.get(F.gelu) == "gelu"


class Named(Asking):
    def asks(self) -> bool:
        known = (F.softmax.__name__, F.softmax.__module__, len(inspect.signature(F.softmax).parameters))  # fmt: skip
        return known == ("softmax", "torch.nn.functional", 4) and "dim" in F.softmax.__doc__


class OfAType(Asking):
    def asks(self) -> bool:
        return inspect.isfunction(F.softmax) and inspect.isbuiltin(torch.matmul)


class OfAKind(Asking):
    def asks(self) -> bool:
        return type(torch.matmul).__name__ == "builtin_function_or_method"


ADD = torch.Tensor.__add__


class AMethod(Asking):
    def asks(self) -> bool:
        return torch.Tensor.__add__ is ADD


class ItsOwnId(Asking):
    def __init__(self) -> None:
        super().__init__()
        self.known = id(self)

    def asks(self) -> bool:
        return id(self) == self.known


class Copied(Asking):
    def asks(self) -> bool:
        self.act = F.gelu
        return copy.deepcopy(self).act is self.product or copy.deepcopy(self).act == F.gelu


WAYS = [
    Identical,
    IdenticalOnTheLeft,
    IdenticalToAnItem,
    InAHelper,
    Equal,
    Keyed,
    Named,
    OfAType,
    OfAKind,
    AMethod,
    ItsOwnId,
    Copied,
]


@pytest.mark.parametrize("kind", WAYS)
def test_what_a_model_asks_of_a_function_has_the_answer_that_torch_gives(kind):
    model = kind().eval()
    assert model(torch.rand(2, 4)).shape == (2, 8)
    assert harness.count(model, torch.rand(2, 4)).macs == WIDE


@pytest.mark.parametrize("kind", [Identical, Equal])
def test_a_counter_that_replaces_functions_is_explained_by_the_other_way(kind):
    """ptflops puts its own in the place of gelu: the model is narrow in its run.

    Half a batch of two is left of a layer, with its bias.
    """
    run = harness.compare(kind().eval(), torch.rand(2, 4), counters=["thop", "ptflops-pytorch"])
    bridges = {each.counter: each for each in run.run.bridges if each.metric == "compute"}
    assert bridges["thop"].reading == WIDE
    assert bridges["ptflops-pytorch"].reading == (NARROW + 2 * 2) / 2
    assert all(each.residual == 0 and each.explained for each in bridges.values())
    moved = {step.term: step.amount for step in bridges["ptflops-pytorch"].steps}
    assert moved[f"linear not seen{HOOKED}"] == NARROW - WIDE


def test_a_function_that_is_called_where_another_is_compared_is_not_among_them():
    class Calls(Asking):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            narrowed = F.linear(torch.relu(x), self.narrow.weight)
            return torch.nn.functional.silu(narrowed) if self.act is F.gelu else torch.neg(x)

    assert compared_by([Calls()]) == {"gelu"}


def test_functions_that_nobody_compares_are_watched():
    class Plain(Asking):
        def asks(self) -> bool:
            return self.act is not None

    made = harness.count(Plain().eval(), torch.rand(2, 4))
    names = {call.name for call in made.trace.root.children[0].children}
    assert "torch.nn.functional.linear" in names


# ------------------------------------------------------------------ code that is of no class of layers

WEIGHT = torch.rand(4, 8)


def asked(x: torch.Tensor, known: Callable = F.gelu) -> torch.Tensor:
    return x @ WEIGHT if known is F.gelu and x.is_cpu else x


def closed(known: Callable) -> Callable:
    def inner(x: torch.Tensor) -> torch.Tensor:
        return x @ WEIGHT if known is F.gelu else x

    return lambda x: inner(x)


class Called:
    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return x @ WEIGHT if NAMES and self.known() is F.gelu else x

    def known(self) -> Callable:
        return list(NAMES)[1]


def hooked() -> nn.Module:
    model = nn.Identity()
    model.register_forward_hook(lambda module, inputs, output: asked(output))
    return model


def replaced() -> nn.Module:
    model = nn.Identity()
    model.forward = asked  # type: ignore[method-assign]
    return model


FUNCTIONS = {
    "function": asked,
    "partial": partial(asked, known=F.gelu),
    "closure": closed(F.gelu),
    "object": Called(),
    "hook": hooked(),
    "forward of its own": replaced(),
}


@pytest.mark.parametrize("model", FUNCTIONS.values(), ids=FUNCTIONS)
def test_functions_ask_as_layers_do(model):
    assert harness.count(model, torch.rand(2, 4)).macs == WIDE
