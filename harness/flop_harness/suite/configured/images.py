"""Images, videos and patches for a model of transformers."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from flop_harness.errors import UserError
from flop_harness.suite.configured.drawing import drawn, whole
from flop_harness.suite.configured.sizes import Sizes

if TYPE_CHECKING:
    import torch


def channels_of(sizes: Sizes) -> int:
    return sizes.first("num_channels", "in_channels", "in_chans", default=3)


def pixels(sizes: Sizes) -> torch.Tensor:
    if sizes.takes("grid_thw", "pixel_position_ids", "spatial_shapes"):
        return patches(sizes)
    if sizes.takes("image_grid_thw") and not sizes.takes("input_ids"):  # a patch for each token
        side = sizes.first("patch_size") * sizes.first("spatial_merge_size", default=1)
        return drawn(sizes.batch * prod(GRID), side, side, channels_of(sizes))
    if sizes.takes("prompt_pixel_values"):  # stands below its prompt
        high, wide = sizes.image()
        return drawn(sizes.batch, channels_of(sizes), high // 2, wide)
    if sizes.config.model_type in VIDEOS:
        return frames(sizes)
    channels = channels_of(sizes)
    if sizes.config.model_type in PAIRED:
        return drawn(sizes.batch, 2, channels, *sizes.image())
    if sizes.takes("image_encoder_embeddings", "action_embeds"):  # several images to a text
        return drawn(sizes.batch, 1, channels, *sizes.image())
    return drawn(sizes.batch, channels, *sizes.image())


VIDEOS = ("instructblipvideo", "timesformer", "tvp", "videomae", "vivit", "xclip")
"""Model types whose pixels are those of several frames"""
PAIRED = ("efficientloftr", "lightglue")
"""Model types that hold two images against each other"""


def how_many(sizes: Sizes) -> int:
    """Frames of a video."""
    return sizes.first("num_frames", "frames_per_clip", default=16)


def frames(sizes: Sizes) -> torch.Tensor:
    """Several pixel maps of a video."""
    return drawn(sizes.batch, how_many(sizes), channels_of(sizes), *sizes.image())


GRID = (1, 16, 16)
"""Frames, rows and columns of patches, where a model takes images of any size cut to patches"""


def patch_grid(sizes: Sizes) -> tuple[int, int, int]:
    """Of a size that a model can pool by threes, where it does."""
    return GRID if sizes.first("pooling_kernel_size") != 3 else (1, 12, 12)


def patches(sizes: Sizes) -> torch.Tensor:
    """Each patch as a row of its numbers; behind each other, or by image where they have places."""
    several = prod(patch_grid(sizes))
    rows = (
        (sizes.batch, several)
        if sizes.takes("pixel_position_ids", "spatial_shapes")
        else (sizes.batch * several,)
    )
    layer = sizes.entry("Linear", "Conv2d", "Conv3d")
    if layer is None:
        raise UserError(
            f"{type(sizes.module).__name__} has no layer that takes patches: give the inputs"
        )
    if hasattr(layer, "in_features"):
        return drawn(*rows, layer.in_features)
    if sizes.config.model_type == "kimi_k25_vision":
        return drawn(*rows, layer.in_channels, *layer.kernel_size)
    return drawn(*rows, layer.in_channels * prod(layer.kernel_size))


def places(sizes: Sizes) -> torch.Tensor:
    """Column and row of each patch."""
    import torch

    _, rows, columns = patch_grid(sizes)
    at = torch.cartesian_prod(torch.arange(rows, device="cpu"), torch.arange(columns, device="cpu"))
    return at.flip(-1).expand(sizes.batch, -1, -1).clone()


def grid(sizes: Sizes) -> torch.Tensor:
    import torch

    return torch.tensor([patch_grid(sizes)] * sizes.batch, device="cpu")


def seen(sizes: Sizes) -> torch.Tensor:
    """Which patches are image, or which of several images is one: all."""
    if sizes.takes("action_embeds"):
        return whole(1, sizes.batch, 1).bool()
    return whole(1, sizes.batch, prod(patch_grid(sizes)))


def merged(sizes: Sizes) -> torch.Tensor:
    """How many patches to a side become one."""
    return whole(2, sizes.batch)


def prompted(sizes: Sizes) -> torch.Tensor:
    """An image, or its mask in colours, that shows the task."""
    return pixels(sizes)


def rows_and_columns(sizes: Sizes) -> torch.Tensor:
    """Of each image's patches."""
    import torch

    if sizes.takes("spatial_shapes"):
        return grid(sizes)[:, 1:]
    patch = sizes.first("patch_size")
    sides = [side // patch for side in sizes.image()]
    return torch.tensor([sides] * sizes.batch, device="cpu")
