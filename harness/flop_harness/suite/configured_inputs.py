"""Inputs of a model of transformers, made from its configuration as its documentation shows them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from math import prod
from typing import TYPE_CHECKING, Any

from flop_harness.errors import UserError

if TYPE_CHECKING:
    import torch

LENGTH = 128
"""Tokens of a sequence, or as many as the model has positions for"""


def made_for(module: Any, length: int | None = None, batch: int = 1) -> dict[str, Any]:
    """Named tensors for a model's forward pass. UserError where it is not known what it takes."""
    takes = inspect.signature(module.forward).parameters
    needed = [name for name, each in takes.items() if each.default is each.empty
              and each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)]  # fmt: skip
    main = module.main_input_name
    wanted = [*([main] if isinstance(main, str) else main), *needed, *beside(module.config, takes)]
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
    if "input_ids" in takes and not merges(config):
        towers = ("vision_config", "audio_config", "speech_config")
        parts = [name for name in towers if getattr(config, name, None) is not None]
        senses = ("pixel_values", "input_features", "input_values") if parts else ()
        found += [name for name in senses if name in takes]
    return found + (["bbox"] if "bbox" in takes else [])


def merges(config: Any) -> bool:
    """Whether images and sounds stand as tokens among the words: words alone will do then."""
    marks = ("image_token_id", "image_token_index", "video_token_id", "audio_token_id",
             "audio_token_index", "media_placeholder_token_id")  # fmt: skip
    return any(getattr(part, name, None) is not None for part in parts(config) for name in marks)


class Sizes:
    """What the inputs of a model are as large as: a configuration, its parts, and what was asked."""

    def __init__(self, module: Any, length: int | None, batch: int) -> None:
        self.config, self.batch = module.config, batch
        self.length = length or min(LENGTH, positions(module.config) or LENGTH)

    def first(self, *names: str, default: Any = None) -> Any:
        """The first of these keys that the configuration or one of its parts has."""
        for config in parts(self.config):
            for name in names:
                if (value := getattr(config, name, None)) is not None:
                    return value
        return default

    def ordinary(self) -> int:
        """The first token that stands for nothing special."""
        special = {
            value
            for config in parts(self.config)
            for name, value in config.to_dict().items()
            if name.endswith(("_token_id", "_token_index", "_id")) and isinstance(value, int)
        }
        return next(token for token in range(3, 10_000) if token not in special)

    def image(self) -> tuple[int, int]:
        size = self.first("image_size", "img_size", "input_size", default=224)
        if isinstance(size, Mapping):
            size = (size["height"], size["width"])
        if isinstance(size, int):
            return size, size
        return tuple(size)[-2:]  # type: ignore[return-value]


def parts(config: Any) -> list[Any]:
    """A configuration and those within it, the outer before the inner."""
    found = [config]
    for each in found:
        found += [
            part for name in each.sub_configs if (part := getattr(each, name, None)) is not None
        ]
    return found


def positions(config: Any) -> int:
    """For how many positions a model is made; 0 where its configuration does not say."""
    text = config.get_text_config()
    found = getattr(text, "max_position_embeddings", None)
    return found if isinstance(found, int) and found > 0 else 0


def refuse_beyond(module: Any, args: tuple, kwargs: Mapping[str, Any]) -> None:
    """UserError for a sequence that is longer than the model has positions for."""
    most = positions(module.config)
    ids = kwargs.get("input_ids", args[0] if args else None)
    length = ids.shape[-1] if getattr(ids, "ndim", 0) == 2 else 0
    if most and length > most:
        raise UserError(f"{type(module).__name__} has {most:,} positions: a length of {length:,} is "
                        "beyond them (config: max_position_embeddings)")  # fmt: skip


# --------------------------------------------------------------------------------- by name


def whole(value: int, *shape: int) -> torch.Tensor:
    """Integers, on the CPU whatever the default is: the model may look at them."""
    import torch

    return torch.full(shape, value, dtype=torch.int64, device="cpu")


def drawn(*shape: int) -> torch.Tensor:
    import torch

    return torch.rand(shape, device="cpu")


def ids(sizes: Sizes) -> torch.Tensor:
    return whole(sizes.ordinary(), sizes.batch, sizes.length)


def mask(sizes: Sizes) -> torch.Tensor:
    return whole(1, sizes.batch, sizes.length)


def pixels(sizes: Sizes) -> torch.Tensor:
    channels = sizes.first("num_channels", "in_channels", "in_chans", default=3)
    return drawn(sizes.batch, channels, *sizes.image())


