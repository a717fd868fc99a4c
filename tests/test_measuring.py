"""What is measured beside a forward pass, and the processes that take turns at it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from flop_harness.records import Case, Input, Policy, Suite
from flop_harness.records.times import Series
from flop_harness.timing import cpu
from flop_harness.timing.ceilings import ceilings
from flop_harness.timing.layers import Stopwatches, layer_seconds
from flop_harness.timing.machine import with_policy
from flop_harness.timing.memory import Allocation, cpu_peak, peak_of
from flop_harness.timing.scope import Scope
from flop_harness.timing.sessions import measure


class FakeClock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Takes(nn.Module):
    """A module that takes a while by a fake clock."""

    def __init__(self, clock, seconds, *inner):
        super().__init__()
        self.clock, self.seconds = clock, seconds
        self.inner = nn.ModuleList(inner)

    def forward(self, x):
        self.clock.now += self.seconds
        for module in self.inner:
            x = module(x)
        return x


# ----------------------------------------------------------------------------------- layers


def test_seconds_inside_a_module_are_its_own():
    clock = FakeClock()
    model = Takes(clock, 1.0, Takes(clock, 2.0, Takes(clock, 4.0)), Takes(clock, 8.0))
    found, hooked, bare = layer_seconds(model, lambda: model(0), clock, passes=3)
    assert found == {"inner.0": (2.0,) * 3, "inner.0.inner.0": (4.0,) * 3, "inner.1": (8.0,) * 3}
    assert hooked == bare == (15.0,) * 3


def test_a_module_called_twice_is_added_up():
    clock = FakeClock()
    shared = Takes(clock, 1.5)
    model = Takes(clock, 0.0, nn.Sequential(shared, shared))
    found, _, _ = layer_seconds(model, lambda: model(0), clock, passes=1)
    assert found == {"inner.0.0": (3.0,), "inner.0": (0.0,)}


def test_hooks_are_gone_afterwards_even_if_the_model_raises():
    model = nn.Sequential(nn.Linear(2, 2))
    with pytest.raises(ZeroDivisionError), Stopwatches(FakeClock()).standing(model):
        1 / 0
    assert not model[0]._forward_hooks and not model[0]._forward_pre_hooks


# ----------------------------------------------------------------------------------- memory


def test_the_peak_is_the_most_that_is_held_at_once():
    events = [Allocation(3, -10), Allocation(1, 10), Allocation(2, 5), Allocation(4, 7)]
    assert peak_of(events) == 15
    assert peak_of([]) == 0


def test_the_profiler_sees_what_a_pass_allocates():
    x = torch.ones(1000)
    assert cpu_peak(lambda: x.neg().neg()) == 2 * 4000


# --------------------------------------------------------------------------------- ceilings


def test_ceilings_know_the_work_of_products_and_of_a_copy(monkeypatch):
    monkeypatch.setattr("flop_harness.timing.ceilings.PRODUCTS", {"cpu": (8, 16)})
    monkeypatch.setattr("flop_harness.timing.ceilings.CONVOLUTIONS", {"cpu": ((2, 4, 6),)})
    monkeypatch.setattr("flop_harness.timing.ceilings.COPIES", {"cpu": (1024,)})
    policy = Policy(warmup=1, samples=6, seconds=0.0, budget_s=0.0)
    found = list(ceilings(cpu, Series("cpu", 1), policy))
    assert [(each.kind, each.amount) for each in found] == [
        ("product", 2 * 8**3), ("product", 2 * 16**3),
        ("convolution", 2 * (2 * 4 * 4 * 4) * (4 * 3 * 3)), ("copy", 2 * 1024),
    ]  # fmt: skip
    assert all(min(each.samples) > 0 for each in found)


# -------------------------------------------------------------------------------- processes

QUICK = Policy(warmup=1, samples=6, seconds=0.0, budget_s=0.0, sessions=2, total_s=0.0)


def a_case(name, **kwargs):
    return Case(name, "torch.nn:Linear", (Input((1, 4)),), kwargs)


def test_cases_take_turns_in_every_series_and_session():
    suite = Suite("s", 1, "", (a_case("a", in_features=4, out_features=2),
                               a_case("b", in_features=4, out_features=3)), QUICK)  # fmt: skip
    found = measure(suite, "cpu", scope=Scope(details=False))
    keys = [(each.session, each.case, each.series) for each in found.forwards]
    assert keys == [(session, case, series) for session in (1, 2) for case in "ab"
                    for series in cpu.series()]  # fmt: skip
    for each in found.forwards:
        assert len(each.turns) >= 6 and each.ended and each.status == "ok"
    assert not found.failures and not found.layers


def test_a_model_that_raises_fails_alone():
    suite = Suite("s", 1, "", (a_case("good", in_features=4, out_features=2),
                               a_case("bad", in_features=5, out_features=2)), QUICK)  # fmt: skip
    found = measure(suite, "cpu", scope=Scope(details=False))
    status = {each.case: each.status for each in found.forwards}
    assert status == {"good": "ok", "bad": "failed"}
    assert {(failure.case, failure.stage) for failure in found.failures} == {("bad", "timing")}
    assert "shapes" in found.failures[0].message


def test_details_are_layers_hooks_and_memory(monkeypatch):
    monkeypatch.setattr("flop_harness.timing.processes.ceilings", lambda *_: [])
    net = Case("net", "torch.nn:TransformerEncoderLayer", (Input((2, 5, 8)),),
               {"d_model": 8, "nhead": 2, "dim_feedforward": 16, "batch_first": True})  # fmt: skip
    found = measure(Suite("s", 1, "", (net,), QUICK), "cpu")
    assert {each.path for each in found.layers} >= {"linear1", "self_attn"}
    assert {each.type for each in found.layers} >= {"Linear", "MultiheadAttention"}
    assert [each.series for each in found.hooks] == list(cpu.series())  # one thread, all cores
    assert all(len(cost.hooked) == len(cost.bare) > 0 for cost in found.hooks)
    assert {each.series for each in found.layers} == set(cpu.series())
    (peak,) = found.memory
    assert peak.peak > 0 and peak.device == "cpu"


@pytest.mark.parametrize("budget, lasts", [(0.2, 0.2), (5.0, 0.6)])
def test_a_budget_below_the_seconds_of_a_suite_takes_their_place(budget, lasts):
    suite = Suite("some", 1, "", (), timing=Policy(seconds=0.6))
    policy = with_policy(suite, budget_s=budget).timing
    assert (policy.seconds, policy.budget_s) == (lasts, budget)
