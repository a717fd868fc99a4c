"""Configurations of transformers made small: two layers, few channels, all else as the class has it."""

from __future__ import annotations

from typing import Any

LAYERS, WIDTH, WIDER, HEADS, VOCABULARY = 2, 32, 64, 4, 1_000
DEPTHS = (
    "num_hidden_layers", "num_layers", "n_layer", "n_layers", "encoder_layers", "decoder_layers",
    "num_encoder_layers", "num_decoder_layers", "depth", "encoder_num_hidden_layers",
    "decoder_num_hidden_layers", "num_hidden_layers_encoder", "num_block_layers",
)  # fmt: skip
"""Keys of how many layers there are."""

LACKING: dict[str, dict[str, Any]] = {
    "esm": {"vocab_size": 33, "pad_token_id": 1, "mask_token_id": 32},
    "autoformer": {"prediction_length": 8, "context_length": 16},
    "informer": {"prediction_length": 8, "context_length": 16},
    "time_series_transformer": {"prediction_length": 8, "context_length": 16},
    "hunyuan_v1_dense": {"head_dim": 128},
    "hunyuan_v1_moe": {"head_dim": 128},
}
"""What configurations need that have no default for it: model type -> keys."""


def shrunk(kind: Any) -> dict[str, Any]:
    """Keys of a configuration class that make its model shallow, its parts' too."""
    return changes(kind())


def changes(config: Any) -> dict[str, Any]:
    own = {name: value for name, value in config.to_dict().items()
           if not isinstance(getattr(type(config), name, None), property)}  # fmt: skip
    made: dict[str, Any] = {name: LAYERS for name in DEPTHS if is_deep(own.get(name))}
    types = own.get("layer_types")
    if made and isinstance(types, list) and len(types) > LAYERS:
        made["layer_types"] = spread(types)
    for name in config.sub_configs:
        part = getattr(config, name, None)
        if part is not None and (inner := changes(part)):
            made[name] = {"model_type": part.model_type, **inner}
    return made


def is_deep(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > LAYERS


def spread(types: list[str]) -> list[str]:
    """As many kinds of layers as there is room for."""
    kinds = list(dict.fromkeys(types))
    return (kinds + types)[:LAYERS]