def frames(sizes: Sizes) -> torch.Tensor:
    """Several pixel maps of a video."""
    several = sizes.first("num_frames", "frames_per_clip", default=16)
    channels = sizes.first("num_channels", "in_channels", default=3)
    return drawn(sizes.batch, several, channels, *sizes.image())


GRID = (1, 16, 16)
"""Frames, rows and columns of patches, where a model takes images of any size cut to patches"""


def patches(sizes: Sizes) -> torch.Tensor:
    """Each patch as a row of its numbers."""
    side = sizes.first("patch_size", default=14)
    deep = sizes.first("temporal_patch_size", default=1)
    channels = sizes.first("in_channels", "num_channels", "in_chans", default=3)
    return drawn(sizes.batch * prod(GRID), channels * deep * side**2)


def grid(sizes: Sizes) -> torch.Tensor:
    import torch

    return torch.tensor([GRID] * sizes.batch, device="cpu")


def sound(sizes: Sizes) -> torch.Tensor:
    """A second of 16,000 samples; codecs take it by channels, others as rows of a spectrum."""
    if (bands := sizes.first("num_mel_bins")) and (rows := sizes.first("max_length")):
        return drawn(sizes.batch, rows, bands)
    channels = sizes.first("audio_channels")
    codec = channels or sizes.first("codebook_size", "upsampling_ratios")
    return drawn(sizes.batch, channels or 1, 16_000) if codec else drawn(sizes.batch, 16_000)


def spectrum(sizes: Sizes) -> torch.Tensor:
    """Whisper takes bands x frames, two for each of its positions; others frames x bands."""
    bands = sizes.first("num_mel_bins", "input_feat_per_channel", "feature_projection_input_dim",
                        "num_mel_bands", "n_mels", default=80)  # fmt: skip
    positions = sizes.first("max_source_positions")
    if positions and sizes.config.model_type not in ("speech_to_text",):
        return drawn(sizes.batch, bands, 2 * positions)
    return drawn(sizes.batch, 2 * sizes.length, bands)


def heard(sizes: Sizes) -> torch.Tensor:
    """Which frames of a spectrum are sound: all."""
    return whole(1, sizes.batch, spectrum(sizes).shape[1])


def series(sizes: Sizes) -> torch.Tensor:
    """Observations of the past."""
    length = sizes.first("context_length", default=sizes.length)
    return drawn(sizes.batch, length, sizes.first("num_input_channels", "input_size", default=1))


def boxes(sizes: Sizes) -> torch.Tensor:
    return whole(0, sizes.batch, sizes.length, 4)


INPUTS: dict[str, Callable[[Sizes], Any]] = {
    "input_ids": ids, "decoder_input_ids": ids, "attention_mask": mask, "pixel_values": pixels,
    "hidden_states": patches, "grid_thw": grid, "image_grid_thw": grid,
    "qformer_input_ids": ids, "qformer_attention_mask": mask, "input_features_mask": heard,
    "past_values": series, "pixel_values_videos": frames, "input_values": sound, "input_features": spectrum, "bbox": boxes,
}  # fmt: skip


# ------------------------------------------------------------------------------- decoding


@contextmanager
def experts_on_meta(module: Any, device: str) -> Iterator[None]:
    """Grouped products refuse float32 on meta; which kind runs leaves no trace in a cache."""
    before = getattr(module.config, "_experts_implementation", None)
    if device != "meta" or before != "grouped_mm":
        yield
        return
    module.set_experts_implementation("batched_mm")
    try:
        yield
    finally:
        module.set_experts_implementation(before)


def step_of_decoding(module: Any, kind: str, past: int, batch: int) -> dict[str, Any]:
    """One token for each sequence, with a cache that a prompt of ``past`` tokens has filled."""
    import torch
    import transformers

    kinds = {"dynamic": transformers.DynamicCache, "static": transformers.StaticCache}
    if kind not in kinds:
        raise UserError(f"kwargs.cache: {kind!r} is none of {', '.join(kinds)}")
    if past < 1:
        raise UserError("kwargs.past: how many tokens the cache holds, at least 1")
    room = {"max_cache_len": past + 1} if kind == "static" else {}
    cache = kinds[kind](config=module.config, **room)
    name = "cache" if "cache" in inspect.signature(module.forward).parameters else "past_key_values"
    sizes = Sizes(module, past, batch)
    device = next(module.parameters()).device
    with torch.no_grad(), experts_on_meta(module, device.type):
        module(input_ids=ids(sizes).to(device), **{name: cache, "use_cache": True})
    sizes.length = 1
    return {"input_ids": ids(sizes), name: cache, "use_cache": True}
