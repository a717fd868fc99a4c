"""Probes of convolutions: with their padding as it is, and with ones in its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import torch

from flop_harness.formulas.padding import PLACES
from flop_harness.proof.probe.measurement import (
    Measured,
    exactly,
    fits,
    in_parts,
    output_of,
    parts,
    probe,
    summed,
)
from flop_harness.proof.replay import arguments, run
from flop_harness.records import Call

PADDED = "run on ones, and with ones in the place of its padding"
CROPPED = "run on ones, and without cropping its output"


@dataclass(frozen=True)
class Convolution:
    """A convolution by its numbers; lengths of axes are those of the input, one for each axis."""

    name: str
    batch: int
    groups: int
    inner: int
    outer: int
    lengths: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    output_padding: tuple[int, ...]
    transposed: bool

    @property
    def output(self) -> tuple[int, ...]:
        """Lengths of the output's axes."""
        axes = zip(self.lengths, self.kernel, self.stride, self.padding, self.dilation,
                   self.output_padding, strict=True)  # fmt: skip
        if self.transposed:
            return tuple((n - 1) * s - 2 * p + d * (k - 1) + 1 + o for n, k, s, p, d, o in axes)
        return tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d, _ in axes)

    @property
    def outputs(self) -> int:
        return self.batch * self.groups * self.outer * prod(self.output)

    @property
    def size(self) -> tuple[int, int]:
        """(elements of input, weight and output, multiplications), roughly."""
        channels = self.groups * self.inner
        taps = channels * self.outer * prod(self.kernel)
        data = self.batch * channels * prod(self.lengths)
        positions = prod(self.lengths if self.transposed else self.output)
        return data + taps + self.outputs, self.batch * taps * positions

    def unbounded(self) -> Convolution:
        """Ones in the place of the padding; of a transposed one, an output of which nothing is cut."""
        none = (0,) * len(self.lengths)
        if self.transposed:
            return replace(self, padding=none, output_padding=none)
        lengths = tuple(n + 2 * p for n, p in zip(self.lengths, self.padding, strict=True))
        return replace(self, lengths=lengths, padding=none)

    def named(self, dtype: torch.dtype) -> dict[str, Any]:
        """The operator's arguments, by the names that all its variants share."""
        channels, kernels = self.groups * self.inner, (self.groups * self.outer, self.inner)
        if self.transposed:
            kernels = (channels, self.outer)
        return {
            "input": torch.ones((self.batch, channels, *self.lengths), dtype=dtype),
            "weight": torch.ones((*kernels, *self.kernel), dtype=dtype),
            "bias": None,
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
            "transposed": self.transposed,
            "output_padding": self.output_padding,
            "groups": self.groups,
        }


@probe(*(f"aten.{name}" for name in PLACES))
def convolution(call: Call) -> Measured:
    named = arguments(call)
    settled = convolution_of(call.name, named)
    whole = settled.unbounded()
    runs = list(in_batches(settled))
    reached = sum_over(runs, named)
    if whole == settled:
        method = f"run on ones{in_parts(sum(times for times, _ in runs))}"
        return Measured(reached, reached, method, ((reached, call.output.numel),))
    everything = sum_over(list(in_batches(whole)), named)
    method, gap = (CROPPED, "cropping") if settled.transposed else (PADDED, "padding")
    products = ((everything, settled.outputs),)
    return Measured(
        reached, everything, method + in_parts(sum(times for times, _ in runs)), products, gap
    )


def convolution_of(name: str, named: dict[str, Any]) -> Convolution:
    x = named.get("input") or named["self"]
    weight = named["weight"].shape
    transposed = named.get("transposed", False)
    groups = named["groups"] if transposed else x.shape[1] // max(weight[1], 1)
    axes = len(weight) - 2

    def each_axis(what: str, usual: int) -> tuple[int, ...]:
        values = tuple(named.get(what, (usual,)))
        return values * axes if len(values) == 1 else values

    return Convolution(
        name=name,
        batch=x.shape[0],
        groups=groups,
        inner=weight[0] // groups if transposed else weight[1],
        outer=weight[1] if transposed else weight[0] // groups,
        lengths=x.shape[2:],
        kernel=weight[2:],
        stride=each_axis("stride", 1),
        padding=each_axis("padding", 0),
        dilation=each_axis("dilation", 1),
        output_padding=each_axis("output_padding", 0),
        transposed=transposed,
    )


