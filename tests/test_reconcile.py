"""Bridges lead from the reference to a reading by terms that never look at it."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cells import CELLS, bridges, canonical
from flop_harness.counters import counters
from flop_harness.counters.protocol import Quantity
from flop_harness.reconcile import bridges as reconcile
from flop_harness.records import Context, Reading
from flop_harness.records.account import Account
from layers import LAYERS
from networks import ATTENTION, NETWORKS
from programs import PROGRAMS
from sharing import SHARING
from test_account import accounts

EVAL = Context(mode="eval")
GRAD = Context(grad=True, mode="eval")


def reading(value, metric="compute") -> Reading:
    return Reading("case", "mine", "1", Context(), metric, "MAC", "ok", value)


def mine(price):
    """A counter whose rules are ``price``."""
    analytic = counters()["analytic"]
    quantities = {"compute": Quantity("MACs", "MAC", price)}
    return dataclasses.replace(analytic, id="mine", quantities=quantities)


LINEAR = canonical(LAYERS["linear"])  # 3 rows, 6 -> 4
MACS = 3 * 6 * 4


def bridge(price, value):
    return reconcile.bridge(reading(value), mine(price), LINEAR, LINEAR)


def test_a_counter_that_follows_the_reference_needs_no_step():
    made = bridge(reconcile.REFERENCES["compute"], MACS)
    assert (made.reference, made.steps, made.residual, made.reading) == (MACS, (), 0, MACS)
    assert made.explained


def test_what_the_rules_leave_over_is_the_residual():
    made = bridge(reconcile.REFERENCES["compute"], MACS + 7)
    assert made.residual == 7 and not made.explained


def test_a_term_does_not_hang_on_the_reading():
    biased = lambda trace: reconcile.REFERENCES["compute"](trace) + Account.of([("", "bias", 12)])  # noqa: E731
    first, *others = [bridge(biased, value).steps for value in (0, MACS, MACS + 12)]
    assert [(step.term, step.amount) for step in first] == [("bias", 12)]
    assert all(steps == first for steps in others)
    assert bridge(biased, MACS + 12).residual == 0


def test_steps_name_what_is_missing_and_what_is_counted_again():
    reference = Account.of([("a", "linear", 10), ("b", "linear", 5), ("c", "convolution", 3)])
    charged = Account.of([("a", "linear", 20), ("c", "convolution", 3), ("a", "linear bias", 4)])
    made = [
        (step.term, step.amount, dict(step.modules)) for step in reconcile.steps(reference, charged)
    ]
    assert made == [
        ("linear counted again", 10, {"a": 10}),
        ("linear not seen", -5, {"b": -5}),
        ("linear bias", 4, {"a": 4}),
    ]


@given(accounts, accounts)
def test_steps_make_up_the_whole_difference(reference, charged):
    made = reconcile.steps(reference, charged)
    assert sum(step.amount for step in made) == charged.total - reference.total
    for step in made:
        assert sum(step.modules.values()) == step.amount and step.modules


@given(accounts)
def test_no_steps_between_an_account_and_itself(account):
    assert reconcile.steps(account, account) == []


@given(st.integers(-9, 9), st.sampled_from([0.0, 0.5]))
def test_whole_numbers_stay_whole(number, part):
    made = reconcile.whole(number + part)
    assert made == number + part and isinstance(made, float if part else int)


def test_the_largest_step_comes_first():
    charged = Account.of([("", "a", 1), ("", "b", -30), ("", "c", 20)])
    assert [step.term for step in reconcile.steps(Account(), charged)] == ["b", "c", "a"]


def test_metrics():
    assert reconcile.metrics(counters()["numel"]) == ("params",)
    assert reconcile.metrics(counters()["thop"]) == ("compute", "params")


# ---------------------------------------------------------------------------- real bridges


def terms(name, context, factory, metric="compute") -> dict[str, int]:
    return {step.term: step.amount for step in bridges(name, context, factory)[metric].steps}


@pytest.mark.parametrize(("counter", "context"), CELLS, ids=str)
@pytest.mark.parametrize("name", ["residual block", "attention", "two parents"])
def test_a_bridge_adds_up(counter, context, name):
    factory = {**NETWORKS, **SHARING}[name]
    for made in bridges(counter, context, factory).values():
        assert made.reference + sum(s.amount for s in made.steps) + made.residual == made.reading
        for step in made.steps:
            assert step.amount == sum(step.modules.values())


def test_attention_that_nobody_sees():
    """Two products of 2 heads x 3 x 3 x 4, for 2 sequences; four projections."""
    products, projections = 2 * 2 * 2 * 3 * 3 * 4, 4 * 6 * 8 * 8
    factory = ATTENTION["attention batch first"]
    assert terms("torch", Context(), factory) == {
        "attention projection not seen": -projections,
        "attention product not seen": -products,
    }


def test_what_is_not_seen_stands_with_the_operators_that_do_it():
    """The CPU's fused kernel does both products; under no_grad one operator does everything."""
    [step] = bridges("torch", Context(), PROGRAMS["scaled dot product equal"])["compute"].steps
    products, projections = 2 * 2 * 4 * 3 * 3 * 8, 4 * 6 * 8 * 8
    assert step.operators == {"aten._scaled_dot_product_flash_attention_for_cpu": products}
    [both, one] = bridges("torch", Context(), ATTENTION["attention batch first"])["compute"].steps
    assert both.operators == {"aten._native_multi_head_attention": projections}
    assert one.operators == {"aten._native_multi_head_attention": 2 * 2 * 2 * 3 * 3 * 4}


