"""Tensors for the named inputs of a model of transformers, each as its documentation shows it."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING, Any

from flop_harness.errors import UserError
from flop_harness.suite.configured_sizes import Sizes

if TYPE_CHECKING:
    import torch


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
    if sizes.takes("grid_thw", "pixel_position_ids"):
        return patches(sizes)
    channels = sizes.first("num_channels", "in_channels", "in_chans", default=3)
    if sizes.config.model_type in PAIRED:
        return drawn(sizes.batch, 2, channels, *sizes.image())
    if sizes.takes("image_encoder_embeddings"):  # several images to a text
        return drawn(sizes.batch, 1, channels, *sizes.image())
    return drawn(sizes.batch, channels, *sizes.image())


PAIRED = ("efficientloftr", "lightglue")
"""Model types that hold two images against each other"""


def frames(sizes: Sizes) -> torch.Tensor:
    """Several pixel maps of a video."""
    several = sizes.first("num_frames", "frames_per_clip", default=16)
    channels = sizes.first("num_channels", "in_channels", default=3)
    return drawn(sizes.batch, several, channels, *sizes.image())


GRID = (1, 16, 16)
"""Frames, rows and columns of patches, where a model takes images of any size cut to patches"""


def patch_grid(sizes: Sizes) -> tuple[int, int, int]:
    """Of a size that a model can pool by threes, where it does."""
    return GRID if sizes.first("pooling_kernel_size") != 3 else (1, 12, 12)


def patches(sizes: Sizes) -> torch.Tensor:
    """Each patch as a row of its numbers; behind each other, or by image where they have places."""
    several = prod(patch_grid(sizes))
    rows = (sizes.batch, several) if sizes.takes("pixel_position_ids") else (sizes.batch * several,)
    layer = sizes.entry("Linear", "Conv2d", "Conv3d")
    if layer is None:
        raise UserError(
            f"{type(sizes.module).__name__} has no layer that takes patches: give the inputs"
        )
    if hasattr(layer, "in_features"):
        return drawn(*rows, layer.in_features)
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


def rows_and_columns(sizes: Sizes) -> torch.Tensor:
    """Of each image's patches."""
    return grid(sizes)[:, 1:]


def sound(sizes: Sizes) -> torch.Tensor:
    """A second of 16,000 samples, by channels unless a model adds that axis, or rows of a spectrum."""
    if (bands := sizes.first("num_mel_bins")) and (rows := sizes.first("max_length")):
        return drawn(sizes.batch, rows, bands)
    kind = sizes.config.model_type
    if kind.startswith("moonshine") or (sizes.first("conv_dim") and not kind.startswith("omniasr")):
        return drawn(sizes.batch, SAMPLES)
    return drawn(sizes.batch, sizes.first("audio_channels", default=1), SAMPLES)


SAMPLES = 16_000


def spectrum(sizes: Sizes) -> torch.Tensor:
    """Bands x frames, two for each of Whisper's positions, or frames x bands."""
    shape = bands(sizes), sounding(sizes)
    if sizes.config.model_type.startswith("clap"):  # an image of sound
        return drawn(sizes.batch, 1, *shape[::-1])
    return drawn(sizes.batch, *(shape if bands_first(sizes) else shape[::-1]))


def bands(sizes: Sizes) -> int:
    if not sizes.takes("input_ids"):  # a tower alone, whose first layer may take whole rows
        layer = sizes.entry("Conv1d", "Conv2d", "Linear", "LayerNorm")
        if rows := getattr(layer, "normalized_shape", (getattr(layer, "in_features", 0),))[-1]:
            return rows
    return sizes.first("num_mel_bins", "input_feat_per_channel", "feature_projection_input_dim",
                       "num_mel_bands", "n_mels", "input_feat_size",
                       default=BANDS.get(sizes.config.model_type, 80))  # fmt: skip


BANDS = {"gemma4_audio": 128}
"""Of model types whose configuration does not tell"""


def bands_first(sizes: Sizes) -> bool:
    first = sizes.config.model_type in ("clvp", "glmasr_encoder")
    return first or bool(
        sizes.first("max_source_positions") and sizes.config.model_type != "speech_to_text"
    )


def sounding(sizes: Sizes) -> int:
    """How many frames there are."""
    positions = sizes.first("max_source_positions") if bands_first(sizes) else 0
    return 2 * (positions or sizes.length)


