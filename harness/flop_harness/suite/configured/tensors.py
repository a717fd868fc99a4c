"""Tensors for the named inputs of a model of transformers, each as its documentation shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flop_harness.suite.configured.drawing import drawn, of_width, whole
from flop_harness.suite.configured.images import (
    VIDEOS,
    frames,
    grid,
    how_many,
    merged,
    patches,
    pixels,
    places,
    prompted,
    rows_and_columns,
    seen,
)
from flop_harness.suite.configured.series import (
    frequency,
    future_features,
    future_values,
    none_padded,
    past_features,
    past_mask,
    past_values,
)
from flop_harness.suite.configured.sizes import Sizes
from flop_harness.suite.configured.sound import heard, latents, sound, spectrum, spoken, unheard
from flop_harness.suite.configured.videos import first_frame, session

if TYPE_CHECKING:
    import torch


def ids(sizes: Sizes) -> torch.Tensor:
    """Words; before them, where as many stand for an image as there are queries to it, these."""
    made = whole(sizes.ordinary(), sizes.batch, sizes.length)
    image = sizes.first("image_token_index", "image_token_id", "video_token_index")
    if image is not None and (several := sizes.first("num_query_tokens")):
        seen_at_once = how_many(sizes) if sizes.config.model_type in VIDEOS else 1
        made[:, : several * seen_at_once] = image
    return made


def hidden(sizes: Sizes) -> torch.Tensor:
    """Patches where a model takes their grid; else channels of sound."""
    return patches(sizes) if sizes.takes("grid_thw", "image_grid_thw") else latents(sizes)


def mask(sizes: Sizes) -> torch.Tensor:
    return whole(1, sizes.batch, sizes.length)


def noise(sizes: Sizes) -> torch.Tensor:
    """The tokens that are written at once."""
    return drawn(sizes.batch, sizes.first("block_size"), sizes.config.hidden_size)


def context(sizes: Sizes) -> torch.Tensor:
    """What several layers of another model gave for the tokens before."""
    layers = len(sizes.first("target_layer_ids"))
    return drawn(sizes.batch, sizes.length, layers * sizes.config.hidden_size)


def task(sizes: Sizes) -> torch.Tensor:
    return whole(sizes.ordinary(), sizes.batch, sizes.first("task_seq_len"))


def steps(sizes: Sizes) -> torch.Tensor:
    return whole(0, sizes.batch, sizes.length)


def queries(sizes: Sizes) -> torch.Tensor:
    return drawn(sizes.batch, sizes.first("num_query_tokens", default=32), sizes.config.hidden_size)


def codes(sizes: Sizes, several: int) -> torch.Tensor:
    """Tokens of several codebooks at once, by position."""
    return whole(sizes.ordinary(), sizes.batch, sizes.length, several)


def decoder_ids(sizes: Sizes) -> torch.Tensor:
    if sizes.config.model_type == "dia":
        return codes(sizes, sizes.first("num_channels"))
    return behind_each_other(sizes) if sizes.config.model_type in SPEAKING else ids(sizes)


SPEAKING = ("musicgen", "musicgen_decoder", "musicgen_melody", "musicgen_melody_decoder")
"""Model types that write sound, all codebooks as rows of a batch"""


def behind_each_other(sizes: Sizes) -> torch.Tensor:
    return whole(sizes.ordinary(), sizes.batch * sizes.first("num_codebooks"), sizes.length)


def text_or_codes(sizes: Sizes) -> torch.Tensor:
    """Tokens; of all codebooks of a model that speaks."""
    if sizes.config.model_type == "kyutai_speech_to_text":
        return codes(sizes, sizes.first("num_codebooks") + 1)
    decoder = sizes.config.model_type in SPEAKING and not sizes.takes("decoder_input_ids")
    return behind_each_other(sizes) if decoder else ids(sizes)


def acts(sizes: Sizes) -> torch.Tensor:
    """What a robot's state and the acts that it chooses among are embedded as."""
    rows = 1 + sizes.first("chunk_size")
    return drawn(sizes.batch, rows, sizes.config.dit_config.hidden_size)


def boxes(sizes: Sizes) -> torch.Tensor:
    corners = whole(0, sizes.batch, sizes.length, 4)
    return corners.float() if sizes.config.model_type == "udop" else corners


def classes(sizes: Sizes) -> torch.Tensor:
    """How many classes are asked for in each image: one."""
    return whole(1, sizes.batch)


def latent_places(sizes: Sizes) -> torch.Tensor:
    """Where among the words the image stands: first."""
    made = whole(0, sizes.batch, sizes.length)
    made[:, : sizes.first("latent_query_num")] = 1
    return made


def images_seen(sizes: Sizes) -> torch.Tensor:
    """Which tokens look at the one image of a text: all."""
    return whole(1, sizes.batch, sizes.length, 1)


INPUTS: dict[str, Callable[[Sizes], Any]] = {
    "input_ids": text_or_codes, "decoder_input_ids": decoder_ids, "attention_mask": mask,
    "pixel_values": pixels, "pixel_values_videos": frames, "hidden_states": hidden,
    "grid_thw": grid, "image_grid_thw": grid, "pixel_position_ids": places,
    "spatial_shapes": rows_and_columns, "pixel_attention_mask": seen, "merge_sizes": merged,
    "prompt_pixel_values": prompted, "prompt_masks": prompted, "task_inputs": task,
    "past_values_padding": none_padded, "freq": frequency, "decoder_input_values": spoken,
    "target_sizes": rows_and_columns, "image_attention_mask": images_seen, "image_embeds_position_mask": latent_places,
    "input_values": sound, "input_features": spectrum, "input_features_mask": heard,
    "audio_mel": spectrum, "audio_mel_mask": unheard, "latents": latents,
    "qformer_input_ids": ids, "qformer_attention_mask": mask, "bbox": boxes,
    "classes_input_ids": ids, "classes_attention_mask": mask, "tasks_input_ids": ids,
    "tasks_attention_mask": mask, "classes_structure": classes, "noise_embeds": noise, "context_hidden_states": context, "query_embeds": queries, "encoder_hidden_states": of_width("encoder_hidden_size"),
    "inputs": of_width("d_model"), "inputs_embeds": of_width("hidden_size"),
    "visual_feats": of_width("visual_feat_dim", rows=36),
    "visual_pos": of_width("visual_pos_dim", rows=36),
    "past_values": past_values, "past_time_features": past_features,
    "past_observed_mask": past_mask, "future_values": future_values,
    "future_time_features": future_features,
    "states": of_width("state_dim"), "actions": of_width("act_dim"), "rewards": of_width(),
    "returns_to_go": of_width(), "timesteps": steps, "action_embeds": acts,
    "inference_session": session, "frame_idx": first_frame,
}  # fmt: skip
