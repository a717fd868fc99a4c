"""A run is derived from raw results, whoever derives it."""

from __future__ import annotations

import weakref
from dataclasses import replace

import pytest

from flop_harness.reconcile import assembly
from flop_harness.records import Case, Context, Input, Suite, Tool
from flop_harness.run.identity import identity
from flop_harness.run.plan import Plan, Progress, Raw
from flop_harness.run.planning import make_plan
from flop_harness.run.runner import run
from flop_harness.suite.collection import uncollected

CASES = (
    Case("linear", "torch.nn:Linear", (Input((2, 4)),), {"in_features": 4, "out_features": 3}),
    Case("gone", "torch.nn:Nothing"),
    Case("conv", "torch.nn:Conv2d", (Input((1, 3, 8, 8)),),
         {"in_channels": 3, "out_channels": 6, "kernel_size": 3}),
)  # fmt: skip


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> tuple[Plan, Raw]:
    folder = tmp_path_factory.mktemp("run")
    plan = make_plan(Suite("s", 1, "", CASES), folder, counters=["analytic", "thop"],
                     device="cpu")  # fmt: skip
    return plan, run(plan, identity(plan), Progress())


def test_the_reference_of_each_case_stands_in_the_run(done):
    """2 rows of 4 x 3; 6 x 6 outputs of 6 channels of 3 x 3 x 3; weights and biases."""
    linear, conv = assembly.assemble(*done).references
    assert (linear.case, linear.type) == ("linear", "torch.nn.modules.linear.Linear")
    assert linear.compute == {"linear": 2 * 4 * 3}
    assert conv.compute == {"convolution": 6 * 6 * 6 * 3 * 3 * 3}
    assert conv.params == {"Conv2d parameters": 6 * 3 * 3 * 3 + 6}


def test_the_counters_stand_in_the_run_in_its_order(done):
    first, second = assembly.assemble(*done).tools
    assert (first.id, second.id) == ("analytic", "thop")
    assert isinstance(second, Tool) and second.distribution == "thop" and second.source


def test_a_case_that_did_not_run_is_a_failure_and_no_more(done):
    made = assembly.assemble(*done)
    [failure] = made.failures
    assert failure.case == "gone"
    assert "gone" not in {each.case for each in (*made.figures, *made.bridges, *made.references)}


@pytest.mark.usefixtures("another_thread")
def test_cases_derived_in_other_processes_give_the_same_run(done, monkeypatch, recwarn):
    plan, raw = done
    here = assembly.assemble(plan, raw)
    monkeypatch.setattr(assembly, "FEW", 0)
    assert assembly.assemble(replace(plan, jobs=2), raw) == here
    assert not recwarn.list  # of forks beside threads


def test_the_traces_of_a_case_go_with_it_without_a_collection(done):
    plan, raw = done
    file = next(result.trace for result in raw.results.values() if result.trace)
    with uncollected():
        traces = assembly.PricedTraces(plan.folder)
        read = traces.load(file, Context("cpu"))
        assert read.account("compute") is traces.load(file, Context("meta")).account("compute")
        gone = weakref.ref(traces)
        del traces, read
        assert gone() is None
