"""Models over meshes of ranks: the whole, and what the first of four ranks does and keeps of it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import flop_harness
from flop_harness.conventions.catalogue import CONVENTIONS

pytestmark = pytest.mark.filterwarnings("ignore")


class Times(nn.Module):
    """A product with a matrix, which may lie on several ranks."""

    def __init__(self, matrix: torch.Tensor) -> None:
        super().__init__()
        self.matrix = nn.Parameter(matrix)

    def forward(self, x):
        return x @ self.matrix


def of_rank(model: nn.Module, x: torch.Tensor) -> tuple[int, int, int, int]:
    """MACs of the whole and of the first of four ranks; parameters, and those that it keeps."""
    counted = flop_harness.count(model, x)
    kept = counted.params if counted.kept is None else counted.kept
    rank = CONVENTIONS["rank-macs"].price(counted.trace).total
    return counted.macs, int(rank), counted.params, kept


def square_mesh():
    """Rows of ranks that share the data, columns that share the layers."""
    from torch.distributed.device_mesh import init_device_mesh

    return init_device_mesh("cpu", (2, 2), mesh_dim_names=("data", "layers"))


def test_of_a_mesh_of_two_dimensions_one_cuts_layers_and_one_their_parameters(four):
    """Data-parallel ranks keep half of what a rank keeps of its half of each layer."""
    from torch.distributed.fsdp import fully_shard
    from torch.distributed.tensor.parallel import (
        ColwiseParallel,
        RowwiseParallel,
        parallelize_module,
    )

    mesh, macs = square_mesh(), 6 * 2 * 16 * 32
    cut, whole = 16 * 32 + 32 + 32 * 16, 16  # the second bias is on every rank
    plan = {"0": ColwiseParallel(), "2": RowwiseParallel()}
    for shards in (1, 2):
        model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 16))
        parallelize_module(model, mesh["layers"], plan)
        if shards == 2:
            fully_shard(model, mesh=mesh["data"])
        kept = (cut // 2 + whole) // shards
        assert of_rank(model, torch.ones(6, 16)) == (macs, macs // 2, cut + whole, kept)


def test_of_six_columns_the_first_of_four_ranks_has_two(four):
    from torch.distributed.tensor.parallel import ColwiseParallel, parallelize_module

    model = parallelize_module(nn.Sequential(nn.Linear(16, 6)), four, {"0": ColwiseParallel()})
    assert of_rank(model, torch.ones(3, 16)) == (3 * 16 * 6, 3 * 16 * 2, 16 * 6 + 6, 16 * 2 + 2)


@pytest.mark.parametrize(
    ("x", "matrix", "rank", "kept"),
    [
        ("rs", "rr", 5 * 7 * 12, 7 * 12),
        ("sr", "rc", 5 * 7 * 6, 7 * 6),
        ("cr", "sc", 10 * 4 * 6, 4 * 6),  # 4 of 7: the first of two has the larger part
        ("cc", "ss", 10 * 2 * 12, 2 * 12),  # 4 of 7, then 2 of 4
    ],
)
def test_a_product_on_a_mesh_of_two_dimensions(four, x, matrix, rank, kept):
    """10 x 7 by 7 x 12, replicated (r) or cut in rows (s) or columns (c) along each dimension."""
    from torch.distributed.tensor import Replicate, Shard, distribute_tensor

    mesh, placed = square_mesh(), {"r": Replicate(), "s": Shard(0), "c": Shard(1)}
    left = distribute_tensor(torch.ones(10, 7), mesh, [placed[each] for each in x])
    right = distribute_tensor(torch.ones(7, 12), mesh, [placed[each] for each in matrix])
    assert of_rank(Times(right), left) == (10 * 7 * 12, rank, 7 * 12, kept)


def test_buffers_and_parameters_that_are_replicated_are_kept_whole(four):
    """Of six images the first of four ranks has two."""
    from torch.distributed.tensor import Shard, distribute_module, distribute_tensor

    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).eval()
    images = distribute_tensor(torch.ones(6, 3, 8, 8), four, [Shard(0)])
    model = distribute_module(model, four)
    try:
        model(images)
    except RuntimeError as refusal:  # of torch 2.11
        pytest.skip(f"torch itself has no such pass: {refusal}")
    found = of_rank(model, images)
    params = 4 * 27 + 4 + 2 * 4
    assert found == (6 * 36 * 4 * 27, 2 * 36 * 4 * 27, params, params)


class Heads(nn.Module):
    """Attention of 8 heads of 4 features; how many of them a rank has, its projections say."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(32, 32) for _ in range(4))

    def forward(self, x):
        heads = (
            layer(x).unflatten(-1, (-1, 4)).transpose(1, 2) for layer in (self.q, self.k, self.v)
        )
        return self.out(
            nn.functional.scaled_dot_product_attention(*heads).transpose(1, 2).flatten(2)
        )


