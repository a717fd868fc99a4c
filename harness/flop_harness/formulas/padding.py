"""What a convolution multiplies with the zeros of its own padding."""

from __future__ import annotations

from math import prod
from typing import TypeAlias

from flop_harness.records import Call, Dict

PLACES = {
    **dict.fromkeys(("convolution", "_convolution", "convolution_overrideable"), (3, 4, 5)),
    **dict.fromkeys(("mkldnn_convolution", "miopen_convolution", "miopen_depthwise_convolution",
                     "mps_convolution"), (4, 3, 5)),
    "cudnn_convolution": (3, 2, 4),
    **dict.fromkeys(("_slow_conv2d_forward", "thnn_conv2d", "slow_conv3d_forward"), (4, 5, None)),
    **dict.fromkeys(("_conv_depthwise2d", "conv_depthwise3d", "slow_conv_dilated2d",
                     "slow_conv_dilated3d"), (4, 5, 6)),
}  # fmt: skip
"""Where stride, padding and dilation stand among the arguments of an operator."""


def padding_macs(call: Call) -> int | None:
    """The MACs of a convolution that multiply a padding zero; None for any other operator.

    x (N, Cin, *in), weight (Cout, Cin/g, *k). A product reads data if its tap lies inside along
    every axis, and axes do not know of one another. A transposed convolution pads nothing: its
    ``padding`` crops. A deformable one is taken at rest, with offsets of zero.
    """
    found = geometry(call)
    if found is None:
        return None
    kernels, stride, padding, dilation = found
    x, output, kernel = call.args[0].shape, call.output.shape, kernels[2:]
    axes = zip(x[2:], output[2:], kernel, *(
        values * len(kernel) if len(values) == 1 else values[-len(kernel):]
        for values in (stride, padding, dilation)
    ), strict=True)  # fmt: skip
    on_data = prod(taps_on_data(*axis) for axis in axes)
    taps = prod(output[2:]) * prod(kernel)
    return int(x[0] * prod(kernels[:2]) * (taps - on_data))


Axes: TypeAlias = tuple[int, ...]
"""A number for each axis, or one for all"""


def geometry(call: Call) -> tuple[Axes, Axes, Axes, Axes] | None:
    """(shape of the weight, stride, padding, dilation) of a convolution that pads."""
    if call.packet.startswith("quantized.conv"):
        held = call.args[1]
        if not isinstance(held, Dict) or "stride" not in held.keys:
            return None
        named = dict(zip(held.keys, held.values, strict=True))
        return named["weight"].shape, named["stride"], named["padding"], named["dilation"]
    if call.packet == "torchvision.deform_conv2d":
        return call.args[1].shape, *(call.args[at : at + 2] for at in (5, 7, 9))  # type: ignore[return-value]
    places = PLACES.get(call.packet.removeprefix("aten."))
    if places is None or call.argument(6, "transposed", False) is True:
        return None
    return call.args[1].shape, *(
        (usual,) if place is None or place >= len(call.args) else call.args[place]
        for place, usual in zip(places, (1, 0, 1), strict=True)
    )  # type: ignore[return-value]


def taps_on_data(length: int, outputs: int, kernel: int, stride: int, padding: int,
                 dilation: int) -> int:  # fmt: skip
    """Along one axis: (output, tap) pairs that read one of its ``length`` elements."""
    total = 0
    for tap in range(kernel):
        # 0 <= output * stride + start < length
        start = tap * dilation - padding
        first = max(0, -(start // stride))
        last = min(outputs - 1, (length - 1 - start) // stride)
        total += max(0, last - first + 1)
    return total
