"""Boxes of an image, each made into a grid of cells: the mean of samples between its pixels."""

from __future__ import annotations

from itertools import product
from typing import Any, TypeAlias

import numpy as np

from flop_harness.proof.oracle.algorithms import mean
from flop_harness.proof.oracle.registry import algorithm
from flop_harness.proof.oracle.sampling import floor
from flop_harness.proof.oracle.scalar import Scalar, add_up, empty, raw

Array: TypeAlias = np.ndarray


@algorithm("torchvision.roi_align")
def roi_align(
    input: Array, rois: Array, spatial_scale: float, pooled_height: int, pooled_width: int,
    sampling_ratio: int, aligned: bool,
) -> Array:  # fmt: skip
    """As torchvision's roi_align_kernel.cpp has it; where the samples lie is not counted."""
    size = (pooled_height, pooled_width)
    made = empty((rois.shape[0], input.shape[1], *size))
    for k, roi in enumerate(rois):
        number, left, top, right, bottom = map(raw, roi)
        shift = 0.5 if aligned else 0.0
        starts = top * spatial_scale - shift, left * spatial_scale - shift
        spans = [(b - a) * spatial_scale for a, b in ((top, bottom), (left, right))]
        cells = [
            (span if aligned else max(span, 1.0)) / n for span, n in zip(spans, size, strict=True)
        ]
        for cell in np.ndindex(size):
            samples = [
                neighbours(tuple(
                    start + side * (i + (s + 0.5) / sampling_ratio)
                    for start, side, i, s in zip(starts, cells, cell, sample, strict=True)
                ), input.shape[2:])
                for sample in product(range(sampling_ratio), repeat=2)
            ]  # fmt: skip
            for channel in range(input.shape[1]):
                image = input[int(number), channel]
                made[(k, channel, *cell)] = mean(
                    [add_up(image[at] * weight for at, weight in each) for each in samples]
                )
    return made


def neighbours(
    where: tuple[float, ...], lengths: tuple[int, ...]
) -> list[tuple[tuple[int, int], Any]]:
    """The four pixels around a place inside the image, and their weights."""
    along = []
    for place, length in zip(where, lengths, strict=True):
        spot = Scalar(min(max(place, 0.0), length - 1.0))
        low = floor(spot)
        share = spot - low
        i = int(raw(low))
        along.append([(i, 1 - share), (min(i + 1, length - 1), share)])
    return [((y, x), wy * wx) for (y, wy), (x, wx) in product(*along)]
