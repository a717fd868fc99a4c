"""Timing, on clocks whose hands the test turns."""

from __future__ import annotations

import gc
import random
import weakref
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, count, cycle, repeat
from math import comb
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from bench.clock import Agreement, agreements, table
from flop_harness.records import Policy
from flop_harness.records.times import Forward, Series
from flop_harness.timing import cpu, cuda
from flop_harness.timing.agreement import agreeing_sessions
from flop_harness.timing.contexts import backward_too, differentiable
from flop_harness.timing.disturbance import Counters, counters, disturbance
from flop_harness.timing.load import load
from flop_harness.timing.sampling import MOST_SAMPLES, Sampler, sample
from flop_harness.timing.scope import Scope
from flop_harness.timing.sessions import Measured, wanted
from flop_harness.timing.spin import middles, pace, spin
from flop_harness.timing.stability import Comparison, compare, stability
from flop_harness.timing.statistics import (
    half_width,
    interval_rank,
    iqr,
    median,
    median_interval,
    outliers,
)


class FakeClock:
    """A clock that shows ``resolution`` steps and moves only when work is done."""

    def __init__(self, resolution=0.0):
        self.now, self.resolution = 0.0, resolution

    def __call__(self):
        return self.now // self.resolution * self.resolution if self.resolution else self.now

    def work(self, durations):
        """A run that takes the durations one after another."""
        durations = iter(durations)

        def run():
            self.now += next(durations)

        return run


def sampled(durations, policy, resolution=0.0):
    """Samples of all turns, in the order measured."""
    clock = FakeClock(resolution)
    return tuple(chain.from_iterable(sample(clock.work(durations), policy, clock)))


def turned(durations, policy, resolution=0.0):
    """A sampler that has gone through its turns, without a warm-up."""
    clock = FakeClock(resolution)
    sampler = Sampler(clock.work(durations), policy, clock)
    while not sampler.ended:
        sampler.turn()
    return sampler


# -------------------------------------------------------------------------------- disturbances


