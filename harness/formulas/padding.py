"""What a convolution multiplies with the zeros of its own padding."""

from __future__ import annotations

from math import prod

from harness.records import Call

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
    ``padding`` crops.
    """
    places = PLACES.get(call.packet.removeprefix("aten."))
    if places is None or call.argument(6, "transposed", False) is True:
        return None
    x, weight = call.args[:2]
    axes = len(weight.shape) - 2
    stride, padding, dilation = (
        each_axis(call, place, axes, usual) for place, usual in zip(places, (1, 0, 1), strict=True)
    )
    taps = prod(call.output.shape[2:]) * prod(weight.shape[2:])
    on_data = prod(
        taps_on_data(*axis)
        for axis in zip(x.shape[2:], call.output.shape[2:], weight.shape[2:], stride, padding,
                        dilation, strict=True)
    )  # fmt: skip
    return int(x.shape[0] * prod(weight.shape[:2]) * (taps - on_data))


def each_axis(call: Call, place: int | None, axes: int, usual: int) -> tuple[int, ...]:
    """An argument for every axis, or the usual value; a number given once holds for all."""
    values = (usual,) if place is None or place >= len(call.args) else call.args[place]
    return values * axes if len(values) == 1 else tuple(values)


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
