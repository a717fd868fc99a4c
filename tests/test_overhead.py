"""Launches, bytes and MACs apart: constants that made-up times were made of are found again."""

from __future__ import annotations

from dataclasses import replace

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from clocks import ONE, a_forward, some_times
from flop_harness.records import Case, Input
from flop_harness.records.times import LayerTimes, LayerWork, Theory
from flop_harness.report.analysis import predictors
from flop_harness.report.analysis.timings import MachineTimings
from flop_harness.report.tables import predictors as tables
from flop_harness.timing.theory.least_squares import nonnegative
from flop_harness.timing.theory.overhead import (
    Parts,
    Rates,
    fitted,
    kind_of,
    multiples,
    predicted,
    seconds_by_kind,
)

# ------------------------------------------------------------------------------- least squares


def test_coefficients_that_are_not_negative_are_those_of_plain_least_squares():
    a = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    assert nonnegative(a, a @ [3.0, 5.0]) == pytest.approx([3.0, 5.0])


def test_what_would_be_negative_is_zero():
    a = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    assert nonnegative(a, np.array([3.0, 2.0, 1.0])) == pytest.approx([2.0, 0.0])  # their mean


def test_a_column_of_zeros_and_a_target_of_zeros_take_nothing():
    assert nonnegative(np.array([[1.0, 0.0]]), np.array([2.0])) == pytest.approx([2.0, 0.0])
    assert nonnegative(np.eye(2), np.zeros(2)) == pytest.approx([0.0, 0.0])


@hypothesis.given(st.integers(0, 2**32 - 1))
def test_no_step_that_is_allowed_makes_the_solution_better(seed):
    draw = np.random.default_rng(seed)
    a, b = draw.normal(size=(9, 4)), draw.normal(size=9)
    x = nonnegative(a, b)
    gradient = a.T @ (a @ x - b)
    assert (x >= 0).all()
    assert (gradient >= -1e-7).all()  # nowhere does more of a column help
    assert gradient[x > 0] == pytest.approx(0, abs=1e-7)  # nor less of one that is in use


# ----------------------------------------------------------------------------------- the layers

CONV, NORM = Rates(2e-5, 1e-10, 1e-11), Rates(5e-6, 3e-10, 0.0)


def conv(flop, moved=1000):
    return LayerWork("conv", "Conv2d", flop, moved)


def norm(moved):
    return LayerWork("norm", "BatchNorm2d", 0, moved)


def taken(work):
    return (CONV if work.flop else NORM).parts(work).seconds


@pytest.mark.parametrize(("work", "kind"), [
    (conv(9_999), "convolutions, up to 10 FLOP per byte"),
    (conv(10_000), "convolutions, up to 60 FLOP per byte"),
    (conv(60_000), "convolutions, over 60 FLOP per byte"),
    (LayerWork("", "Linear", 5_000, 1000), "linear layers, up to 10 FLOP per byte"),
    (LayerWork("", "MultiheadAttention", 5_000, 1000), "other layers with products"),
    (norm(10), "BatchNorm"),
    (LayerWork("", "ReLU", 0, 10), "other layers without products"),
])  # fmt: skip
def test_a_layer_is_of_a_kind_by_its_class_and_its_flop_per_byte(work, kind):
    assert kind_of(work) == kind


def test_the_constants_that_times_were_made_of_are_found():
    layers = [conv(10_000 * (n + 1), 1000 * (1 + n % 2)) for n in range(6)]
    layers = [each for each in layers if kind_of(each) == "convolutions, up to 60 FLOP per byte"]
    layers += [norm(1000 * (n + 1)) for n in range(6)]
    found = fitted((each, taken(each)) for each in layers)
    for name, rates in (("convolutions, up to 60 FLOP per byte", CONV), ("BatchNorm", NORM)):
        one = found[name]
        assert (one.launch, one.byte, one.flop) == pytest.approx(
            (rates.launch, rates.byte, rates.flop), rel=1e-6
        )


def test_parts_add_up_over_layers():
    rates = {"BatchNorm": Rates(1.0, 0.5, 0.0), "convolutions, up to 10 FLOP per byte":
             Rates(2.0, 0.0, 0.25)}  # fmt: skip
    assert predicted([norm(4), conv(8), conv(8)], rates) == Parts(1 + 2 + 2, 2.0, 2 * 2.0)


def test_a_kind_that_was_never_timed_takes_the_mean_of_the_others():
    rates = {"BatchNorm": Rates(1.0, 0.0, 0.0), "GELU": Rates(3.0, 0.0, 0.0)}
    assert predicted([conv(8)], rates).seconds == 2.0
    assert predicted([conv(8)], {}).seconds == 0.0