def a_root(folder, ticks="100 0 50 800 30 0 20 7", waiting=1000, throttled=3, nr=2):
    for name, text in {
        "proc/stat": f"cpu  {ticks} 0 0\ncpu0 1 2 3\n",
        "proc/pressure/cpu": f"some avg10=1.00 total={waiting}\nfull avg10=0.00 total=0\n",
        "sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count": f"{throttled}\n",
        "sys/fs/cgroup/cpu.stat": f"usage_usec 5\nnr_throttled {nr}\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_counters_are_read_as_the_kernel_writes_them(tmp_path):
    assert counters(a_root(tmp_path)) == Counters(1007, 7, 1000, 5)
    assert counters(tmp_path / "nothing") == Counters()


def test_a_disturbance_is_what_came_between_two_readings():
    found = disturbance("session 1", Counters(1000, 10, 0, 4), Counters(1200, 12, 500_000, 4), 2.0)
    assert (found.steal, found.pressure, found.throttled) == (2 / 200, 0.25, 0)
    unknown = disturbance("session 1", Counters(), Counters(), 2.0)
    assert (unknown.steal, unknown.pressure, unknown.throttled) == (None, None, None)


def test_a_turn_is_timed_between_two_spins():
    clock = FakeClock()
    spins = iter([1.0, 3.0, 5.0, 5.0])
    sampler = Sampler(clock.work(repeat(1.0)), Policy(seconds=0.0), clock, spin=lambda: next(spins))
    sampler.turn()
    sampler.turn()
    assert sampler.spins == [2.0, 5.0] and len(sampler.turns) == 2


def test_a_spin_is_the_least_seconds_of_its_work():
    clock = FakeClock()
    assert spin(clock, clock.work([0.5, 0.25, 0.3])) == 0.25


def test_the_pace_of_a_round_is_that_of_all_cases_in_it():
    calm = Forward("a", Series(), 1, ((2.0,), (4.0,)), spins=(1.0, 2.0))
    shaken = replace(calm, case="b", spins=(1.1, 9.0))  # its own interruption
    third = replace(calm, case="c", spins=(0.9, 2.1))
    found = pace([calm, shaken, third], 0.02)
    assert found == {1: [1.0 / 1.55, 2.1 / 1.55]}  # medians 1.0 and 2.1, 1.55 as usual
    assert middles(calm, found) == [2.0 * 1.55, 4.0 / 2.1 * 1.55]
    assert pace([replace(each, spins=(1.0, 1.01)) for each in (calm, third)], 0.02) == {}


# ------------------------------------------------------------------------------------ sessions


def session(number, seconds, cases=10, moved=0):
    """One session of ten cases, of which some take a tenth longer."""
    return [Forward(f"c{case}", Series(), number,
                    tuple((seconds * (1.1 if case < moved else 1.0),) for _ in range(6)))
            for case in range(cases)]  # fmt: skip


@pytest.mark.parametrize(("moved", "agree"), [(0, True), (1, True), (2, False)])
def test_two_sessions_agree_on_nine_medians_of_ten(moved, agree):
    assert agreeing_sessions(session(1, 1.0) + session(2, 1.0, moved=moved), 0.02) is agree


def test_one_session_agrees_with_nothing():
    assert agreeing_sessions(session(1, 1.0), 0.02) is False


def sessions_run(policy, forwards_of, seconds=10.0):
    """The numbers of the sessions, each of which takes so long and finds these forwards."""
    clock, found, run = FakeClock(), Measured(), []
    for number in wanted(found, policy, clock):
        run.append(number)
        found.forwards += forwards_of(number)
        clock.now += seconds
    return run


def test_sessions_are_added_until_two_agree():
    moved = {1: 0, 2: 5, 3: 0}
    run = sessions_run(Policy(sessions=2), lambda number: session(number, 1.0, moved=moved[number]))
    assert run == [1, 2, 3]


def test_sessions_are_added_while_another_fits_into_the_time():
    drifting = lambda number: session(number, 2.0**number)  # noqa: E731 - no two agree
    assert sessions_run(Policy(sessions=2, total_s=45.0), drifting) == [1, 2, 3, 4]
    assert sessions_run(Policy(sessions=2, total_s=0.0), drifting) == [1, 2]
    assert sessions_run(Policy(sessions=1, total_s=45.0), drifting) == [1]


# --------------------------------------------------------------------------------- sampling


def test_as_many_turns_as_asked_even_when_the_time_is_over():
    assert sampled(repeat(1.0), Policy(warmup=0, samples=8, seconds=2.0)) == (1.0,) * 8


def test_as_many_seconds_as_asked_even_when_the_turns_are_there():
    policy = Policy(warmup=0, samples=2, seconds=8.0, budget_s=100.0)
    samples = sampled(repeat(0.5), policy)
    assert samples == (0.5,) * (6 * 8)  # turns of 4 s, and six turns before an interval is known


def test_turns_share_out_the_seconds_asked_for():
    sampler = turned(repeat(0.25), Policy(samples=10, seconds=20.0))
    assert [len(turn) for turn in sampler.turns] == [8] * 10


def test_warm_up_is_not_measured():
    slow_start = chain([9.0, 7.0, 3.0], repeat(1.0))
    assert sampled(slow_start, Policy(warmup=2, samples=6, seconds=0.0)) == (1.0,) * 6


def test_warm_up_goes_on_as_long_as_it_brings_something():
    clock = FakeClock()
    falling = chain((2.0 - step / 10 for step in range(10)), repeat(1.0))
    sampler = Sampler(clock.work(falling), Policy(warmup=1, seconds=1000.0), clock)
    sampler.warm()
    assert sampler.turn()[0] == 1.0
    assert 10 < sampler.warmup < 20


def test_warm_up_ends_when_its_time_is_over():
    clock = FakeClock()
    ever_faster = (100.0 * 0.9**step for step in count())
    sampler = Sampler(clock.work(ever_faster), Policy(warmup=1, seconds=350.0), clock)
    sampler.warm()
    assert sampler.warmup == 5  # 100 + 90 + 81 + 72.9 < 350 < ... + 65.61


@pytest.mark.parametrize("wandering", [cycle([1.0, 2.0]), (1 + step / 10 for step in count())])
def test_a_clock_that_wanders_or_slows_down_does_not_prolong_the_warm_up(wandering):
    clock = FakeClock()
    sampler = Sampler(clock.work(wandering), Policy(warmup=2, seconds=1000.0), clock)
    sampler.warm()
    assert sampler.warmup <= 5


def test_a_run_before_each_later_turn_finds_the_caches_again_and_is_not_measured():
    clock = FakeClock()
    cold_first = chain([1.0, 1.0], cycle([5.0, 1.0, 1.0]))
    sampler = Sampler(clock.work(cold_first), Policy(samples=6, seconds=12.0), clock)
    assert [sampler.turn() for _ in range(4)] == [(1.0, 1.0)] * 4


def test_a_flush_goes_before_each_sample_and_is_not_measured():
    clock = FakeClock()
    flushed = []

    def flush():
        flushed.append(clock.now)
        clock.now += 7.0

    sampler = Sampler(clock.work(repeat(0.5)), Policy(samples=2, seconds=2.0), clock, flush)
    sampler.warm()
    assert sampler.turn() == (0.5, 0.5)
    assert len(flushed) == 2


def test_sampling_stops_when_the_interval_is_narrow_enough_and_says_so():
    sampler = turned(cycle([1.0, 1.01]), Policy(samples=10, seconds=0.0, precision=0.02))
    assert (sampler.ended, len(sampler.turns)) == ("precise", 10)


def test_sampling_goes_on_while_the_interval_is_wide():
    draw = random.Random(1)
    noisy = (draw.lognormvariate(0, 0.1) for _ in count())
    policy = Policy(samples=10, seconds=0.0, precision=0.02, budget_s=1000.0)
    sampler = turned(noisy, policy)
    assert sampler.ended == "precise" and len(sampler.turns) > 30
    assert half_width([median(turn) for turn in sampler.turns]) <= 0.02


def test_sampling_stops_when_its_budget_is_spent_and_says_so():
    policy = Policy(samples=10, seconds=0.0, precision=0.02, budget_s=60.0)
    sampler = turned(cycle([1.0, 2.0]), policy)
    assert sampler.ended == "budget" and sampler.spent == pytest.approx(60.0, abs=2.0)


def test_the_least_number_of_turns_comes_before_the_budget():
    sampler = turned(repeat(5.0), Policy(samples=10, seconds=0.0, budget_s=1.0))
    assert len(sampler.turns) == 10


def test_samples_come_in_the_order_measured():
    drift = (1 + step / 1024 for step in range(99))
    samples = sampled(drift, Policy(warmup=0, samples=6, seconds=0.0))
    assert samples == tuple(1 + step / 1024 for step in range(1, 7))


def test_a_short_run_is_timed_in_blocks_so_that_the_record_stays_small():
    samples = sampled(repeat(2.0**-20), Policy(warmup=1, samples=10, seconds=1.0))
    assert set(samples) == {2.0**-20}
    assert MOST_SAMPLES / 2 <= len(samples) <= MOST_SAMPLES


def test_blocks_lift_a_run_above_a_coarse_resolution():
    samples = sampled(repeat(0.003), Policy(warmup=0, samples=10, seconds=60.0), resolution=0.015)
    assert all(seconds > 0 for seconds in samples)
    assert sum(samples) / len(samples) == pytest.approx(0.003, rel=0.01)


def test_garbage_is_not_collected_within_and_is_again_afterwards():
    seen = []
    clock = FakeClock()
    sampler = Sampler(lambda: seen.append(gc.isenabled()), Policy(seconds=0.0), clock)
    sampler.turn()
    assert seen == [False]
    assert gc.isenabled()


def test_garbage_collection_comes_back_after_a_run_that_raises():
    with pytest.raises(ZeroDivisionError):
        Sampler(lambda: 1 / 0, Policy()).turn()
    assert gc.isenabled()


# ------------------------------------------------------------------------------- statistics


def test_median_of_odd_and_even_counts():
    assert median((3.0, 1.0, 2.0)) == 2.0
    assert median((4.0, 1.0, 2.0, 3.0)) == 2.5


def test_iqr_interpolates_between_samples():
    assert iqr((1.0, 2.0, 3.0, 4.0, 5.0)) == 4.0 - 2.0
    assert iqr((1.0, 2.0, 3.0, 4.0)) == 3.25 - 1.75
    assert iqr((7.0,)) == 0.0


@pytest.mark.parametrize("statistic", [median, iqr])
def test_nothing_is_known_without_samples(statistic):
    with pytest.raises(ValueError, match="no samples"):
        statistic(())


def test_one_wild_outlier_moves_neither_the_median_nor_its_interval():
    quiet = (1.0,) * 20
    wild = (*quiet[:-1], 1e6)
    assert (median(wild), iqr(wild), median_interval(wild)) == (1.0, 0.0, (1.0, 1.0))


def test_the_interval_of_a_bimodal_clock_covers_both_modes():
    policy = Policy(warmup=0, samples=40, seconds=0.0, budget_s=0.0)
    assert median_interval(sampled(cycle([1.0, 2.0]), policy)) == (1.0, 2.0)


def test_drift_widens_the_interval():
    policy = Policy(warmup=0, samples=50, seconds=0.0, budget_s=0.0)
    steady = sampled(repeat(1.0), policy)
    drifting = sampled((1 + i / 50 for i in range(99)), policy)
    low, high = median_interval(steady)
    assert high - low == 0
    low, high = median_interval(drifting)
    assert high - low > 0.2 and low < median(drifting) < high


@pytest.mark.parametrize(("count", "rank"), [(5, 0), (6, 1), (10, 2), (20, 6), (50, 18), (100, 40)])
def test_ranks_are_those_of_the_sign_test_tables(count, rank):
    assert interval_rank(count, 0.95) == rank


def test_too_few_samples_give_no_interval():
    assert median_interval((1.0,) * 5) is None
    assert median_interval((3.0, 1.0, 2.0, 6.0, 4.0, 5.0)) == (1.0, 6.0)
    assert median_interval(()) is None


@pytest.mark.parametrize("count", range(1, 200, 7))
@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.99])
def test_the_interval_is_the_narrowest_that_keeps_its_word(count, confidence):
    def coverage(rank):
        return 1 - 2 * sum(comb(count, k) for k in range(rank)) / 2**count

    rank = interval_rank(count, confidence)
    assert coverage(rank) >= confidence
    if rank < count // 2:
        assert coverage(rank + 1) < confidence


