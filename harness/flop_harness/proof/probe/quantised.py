"""Probes of quantised layers, whose weights come packed and whose results have eight bits.

Ones stand as ones at a scale of one, and a result of up to 255 of them stands as itself: a layer
that adds up more runs in parts of its input channels, whose sums add up to the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Any

import torch

from flop_harness.formulas.quantised import CONVOLUTIONS, LINEAR
from flop_harness.proof.probe.convolutions import PADDED, Convolution
from flop_harness.proof.probe.measurement import (
    Measured,
    NotProvable,
    in_parts,
    parts,
    probe,
    summed,
    whole_numbers,
)
from flop_harness.proof.replay import operator, packed, run
from flop_harness.records import Call

EIGHT_BITS = 255


@probe(*CONVOLUTIONS)
def convolution(call: Call) -> Measured:
    settled = convolution_of(call)
    whole = settled.unbounded()
    runs = by_input_channels(settled)
    reached = sum_over(call.name, runs)
    everything = sum_over(call.name, by_input_channels(whole))
    method = (PADDED if whole != settled else "run on ones") + in_parts(
        sum(times for times, _ in runs)
    )
    gap = "padding" if whole != settled else ""
    return Measured(reached, everything, method, ((everything, settled.outputs),), gap)


def convolution_of(call: Call) -> Convolution:
    x, held = call.args[:2]
    settings = dict(zip(held.keys, held.values, strict=True))
    weight = settings["weight"].shape
    axes = len(weight) - 2

    def each_axis(name: str) -> tuple[int, ...]:
        return tuple(settings[name][-axes:])  # of a packed one-dimensional layer, two are held

    groups = settings["groups"]
    return Convolution(
        call.name, x.shape[0], groups, weight[1], weight[0] // groups, x.shape[2:], weight[2:],
        each_axis("stride"), each_axis("padding"), each_axis("dilation"), (0,) * axes, False,
    )  # fmt: skip


def by_input_channels(whole: Convolution) -> Sequence[tuple[int, Convolution]]:
    if prod(whole.kernel) > EIGHT_BITS:
        raise NotProvable("the sum over one channel alone does not fit into eight bits")
    few = {"inner": whole.inner}
    return [(times, replace(whole, **part)) for times, part in
            parts(few, ("inner",), lambda each: each["inner"] * prod(whole.kernel) <= EIGHT_BITS)]  # fmt: skip


def sum_over(name: str, runs: Sequence[tuple[int, Convolution]]) -> int:
    return sum(times * once(name, part) for times, part in runs)


def once(name: str, part: Convolution) -> int:
    ones = part.named(torch.float32)
    each_axis = {key: list(ones[key]) for key in ("stride", "padding", "dilation")}
    settings = {**each_axis, "groups": part.groups}
    held = packed(eight_bits(ones["weight"], torch.qint8), settings)
    result = through(name, eight_bits(ones["input"], torch.quint8), held, settings)
    return summed(result.int_repr().to(torch.int32))


def through(name: str, x: torch.Tensor, held: Any, settings: dict[str, Any]) -> torch.Tensor:
    """The layer's result at a scale of one; some overloads want the settings of the packed again."""
    schema = [each.name for each in operator(name)._schema.arguments]
    scale = {"output_scale": 1.0, "output_zero_point": 0, "Y_scale_i": 1.0, "Y_zero_point_i": 0}
    rest = {key: value for key, value in (settings | scale).items() if key in schema}
    return run(name, {schema[0]: x, schema[1]: held, **rest})  # type: ignore[no-any-return]


def eight_bits(ones: torch.Tensor, kind: torch.dtype) -> torch.Tensor:
    return torch.quantize_per_tensor(ones, 1.0, 0, kind)


@probe(*LINEAR)
def linear(call: Call) -> Measured:
    """x (..., in), weight (out, in); a dynamic one takes floats, whose scale it takes back at the end."""
    x, held = call.args[:2]
    outer, inner = held.values[0].shape
    rows = x.numel // max(inner, 1)
    most = inner if "dynamic" in call.packet else EIGHT_BITS
    runs = list(parts({"inner": inner}, ("inner",), lambda each: each["inner"] <= most))

    def once(width: int) -> int:
        weight = eight_bits(torch.ones(outer, width), torch.qint8)
        held = packed(weight, {})
        ones = torch.ones(rows, width)
        if "dynamic" in call.packet:
            return whole_numbers(through(call.name, ones, held, {}))
        result = through(call.name, eight_bits(ones, torch.quint8), held, {})
        return summed(result.int_repr().to(torch.int32))

    macs = sum(times * once(part["inner"]) for times, part in runs)
    method = f"run on ones{in_parts(sum(times for times, _ in runs))}"
    return Measured(macs, macs, method, ((macs, rows * outer),))
