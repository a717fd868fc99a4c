"""Compiled models, exported programs, operators on functions, tensors of classes of their own."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import flop_harness as harness
from flop_harness.run.leftovers import leftovers, marks
from flop_harness.trace.walk import visits
from programs import calls_by_scan

pytestmark = pytest.mark.filterwarnings("ignore")

X = torch.ones(5, 8)
LAYER = 5 * 8 * 8


class Applied(nn.Module):
    """``function(layer, *inputs)``"""

    def __init__(self, function) -> None:
        super().__init__()
        self.layer, self.function = nn.Linear(8, 8), function

    def forward(self, *inputs):
        return self.function(self.layer, *inputs)


def macs(function, *inputs) -> int:
    return harness.count(Applied(function), *inputs).macs


# ------------------------------------------------------------------------- compiled, exported


def sequential() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 8), nn.Sequential(nn.Linear(8, 8)))


def whole():
    return torch.compile(sequential(), backend="eager")


def in_place():
    model = sequential()
    model.compile(backend="eager")
    return model


def part():
    model = sequential()
    model[1] = torch.compile(model[1], backend="eager")
    return model


@pytest.mark.parametrize("make", [whole, in_place, part])
@pytest.mark.parametrize("used", [False, True])
def test_a_compiled_model_counts_as_the_model_it_was(make, used):
    model = make()
    if used:
        model(X)
    counted = harness.count(model, X)
    assert counted.model == "Sequential" and counted.macs == 2 * LAYER
    assert [module.path for module in counted.trace.modules] == ["", "0", "1", "1.0"]


@torch.compile(backend="eager")
def squared(x):
    return x @ x.T


def test_a_compiled_function_counts_as_the_function():
    assert macs(lambda layer, x: squared(layer(x)), X) == LAYER + 5 * 8 * 5


def test_other_models_count_after_a_compiled_one():
    whole()(X)
    results = harness.compare(sequential(), X, counters=("torch", "analytic"))
    assert {reading.status for reading in results.run.readings} == {"ok"}
    assert not any(bridge.residual for bridge in results.run.bridges)


@pytest.mark.parametrize("form", [lambda program: program, lambda program: program.module()])
def test_an_exported_program(form):
    program = form(torch.export.export(sequential().eval(), (X,)))
    assert harness.count(program, X).macs == 2 * LAYER
    results = harness.compare(program, X, counters=("torch", "analytic"))
    assert {reading.status for reading in results.run.readings} == {"ok"}
    assert not any(bridge.residual for bridge in results.run.bridges)


# ---------------------------------------------------------------------- operators on functions


def test_the_branch_that_is_taken():
    def branch(layer, x):
        return torch.cond(x.sum() > 1, lambda x: layer(layer(x)), lambda x: layer(x), (x,))

    assert macs(branch, X) == 2 * LAYER
    assert macs(branch, -X) == LAYER


def test_loops():
    from torch._higher_order_ops import map as mapped
    from torch._higher_order_ops import scan, while_loop

    def repeated(layer, x):
        return while_loop(lambda n, x: n < 3, lambda n, x: (n + 1, layer(x)), (torch.tensor(0), x))

    assert macs(repeated, X) == 3 * LAYER
    assert macs(lambda layer, x: mapped(lambda row: layer(row), x), X) == LAYER
    carried = macs(
        lambda layer, x: scan(lambda c, row: (layer(c + row), layer(row)), torch.zeros(8), x), X
    )
    assert carried == 2 * calls_by_scan(5) * (8 * 8)


def test_torch_on_meta_needs_no_condition(tmp_path):
    """It runs both branches; which is taken is seen on the CPU. All contexts are those of a suite."""
    (tmp_path / "nets.py").write_text(
        "import torch\n"
        "class Net(torch.nn.Linear):\n"
        "    def forward(self, x):\n"
        "        once = super().forward\n"
        "        return torch.cond(x.sum() > 9, lambda x: once(once(x)), lambda x: once(x), (x,))\n"
        "def net(): return Net(4, 4)\n"
    )
    (tmp_path / "cond.toml").write_text(
        'name = "cond"\nversion = 1\ncontexts = "all"\n'
        '[[case]]\nid = "net"\nmodel = "nets.py:net"\ninputs = [[2, 4]]\n'
    )
    run = harness.compare(str(tmp_path / "cond.toml"), counters=("torch",)).run
    assert not run.failures
    made = {bridge.context.device: bridge for bridge in run.bridges if bridge.metric == "compute"}
    assert made["meta"].reading == 2 * 2 * (2 * 4 * 4)
    assert (made["meta"].reference, made["meta"].residual) == (made["cpu"].reference, 0)


def test_torch_enters_no_loop():
    """Its mode gives NotImplemented for what it does not know; what stands beside it is counted."""
    from torch._higher_order_ops import while_loop

    def beside(layer, x):
        repeated = while_loop(
            lambda n, x: n < 3, lambda n, x: (n + 1, layer(x)), (torch.tensor(0), x)
        )
        return repeated, layer(x)

    run = harness.compare(Applied(beside), X, counters=("torch",)).run
    made = [bridge for bridge in run.bridges if bridge.metric == "compute"]
    assert {bridge.reference for bridge in made} == {4 * LAYER}
    assert [(b.reading, b.residual, b.off) for b in made] == [(2 * LAYER, 0, {})] * len(made)
    assert made


def test_flex_attention_counts_the_full_square():
    from torch.nn.attention.flex_attention import flex_attention

    q = torch.ones(2, 4, 64, 16)
    expected = 2 * 4 * 64 * 64 * (16 + 16)
    counted = harness.count(
        Applied(lambda _, q: flex_attention(q, q, q, score_mod=lambda s, b, h, i, j: s + i - j)), q
    )
    assert counted.macs == expected
    assert "higher_order.flex_attention" in {visit.call.packet for visit in visits(counted.trace)}


class Branches(nn.Module):
    """Applies its layer twice where the sum is above zero, else once."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        layer = self.layer
        return torch.cond(x.sum() > 0, lambda x: layer(layer(x)), lambda x: layer(x), (x,))


