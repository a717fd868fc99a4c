"""Inputs of a model that have the names of keywords of ours: told apart, never taken for them."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

import flop_harness
from flop_harness.errors import UserError

# A linear layer of 4 to 8 on two rows; where ``wide`` it runs twice.
ONCE = 2 * 4 * 8
SHAPE = (2, 4)


class Twice(nn.Module):
    """Runs its layer twice where an input of this name says so."""

    def __init__(self, **others) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 8)

    def run(self, x, twice):
        y = self.layer(x)
        return y + self.layer(x) if twice else y


class WithMode(Twice):
    def forward(self, x, mode="once"):
        return self.run(x, mode == "twice")


class WithTraining(Twice):
    def forward(self, x, training=True):
        return self.run(x, training)


class WithOptimizer(Twice):
    def forward(self, x, *, optimizer=None, convention=None, dtype=None, jobs=1, counters=()):
        return self.run(x, optimizer or convention or dtype or jobs > 1 or counters)


class WithKwargs(Twice):
    def forward(self, x, kwargs=None):
        return self.run(x, bool(kwargs))


class WithContext(Twice):
    def forward(self, x, context=None):
        return self.run(x, context is not None)


class HandsOn(nn.Module):
    """As DataParallel and wrappers of adapters do."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, *args, **kwargs):
        return self.inner(*args, **kwargs)


AMBIGUOUS = [
    (WithMode, {"mode": "eval"}),
    (WithMode, {"mode": ""}),
    (WithTraining, {"training": False}),
    (WithTraining, {"training": True}),
    (WithOptimizer, {"convention": "flops"}),
    (WithOptimizer, {"dtype": "bfloat16"}),
    (WithKwargs, {"kwargs": {}}),
]
OF_COMPARE = [
    (WithMode, {"mode": "eval"}),
    (WithTraining, {"training": False}),
    (WithOptimizer, {"jobs": 1}),
    (WithOptimizer, {"counters": "analytic"}),
]
MAKERS = [lambda kind: kind(), lambda kind: HandsOn(kind()), lambda kind: torch.compile(kind()),
          lambda kind: kind().forward]  # fmt: skip


@pytest.mark.parametrize("make", MAKERS, ids=["model", "wrapper", "compiled", "method"])
@pytest.mark.parametrize(("kind", "asked"), AMBIGUOUS)
def test_what_could_be_either_is_refused_by_name(kind, asked, make):
    (name,) = asked
    with pytest.raises(UserError, match=f'{name}= can be .*kwargs={{"{name}": ...}}'):
        flop_harness.count(make(kind), SHAPE, **asked)


@pytest.mark.parametrize(("kind", "asked"), OF_COMPARE)
def test_compare_refuses_too(kind, asked):
    with pytest.raises(UserError, match="can be flop-harness's own or an input of the model"):
        flop_harness.compare(kind(), SHAPE, **asked)


def test_a_function_has_inputs_of_these_names_too():
    def run(x, mode="once"):
        return x @ x.T if mode == "twice" else x

    with pytest.raises(UserError, match="mode= can be"):
        flop_harness.count(run, SHAPE, mode="twice")
    assert flop_harness.count(run, SHAPE, kwargs={"mode": "twice"}).macs == 2 * 2 * 4
    assert flop_harness.count(partial(run, mode="twice"), SHAPE).macs == 2 * 2 * 4


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (WithMode, {"mode": "twice"}),
        (WithTraining, {"training": True}),
        (WithOptimizer, {"optimizer": "adam"}),
        (WithKwargs, {"kwargs": {"deep": True}}),
    ],
)
def test_kwargs_holds_inputs_of_the_model(kind, given):
    assert flop_harness.count(kind(), SHAPE, kwargs=given).macs == 2 * ONCE
    ran = flop_harness.compare(kind(), SHAPE, kwargs=given).run
    assert [bridge.residual for bridge in ran.bridges] == [0] * len(ran.bridges) != []


def test_beside_kwargs_a_keyword_is_ours():
    """The forward pass once, and back its weights' gradient alone: the input asks for none."""
    model = WithTraining()
    counted = flop_harness.count(model, SHAPE, training=True, kwargs={"training": False})
    assert counted.phases == {"forward": ONCE, "backward": ONCE}
    filled = flop_harness.count(model, torch.zeros(SHAPE), False, training=True)
    assert filled.macs == 2 * ONCE, "an input given by its place is no question"


def test_keywords_that_no_input_has_are_ours_as_before():
    model = nn.Linear(4, 8)
    assert flop_harness.count(model, SHAPE, mode="eval", convention="flops").total == 2 * ONCE
    assert flop_harness.count(model, kwargs={"input": SHAPE}).macs == ONCE
    assert flop_harness.count(HandsOn(model), SHAPE, training=True).macs == 2 * ONCE


def test_values_that_cannot_be_ours_are_refused():
    x = torch.zeros(SHAPE)
    for name in ("mode", "convention", "optimizer", "training", "kwargs"):
        with pytest.raises(UserError, match=f"{name}= is flop-harness's own and takes"):
            flop_harness.count("torchvision:resnet18", x, **{name: x})
    with pytest.raises(UserError, match="input is given by name and in kwargs"):
        flop_harness.count(nn.Linear(4, 8), input=x, kwargs={"input": x})


def test_fixtures_tell_them_apart(flop_account, flop_reading):
    x = torch.zeros(SHAPE)
    assert flop_account(WithMode(), SHAPE, kwargs={"mode": "twice"}).macs == 2 * ONCE
    with pytest.raises(pytest.fail.Exception, match="mode= can be"):
        flop_account(WithMode(), SHAPE, mode="twice")
    with pytest.raises(pytest.fail.Exception, match="context= is flop-harness's own"):
        flop_reading("analytic", WithContext(), x, context=x)
    with pytest.raises(pytest.fail.Exception, match="context= can be"):
        flop_reading("analytic", WithContext(), x, context="eval")
    said = flop_reading("analytic", WithContext(), x, kwargs={"context": x})
    assert (said.macs, said.explained) == (2 * ONCE, True)
    assert flop_reading("analytic", WithContext(), x, kwargs={"context": x}, context="train").macs


class WithDepth(Twice):
    def forward(self, x, depth=1):
        return self.run(x, depth == 2)


def test_a_counter_does_not_take_an_input_for_a_keyword_of_its_own():
    """torchinfo's ``summary`` has a ``depth``: 8 x 4 weights and 8 biases for each of 2 rows, twice."""
    run = flop_harness.compare(WithDepth(), torch.zeros(SHAPE), depth=2, counters="torchinfo").run
    (made,) = [bridge for bridge in run.bridges if bridge.metric == "compute"]
    assert (made.reading, made.residual) == (2 * 2 * (4 * 8 + 8), 0)
