"""Budgets and counters' figures in other people's tests, as pytest runs them there."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
import torch
from torch import nn

import flop_harness
from flop_harness.errors import UserError
from flop_harness.regression.budgets import Budget, broken
from flop_harness.regression.counter_reading import reading
from test_plugin import Project

FIRST, SECOND = 2 * 4 * 8, 2 * 8 * 3
PARAMS = 4 * 8 + 8 + 8 * 3 + 3


def net() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.Sequential(nn.ReLU(), nn.Linear(8, 3)))


@pytest.fixture(scope="module")
def counted():
    return flop_harness.count(net(), (2, 4))


WITHIN = {
    "macs": Budget(macs=FIRST + SECOND),
    "params": Budget(params=PARAMS),
    "total": Budget(total=FIRST + SECOND),
    "module": Budget(modules={"1": SECOND, "": FIRST + SECOND}),
    "term": Budget(terms={"linear": FIRST + SECOND, "convolution": 0}),
}
PASSED = {
    "macs": (Budget(macs=FIRST + SECOND - 1), f"the model: {FIRST + SECOND} MAC, 1 more than the budget of"),
    "params": (Budget(params=PARAMS - 2), f"the model: {PARAMS} parameters, 2 more"),
    "total": (Budget(total=1), f"the model: {FIRST + SECOND} MAC, {FIRST + SECOND - 1} more"),
    "module": (Budget(modules={"1": SECOND - 3}), f"1: {SECOND} MAC, 3 more"),
    "term": (Budget(terms={"linear": 0}), f"the term 'linear': {FIRST + SECOND} MAC"),
}  # fmt: skip


@pytest.mark.parametrize("name", WITHIN)
def test_a_budget_that_is_met_says_nothing(counted, name):
    assert broken(counted, WITHIN[name]) == ""


@pytest.mark.parametrize("name", PASSED)
def test_a_budget_that_is_passed_is_told_with_its_modules(counted, name):
    budget, words = PASSED[name]
    told = broken(counted, budget)
    assert told.splitlines()[0] == "Sequential on 2x4" and words in told
    modules = [line.split()[0] for line in told.splitlines()[4:]]
    assert modules == (
        ["1.1"] if name == "module" else ["0", "1.1"] if name != "params" else modules
    )


def test_a_budget_that_is_a_float_is_told_as_the_whole_number_that_it_is(counted):
    told = broken(counted, Budget(macs=1e2))
    assert "more than the budget of 100\n" in f"{told}\n" and ".0" not in told.splitlines()[2]


def test_a_module_that_is_not_there_is_no_pass(counted):
    with pytest.raises(UserError, match=r"no module '1.2' \(did you mean '1.1' or '1.0'\?\)"):
        broken(counted, Budget(modules={"1.2": 9}))


def test_the_heaviest_modules_come_first_and_the_others_are_counted():
    model = nn.Sequential(*(nn.Linear(4, 4 if n < 11 else 40) for n in range(12)))
    told = broken(flop_harness.count(model, (1, 4)), Budget(macs=1))
    assert re.search(r"^11 +linear +160 ", told, re.M) and told.endswith("and 4 more")


# ------------------------------------------------------------------------- what has no formula


@torch.library.custom_op("budgets::mystery", mutates_args=())
def mystery(x: torch.Tensor) -> torch.Tensor:
    return x.clone()


@mystery.register_fake
def _(x):
    return torch.empty_like(x)


@pytest.fixture(scope="module")
def unknown():
    model = net()
    return flop_harness.count(lambda x: mystery(model(x)), (2, 4))


def test_a_budget_of_work_cannot_be_held_where_an_operator_has_no_formula(unknown):
    told = broken(unknown, Budget(macs=10**9))
    assert "not counted, no formula: budgets.mystery × 1" in told
    assert broken(unknown, Budget(params=PARAMS)) == ""
    assert broken(unknown, Budget(macs=10**9, ignore=("budgets.mystery",))) == ""


# --------------------------------------------------------------------------- counters' figures


@dataclass
class Output:
    found: torch.Tensor


def test_a_counter_is_read_with_its_unit_and_its_steps():
    ours = reading("torch", net(), ((2, 4),), {}, "no_grad")
    assert (ours.compute, ours.unit, ours.macs) == (2 * (FIRST + SECOND), "FLOP", FIRST + SECOND)
    theirs = reading("torchinfo", net(), ((2, 4),), {}, "")
    assert theirs.explained and theirs.params == PARAMS
    assert FIRST + SECOND + sum(theirs.steps.values()) == theirs.compute


def test_a_counter_without_a_figure_is_told_in_its_own_words():
    class Wrapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 3)

        def forward(self, given):
            return Output(self.layer(given))

    with pytest.raises(UserError, match="fvcore failed: RuntimeError: Only tuples"):
        reading("fvcore", Wrapped(), ((2, 4),), {}, "")
    with pytest.raises(UserError, match="did you mean 'thop'"):
        reading("thopp", net(), ((2, 4),), {}, "")


# ------------------------------------------------------------------------------ as users run it

USED = """
import torch
from torch import nn

@torch.library.custom_op("user::mystery", mutates_args=())
def mystery(x: torch.Tensor) -> torch.Tensor:
    return x.clone()

@mystery.register_fake
def _(x):
    return torch.empty_like(x)

def test_met(flop_account, flop_reading):
    account = flop_account(nn.Linear(4, 3), (2, 4))
    assert account.assert_at_most(macs=24, params=15, terms={"linear": 24})
    assert flop_reading("thop", nn.Linear(4, 3), (2, 4)).macs == 24

def test_passed(flop_account):
    flop_account(nn.Sequential(nn.Linear(4, 3)), (2, 4)).assert_at_most(macs=23)

def test_warned(flop_account):
    layer = nn.Linear(4, 3)
    account = flop_account(lambda x: mystery(layer(x)), (2, 4))
    assert account.macs == 24 and "user.mystery" in repr(account)
"""


def test_the_fixtures_work_where_the_plugin_is_installed(tmp_path):
    project = Project(tmp_path)
    (project.folder / "test_used.py").write_text(USED)
    said = project.pytest("test_used.py", code=1)
    assert "1 failed, 2 passed, 1 warning" in said
    assert "the model: 24 MAC, 1 more than the budget of 23" in said and "Traceback" not in said
    assert re.search(r"^0 +linear +24 ", said, re.M)
    assert "PytestWarning: <lambda>; not counted, no formula: user.mystery × 1" in said