def heard(sizes: Sizes) -> torch.Tensor:
    """Which frames of a spectrum are sound: all."""
    return whole(1, sizes.batch, sounding(sizes))


def unheard(sizes: Sizes) -> torch.Tensor:
    """Which frames of a spectrum are padding: none."""
    return heard(sizes) == 0


def latents(sizes: Sizes) -> torch.Tensor:
    """What a decoder of sound starts from."""
    layer = sizes.entry("Conv1d", "ConvTranspose1d", "Linear")
    width = getattr(layer, "in_channels", sizes.first("hidden_size"))
    return drawn(sizes.batch, width, sizes.length)


# ------------------------------------------------------------------------- series, actions


def past(sizes: Sizes) -> int:
    """How many observations a model of time series looks back on, lags included."""
    length = sizes.first("context_length", default=sizes.length)
    return length + max(sizes.first("lags_sequence", default=(0,)))


def observed(sizes: Sizes, length: int) -> torch.Tensor:
    """Numbers seen at each time; without an axis where it is one."""
    several = sizes.first("num_input_channels", "input_size", default=1)
    only = several == 1 and sizes.takes("past_time_features")
    return drawn(sizes.batch, length) if only else drawn(sizes.batch, length, several)


def past_values(sizes: Sizes) -> torch.Tensor:
    return observed(sizes, past(sizes))


def past_mask(sizes: Sizes) -> torch.Tensor:
    return (observed(sizes, past(sizes)) > -1).long()


def past_features(sizes: Sizes) -> torch.Tensor:
    return drawn(sizes.batch, past(sizes), sizes.first("num_time_features", default=0))


def future_values(sizes: Sizes) -> torch.Tensor:
    return observed(sizes, sizes.first("prediction_length"))


def future_features(sizes: Sizes) -> torch.Tensor:
    ahead = sizes.first("prediction_length")
    return drawn(sizes.batch, ahead, sizes.first("num_time_features", default=0))


def of_width(*names: str, rows: int = 0) -> Callable[[Sizes], Any]:
    """Rows, one for each token, as wide as the first of these keys says."""

    def rows_of(sizes: Sizes) -> torch.Tensor:
        return drawn(sizes.batch, rows or sizes.length, sizes.first(*names, default=1))

    return rows_of


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
    return ids(sizes)


def text_or_codes(sizes: Sizes) -> torch.Tensor:
    """Tokens; of all codebooks of a model that speaks."""
    books = sizes.first("num_codebooks", default=1)
    if sizes.config.model_type == "kyutai_speech_to_text":
        return codes(sizes, books + 1)
    if sizes.config.model_type in ("musicgen", "musicgen_melody"):
        return whole(sizes.ordinary(), sizes.batch * books, sizes.length)
    return ids(sizes)


def boxes(sizes: Sizes) -> torch.Tensor:
    return whole(0, sizes.batch, sizes.length, 4)


def images_seen(sizes: Sizes) -> torch.Tensor:
    """Which tokens look at the one image of a text: all."""
    return whole(1, sizes.batch, sizes.length, 1)


INPUTS: dict[str, Callable[[Sizes], Any]] = {
    "input_ids": text_or_codes, "decoder_input_ids": decoder_ids, "attention_mask": mask,
    "pixel_values": pixels, "pixel_values_videos": frames, "hidden_states": patches,
    "grid_thw": grid, "image_grid_thw": grid, "pixel_position_ids": places,
    "target_sizes": rows_and_columns, "image_attention_mask": images_seen,
    "input_values": sound, "input_features": spectrum, "input_features_mask": heard,
    "audio_mel": spectrum, "audio_mel_mask": unheard, "latents": latents,
    "qformer_input_ids": ids, "qformer_attention_mask": mask, "bbox": boxes,
    "query_embeds": queries, "encoder_hidden_states": of_width("encoder_hidden_size"),
    "inputs": of_width("d_model"), "inputs_embeds": of_width("hidden_size"),
    "visual_feats": of_width("visual_feat_dim", rows=36),
    "visual_pos": of_width("visual_pos_dim", rows=36),
    "past_values": past_values, "past_time_features": past_features,
    "past_observed_mask": past_mask, "future_values": future_values,
    "future_time_features": future_features,
    "states": of_width("state_dim"), "actions": of_width("act_dim"), "rewards": of_width(),
    "returns_to_go": of_width(), "timesteps": steps,
}  # fmt: skip
