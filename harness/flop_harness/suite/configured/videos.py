"""A session of a video for a model of transformers that follows objects from frame to frame."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from flop_harness.errors import UserError
from flop_harness.suite.configured.drawing import drawn, whole
from flop_harness.suite.configured.images import channels_of
from flop_harness.suite.configured.sizes import Sizes

if TYPE_CHECKING:
    import torch


def session(sizes: Sizes) -> Any:
    """A video of one frame that stands where the model does, and what is to be followed in it.

    UserError for a model that is told of objects neither by points nor by a prompt.
    """
    weight = next(sizes.module.parameters())
    high, wide = sizes.image()
    kind = inspect.signature(sizes.module.forward).parameters["inference_session"].annotation
    ways = {"add_point_inputs": point_at_one, "add_prompt": prompt}
    tell = next((way for name, way in ways.items() if hasattr(kind, name)), None)
    if tell is None:
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
    tell(made, sizes, weight.device)
    return made


def point_at_one(made: Any, sizes: Sizes, device: torch.device) -> None:
    """One object of the first frame is pointed at."""
    place = made.obj_id_to_idx(1)
    point = {"point_coords": drawn(1, 1, 1, 2), "point_labels": whole(1, 1, 1, 1)}
    made.add_point_inputs(place, 0, point)
    made.obj_with_new_inputs = [1]


def prompt(made: Any, sizes: Sizes, device: torch.device) -> None:
    """One prompt of as many tokens as the inputs are long, or as its text model has positions for."""
    length = min(sizes.length, sizes.first("max_position_embeddings", default=sizes.length))
    number = made.add_prompt("one object")
    made.prompt_input_ids[number] = whole(sizes.ordinary(), 1, length).to(device)
    made.prompt_attention_masks[number] = whole(1, 1, length).to(device)


def first_frame(sizes: Sizes) -> int:
    return 0
