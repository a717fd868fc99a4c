"""A session of a video for a model of transformers that follows objects from frame to frame."""

from __future__ import annotations

import inspect
from typing import Any

from flop_harness.errors import UserError
from flop_harness.suite.configured_drawing import drawn, whole
from flop_harness.suite.configured_images import channels_of
from flop_harness.suite.configured_sizes import Sizes


def session(sizes: Sizes) -> Any:
    """A video of one frame, in which one object is pointed at; it stands where the model does.

    UserError for a model that is told of objects in another way.
    """
    weight = next(sizes.module.parameters())
    high, wide = sizes.image()
    kind = inspect.signature(sizes.module.forward).parameters["inference_session"].annotation
    if not hasattr(kind, "add_point_inputs"):
        name = type(sizes.module).__name__
        raise UserError(
            f"{name} takes inference_session, and no configuration tells of it: give the inputs"
        )
    made = kind(
        video=drawn(1, channels_of(sizes), high, wide).to(weight.device),
        video_height=high,
        video_width=wide,
        inference_device=weight.device,
        inference_state_device=weight.device,
        video_storage_device=weight.device,
        dtype=weight.dtype,
    )
    place = made.obj_id_to_idx(1)
    point = {"point_coords": drawn(1, 1, 1, 2), "point_labels": whole(1, 1, 1, 1)}
    made.add_point_inputs(place, 0, point)
    made.obj_with_new_inputs = [1]
    return made


def first_frame(sizes: Sizes) -> int:
    return 0
