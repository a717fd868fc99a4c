"""Timing, on clocks whose hands the test turns."""

from __future__ import annotations

import gc
import random
from itertools import chain, cycle, repeat
from math import comb

import pytest
import torch

from harness.records import Policy
from harness.timing import cpu, cuda
from harness.timing.sampling import MOST_SAMPLES, sample
from harness.timing.statistics import interval_rank, iqr, median, median_interval


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
    clock = FakeClock(resolution)
    return sample(clock.work(durations), policy, clock)


# --------------------------------------------------------------------------------- sampling


def test_as_many_samples_as_asked_even_when_the_time_is_over():
    assert sampled(repeat(1.0), Policy(warmup=0, samples=5, seconds=2.0)) == (1.0,) * 5


def test_as_many_seconds_as_asked_even_when_the_samples_are_there():
    assert sampled(repeat(0.5), Policy(warmup=0, samples=2, seconds=4.0)) == (0.5,) * 8


def test_warm_up_is_not_measured():
    slow_start = chain([9.0, 7.0, 3.0], repeat(1.0))
    assert sampled(slow_start, Policy(warmup=2, samples=4, seconds=0.0)) == (1.0,) * 4


def test_samples_come_in_the_order_measured():
    drift = (1 + step / 16 for step in range(99))
    samples = sampled(drift, Policy(warmup=0, samples=4, seconds=0.0))
    assert samples == (1 + 1 / 16, 1 + 2 / 16, 1 + 3 / 16, 1 + 4 / 16)


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
    sample(lambda: seen.append(gc.isenabled()), Policy(warmup=1, samples=3, seconds=0.0))
    assert seen[0] and not any(seen[1:])
    assert gc.isenabled()


def test_garbage_collection_comes_back_after_a_run_that_raises():
    with pytest.raises(ZeroDivisionError):
        sample(lambda: 1 / 0, Policy(warmup=0))
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
    samples = tuple(sampled(cycle([1.0, 2.0]), Policy(warmup=0, samples=40, seconds=0.0)))
    assert median_interval(samples) == (1.0, 2.0)


def test_drift_widens_the_interval():
    steady = sampled(repeat(1.0), Policy(warmup=0, samples=50, seconds=0.0))
    drifting = sampled((1 + i / 50 for i in range(99)), Policy(warmup=0, samples=50, seconds=0.0))
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


# -------------------------------------------------------------------------------------- CPU


def test_the_forward_runs_in_inference_mode_on_the_threads_asked_for():
    before = torch.get_num_threads()
    seen = set()

    def module(x, *, scale):
        seen.add((torch.is_inference_mode_enabled(), torch.get_num_threads(), x, scale))

    policy = Policy(warmup=1, samples=2, seconds=0.0)
    assert len(cpu.time_forward(module, ("x",), {"scale": 3}, policy, threads=before + 1)) == 2
    assert seen == {(True, before + 1, "x", 3)}
    assert torch.get_num_threads() == before


def test_threads_come_back_after_a_module_that_raises():
    before = torch.get_num_threads()
    with pytest.raises(RuntimeError):
        cpu.time_forward(torch.nn.Linear(2, 2), (torch.ones(3),), {}, Policy(), threads=before + 1)
    assert torch.get_num_threads() == before


def test_a_real_module_takes_some_time():
    policy = Policy(warmup=1, samples=5, seconds=0.0)
    samples = cpu.time_forward(torch.nn.Linear(8, 8), (torch.ones(1, 8),), {}, policy, threads=1)
    assert len(samples) == 5 and min(samples) > 0


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
    policy = Policy(warmup=2, samples=3, seconds=0.0)
    clock = cuda.EventClock(device.event)
    assert sample(lambda: device.launch(next(durations)), policy, clock) == (0.5,) * 3


def test_long_after_its_start_the_event_clock_is_as_fine_as_at_first():
    device = FakeDevice()
    clock = cuda.EventClock(device.event)
    clock()
    device.launch(3600.0)
    before = clock()
    device.launch(1e-6)
    assert clock() - before == pytest.approx(1e-6, rel=1e-3)


@pytest.mark.skipif(not cuda.available(), reason="no CUDA device here")
def test_a_forward_on_a_real_device():
    module = torch.nn.Linear(2048, 2048, device="cuda")
    x = torch.ones(2048, 2048, device="cuda")
    policy = Policy(warmup=3, samples=10, seconds=0.1)
    samples = cuda.time_forward(module, (x,), {}, policy)
    assert len(samples) >= 10 and 1e-6 < median(samples) < 1
