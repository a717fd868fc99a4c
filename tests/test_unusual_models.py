"""Models that do the usual in unusual ways: the reference by arithmetic."""

from __future__ import annotations

import asyncio
import sys
import threading
import weakref
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrize
from torch.utils.checkpoint import checkpoint

import flop_harness as harness
from flop_harness.errors import UserError

pytestmark = pytest.mark.filterwarnings("ignore")

LAYER = 2 * 4 * 4


def x() -> torch.Tensor:
    return torch.rand(2, 4)


class Model(nn.Module):
    """``function(model, *inputs)`` with a layer, and whatever else it holds."""

    def __init__(self, function: Callable, **parts: Any) -> None:
        super().__init__()
        self.function, self.layer = function, nn.Linear(4, 4)
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, *inputs):
        return self.function(self, *inputs)


# ---------------------------------------------------------------------- ways to call a layer


def in_coroutines(m, x):
    async def one():
        return m.layer(x)

    async def both():
        return await asyncio.gather(one(), one())

    return sum(asyncio.run(both()))


def in_a_future(m, x):
    later = torch.jit.fork(m.layer, x)
    return m.layer(x) + torch.jit.wait(later)


def in_a_generator(m, x):
    def steps(x):
        for _ in range(2):
            x = m.layer(x)
            yield x

    return list(steps(x))[-1]


def by_another_function(m, x):
    kept = F.linear
    F.linear = lambda *given: kept(*given) + kept(*given)
    try:
        return m.layer(x)
    finally:
        F.linear = kept


def by_operator(m, x):
    return torch.ops.aten.linear(x, m.layer.weight, m.layer.bias)


def into_a_tensor(m, x):
    with torch.no_grad():
        return torch.mm(x, m.layer.weight, out=torch.empty(2, 4))


def in_place(m, x):
    return m.layer(x).addmm_(x, m.layer.weight)


def under_autocast(m, x):
    with torch.autocast("cpu", torch.bfloat16):
        return m.layer(m.layer(x))


def in_another_dtype(m, x):
    torch.set_default_dtype(torch.float64)
    try:
        return m.layer(x).double() @ m.layer.weight.double() + torch.rand(2, 4)
    finally:
        torch.set_default_dtype(torch.float32)


def through_numpy(m, x):
    return torch.from_numpy(np.tanh(m.layer(x).detach().numpy()))


def checkpointed_twice(m, x):
    def part(y):
        return checkpoint(m.layer, m.layer(y), use_reentrant=False)

    return checkpoint(part, m.layer(x), use_reentrant=False)


def by_another_limit(m, x):
    kept = sys.getrecursionlimit()
    y = m.layer(x)
    sys.setrecursionlimit(kept)
    return m.layer(y)


def where_values_are(m, x):
    return m.layer(x) if x.is_meta else m.layer(m.layer(x))


def on_the_cpu(m, x):
    return m.layer(m.layer(x)) if x.device.type == "cpu" else m.layer(x)


def of_a_plain_tensor(m, x):
    return m.layer(m.layer(x)) if type(x) is torch.Tensor else m.layer(x)


class Own(torch.Tensor):
    """A class of tensors that does nothing of its own."""


def of_a_class(m, x):
    return m.layer(m.layer(x.as_subclass(Own)))