# --------------------------------------------------------------------------------- the predictor


def layered_times(norms_take=1.0):
    """Twelve models of four families, of two kinds of layers in all proportions.

    Within a pass a normalisation takes a multiple of its time alone.
    """
    families = ("resnet", "vgg", "swin", "vit")
    cases, theory, forwards, layers = [], [], [], []
    for place in range(12):
        work = [
            LayerWork(f"conv{n}", "Conv2d", 20_000 * (1 + n), 1000) for n in range(1 + place % 3)
        ]
        work += [LayerWork(f"norm{n}", "BatchNorm2d", 0, 5000 * (1 + n)) for n in range(place)]
        work = [each for each in work if kind_of(each) != "convolutions, over 60 FLOP per byte"]
        name = f"m{place}"
        cases.append(Case(name, f"m:{name}", (Input((1, 3)),)))
        theory.append(Theory(name, f"models.{families[place % 4]}.Net", (), tuple(work)))
        forwards.append(a_forward(name, sum(
            taken(each) * (1 if each.flop else norms_take) for each in work)))  # fmt: skip
        layers += [LayerTimes(name, ONE, each.path, each.type, (taken(each),) * 3) for each in work]
    return some_times(cases, forwards, theory, layers=tuple(layers))


def test_models_made_of_known_layers_are_predicted_without_their_family():
    clock = MachineTimings(layered_times())
    told = predictors.find(predictors.predictors(clock, ONE), predictors.BY_LAYERS)
    assert len(told.points.cases) == 12
    assert told.prediction.factor == pytest.approx(1, abs=1e-3)  # turns differ by a thousandth
    assert told.prediction.middle <= told.prediction.worst == pytest.approx(1, abs=1e-3)


def test_layers_that_take_longer_within_a_pass_are_predicted_all_the_same():
    clock = MachineTimings(layered_times(norms_take=2.5))
    told = predictors.find(predictors.predictors(clock, ONE), predictors.BY_LAYERS)
    assert told.prediction.worst == pytest.approx(1, abs=1e-3)


def test_the_tables_show_constants_and_shares():
    clock = MachineTimings(layered_times())
    rates = {row[0]: row[1:] for row in tables.rate_table(clock, ONE).rows}
    layers, launch, bandwidth, rate = rates["BatchNorm"]
    assert (layers, rate) == (sum(range(12)), None)
    assert (launch, bandwidth) == pytest.approx((5.0, 1 / 0.3))  # 5e-6 s; 3e-10 s a byte
    *_, launches, moved, macs = tables.part_table(clock, ONE).rows[0]
    # one convolution: a launch of 20 us, 0.1 us for bytes, 0.2 us for FLOP; all move as many bytes,
    # so that no fit can tell bytes from launches
    assert launches + moved == pytest.approx(100 * 20.1 / 20.3, rel=1e-6)
    assert macs == pytest.approx(100 * 0.2 / 20.3, rel=1e-6)


def test_without_timed_layers_there_is_no_such_predictor():
    times = layered_times()
    clock = MachineTimings(replace(times, layers=()))
    assert predictors.find(predictors.predictors(clock, ONE), predictors.BY_LAYERS) is None
    assert not tables.part_table(clock, ONE).rows


# --------------------------------------------------------------------------- backward passes too


def test_the_seconds_of_a_pass_are_told_by_kind():
    layers = [conv(10**9), conv(2 * 10**9), norm(10**6)]
    spent = seconds_by_kind(layers, {kind_of(conv(10**9)): CONV, kind_of(norm(1)): NORM})
    assert spent == pytest.approx({
        kind_of(conv(10**9)): 2 * (2e-5 + 1e-7) + 3e-2, kind_of(norm(1)): 5e-6 + 3e-4,
    })  # fmt: skip


def test_how_much_longer_each_kind_takes_with_its_backward_pass_is_found_again():
    passes = [{"conv": a, "norm": b} for a, b in ((1.0, 2.0), (3.0, 1.0), (2.0, 2.0), (5.0, 0.5))]
    passes.append({"conv": 4.0})
    seconds = [3 * each["conv"] + 2 * each.get("norm", 0) for each in passes]
    assert multiples(passes, seconds) == pytest.approx({"conv": 3.0, "norm": 2.0})


def test_few_passes_tell_one_multiple_of_all_kinds():
    passes = [{"conv": a, "norm": b} for a, b in ((1.0, 2.0), (3.0, 1.0), (2.0, 2.0))]
    seconds = [1.5 * (each["conv"] + each["norm"]) for each in passes]
    assert multiples(passes, seconds) == pytest.approx({"conv": 1.5, "norm": 1.5})
