"""Probes of products of many matrices in one kernel, and of matrices in few bits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from typing import Any

import torch

from flop_harness.proof.probe.measurement import (
    Measured,
    fits,
    in_parts,
    output_of,
    parts,
    probe,
    summed,
)
from flop_harness.proof.replay import arguments, run
from flop_harness.records import Call

Pieces = Iterator[tuple[int, tuple[int, int]]]
"""(how many, (rows, columns)) of the parts of a product"""

Stacks = tuple[int, int, int]
"""How many matrices there are of the left factor, of the right one and of the result"""


def pieces(rows: int, inner: int, columns: int, stacks: Stacks) -> Pieces:
    sizes = {"rows": rows, "columns": columns}

    def small(each: Any) -> bool:
        m, n = each["rows"], each["columns"]
        matrices = zip(stacks, (m * inner, inner * n, m * n), strict=True)
        return fits(sum(map(prod, matrices)), min(stacks) * m * inner * n)

    return (
        (times, (part["rows"], part["columns"]))
        for times, part in parts(sizes, tuple(sizes), small)
    )


def measured(
    call: Call,
    shape: tuple[int, int, int],
    once: Callable[[int, int], int],
    stacks: Stacks = (1, 1, 1),
) -> Measured:
    """What ``once`` counts for each part of (rows, inner) @ (inner, columns)."""
    runs = list(pieces(*shape, stacks))
    macs = sum(times * once(*sizes) for times, sizes in runs)
    method = f"run on ones{in_parts(sum(times for times, _ in runs))}"
    return Measured(macs, macs, method, ((macs, call.output.numel),))


@probe("aten._grouped_mm")
def grouped_mm(call: Call) -> Measured:
    """Groups of equal sizes: how long each is changes nothing."""
    x, y = call.args[0].shape, call.args[1].shape
    offsets = arguments(call)["offs"]
    count = offsets.numel if offsets is not None else 1

    def once(rows: int, columns: int) -> int:
        split = {(2, 3): rows, (3, 2): columns}.get((len(x), len(y)), x[-1])
        ends = torch.tensor([(i + 1) * split // count for i in range(count)], dtype=torch.int32)
        return summed(output_of(call.name, {
            "self": torch.ones(*x[:-2], rows, x[-1]), "mat2": torch.ones(*y[:-1], columns),
            "offs": None if offsets is None else ends,
        }))  # fmt: skip

    stacks = (prod(x[:-2]), prod(y[:-2]), prod(call.output.shape[:-2]))
    return measured(call, (x[-2], x[-1], y[-1]), once, stacks)


@probe("aten._scaled_mm")
def scaled_mm(call: Call) -> Measured:
    """In eight bits, at a scale of one, added up in float32."""
    x, y = call.args[:2]

    def once(rows: int, columns: int) -> int:
        kind = getattr(torch, x.dtype)
        scale = torch.ones(())
        return summed(output_of(call.name, {
            "self": torch.ones(rows, x.shape[1]).to(kind),
            "mat2": torch.ones(columns, x.shape[1]).to(kind).t(),
            "scale_a": scale, "scale_b": scale, "out_dtype": torch.float32,
        }))  # fmt: skip

    return measured(call, (*x.shape, y.shape[1]), once)


@probe("aten._weight_int8pack_mm")
def int8_mm(call: Call) -> Measured:
    x = call.args[0].shape

    def once(rows: int, columns: int) -> int:
        ones = torch.ones(columns, x[1], dtype=torch.int8)
        return summed(output_of(call.name, {
            "self": torch.ones(rows, x[1]), "mat2": ones, "scales": torch.ones(columns),
        }))  # fmt: skip

    return measured(call, (*x, call.output.shape[1]), once)


ZERO = 8  # what stands for zero in four bits without a sign


@probe("aten._weight_int4pack_mm_for_cpu")
def int4_mm(call: Call) -> Measured:
    """Weights of one, packed as the operator wants them, in groups that share a scale of one."""
    x, group = call.args[0].shape, call.args[2]

    def once(rows: int, columns: int) -> int:
        ones = torch.full((columns, x[1]), ZERO + 1, dtype=torch.int32)
        packed = run("aten._convert_weight_to_int4pack_for_cpu.default",
                     {"self": ones, "innerKTiles": 2})  # fmt: skip
        scales = torch.ones(x[1] // group, columns, 2)
        scales[..., 1] = 0
        return summed(output_of(call.name, {
            "self": torch.ones(rows, x[1]), "mat2": packed, "qGroupSize": group,
            "qScaleAndZeros": scales,
        }))  # fmt: skip

    return measured(call, (*x, call.output.shape[1]), once)


@probe("aten._foreach_mm")
def foreach_mm(call: Call) -> Measured:
    """Each pair of a list."""
    lists = [[torch.ones(each.shape, dtype=torch.float64) for each in given]
             for given in call.args[:2]]  # fmt: skip
    made = run(call.name, {"self": lists[0], "mat2": lists[1]})
    products = tuple((summed(each), each.numel()) for each in made)
    macs = sum(each for each, _ in products)
    return Measured(macs, macs, "run on ones", products)