def test_a_hundred_thousand_samples_are_no_trouble():
    assert interval_rank(100_000, 0.95) == pytest.approx(50_000 - 1.96 * 100_000**0.5 / 2, abs=2)


def test_the_interval_holds_the_true_median_as_often_as_it_says():
    draw = random.Random(0)
    intervals = [median_interval([draw.expovariate(1) for _ in range(30)]) for _ in range(1000)]
    held = sum(low <= 0.6931 <= high for low, high in intervals)
    assert 940 <= held <= 985


def test_half_the_interval_is_a_share_of_the_median():
    assert half_width((9.0, 10.0, 10.0, 10.0, 10.0, 11.0)) == pytest.approx(0.1)
    assert half_width((1.0,) * 6) == 0.0
    assert half_width((1.0,) * 5) is None


def test_outliers_are_told_by_their_place():
    assert outliers((1.0, 1.1, 1.2, 1.3, 9.0, 1.2, 1.1)) == (4,)
    assert outliers((1.0, 1.1, 1.2, 1.3)) == ()
    assert outliers((1.0, 9.0)) == ()


# -------------------------------------------------------------------------------- stability


def noise(count, spread=0.002, seed=0):
    draw = random.Random(seed)
    return [1 + draw.gauss(0, spread) for _ in range(count)]


