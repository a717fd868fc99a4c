"""What counts let one expect: work of layers, live bytes, the roofline, and how well counts predict."""

from __future__ import annotations

import random
from math import exp, log

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from flop_harness.records.times import Ceiling, LayerWork, Series
from flop_harness.timing.theory.liveness import NeedsValues, live_peak
from flop_harness.timing.theory.prediction import (
    Points,
    difference,
    held_out_errors,
    members,
    predict,
    ranks,
    spearman,
)
from flop_harness.timing.theory.roofline import Roof, compute_share, least_seconds, roof
from flop_harness.timing.theory.work import layer_work
from flop_harness.trace.recorder import record

FLOAT = 4

# --------------------------------------------------------------------------- work of layers


def test_a_layer_has_two_flop_for_each_mac_and_each_tensor_once():
    net = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.ReLU(), nn.Flatten())
    work = layer_work(record(net.to("meta"), (torch.empty(1, 3, 10, 10, device="meta"),)))
    outputs = 8 * 8 * 8
    assert work == (
        LayerWork("0", "Conv2d", 2 * outputs * 3 * 9, FLOAT * (3 * 100 + 3 * 8 * 9 + outputs)),
        LayerWork("1", "ReLU", 0, FLOAT * 2 * outputs),
    )


def test_functions_that_the_model_calls_itself_are_work_of_the_model():
    class Doubled(nn.Module):
        def forward(self, x):
            return x + x

    (work,) = layer_work(record(Doubled(), (torch.empty(5, device="meta"),)))
    assert (work.path, work.flop, work.bytes) == ("", 0, FLOAT * 15)


# ------------------------------------------------------------------------------- live bytes


@settings(deadline=None)  # the first pass on fake tensors imports a lot
@given(width=st.integers(1, 50), batch=st.integers(1, 8))
def test_a_chain_holds_the_widest_input_and_output_at_once(width, batch):
    net = nn.Sequential(nn.Linear(4, width), nn.Linear(width, 3), nn.Linear(3, 2))
    made = [batch * width, batch * 3, batch * 2]
    # The input is given; each layer's output lives until the next one has run.
    peak = max(made[0], made[0] + made[1], made[1] + made[2])
    assert live_peak(net, (torch.empty(batch, 4),), {}) == FLOAT * peak


def test_a_residual_is_held_until_it_is_added():
    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(8, 16), nn.Linear(16, 8)

        def forward(self, x):
            return torch.relu(x) + self.second(self.first(x + 1))

    # relu and (x + 1) and first's output; then second's output in place of x + 1; then the sum
    peak = max(8 + 8 + 16, 8 + 16 + 8, 8 + 8 + 8)
    assert live_peak(Residual(), (torch.empty(1, 8),), {}) == FLOAT * peak


def test_what_is_done_in_place_or_seen_as_another_shape_takes_no_memory():
    plain = nn.Sequential(nn.Linear(4, 6), nn.ReLU(inplace=True), nn.Flatten(0))
    assert live_peak(plain, (torch.empty(5, 4),), {}) == FLOAT * 30


def test_parameters_and_inputs_are_not_counted_however_they_are_used():
    net = nn.Linear(1000, 1)
    assert live_peak(net, (torch.empty(2, 1000),), {}) == FLOAT * 2


