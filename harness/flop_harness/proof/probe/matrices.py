"""Probes of matrix products."""

from __future__ import annotations

from math import prod

import torch

from flop_harness.proof.probe.measurement import (
    Measured,
    Sizes,
    exactly,
    fits,
    in_parts,
    output_of,
    parts,
    probe,
    summed,
)
from flop_harness.proof.replay import arguments, realised
from flop_harness.records import Call, Dict, Tensor

OPERANDS = {
    "aten.mm": ("self mat2", "mk,kn->mn"),
    "aten._int_mm": ("self mat2", "mk,kn->mn"),
    "aten.addmm": ("mat1 mat2", "mk,kn->mn"),
    "aten._addmm_activation": ("mat1 mat2", "mk,kn->mn"),
    "aten.bmm": ("self mat2", "bmk,bkn->bmn"),
    "aten.baddbmm": ("batch1 batch2", "bmk,bkn->bmn"),
    "aten.addbmm": ("batch1 batch2", "bmk,bkn->mn"),
    "aten.mv": ("self vec", "mk,k->m"),
    "aten.addmv": ("mat vec", "mk,k->m"),
    "aten.dot": ("self tensor", "k,k->"),
    "aten.vdot": ("self other", "k,k->"),
    "aten.linear": ("input weight", "*k,nk->*n"),
    "aten.mkldnn_linear": ("self weight", "*k,nk->*n"),
    "aten._mps_linear": ("self weight", "*k,nk->*n"),
}
OPERANDS |= {
    f"aten.{name}_": OPERANDS[f"aten.{name}"] for name in ("addmm", "baddbmm", "addbmm", "addmv")
}
"""The names of an operator's two operands, and their axes as einsum writes them."""

ADDENDS = frozenset(
    name for name in OPERANDS if name.startswith(("aten.add", "aten._add", "aten.badd"))
)
"""Operators that add their product to ``self``, which is left zero."""


@probe(*OPERANDS)
def matrix_product(call: Call) -> Measured:
    """The operator itself on ones, nothing added to its products."""
    named = arguments(call)
    names, axes = OPERANDS[call.packet]
    first, second = names.split()
    if isinstance(named[first], Dict):
        return nested_product(call, named[first], named[second])
    left, right, out = spelled(axes, len(named[first].shape)).replace("->", ",").split(",")
    sizes = dict(zip(left + right, named[first].shape + named[second].shape, strict=True))
    runs = list(
        parts(sizes, out, lambda each: fits(elements(each, left, right, out), prod(each.values())))
    )

    def work(dtype: torch.dtype) -> int:
        kind = torch_dtype(named[first].dtype, dtype)
        return sum(times * through(call.packet, part, kind, left, right, out)
                   for times, part in runs)  # fmt: skip

    macs = exactly(work)
    outputs = prod(sizes[axis] for axis in out)
    count = sum(times for times, _ in runs)
    return Measured(macs, macs, f"run on ones{in_parts(count)}", ((macs, outputs),))


def spelled(axes: str, rank: int) -> str:
    """``*k,nk->*n`` for an operand of three axes -> ``abk,nk->abn``."""
    return axes.replace("*", "abcdefgh"[: rank - 1])


def elements(sizes: Sizes, *tensors: str) -> int:
    return sum(prod(sizes[axis] for axis in axes) for axes in tensors)


def torch_dtype(recorded: str, wanted: torch.dtype) -> torch.dtype:
    """Complex where the operands were, bytes where the operator takes nothing else."""
    if recorded.startswith("complex"):
        return torch.complex128
    return torch.int8 if recorded == "int8" else wanted


def through(packet: str, sizes: Sizes, dtype: torch.dtype, left: str, right: str, out: str) -> int:
    """The sum of what an operator makes of ones of these sizes."""
    first, second = OPERANDS[packet][0].split()
    named = {
        name: torch.ones([sizes[axis] for axis in axes], dtype=dtype)
        for name, axes in ((first, left), (second, right))
    }
    if packet in ADDENDS:
        named["self"] = torch.zeros([sizes[axis] for axis in out], dtype=dtype)
    return summed(output_of(f"{packet}.default", named))


def nested_product(call: Call, rows: Dict, weight: Tensor) -> Measured:
    """A nested tensor of ones through ``linear``, whole."""

    def output(dtype: torch.dtype) -> torch.Tensor:
        x, w = (
            realised(each, lambda t: torch.ones(t.shape, dtype=dtype)) for each in (rows, weight)
        )
        return output_of(call.name, {"input": x, "weight": w})

    macs = exactly(lambda dtype: summed(output(dtype)))
    outputs = rows.numel // max(weight.shape[-1], 1) * weight.shape[0]
    return Measured(macs, macs, "run on a nested tensor of ones", ((macs, outputs),))


@probe("aten.mul")
def outer_product(call: Call) -> Measured:
    """An einsum that sums nothing multiplies element by element."""
    named = arguments(call)

    def work(dtype: torch.dtype) -> int:
        return summed(output_of(call.name, {
            name: realised(value, lambda each: torch.ones(each.shape, dtype=dtype))
            for name, value in named.items()
        }))  # fmt: skip

    macs = exactly(work)
    return Measured(macs, macs, "run on ones", ((macs, call.output.numel),))