def fours(samples, size=4):
    return [samples[place : place + size] for place in range(0, len(samples), size)]


def test_a_steady_clock_with_a_little_noise_is_stable():
    assert str(stability(fours(noise(80)), 0.02)) == "stable"


def test_one_wild_outlier_is_told_and_does_not_make_a_series_unstable():
    samples = noise(80)
    samples[17] = 50.0
    found = stability(fours(samples), 0.02)
    assert found.stable and found.outliers == 1


def test_a_clock_that_drifts_is_called_drifting():
    drifting = [value * (1 + place / 400) for place, value in enumerate(noise(80))]
    assert "drifting" in stability(fours(drifting), 0.02).complaints


def test_a_drift_smaller_than_the_precision_is_none():
    drifting = [value * (1 + place / 40000) for place, value in enumerate(noise(80, 1e-5))]
    assert stability(fours(drifting), 0.02).stable


def test_a_bimodal_clock_has_two_modes():
    samples = [value * mode for value, mode in zip(noise(80), cycle([1, 1.3]), strict=False)]
    assert "two modes" in stability(fours(samples), 0.02).complaints


def test_a_coarse_clock_is_called_too_coarse():
    samples = [round(value / 0.05) * 0.05 for value in noise(80, 0.05)]
    assert "clock too coarse" in stability(fours(samples), 0.02).complaints