def parallel_heads(mesh):
    from torch.distributed.tensor.parallel import (
        ColwiseParallel,
        RowwiseParallel,
        parallelize_module,
    )

    plan = {"q": ColwiseParallel(), "k": ColwiseParallel(), "v": ColwiseParallel()}
    return parallelize_module(Heads(), mesh, {**plan, "out": RowwiseParallel()})


def test_attention_on_the_heads_of_a_rank_stands_for_that_on_all(four):
    """Two sequences of six: four projections of 32 x 32, two products of 6 x 6 over 32 features."""
    counted = flop_harness.count(parallel_heads(four), torch.ones(2, 6, 32))
    attention, linear = 2 * 2 * 6 * 6 * 32, 4 * 2 * 6 * 32 * 32
    assert counted.rows == {"linear": linear, "attention product": attention}
    assert CONVENTIONS["rank-macs"].price(counted.trace).total == (linear + attention) // 4
    assert f"attention product {attention:,} MAC for {attention // 4:,} here" in str(counted)


def test_its_training_step_is_that_of_the_whole(four):
    """Its input asks for no gradient."""
    phases = [
        flop_harness.count(model, torch.ones(2, 6, 32), training=True).phases
        for model in (Heads(), parallel_heads(four))
    ]
    assert phases[0] == phases[1]
    assert phases[1]["backward"] > phases[1]["forward"]


@pytest.mark.parametrize(("rows", "here"), [(8, 2), (5, 2), (6, 2)])
def test_a_part_that_is_cut_unevenly_stands_for_the_whole_by_its_size(four, rows, here):
    """The first of four ranks has two rows of 5, 6 or 8."""
    from torch.distributed.tensor import Shard, distribute_tensor

    class Local(nn.Module):
        def forward(self, x):
            return x.to_local() @ torch.ones(7, 3)

    given = distribute_tensor(torch.ones(rows, 7), four, [Shard(0)])
    counted = flop_harness.count(Local(), given)
    assert counted.macs == rows * 7 * 3
    assert CONVENTIONS["rank-macs"].price(counted.trace).total == here * 7 * 3


def test_a_part_that_all_ranks_gather_is_a_part_no_longer(four):
    import torch.distributed._functional_collectives as collectives
    from torch.distributed.tensor import Shard, distribute_tensor

    class Gathering(nn.Module):
        def forward(self, x):
            return collectives.all_gather_tensor(x.to_local(), 0, four.get_group()) @ torch.ones(
                7, 3
            )

    given = distribute_tensor(torch.ones(8, 7), four, [Shard(0)])
    assert flop_harness.count(Gathering(), given).macs == 8 * 7 * 3


def test_the_first_pass_looks_for_shapes_whatever_ran_before(four):
    """By products of the whole on tensors without values, which one counter charges: once."""
    from torch.distributed.tensor.parallel import (
        ColwiseParallel,
        RowwiseParallel,
        parallelize_module,
    )

    model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 16))
    parallelize_module(model, four, {"0": ColwiseParallel(), "2": RowwiseParallel()})
    x, whole = torch.ones(6, 16), 6 * 2 * 16 * 32
    for _ in range(2):
        found = flop_harness.compare(model, x, counters=["ptflops-pytorch", "deepspeed"])
        steps = found.bridge("Sequential", "ptflops-pytorch").steps
        amounts = {step.term: step.amount for step in steps}
        assert amounts["matrix product counted where torch looks for a shape"] == whole
        assert {bridge.residual for bridge in found.run.bridges} == {0}
        model(x)
