"""What the caller's process has set changes no figure, and no figure changes what it has.

A convolution of 3 to 6 channels, 3 x 3, to 6 x 6 outputs, and a linear layer of 216 to 5. A step takes the
gradients of both weights, and of the linear layer's input: the convolution's needs none.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import cycle
from threading import Thread

import pytest
import torch
from torch import nn
from torch._subclasses import FakeTensorMode
from torch.utils.data import DataLoader

import flop_harness

CONVOLUTION, LINEAR = 6 * 6 * 6 * 27, 216 * 5
MACS = CONVOLUTION + LINEAR
STEP = 2 * CONVOLUTION + 3 * LINEAR
SHAPE = (1, 3, 8, 8)


def net() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 6, 3), nn.Flatten(), nn.Linear(216, 5))


@contextmanager
def default_device():
    torch.set_default_device("meta")
    try:
        yield
    finally:
        torch.set_default_device(None)


AROUND = {
    "inference": torch.inference_mode,
    "no gradients": torch.no_grad,
    "fake": FakeTensorMode,
    "meta": lambda: torch.device("meta"),
    "default device": default_device,
}


@pytest.mark.parametrize("around", AROUND.values(), ids=AROUND)
@pytest.mark.parametrize("made_within", [False, True])
def test_what_is_set_around_a_call_or_a_model_changes_no_figure(around, made_within):
    model, x = net(), torch.rand(SHAPE)
    with around():
        if made_within:
            model, x = net(), torch.rand(SHAPE)
        before = torch.is_inference_mode_enabled(), torch.empty(0).device
        assert flop_harness.count(model, x).macs == MACS
        assert flop_harness.count(model, SHAPE).macs == MACS
        assert flop_harness.count(model, x, training=True).macs == STEP
        assert (torch.is_inference_mode_enabled(), torch.empty(0).device) == before
    assert flop_harness.count(model, x).macs == MACS
    assert flop_harness.count(model, x, training=True).macs == STEP


@pytest.mark.parametrize("around", AROUND.values(), ids=AROUND)
def test_models_made_within_are_compared(around):
    with around():
        model = net()
    run = flop_harness.compare(model, SHAPE, counters="thop,torch").run
    assert not run.failures
    assert {bridge.residual for bridge in run.bridges} == {0}
    assert run.readings[-1].value in (2 * MACS, MACS)


def test_the_files_of_models_may_make_them_of_fake_tensors_and_in_inference_mode(tmp_path):
    tmp_path.joinpath("net.py").write_text("""
import torch
from torch import nn
from torch._subclasses import FakeTensorMode

def net():
    return nn.Sequential(nn.Conv2d(3, 6, 3), nn.Flatten(), nn.Linear(216, 5)), torch.rand(1, 3, 8, 8)

def fake():
    with FakeTensorMode():
        return net()

@torch.inference_mode()
def inference():
    return net()
""")
    for name in ("fake", "inference"):
        reference = f"{tmp_path}/net.py:{name}"
        assert flop_harness.count(reference).macs == MACS
        assert flop_harness.count(reference, training=True).macs == STEP


def test_what_has_no_shape_yet_gets_one_in_inference_mode_too():
    model = nn.LazyLinear(5)
    assert flop_harness.count(model, (2, 3)).macs == 2 * 3 * 5
    with torch.inference_mode():
        assert flop_harness.count(nn.LazyLinear(5), (2, 3)).macs == 2 * 3 * 5


def test_an_input_with_a_history_is_where_a_step_ends():
    first, second = nn.Linear(3, 5), nn.Linear(5, 2)
    x = first(torch.rand(4, 3))
    forward = 4 * 5 * 2
    assert flop_harness.count(second, x, training=True).macs == 3 * forward
    run = flop_harness.compare(second, x, training=True).run
    assert [bridge.residual for bridge in run.bridges] == [0] * len(run.bridges)
    assert first.weight.grad is None
    x.sum().backward()  # its graph is still there


@pytest.mark.parametrize("training", [False, True])
def test_threads_count_one_after_another(training):
    found = []

    def ask() -> None:
        found.append(flop_harness.count(net(), SHAPE, training=training).macs)

    threads = [Thread(target=ask) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found == [STEP if training else MACS] * 3
    assert torch.ones(2).tolist() == [1, 1]


class FirstOf(nn.Module):
    """A network of what an iterator gives next."""

    def __init__(self) -> None:
        super().__init__()
        self.net = net()

    def forward(self, batches):
        return self.net(next(batches))


ITERATORS = {
    "generator": lambda batches: (batch for batch in batches),
    "list": iter,
    "map": lambda batches: map(torch.clone, batches),
    "cycle": cycle,
    "loader": lambda batches: iter(DataLoader(batches, batch_size=None)),
}


@pytest.mark.parametrize("make", ITERATORS.values(), ids=ITERATORS)
def test_an_iterator_has_what_it_had_before(make):
    batches = make([torch.rand(SHAPE)])
    for _ in range(2):
        assert flop_harness.count(FirstOf(), batches).macs == MACS
    assert flop_harness.compare(FirstOf(), batches, counters="thop").run.bridges[0].residual == 0
    assert next(batches).shape == SHAPE


def test_hooks_on_parameters_and_on_all_modules_leave_nothing():
    model, seen = net(), []
    model[2].weight.register_hook(lambda gradient: seen.append("gradient"))
    model[2].weight.register_post_accumulate_grad_hook(lambda parameter: seen.append("added up"))
    everywhere = nn.modules.module.register_module_forward_hook(lambda *_: seen.append("call"))
    try:
        assert flop_harness.count(model, SHAPE, training=True).macs == STEP
    finally:
        everywhere.remove()
    assert seen == []