def test_few_turns_and_wide_intervals_are_complaints():
    assert "too few turns" in stability(fours(noise(20)), 0.02).complaints
    assert "wide interval" in stability(fours(noise(80, 0.4)), 0.02).complaints


def test_a_steady_series_is_rarely_called_drifting():
    drifting = sum(
        "drifting" in stability(fours(noise(80, 0.1, seed)), 0.001).complaints
        for seed in range(200)
    )
    assert drifting <= 8  # 2 are expected at a significance of 0.01


# ------------------------------------------------------------------------------ comparisons


def test_pairs_of_turns_cancel_what_hits_both():
    drift = [1 + place / 10 for place in range(20)]
    found = compare([[x, x] for x in drift], [[2 * x, 2 * x] for x in drift])
    assert found.ratio == pytest.approx(2.0) and found.verdict == "slower"
    assert found.interval == pytest.approx((2.0, 2.0))


def test_no_difference_is_shown_where_the_interval_holds_one():
    found = compare(fours(noise(80)), fours(noise(80, seed=1)))
    assert found.interval[0] < 1 < found.interval[1]
    assert found.verdict == "no difference shown"


def test_too_few_pairs_show_no_difference():
    found = compare([[1.0]] * 5, [[2.0]] * 5)
    assert (found.ratio, found.interval, found.verdict) == (2.0, None, "no difference shown")


def test_turns_without_a_partner_are_left_out():
    assert compare([[2.0]] * 8, [[1.0]] * 6 + [[99.0]] * 0).ratio == 0.5


# ------------------------------------------------------------------------------------- load


def test_the_load_of_others_is_what_the_machine_works_beyond_ourselves():
    now = {"busy": 100.0, "own": 10.0, "clock": 0.0}

    def sleep(seconds):
        now["clock"] += seconds
        now["busy"] += 3.0
        now["own"] += 1.0

    hands = [lambda name=name: now[name] for name in ("busy", "own", "clock")]
    assert load("now", 2.0, *hands, sleep).others == 1.0


# -------------------------------------------------------------------------------------- CPU


def test_the_forward_runs_in_inference_mode_on_the_threads_asked_for():
    before = torch.get_num_threads()
    seen = set()

    def module(x, *, scale):
        seen.add((torch.is_inference_mode_enabled(), torch.get_num_threads(), x, scale))

    series = Series("cpu", threads=before + 1)
    run = cpu.ready(module, ("x",), {"scale": 3}, series)
    with cpu.settings(series):
        run()
    assert seen == {(True, before + 1, "x", 3)}
    assert torch.get_num_threads() == before


