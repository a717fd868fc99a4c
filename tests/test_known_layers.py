"""A layer is taken for known only where all that its pass follows from is as it was."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from flop_harness import count
from flop_harness.trace.plans import Memory
from flop_harness.trace.recorder import record

LENGTH, WIDTH = 5, 8
DEVICES = ("cpu", "meta")


class Attends(nn.Module):
    """Calls its attention with itself, and as ``asked`` says."""

    def __init__(self, asked: dict | None = None, **settings) -> None:
        super().__init__()
        self.asked = asked or {}
        self.attention = nn.MultiheadAttention(WIDTH, 2, **{"batch_first": True, **settings})
        self.eval()

    def forward(self, x):
        return self.attention(x, x, x, **{"need_weights": False, **self.asked})[0]


class Crossed(Attends):
    def forward(self, x):
        return self.attention(x, x + 1, x + 1, need_weights=False)[0]


MASK = torch.zeros(LENGTH, LENGTH, dtype=torch.bool)
MODELS: dict[str, Callable[[], nn.Module]] = {
    "plain": Attends,
    "without bias": lambda: Attends(bias=False),
    "length first": lambda: Attends(batch_first=False),
    "of another": Crossed,
    "weights asked for": lambda: Attends({"need_weights": True}),
    "weights of each head": lambda: Attends({"need_weights": True, "average_attn_weights": False}),
    "causal by name": lambda: Attends({"is_causal": False}),
    "a mask": lambda: Attends({"attn_mask": MASK}),
    "keys added": lambda: Attends(add_bias_kv=True),
    "a zero added": lambda: Attends(add_zero_attn=True),
    "in training": lambda: Attends(dropout=0.5).train(),
}


def a_pass(model: nn.Module, device: str, memory: Memory | None, **options):
    model = model.to(device)
    if model.asked.get("attn_mask") is not None:
        model.asked["attn_mask"] = MASK.to(device)
    return record(model, (torch.zeros(2, LENGTH, WIDTH, device=device),), memory=memory, **options)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", MODELS)
def test_attention_that_is_known_is_written_down_as_if_it_ran(name: str, device: str):
    memory, model = Memory(), MODELS[name]()
    first, known = (a_pass(model, device, memory) for _ in range(2))
    assert first == known == a_pass(model, device, None)


def test_plain_attention_is_remembered_and_no_other():
    remembered = {}
    for name, make in MODELS.items():
        memory = Memory()
        a_pass(make(), "meta", memory)
        remembered[name] = any(key[0] is nn.MultiheadAttention for key in memory.layers)
    assert {name for name, kept in remembered.items() if kept} == {
        "plain", "without bias", "length first", "of another", "causal by name",
    }  # fmt: skip


class Generated(nn.Module):
    """Layers whose weights come from elsewhere and are no parameters of theirs."""

    def __init__(self, *rows: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(WIDTH, 5, bias=False) for _ in rows)
        for layer, n in zip(self.layers, rows, strict=True):
            del layer.weight
            layer.weight = torch.ones(n, WIDTH)

    def forward(self, x):
        return [layer(x) for layer in self.layers]


def test_layers_with_weights_of_other_shapes_are_not_alike():
    x = torch.ones(LENGTH, WIDTH)
    assert count(Generated(3, 7), x).macs == LENGTH * WIDTH * (3 + 7)


def test_attention_whose_last_weight_lies_beside_is_not_known():
    model, memory, x = Attends(), Memory(), torch.ones(1, LENGTH, WIDTH)
    weight = model.attention.out_proj._parameters.pop("weight")
    model.attention.out_proj.weight = weight.detach()
    record(model, (x,), memory=memory)
    assert not memory.layers


def other_heads(model: Attends, patch: pytest.MonkeyPatch) -> None:
    model.attention.num_heads, model.attention.head_dim = 4, 2


def other_product(model: Attends, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(F, "scaled_dot_product_attention", lambda q, k, v, *rest: q + v)


def other_forward(model: Attends, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(nn.MultiheadAttention, "forward", lambda self, q, k, v, **how: (q + v, None))


def other_inside(model: Attends, patch: pytest.MonkeyPatch) -> None:
    packed = F._in_projection_packed
    patch.setattr(F, "_in_projection_packed", lambda q, *rest: packed(q + q, *rest))


def hooked(model: Attends, patch: pytest.MonkeyPatch) -> None:
    model.attention.register_forward_hook(lambda module, args, output: (output[0] * 2, None))


CHANGES = (other_heads, other_product, other_forward, other_inside, hooked)


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_is_not_known(change, monkeypatch):
    memory, model = Memory(), Attends()
    before = a_pass(model, "meta", memory)
    change(model, monkeypatch)
    assert a_pass(model, "meta", memory) == a_pass(model, "meta", None) != before


WAYS = ((None, {}), (None, {"fast_path": False}), (SDPBackend.MATH, {"fast_path": False}))


def test_switches_of_torch_are_part_of_what_is_known():
    memory, model, passes = Memory(), Attends(), []
    for kernels, how in (*WAYS, *WAYS):
        with sdpa_kernel(kernels) if kernels else nullcontext():
            passes.append(a_pass(model, "cpu", memory, **how))
            assert passes[-1] == a_pass(model, "cpu", None, **how)
    assert passes[:3] == passes[3:]
    assert passes[0] != passes[1] != passes[2] != passes[0]


def test_a_class_whose_forward_was_replaced_is_another(monkeypatch):
    memory, model, x = Memory(), nn.Sequential(nn.ReLU()), torch.zeros(3, device="meta")
    before = record(model, (x,), memory=memory)
    monkeypatch.setattr(nn.ReLU, "forward", lambda self, x: x * 2)
    after = record(model, (x,), memory=memory)
    assert after == record(model, (x,), memory=None) != before


def test_a_layer_that_lost_a_setting_runs_as_it_is():
    layer = nn.ReLU()
    del layer.inplace
    layer.forward = lambda x: x + 1  # type: ignore[method-assign]
    trace = record(nn.Sequential(layer), (torch.zeros(3, device="meta"),), memory=Memory())
    assert [call.name for call in trace.root.children[0].children] == ["torch.Tensor.__add__"]