SEEING = ("thop", "torchinfo", "ptflops-pytorch")
"""Counters that watch modules and functions: those in the branch that is taken too"""


def test_counters_of_modules_see_into_the_branch_that_is_taken():
    run = harness.compare(Branches().eval(), torch.ones(2, 4), counters=SEEING).run
    (reference,) = run.references
    assert sum(reference.compute.values()) == 2 * 2 * 16
    told = [bridge for bridge in run.bridges if bridge.metric == "compute"]
    assert {bridge.counter for bridge in told} == set(SEEING)
    assert all(bridge.explained for bridge in told), [(b.counter, b.residual) for b in told]


class Mapped(nn.Module):
    """Applies its layer to each of the slices of its input."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        from torch._higher_order_ops.map import map as each_of

        return each_of(self.layer, x)


@pytest.mark.parametrize("slices", [1, 3])
def test_counters_see_into_each_slice_of_a_map(slices):
    run = harness.compare(Mapped().eval(), torch.ones(slices, 2, 4), counters=SEEING).run
    (reference,) = run.references
    assert sum(reference.compute.values()) == slices * 2 * 16
    told = [bridge for bridge in run.bridges if bridge.metric == "compute"]
    assert {bridge.counter for bridge in told} == set(SEEING)
    assert all(bridge.explained for bridge in told), [(b.counter, b.residual) for b in told]


def test_functions_inside_flex_attention_are_charged_by_those_who_watch_them():
    from torch.nn.attention.flex_attention import flex_attention

    q = torch.rand(1, 2, 8, 4)
    model = Applied(lambda _, q: flex_attention(q, q, q))
    run = harness.compare(model, q, counters=SEEING).run
    (reference,) = run.references
    assert sum(reference.compute.values()) == 2 * 2 * 8 * 8 * 4
    assert run.bridges and all(bridge.explained for bridge in run.bridges)


def test_a_layer_under_vmap_is_not_taken_for_one_without():
    """Its input looks like one row, which the same layer may have met before."""
    row = lambda layer, x: layer(x[0])  # noqa: E731
    assert macs(row, X) == 8 * 8
    assert macs(lambda layer, x: torch.func.vmap(layer)(x), X) == LAYER
    assert macs(row, X) == 8 * 8


def test_inference_mode_inside():
    assert macs(torch.inference_mode()(lambda layer, x: layer(x)), X) == LAYER


# --------------------------------------------------------------------------- tensors of a class


@pytest.fixture
def mesh():
    import torch.distributed as dist
    from torch.distributed.device_mesh import init_device_mesh

    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield init_device_mesh("cpu", (1,))
    dist.destroy_process_group()


def test_a_model_sharded_over_a_mesh_counts_whole(mesh):
    from torch.distributed.fsdp import fully_shard
    from torch.distributed.tensor.parallel import ColwiseParallel, parallelize_module

    shards = parallelize_module(sequential(), mesh, {"0": ColwiseParallel()})
    assert harness.count(shards, X).macs == 2 * LAYER
    whole = sequential()
    fully_shard(whole, mesh=mesh)
    assert harness.count(whole, X).macs == 2 * LAYER


@pytest.mark.parametrize(
    "tensor",
    [
        torch.eye(3).to_sparse(),
        torch.eye(3).to_sparse_csr(),
        torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]),
        torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], layout=torch.jagged),
        torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8),
        torch.ones(3, dtype=torch.complex64),
    ],
    ids=["coo", "csr", "nested", "jagged", "quantised", "complex"],
)
def test_leftovers_of_every_kind_of_tensor(tensor):
    model = nn.Module()
    model.register_buffer("held", tensor)
    before = marks(model)
    assert leftovers(before, marks(model)) == ()
    model.held = (
        torch.quantize_per_tensor(torch.zeros(3), 0.1, 0, torch.qint8)
        if tensor.is_quantized
        else tensor + tensor
    )
    assert leftovers(before, marks(model)) == ("tensors changed: held",)