def test_threads_come_back_after_a_module_that_raises():
    before = torch.get_num_threads()
    with pytest.raises(RuntimeError), cpu.settings(Series("cpu", threads=before + 1)):
        torch.nn.Linear(2, 2)(torch.ones(3))
    assert torch.get_num_threads() == before


IMAGE = torch.ones(1, 3, 8, 8)


def a_net():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval()


def test_other_contexts_are_asked_for_by_name(monkeypatch):
    monkeypatch.setattr("flop_harness.timing.cpu.os.cpu_count", lambda: 1)
    monkeypatch.setattr("flop_harness.timing.cpu.multiplies_bfloat16", lambda: True)
    told = [str(series) for series in cpu.series(scope=Scope(contexts=True))]
    assert told == ["cpu, float32, 1 thread", "cpu, float32, 1 thread, channels last",
                    "cpu, float32, 1 thread, compiled", "cpu, bfloat16, 1 thread"]  # fmt: skip
    monkeypatch.setattr("flop_harness.timing.cpu.multiplies_bfloat16", lambda: False)
    assert len(cpu.series(scope=Scope(contexts=True))) == 3
    assert "float16" in {series.dtype for series in cuda.series(scope=Scope(contexts=True))}


def test_another_dtype_or_layout_is_that_of_a_copy_and_of_its_inputs():
    net = a_net()
    half = cpu.ready(net, (IMAGE,), {}, Series("cpu", dtype="bfloat16"))()
    last = cpu.ready(net, (IMAGE,), {}, Series("cpu", channels_last=True))()
    assert half.dtype == torch.bfloat16
    assert last.is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(
        last, net(IMAGE), rtol=0, atol=1e-5
    )  # 27 products below 1, added up otherwise
    assert net[0].weight.dtype == torch.float32 and net[0].weight.is_contiguous()


def test_the_plain_series_runs_the_model_itself():
    net, calls = a_net(), []
    net.register_forward_hook(lambda *_: calls.append(None))
    cpu.ready(net, (IMAGE,), {}, Series("cpu"))()
    assert calls == [None]


@pytest.mark.slow
def test_a_compiled_pass_computes_the_same():
    net = a_net()
    with cpu.settings(Series("cpu")):
        found = cpu.ready(net, (IMAGE,), {}, Series("cpu", launch="compiled"))()
        assert torch.allclose(found, net(IMAGE), atol=1e-6)


def test_training_is_a_series_of_its_own_with_gradients_that_are_dropped():
    forward, both = (each for each in cpu.series(scope=Scope(training=True)) if each.threads == 1)
    assert (str(forward), str(both)) == (
        "cpu, float32, 1 thread", "cpu, float32, 1 thread, forward and backward",
    )  # fmt: skip
    net, seen = a_net(), []
    net[0].weight.register_hook(lambda gradient: seen.append(gradient.clone()))
    with cpu.settings(both):
        run = cpu.ready(net, (IMAGE,), {}, both)
        run()
    (expected,) = torch.autograd.grad(net(IMAGE).sum(), net[0].weight)
    assert len(seen) == 3 and torch.allclose(seen[1], expected)  # made ready, run, and by hand
    assert all(weight.grad is None for weight in net.parameters())


def test_gradients_flow_from_every_output_that_has_one():
    net = torch.nn.Linear(2, 3)

    class Several(torch.nn.Module):
        def forward(self, x):
            out = net(x)
            return {"logits": out, "again": [out, out * 2], "ids": torch.ones(1), "name": "x"}

    assert len(list(differentiable(Several()(torch.ones(1, 2))))) == 2
    model = Several()
    model.net = net
    seen = []
    net.bias.register_hook(lambda gradient: seen.append(gradient.tolist()))
    backward_too(model, (torch.ones(1, 2),), {})
    assert seen == [[3.0] * 3]  # 1 of the output, 2 of its double


def test_a_model_without_a_gradient_cannot_be_trained():
    frozen = torch.nn.Linear(2, 3).requires_grad_(False)
    with pytest.raises(RuntimeError, match="no output has a gradient"):
        backward_too(frozen, (torch.ones(1, 2),), {})