def test_what_is_counted_beyond_the_reference_needs_no_operator():
    [step] = bridges("torch", Context(), LAYERS["linear"])["compute"].steps
    assert (step.term, step.operators) == ("2 FLOPs per MAC", {})


def test_a_step_tells_the_classes_it_comes_from():
    """A linear layer of 6 x 4 for 3 rows: 72 multiplications and a bias of 4 for each row."""
    [step] = bridges("ptflops-aten", GRAD, LAYERS["linear"])["compute"].steps
    assert (step.term, step.classes) == ("linear bias", {"Linear": 3 * 4})


def test_operators_stand_only_with_modules_of_which_nothing_is_seen(monkeypatch):
    reference = Account.of([("a", "linear", 10), ("b", "linear", 5)])
    operators = {("a", "linear"): {"aten.mm": 10}, ("b", "linear"): {"aten.addmm": 5}}
    monkeypatch.setattr(reconcile, "operators_of", lambda trace: operators)
    [step] = reconcile.steps(reference, Account.of([("a", "linear", 4)]))
    located = reconcile.located(step, reference, reconcile.PricedTrace(LINEAR), "compute")
    assert located.operators == {"aten.addmm": 5}


def test_grounds_under_two_contexts_are_priced_once(monkeypatch):
    priced = []
    price = lambda trace: priced.append(trace.context) or Account()  # noqa: E731
    monkeypatch.setitem(reconcile.REFERENCES, "compute", price)
    priced_trace = reconcile.PricedTrace(LINEAR)
    for context in (EVAL, GRAD):
        assert priced_trace.under(context).account("compute") == Account()
        assert priced_trace.under(context).trace.context == context
    assert len(priced) == 1


def test_thop_leaves_out_what_it_has_no_rule_for():
    assert terms("thop", EVAL, ATTENTION["attention"], "params") == {
        "MultiheadAttention parameters not seen": -(3 * 8 * 8 + 3 * 8),
        "NonDynamicallyQuantizableLinear parameters not seen": -(8 * 8 + 8),
    }


def test_thop_counts_a_transposed_convolution_on_its_output():
    """5 x 3 becomes 11 x 7: 4 channels of 6 / 2 x 9 products for each position of either."""
    factory = LAYERS["conv transposed grouped"]
    assert terms("thop", EVAL, factory) == {
        "transposed convolution counted on its output": (11 * 7 - 5 * 3) * 6 * 2 * 9
    }


def test_ptflops_sees_an_addition_only_by_its_name():
    """``torch.add`` and ``x.add`` are patched, ``a + b`` is not."""
    assert terms("ptflops-pytorch", GRAD, PROGRAMS["add operator"]) == {}
    for name in ("add function", "add method"):
        (amount,) = terms("ptflops-pytorch", GRAD, PROGRAMS[name]).values()
        assert amount == 2 * 3


def test_a_frozen_parameter_is_a_step():
    """16 + 4 of the frozen layer and the 3 of the other's bias."""
    made = bridges("numel", Context(variant="trainable"), SHARING["frozen"])["params"]
    assert [(s.term, s.amount) for s in made.steps] == [("frozen parameters not counted", -23)]
    assert made.steps[0].modules == {"frozen": -20, "trained": -3}


def test_the_context_of_a_reading_can_change_what_ran():
    """A canonical trace with more products than the reading's own gives a step of its own."""
    own = canonical(LAYERS["linear without bias"])
    made = reconcile.bridge(
        reading(MACS), mine(reconcile.REFERENCES["compute"]), canonical(LAYERS["linear 3d"]), own
    )
    assert [(s.term, s.amount) for s in made.steps] == [
        ("linear not seen in this context", MACS - 2 * 3 * 6 * 4)
    ]
    assert made.residual == 0


@pytest.mark.parametrize(
    ("plain", "off"), [("linear without bias", 0), ("linear 3d", MACS - 2 * 3 * 6 * 4)]
)
def test_what_the_model_does_by_itself_is_confirmed_by_a_run_without_the_counter(plain, off):
    """A run that does what the reference says shows nothing of a step "in this context"."""
    traces = [canonical(LAYERS[name]) for name in ("linear 3d", "linear without bias", plain)]
    made = reconcile.lead(
        reading(MACS), mine(reconcile.REFERENCES["compute"]), *map(reconcile.PricedTrace, traces)
    )
    assert made.in_context and made.residual == 0
    assert made.unconfirmed == ({"linear not seen in this context": off} if off else {})
    assert made.explained == (not off)


def test_the_same_work_in_other_modules_is_no_step():
    """Under no_grad an encoder's layers do for themselves what their parts do under grad."""
    reference = Account.of([("a.fc", "linear", 10), ("b.fc", "linear", 5), ("a", "einsum", 3)])
    here = Account.of([("a", "linear", 15), ("a", "einsum", 4)])
    assert [(s.term, s.amount) for s in reconcile.shifts(reference, here)] == [
        ("einsum counted again in this context", 1)
    ]


@given(accounts, accounts)
def test_shifts_make_up_the_difference_of_the_totals(reference, here):
    made = reconcile.shifts(reference, here)
    assert sum(step.amount for step in made) == here.total - reference.total
    assert all(step.amount == sum(step.modules.values()) for step in made)