CALLS: dict[str, tuple[Callable, int]] = {
    "in coroutines": (in_coroutines, 2), "in a future": (in_a_future, 2),
    "in a generator": (in_a_generator, 2), "by another function": (by_another_function, 2),
    "by operator": (by_operator, 1), "into a tensor": (into_a_tensor, 1), "in place": (in_place, 2),
    "under autocast": (under_autocast, 2), "in another dtype": (in_another_dtype, 2),
    "through numpy": (through_numpy, 1), "checkpointed twice": (checkpointed_twice, 3),
    "with another limit": (by_another_limit, 2), "where values are": (where_values_are, 2),
    "on the CPU": (on_the_cpu, 2), "of a plain tensor": (of_a_plain_tensor, 2),
    "of a class": (of_a_class, 2),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_a_layer_counts_however_it_is_called(name):
    function, times = CALLS[name]
    assert harness.count(Model(function), x()).macs == times * LAYER


LAZY: dict[str, Callable] = {
    "generator": lambda m, x: (m.layer(x) for _ in range(2)),
    "map": lambda m, x: {"steps": map(m.layer, [x, x])},
    "coroutine": lambda m, x: asyncio.sleep(0, m.layer),
}


@pytest.mark.filterwarnings("ignore:coroutine")
@pytest.mark.parametrize("kind", LAZY)
def test_what_nobody_has_read_is_refused(kind):
    """Nothing has run when such a model returns: 0 would be no answer."""
    model = Model(LAZY[kind])
    with pytest.raises(UserError, match=f"a {kind}, which computes nothing until it is read"):
        harness.count(model, x())
    if kind != "coroutine":
        assert harness.count(lambda x: in_a_generator(model, x), x()).macs == 2 * LAYER


# --------------------------------------------------------------------------- layers that are odd


class Uncomparable(nn.Linear):
    def __eq__(self, other):
        return torch.tensor([True, False])

    __hash__ = nn.Module.__hash__


class Untrue(nn.Linear):
    def __bool__(self):
        raise RuntimeError("neither")


class Delegating(nn.Module):
    """Has what its layer has."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 4)

    def __getattr__(self, name):
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("inner"), name)

    def forward(self, x):
        return self.inner(F.linear(x, self.weight))


class CalledItself(nn.Module):
    """Past torch's way to call a module."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def __call__(self, x):
        return self.layer(x)


class Tiring(nn.Module):
    """Applies its layer three times, then twice, then once."""

    def __init__(self) -> None:
        super().__init__()
        self.calls, self.layer = 0, nn.Linear(4, 4)

    def forward(self, x):
        self.calls += 1
        for _ in range(4 - min(self.calls, 3)):
            x = self.layer(x)
        return x


class Recursive(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x, depth: int = 3):
        return self(self.layer(x), depth - 1) if depth else self.layer(x)


class Hidden(nn.Module):
    """Holds its layers in a list of Python's."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = [nn.Linear(4, 4) for _ in range(3)]

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


class LowRank(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.down, self.up = nn.Parameter(torch.rand(4, 2)), nn.Parameter(torch.rand(2, 4))

    def forward(self, weight):
        return weight + self.down @ self.up


def adapted() -> nn.Module:
    layer = nn.Linear(4, 4)
    parametrize.register_parametrization(layer, "weight", LowRank())
    return nn.Sequential(layer)


def with_a_hook() -> nn.Module:
    """Its hook runs another layer."""
    layer, beside = nn.Linear(4, 4), nn.Linear(4, 4)
    layer.register_forward_hook(lambda _, given, output: output + beside(given[0]))
    return nn.Sequential(layer)


def of_one_row() -> nn.Module:
    layer = nn.Linear(4, 4)
    layer.weight = nn.Parameter(torch.rand(1, 4).expand(4, 4))
    return nn.Sequential(layer)


def holding() -> nn.Module:
    """What no copy is made of."""
    model = Model(lambda m, x: m.again()(m.layer(x)))
    model.again, model.lock = weakref.ref(model.layer), threading.RLock()
    model.numbers = (number for number in range(3))
    return model


def frozen() -> nn.Module:
    """It has weights no more, nor a mode."""
    return torch.jit.freeze(torch.jit.trace(nn.Linear(4, 4).eval(), x()))


LAYERS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "uncomparable": (lambda: nn.Sequential(Uncomparable(4, 4)), LAYER),
    "untrue": (lambda: nn.Sequential(Untrue(4, 4)), LAYER),
    "delegating": (Delegating, 2 * LAYER), "called itself": (CalledItself, LAYER),
    "tiring": (Tiring, 3 * LAYER), "recursive": (Recursive, 4 * LAYER),
    "hidden": (Hidden, 3 * LAYER), "adapted": (adapted, LAYER + 4 * 2 * 4),
    "with a hook": (with_a_hook, 2 * LAYER), "of one row": (of_one_row, LAYER),
    "holding": (holding, 2 * LAYER), "frozen": (frozen, LAYER),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_counts_whatever_it_is(name):
    make, macs = LAYERS[name]
    assert harness.count(make(), x()).macs == macs


def test_the_weights_of_a_frozen_graph_are_parameters_and_no_values_are_looked_at():
    """3 -> 8 channels of 3 x 3 with a bias, which takes the normalisation in, and 2,048 -> 10."""
    layers = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(2048, 10)
    made = harness.count(torch.jit.freeze(torch.jit.script(nn.Sequential(*layers).eval())), torch.rand(1, 3, 16, 16))  # fmt: skip
    assert made.params == 3 * 8 * 9 + 8 + 2048 * 10 + 10
    assert (made.macs, made.trace.looks) == (8 * 27 * 256 + 2048 * 10, ())


class ScriptsItself(nn.Module):
    """Convolution calls a function of torch, whose source is compiled in the pass."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 8, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.jit.script(self.layer)(F.relu(x)) @ x.new_ones(16, 2)


def test_a_model_may_compile_its_layers_in_the_forward_pass():
    macs = 8 * 27 * 256 + 8 * 16 * 16 * 2
    assert harness.count(ScriptsItself(), torch.rand(1, 3, 16, 16)).macs == macs


def test_scripted_layers_without_parameters_have_none():
    traced = torch.jit.trace(lambda x: (x - torch.tensor([0.4] * 4)) @ x.T, x())
    assert harness.count(Model(lambda m, x: traced(m.layer(x))), x()).params == 4 * 4 + 4


# ----------------------------------------------------------------------------- odd inputs, shapes


@dataclass
class Batch:
    x: torch.Tensor
    times: int = 2


Pair = namedtuple("Pair", "x y")


def test_inputs_of_every_kind():
    twice = Model(lambda m, batch: m.layer(m.layer(batch.x)) if batch.times == 2 else batch.x)
    assert harness.count(twice, Batch(x())).macs == 2 * LAYER
    both = Model(lambda m, pair: m.layer(pair.x) + m.layer(pair.y))
    assert harness.count(both, Pair(x(), x())).macs == 2 * LAYER
    assert harness.count(nn.Linear(4, 4), torch.rand(0, 4)).macs == 0


def test_attention_of_other_widths_with_positions_added():
    """Keys of 6 and values of 5; a bias and a zero are put after 7 positions."""

    class Attending(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(
                8, 2, kdim=6, vdim=5, add_bias_kv=True, add_zero_attn=True, batch_first=True
            )

        def forward(self, q, k, v):
            return self.attention(q, k, v, need_weights=False)[0]

    given = torch.rand(2, 3, 8), torch.rand(2, 7, 6), torch.rand(2, 7, 5)
    projections = 2 * (3 * 8 * 8 + 7 * 6 * 8 + 7 * 5 * 8 + 3 * 8 * 8)
    assert harness.count(Attending().eval(), *given).macs == projections + 2 * 2 * 3 * 9 * 8


def test_a_packed_sequence_that_is_projected():
    """4 + 2 steps, both ways: four gates of 6 read 5 and 3, which are projected from 6."""

    class Packed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cells = nn.LSTM(5, 6, proj_size=3, bidirectional=True, batch_first=True)

        def forward(self, x):
            lengths = torch.tensor([4, 2])
            return self.cells(nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True))[0]

    assert harness.count(Packed(), torch.rand(2, 4, 5)).macs == 6 * 2 * (4 * 6 * (5 + 3) + 6 * 3)


def test_experts_by_the_rows_that_are_sent_to_them():
    class Experts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.experts = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))
            self.gate = nn.Linear(4, 3, bias=False)

        def forward(self, x):
            chosen, out = self.gate(x).argmax(-1), torch.zeros_like(x)
            for number, expert in enumerate(self.experts):
                rows = (chosen == number).nonzero()[:, 0]
                out = out.index_add(0, rows, expert(x[rows]))
            return out

    assert harness.count(Experts(), torch.rand(6, 4)).macs == 6 * 4 * 3 + 6 * 4 * 4


# ------------------------------------------------------------------------- what a model returns


class Yields(nn.Linear):
    def forward(self, x):
        yield super().forward(x)


class Awaits(nn.Linear):
    async def forward(self, x):
        return super().forward(x)


class Maps(nn.Linear):
    def forward(self, x):
        return map(super().forward, [x])


@pytest.mark.parametrize("kind", [Yields, Awaits, Maps])
@pytest.mark.filterwarnings("ignore:coroutine")
def test_work_that_is_left_to_do_is_refused_not_left_out(kind):
    with pytest.raises(UserError, match="computes nothing until it is read"):
        harness.count(kind(4, 4), x())


class Answer(dict):
    """As libraries return it: a dictionary of a class of its own."""


class Answers(nn.Linear):
    def forward(self, x):
        return Answer(logits=super().forward(x))


def test_the_outputs_of_a_class_of_dictionaries_are_outputs_to_the_tracer_too():
    bridge = harness.compare(Answers(4, 4), x(), counters="fvcore").bridge("Answers", "fvcore")
    assert (bridge.reference, bridge.reading, bridge.residual) == (LAYER, LAYER, 0)