def test_one_thread_and_all_cores_are_two_series(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    assert [series.threads for series in cpu.series()] == [1, 8]
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert [series.threads for series in cpu.series()] == [1]


def test_a_real_module_takes_some_time():
    module, x = torch.nn.Linear(8, 8), torch.ones(1, 8)
    turns = sample(lambda: module(x), Policy(warmup=1, samples=6, seconds=0.0, budget_s=0.0))
    assert len(turns) == 6 and min(map(min, turns)) > 0


# ------------------------------------------------------------------------------------- CUDA


class FakeDevice:
    """A stream that works off its queue while the host has long gone on."""

    def __init__(self):
        self.now, self.queue, self.waits = 0.0, [], 0

    def launch(self, seconds):
        self.queue.append(seconds)

    def event(self):
        return FakeEvent(self)


class FakeEvent:
    """An event that knows its moment only once somebody has waited for it."""

    def __init__(self, device):
        self.device, self.moment = device, None

    def record(self):
        self.device.queue.append(self)

    def synchronize(self):
        self.device.waits += 1
        for item in self.device.queue:
            if item is self:
                self.moment = self.device.now
            else:
                self.device.now += item
        self.device.queue.clear()

    def elapsed_time(self, end_event):
        return (end_event.moment - self.moment) * 1e3


def test_the_event_clock_shows_device_seconds_not_launches():
    device = FakeDevice()
    clock = cuda.EventClock(device.event)
    before = clock()
    device.launch(0.25)
    device.launch(0.5)
    assert clock() - before == 0.75
    assert device.waits == 2


def test_warm_up_still_on_the_queue_is_not_measured():
    device = FakeDevice()
    durations = iter(chain([8.0, 4.0, 2.0], repeat(0.5)))
    policy = Policy(warmup=2, samples=6, seconds=0.0)
    clock = cuda.EventClock(device.event)
    assert sample(lambda: device.launch(next(durations)), policy, clock) == ((0.5,),) * 6


def test_long_after_its_start_the_event_clock_is_as_fine_as_at_first():
    device = FakeDevice()
    clock = cuda.EventClock(device.event)
    clock()
    device.launch(3600.0)
    before = clock()
    device.launch(1e-6)
    assert clock() - before == pytest.approx(1e-6, rel=1e-3)


class FakeCuda:
    """The part of ``torch.cuda`` that a capture needs; what is launched while it captures is kept."""

    def __init__(self):
        self.launched, self.graph_of, self.log = [], None, []

    def Stream(self):
        return FakeStream("side", self.log)

    def current_stream(self):
        return FakeStream("main", self.log)

    @contextmanager
    def stream(self, stream):
        self.log.append(f"on {stream.name}")
        yield

    def CUDAGraph(self):
        return FakeGraph(self)

    @contextmanager
    def graph(self, graph):
        self.graph_of = graph
        yield
        self.graph_of = None

    def launch(self, kernel):
        (self.launched if self.graph_of is None else self.graph_of.kernels).append(kernel)


class FakeStream:
    def __init__(self, name, log):
        self.name, self.log = name, log

    def wait_stream(self, other):
        self.log.append(f"{self.name} waits for {other.name}")


class FakeGraph:
    def __init__(self, cuda):
        self.cuda, self.kernels = cuda, []

    def replay(self):
        self.cuda.launched += self.kernels


def test_a_graph_replays_the_kernels_of_one_pass_after_runs_on_a_side_stream():
    fake = FakeCuda()

    def run():
        fake.launch("conv")
        fake.launch("relu")

    replay = cuda.captured(run, fake)
    assert fake.launched == ["conv", "relu"] * cuda.RUNS_BEFORE_CAPTURE
    assert fake.log == ["side waits for main", "on side", "main waits for side"]
    fake.launched.clear()
    replay()
    assert fake.launched == ["conv", "relu"]


def test_what_a_graph_reads_stays_as_long_as_the_graph_is_replayed():
    """A model in another dtype is a copy that nothing else holds."""

    class Model:
        def run(self):
            return None

    copied = Model()
    there = weakref.ref(copied)
    replay = cuda.captured(copied.run, FakeCuda())
    del copied
    assert there() is not None
    del replay
    assert there() is None


def test_eager_and_graph_of_each_precision_are_series_of_their_own():
    told = [str(series) for series in cuda.series()]
    assert told == [
        "cuda, float32, eager", "cuda, float32, graph",
        "cuda, float32, TF32, eager", "cuda, float32, TF32, graph",
        "cuda, bfloat16, eager", "cuda, bfloat16, graph",
    ]  # fmt: skip
    assert [str(series) for series in cuda.series("float16")] == [
        "cuda, float16, eager", "cuda, float16, graph"
    ]  # fmt: skip
    assert any(series.flushed for series in cuda.series(scope=Scope(flushed=True)))


def test_tf32_is_as_the_series_says_within_and_as_before_afterwards():
    backends = SimpleNamespace(
        cuda=SimpleNamespace(matmul=SimpleNamespace(allow_tf32=False)),
        cudnn=SimpleNamespace(allow_tf32=True),
    )
    with cuda.tf32_set(False, backends):
        assert not backends.cuda.matmul.allow_tf32 and not backends.cudnn.allow_tf32
    with cuda.tf32_set(True, backends):
        assert backends.cuda.matmul.allow_tf32 and backends.cudnn.allow_tf32
    assert (backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32) == (False, True)


def test_another_dtype_runs_a_copy():
    module = torch.nn.Linear(4, 4)
    run = cuda.ready(module, (torch.ones(2, 4),), {}, Series("cuda", dtype="bfloat16"))
    assert run().dtype == torch.bfloat16
    assert module.weight.dtype == torch.float32


def test_clocks_and_power_come_from_nvml_or_say_why_not():
    told = SimpleNamespace(clock_rate=lambda: 1980, power_draw=lambda: 90_000,
                           temperature=lambda: 41, utilization=lambda: 3)  # fmt: skip
    assert cuda.state(told) == {
        "sm_clock_mhz": 1980, "power_mw": 90_000, "temperature_c": 41, "utilization_percent": 3,
    }  # fmt: skip

    def missing():
        raise ModuleNotFoundError("pynvml does not seem to be installed")

    silent = SimpleNamespace(clock_rate=missing)
    assert cuda.state(silent) == {"unknown": "pynvml does not seem to be installed"}


@pytest.mark.skipif(not cuda.available(), reason="no CUDA device here")
@pytest.mark.parametrize("launch", ["eager", "graph"])
def test_a_forward_on_a_real_device(launch):
    module = torch.nn.Linear(2048, 2048, device="cuda")
    x = torch.ones(2048, 2048, device="cuda")
    series = Series("cuda", launch=launch)
    with cuda.settings(series):
        run = cuda.ready(module, (x,), {}, series)
        turns = sample(run, Policy(samples=10, seconds=0.1), cuda.clock())
    assert len(turns) >= 10 and 1e-6 < median([median(turn) for turn in turns]) < 1


# ------------------------------------------------------------------------- beside other clocks


def test_a_case_is_held_against_other_clocks_turn_by_turn():
    pytest.importorskip("pyperf")
    policy = Policy(warmup=1, samples=6, seconds=0.0)
    found = list(agreements("net", lambda: sum(range(100)), policy))
    assert [each.clock for each in found] == ["torch.utils.benchmark", "pyperf"]
    for each in found:
        assert each.ours > 0 and each.theirs > 0
        assert each.compared.interval is not None  # six pairs give one


@pytest.mark.parametrize(("ratio", "word"), [(1.019, "yes"), (0.985, "yes"), (1.021, "NO")])
def test_two_clocks_agree_within_two_per_cent(ratio, word):
    found = Agreement("net", "pyperf", 1.0, ratio, Comparison(ratio, (ratio, ratio)))
    told = table([found])
    assert told.rows[0][-1] == word
    assert told.note == f"pyperf: {int(word == 'yes')} of 1 medians lie within 2 %."
