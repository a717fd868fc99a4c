"""Weighted sums of neighbours: interpolation, sampling by a grid, folding."""

from __future__ import annotations

from math import prod

from flop_harness.formulas.products import spread
from flop_harness.formulas.registry import formula
from flop_harness.records import Call
from flop_harness.records.work import Work

TAPS = {"linear1d": 2, "bilinear2d": 4, "bicubic2d": 16, "trilinear3d": 8}


@formula(*(f"aten.upsample_{mode}" for mode in TAPS))
def upsample(call: Call) -> Work:
    """A weighted sum for each output; the weights, which hang on sizes alone, are not counted."""
    taps = TAPS[call.packet.rpartition("_")[2]]
    n = call.output.numel
    return Work((), "interpolation", additions=n * (taps - 1), multiplications=n * taps)


@formula(*(f"aten.upsample_{mode}_backward" for mode in TAPS))
def upsample_gradient(call: Call) -> Work:
    """Each element, weighted, is added to each of its neighbours."""
    taps = TAPS[call.packet.removesuffix("_backward").rpartition("_")[2]]
    n = call.args[0].numel * taps
    return Work((), "interpolation", additions=n, multiplications=n)


SUPPORT = {"aten._upsample_bilinear2d_aa": 1, "aten._upsample_bicubic2d_aa": 2}


@formula(*SUPPORT)
def smooth_upsample(call: Call) -> Work:
    """Rows, then columns, each output a weighted sum over all that it covers; weights not counted.

    ATen's UpSampleKernel.cpp: the support grows with the factor by which an axis shrinks.
    """
    x, size, support = call.args[0], call.args[1], SUPPORT[call.packet]
    (height, width), outer = x.shape[-2:], prod(x.shape[:-2])
    across = sum(covered(width, size[1], support))
    down = sum(covered(height, size[0], support))
    products = outer * (height * across + size[1] * down)
    sums = outer * (height * size[1] + size[0] * size[1])
    return Work((), "interpolation", additions=products - sums, multiplications=products)


@formula(*(f"{name}_backward" for name in SUPPORT))
def smooth_upsample_gradient(call: Call) -> Work:
    """Each element (N, C, *out), by the weights of both axes, is added to all that it covers.

    ATen's UpSampleKernel.cpp, cpu_upsample_genNd_backward_aa: not axis by axis, as forward.
    """
    gradient, size, whole = call.args[:3]
    support = SUPPORT[call.packet.removesuffix("_backward")]
    down, across = (sum(covered(whole[axis], size[axis - 2], support)) for axis in (2, 3))
    n = prod(gradient.shape[:-2]) * down * across
    return Work((), "interpolation", additions=n, multiplications=2 * n)


def covered(length: int, size: int, support: int) -> list[int]:
    """How many inputs of an axis each of its ``size`` outputs reads."""
    scale = length / size
    reach = support * max(scale, 1.0)
    centres = [scale * (place + 0.5) for place in range(size)]
    return [
        min(int(centre + reach + 0.5), length) - max(int(centre - reach + 0.5), 0)
        for centre in centres
    ]


BILINEAR, NEAREST, BICUBIC = 0, 1, 2  # modes of a grid sampler


@formula("aten.grid_sampler_2d", "aten.grid_sampler_3d", "aten._grid_sampler_2d_cpu_fallback",
         "aten.cudnn_grid_sampler")  # fmt: skip
def grid_sampler(call: Call) -> Work:
    """Input (N, C, *in), grid (N, *out, axes); a place of the grid serves every channel."""
    positions, axes = prod(call.args[1].shape[:-1]), call.args[1].shape[-1]
    mode = call.argument(2, "interpolation_mode", BILINEAR)
    scaled = Work((), "sampling", additions=positions * axes, multiplications=positions * axes)
    if mode == NEAREST:
        return scaled + Work(specials=positions * axes)
    taps = 4 if mode == BICUBIC else 2
    return scaled + sampled(call.output.numel, positions, axes, taps)