def test_a_model_that_looks_at_values_raises():
    class Looks(nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    with pytest.raises(NeedsValues):
        live_peak(Looks(), (torch.empty(3),), {})


# --------------------------------------------------------------------------------- roofline

ROOF = Roof(compute=100.0, copies=((64, 50.0), (1024, 10.0)))


def test_a_layer_takes_as_long_as_its_products_or_its_bytes():
    heavy, light = LayerWork("a", "", 1000, 32), LayerWork("b", "", 10, 1024)
    assert (ROOF.seconds(heavy), ROOF.bound(heavy)) == (10.0, "compute")
    assert (ROOF.seconds(light), ROOF.bound(light)) == (102.4, "memory")
    assert least_seconds(ROOF, [heavy, light]) == 112.4
    assert compute_share(ROOF, [heavy, light]) == pytest.approx(10 / 112.4)


def test_bytes_that_fit_into_a_cache_move_faster():
    assert [ROOF.bandwidth(size) for size in (1, 64, 65, 1024, 4096)] == [50, 50, 10, 10, 10]
    assert ROOF.ridge == 100 / 10


def test_a_ceiling_is_the_best_sample_of_its_own_series():
    here, elsewhere = Series("cpu", 1), Series("cpu", 2)
    ceilings = [
        Ceiling("product", here, 200, (2.0, 1.0)),
        Ceiling("product", here, 1000, (10.0, 20.0)),
        Ceiling("convolution", here, 900, (3.0, 6.0)),
        Ceiling("copy", here, 50, (5.0,)),
        Ceiling("product", elsewhere, 10**9, (1.0,)),
    ]
    assert roof(ceilings, here) == Roof(300.0, ((50, 10.0),))
    assert roof(ceilings, elsewhere) is None


def test_eager_and_graph_share_a_ceiling():
    ceilings = [
        Ceiling("product", Series("cuda"), 2, (1.0,)),
        Ceiling("copy", Series("cuda"), 2, (1.0,)),
    ]
    assert roof(ceilings, Series("cuda", launch="graph", flushed=True)) == roof(
        ceilings, Series("cuda")
    )
    assert roof(ceilings, Series("cuda", tf32=True)) is None


# ------------------------------------------------------------------------------- prediction


def points(law, families=6, each=4, seed=0):
    """Models of several families whose seconds follow a law of their count."""
    draw = random.Random(seed)
    counts = [10 ** draw.uniform(6, 10) for _ in range(families * each)]
    names = tuple(f"m{place}" for place in range(len(counts)))
    homes = tuple(f"f{place // each}" for place in range(len(counts)))
    return Points(names, homes, tuple(counts), tuple(law(count, draw) for count in counts))


def test_a_power_law_is_found_and_predicts_families_that_it_has_not_seen():
    found = predict(points(lambda count, draw: 3e-9 * count**0.8))
    assert found.exponent == pytest.approx(0.8)
    assert found.factor == pytest.approx(1.0)
    assert found.rank == pytest.approx(1.0)


def test_the_factor_is_the_size_of_the_noise():
    noisy = points(lambda count, draw: count * exp(draw.choice((-1, 1)) * log(2)), 20, 5)
    found = predict(noisy)
    assert found.factor == pytest.approx(2.0, rel=0.1)
    assert found.factor_interval[0] <= found.factor <= found.factor_interval[1]


def test_a_count_that_has_nothing_to_do_with_time_ranks_near_zero():
    found = predict(points(lambda count, draw: draw.lognormvariate(0, 1), 20, 5))
    assert abs(found.rank) < 0.25
    assert found.rank_interval[0] < 0 < found.rank_interval[1]


def test_a_family_is_predicted_by_the_others_alone():
    x = np.log([1.0, 2.0, 4.0, 8.0])
    y = x.copy()
    y[3] += 5.0  # the last family lies off the line of the others
    errors = held_out_errors(x, y, members(["a", "a", "b", "odd"]))
    assert errors[3] == pytest.approx(-5.0)


def test_a_difference_is_paired_by_model_and_not_shown_between_equals():
    good = points(lambda count, draw: count * draw.lognormvariate(0, 0.1), 12, 4)
    bad = Points(
        good.cases,
        good.families,
        tuple(count**0.2 * 7 for count in good.counts[::-1]),
        good.seconds,
    )
    families = dict(zip(good.cases, good.families, strict=True))
    ratio, (low, high) = difference(predict(good), predict(bad), families)
    assert ratio > 2 and low > 1
    ratio, (low, high) = difference(predict(good), predict(good), families)
    assert (ratio, low, high) == (1.0, 1.0, 1.0)


def test_two_families_or_one_count_predict_nothing():
    assert predict(points(lambda count, draw: count, families=2)) is None
    assert predict(Points(("a", "b", "c"), ("x", "y", "z"), (1.0,) * 3, (1.0, 2.0, 3.0))) is None


def test_equal_values_share_the_mean_of_their_ranks():
    once, twice = [1, 1, 1, 1], [2, 0, 1, 1]  # in the second draw the second model is not there
    told = ranks(np.array([10.0, 30.0, 10.0, 20.0]), np.array([once, twice]))
    assert told[0].tolist() == [1.5, 4.0, 1.5, 3.0]
    assert told[1][[0, 2, 3]].tolist() == [2.0, 2.0, 4.0]
    assert spearman(np.array([1.0, 2.0, 3.0]), np.array([9.0, 4.0, 1.0])) == pytest.approx(-1.0)
    assert spearman(np.array([1.0, 1.0]), np.array([1.0, 2.0])) == 0.0


def test_a_rule_that_raises_is_told(monkeypatch):
    """The other counts of the case stand; the one that stumbled is named with its reason."""
    from dataclasses import replace as changed

    from flop_harness.counters import counters
    from flop_harness.records import Case, Failure, Input
    from flop_harness.records.times import Theory
    from flop_harness.timing.theory import counts as expectation

    def stumbling(trace):
        raise KeyError("no such layer")

    good = counters()["numel"]
    quantities = {name: changed(each, price=stumbling) for name, each in good.quantities.items()}
    bad = changed(good, id="stumbler", quantities=quantities)
    monkeypatch.setattr(expectation, "counters", lambda: {"numel": good, "stumbler": bad})
    case = Case("linear", "torch.nn:Linear", (Input((2, 4)),),
                {"in_features": 4, "out_features": 3})  # fmt: skip
    theory, *failures = expectation.expectations([case], "")
    assert isinstance(theory, Theory) and theory.amount("numel") == 4 * 3 + 3
    assert {(each.case, each.message) for each in failures} == {
        ("linear", "KeyError: 'no such layer'")
    }
    assert all(isinstance(each, Failure) and "stumbler" in each.stage for each in failures)
