"""Inputs of a model of transformers, made from its configuration as its documentation shows them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from flop_harness.errors import UserError
from flop_harness.suite.configured.sizes import Sizes, parts, positions
from flop_harness.suite.configured.tensors import INPUTS


def made_for(module: Any, length: int | None = None, batch: int = 1) -> dict[str, Any]:
    """Named tensors for a model's forward pass. UserError where it is not known what it takes."""
    takes = inspect.signature(module.forward).parameters
    needed = [name for name, each in takes.items() if each.default is each.empty
              and each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)]  # fmt: skip
    main = module.main_input_name
    main = [main] if isinstance(main, str) else main
    wanted = [*main, *needed, *beside(module.config, takes)]
    sizes = Sizes(module, length, batch)
    made: dict[str, Any] = {}
    for name in dict.fromkeys(name for name in wanted if name in takes):
        if name not in INPUTS:
            raise UserError(untold(module, name))
        made[name] = INPUTS[name](sizes)
    if not made:
        raise UserError(untold(module, " or ".join(takes) or "nothing"))
    return made


def untold(module: Any, name: str) -> str:
    return (
        f"{type(module).__name__} takes {name}, and no configuration tells of it: give the inputs"
    )


def beside(config: Any, takes: Mapping[str, Any]) -> list[str]:
    """What a model is called with beside its main input and what it needs."""
    found = ["attention_mask"] if "input_ids" in takes and "attention_mask" in takes else []
    if "decoder_input_ids" in takes:
        found.append("decoder_input_ids")
    if "input_ids" in takes:
        found.append("input_ids")
    if config.model_type in SEEING:
        found.append("pixel_values")
    if "input_ids" in takes and not merges(config):
        towers = ("vision_config", "audio_config", "speech_config")
        parts = [name for name in towers if getattr(config, name, None) is not None]
        senses = ("pixel_values", "input_features", "input_values") if parts else ()
        found += [name for name in senses if name in takes]
    always = ["input_features_mask", "target_sizes"] if "input_ids" not in takes else []
    if "input_ids" not in takes and "pixel_values_videos" in takes:
        always += ["input_values", "pixel_values_videos"]
    always += ["encoder_hidden_states"] if "query_embeds" in takes else []
    return found + [name for name in (*always, *ALWAYS) if name in takes]


SEEING = ("pi0", "tvp", "vilt")
"""Model types that need an image, whose configuration has no part for it."""
ALWAYS = ("bbox", "past_observed_mask", "future_values", "future_time_features", "actions",
          "rewards", "returns_to_go", "timesteps", "visual_feats", "visual_pos",
          "spatial_shapes", "pixel_attention_mask", "decoder_input_values",
          "image_attention_mask",
          "image_embeds_position_mask", "frame_idx")  # fmt: skip
"""Inputs that a model which names them is always given, though it has a default for them."""


def merges(config: Any) -> bool:
    """Whether images and sounds stand as tokens among the words: words alone will do then."""
    marks = ("image_token_id", "image_token_index", "video_token_id", "audio_token_id",
             "audio_token_index", "media_placeholder_token_id")  # fmt: skip
    return any(getattr(part, name, None) is not None for part in parts(config) for name in marks)


def refuse_beyond(module: Any, args: tuple, kwargs: Mapping[str, Any]) -> None:
    """UserError for a sequence that is longer than the model has positions for."""
    most = positions(module.config)
    ids = kwargs.get("input_ids", args[0] if args else None)
    length = ids.shape[-1] if getattr(ids, "ndim", 0) == 2 else 0
    if most and length > most:
        raise UserError(f"{type(module).__name__} has {most:,} positions: a length of {length:,} is "
                        "beyond them (config: max_position_embeddings; formulas: --extend)")  # fmt: skip