def sampled(outputs: int, positions: int, axes: int, taps: int = 2) -> Work:
    """Outputs as sums of their neighbours, ``taps`` on each axis, weighted by the position.

    For each position and axis its floor, the distance to it, and the weights: linear ones take one
    subtraction more, the four cubic ones of ATen 12 products and 13 additions. The weights of the
    axes are multiplied with one another.
    """
    neighbours, places = taps**axes, positions * axes
    cubic = taps == 4
    return Work(
        (),
        "sampling",
        additions=outputs * (neighbours - 1) + places * (1 + (13 if cubic else 1)),
        multiplications=outputs * neighbours
        + places * (12 if cubic else 0)
        + positions * neighbours * (axes - 1),
        specials=places,
    )


@formula("aten.grid_sampler_2d_backward", "aten.grid_sampler_3d_backward",
         "aten._grid_sampler_2d_cpu_fallback_backward")  # fmt: skip
def grid_sampler_gradient(call: Call) -> Work:
    """Gradient (N, C, *out), input (N, C, *in), grid (N, *out, axes); that of the input if it is asked for.

    ATen's GridSampler.cpp: places and weights as forward. Each element, weighted, is added to its neighbours; and
    for the grid each neighbour times the weights of the other axes and the element, along each axis.
    """
    gradient, _, grid, mode = call.args[:4]
    positions, axes, n = prod(grid.shape[:-1]), grid.shape[-1], gradient.numel
    asked = call.argument(6, "output_mask", (True, True))[0]
    scaled = Work((), "sampling", additions=positions * axes, multiplications=positions * axes)
    if mode == NEAREST:
        return scaled + Work(additions=n * asked, specials=positions * axes)
    if mode == BICUBIC:
        return scaled + cubic_gradient(16 * n, positions * axes, asked)
    met = n * 2**axes
    places = sampled(0, positions, axes) + Work(multiplications=positions * axes)
    along = Work(additions=met * axes, multiplications=met * axes * axes)
    return scaled + places + along + Work(additions=met * asked, multiplications=met * asked)


def cubic_gradient(met: int, places: int, asked: bool) -> Work:
    """``met`` neighbours in a plane; each place has four weights (12 products, 13 additions) and their slopes (8, 9).

    ATen's GridSampler.cpp multiplies the weights of both axes for each neighbour anew, and so with their slopes.
    """
    return Work(
        (),
        "sampling",
        additions=places * (1 + 13 + 9) + met * (2 + asked),
        multiplications=places * (12 + 8 + 1) + met * (2 * 3 + 2 * asked),
        specials=places,
    )


@formula("torchvision.roi_align")
def roi_align(call: Call) -> Work | None:
    """Input (N, C, H, W), boxes (K, 5): the mean of samples on a grid in each of (K, C, h, w) cells.

    How fine the grid is hangs on the boxes' values if no ``sampling_ratio`` says it.
    """
    boxes, ratio = call.args[1].shape[0], call.args[5]
    if ratio <= 0:
        return None
    cells = call.output.numel
    samples = ratio * ratio
    mean = Work((), "sampling", additions=cells * (samples - 1), divisions=cells)
    positions = boxes * prod(call.output.shape[2:]) * samples
    return mean + sampled(cells * samples, positions, 2)


@formula("aten.col2im")
def fold(call: Call) -> Work:
    """Columns (N, C x k, L) added up where they overlap."""
    size, kernel, dilation, padding, stride = call.args[1:6]
    lengths = [
        (size[axis] + 2 * padding[axis] - dilation[axis] * (kernel[axis] - 1) - 1) // stride[axis]
        + 1
        for axis in (0, 1)
    ]
    meeting = reached = call.output.numel // prod(size)
    for axis in (0, 1):
        places = spread(lengths[axis], kernel[axis], stride[axis], dilation[axis], padding[axis])
        inside = [place for place in places if 0 <= place < size[axis]]
        meeting, reached = meeting * len(inside), reached * len(set(inside))
    return Work((), "reduction", additions=meeting - reached)
