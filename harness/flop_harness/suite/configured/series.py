"""Series of numbers over time for a model of transformers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flop_harness.suite.configured.drawing import drawn, whole
from flop_harness.suite.configured.sizes import Sizes

if TYPE_CHECKING:
    import torch


def past(sizes: Sizes) -> int:
    """How many observations a model of time series looks back on, lags included."""
    length = sizes.first("context_length", "context_len", default=sizes.length)
    return length + max(sizes.first("lags_sequence", default=(0,)))


def observed(sizes: Sizes, length: int) -> torch.Tensor:
    """Numbers seen at each time; without an axis where it is one."""
    several = sizes.first("num_input_channels", "input_size", default=1)
    only = several == 1 and sizes.takes("past_time_features", "past_values_padding")
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


def none_padded(sizes: Sizes) -> torch.Tensor:
    return whole(0, sizes.batch, past(sizes))


def frequency(sizes: Sizes) -> torch.Tensor:
    return whole(0, sizes.batch)
