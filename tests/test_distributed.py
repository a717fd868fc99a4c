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
    found = of_rank(distribute_module(model, four), images)
    params = 4 * 27 + 4 + 2 * 4
    assert found == (6 * 36 * 4 * 27, 2 * 36 * 4 * 27, params, params)