def in_batches(whole: Convolution) -> Sequence[tuple[int, Convolution]]:
    """Parts that are small enough to be run: of the batch, the groups, the output channels."""
    sizes = {"batch": whole.batch, "groups": whole.groups, "outer": whole.outer}
    runs = parts(sizes, tuple(sizes), lambda each: fits(*replace(whole, **each).size))
    return [(times, replace(whole, **part)) for times, part in runs]


def sum_over(runs: Sequence[tuple[int, Convolution]], given: dict[str, Any]) -> int:
    def once(part: Convolution, dtype: torch.dtype) -> int:
        ones = part.named(dtype)
        ones["self"] = ones["input"]
        named = {name: ones.get(name, value) for name, value in given.items()}
        return summed(output_of(part.name, named))

    return exactly(lambda dtype: sum(times * once(part, dtype) for times, part in runs))


@probe("aten.convolution_backward")
def gradients(call: Call) -> Measured:
    """The gradients of the input and of the weight, each a convolution, on ones.

    Where the forward pass reads padding, one adds up what is cut off and the other meets zeros.
    """
    named = arguments(call)
    settled = convolution_of(call.name, named)
    wanted = (*named["output_mask"][:2], False)

    def both(part: Convolution, dtype: torch.dtype) -> tuple[int, ...]:
        ones = part.named(dtype)
        out = (part.batch, part.groups * part.outer, *part.output)
        ones |= {"grad_output": torch.ones(out, dtype=dtype), "output_mask": wanted}
        ones["bias_sizes"] = None
        found = run(call.name, {name: ones[name] for name in named})
        return tuple(summed(each) for each, asked in zip(found, wanted, strict=True) if asked)

    reached = sum(both(settled, torch.float64))
    whole = both(settled.unbounded(), torch.float64)
    sizes = (named["input"].numel, named["weight"].numel)
    outputs = [size for size, asked in zip(sizes, wanted[:2], strict=True) if asked]
    products = tuple(zip(whole, outputs, strict=True))
    gap = "cropping" if settled != settled.unbounded() else ""
    method = "run on ones" + (", and with ones in the place of its padding" if gap else "")
    return Measured(reached, sum(whole), method, products, gap)


@probe("torchvision.deform_conv2d")
def deformable_convolution(call: Call) -> Measured:
    """With offsets of zero, where it samples what a plain convolution reads."""
    named = arguments(call)
    x, weight = named["input"].shape, named["weight"].shape

    def work(dtype: torch.dtype, *padding: int) -> int:
        pads = {"pad_h": named["pad_h"], "pad_w": named["pad_w"]}
        if padding:
            pads = {"pad_h": 0, "pad_w": 0}
        lengths = [n + 2 * p for n, p in zip(x[2:], padding or (0, 0), strict=True)]
        return summed(output_of(call.name, {
            **named, **pads,
            "input": torch.ones((*x[:2], *lengths), dtype=dtype),
            "weight": torch.ones(weight, dtype=dtype),
            "offset": torch.zeros(named["offset"].shape, dtype=dtype),
            "mask": torch.ones(named["mask"].shape, dtype=dtype),
            "bias": torch.zeros(named["bias"].shape, dtype=dtype),
        }))  # fmt: skip

    reached = exactly(work)
    whole = exactly(lambda dtype: work(dtype, named["pad_h"], named["pad_w"]))
    method = f"{PADDED}, its offsets zero"
    gap = "padding" if named["pad_h"] or named["pad_w"] else ""
    return Measured(reached, whole, method, ((whole, call.output.numel),), gap)
