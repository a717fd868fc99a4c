"""Sound for a model of transformers: samples, spectra, what a decoder starts from."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from flop_harness.suite.configured.drawing import drawn, of_width, whole
from flop_harness.suite.configured.sizes import Sizes

if TYPE_CHECKING:
    import torch


def sound(sizes: Sizes) -> torch.Tensor:
    """A second of 16,000 samples, by channels unless a model adds that axis, or rows of a spectrum."""
    if (bands := sizes.first("num_mel_bins")) and (rows := sizes.first("max_length")):
        return drawn(sizes.batch, rows, bands)
    kind = sizes.config.model_type
    if kind == "speecht5" and sizes.entry("Conv1d") is None:  # what comes before stands beside it
        return of_width("hidden_size")(sizes)
    if pieces := sizes.first("patch_sizes"):  # samples that fill whole patches
        return drawn(sizes.batch, 8 * prod(pieces))
    if kind.startswith("moonshine") or (
        getattr(sizes.config, "conv_dim", None) and not kind.startswith("omniasr")
    ):
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
    if sizes.config.model_type in BANDS:
        return BANDS[sizes.config.model_type]
    if sizes.config.model_type.startswith(STACKED):
        layer = sizes.entry("Linear", "LayerNorm")
        return getattr(layer, "in_features", None) or layer.normalized_shape[-1]
    return sizes.first("num_mel_bins", "input_feat_per_channel", "feature_projection_input_dim",
                       "num_mel_bands", "n_mels", "input_feat_size",
                       default=80)  # fmt: skip


STACKED = ("granite_speech5", "fun_asr_nano_encoder")
"""Model types whose first layer takes the bands of several frames at once"""
BANDS = {"gemma4_audio": 128, "qwen3_asr_encoder": 128}
"""Of model types whose configuration does not tell"""


def bands_first(sizes: Sizes) -> bool:
    """Whether the first convolution runs over time; one model type turns them round itself."""
    if sizes.config.model_type == "qwen3_asr_encoder":
        return True
    layer = sizes.entry("Conv1d")
    return (getattr(layer, "in_channels", 0) == bands(sizes)
            and sizes.config.model_type != "speech_to_text")  # fmt: skip


def sounding(sizes: Sizes) -> int:
    """How many frames there are."""
    if sizes.takes("input_values"):  # both of the same second
        return SAMPLES // 320
    if frames := sizes.first("audio_length_per_tok"):  # each token hears its own
        return frames * sizes.length
    positions = sizes.first("max_source_positions") if bands_first(sizes) else 0
    whole_windows = 2 * sizes.first("n_window", default=1)
    return -(-2 * (positions or sizes.length) // whole_windows) * whole_windows


def heard(sizes: Sizes) -> torch.Tensor:
    """Which frames of a spectrum are sound: all."""
    return whole(1, sizes.batch, sounding(sizes))


def unheard(sizes: Sizes) -> torch.Tensor:
    """Which frames of a spectrum are padding: none."""
    return heard(sizes) == 0


def latents(sizes: Sizes) -> torch.Tensor:
    """What a decoder of sound starts from."""
    layer = sizes.entry("Conv1d", "ConvTranspose1d")
    width = getattr(layer, "in_channels", sizes.first("hidden_size"))
    return drawn(sizes.batch, width, SAMPLES if width == 1 else sizes.length)


def spoken(sizes: Sizes) -> torch.Tensor:
    """Rows of the spectrum that a model writes."""
    if sizes.entry("Conv1d") is None:
        return of_width("hidden_size")(sizes)
    return drawn(sizes.batch, sizes.length, sizes.first("num_mel_bins", default=80))
