"""Which layers of a configuration see a window, and which have experts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flop_harness.records.transformer import Experts

Config = Mapping[str, Any]

# ------------------------------------------------------------------------------------- windows

Windows = Callable[[Config, int], int]
"""How many layers see a window, of so many, where the configuration does not list their types."""


def none(config: Config, layers: int) -> int:
    return 0


def every(config: Config, layers: int) -> int:
    return layers


def later(config: Config, layers: int, first: int = 28) -> int:
    """Those behind the first ``max_window_layers``."""
    return max(layers - config.get("max_window_layers", first), 0)


def listed(config: Config, layers: int) -> int:
    """None but those that the configuration lists."""
    return 0


def all_but_first_two_and_fourths(config: Config, layers: int) -> int:
    """Neither the first two, nor every fourth after the second, nor the last."""
    return sum(at > 1 and at % 4 != 1 and at != layers - 1 for at in range(layers))


def if_used(windows: Windows) -> Windows:
    """The same for a type that has windows only where its configuration says so."""
    return lambda config, layers: windows(config, layers) if config.get("use_sliding_window") else 0


def earlier_of_two(config: Config, layers: int) -> int:
    """Every other one of the first ``max_window_layers``."""
    return -(-min(config.get("max_window_layers", 28), layers) // 2)


def all_but(nth: int, key: str = "sliding_window_pattern") -> Windows:
    """All but every nth; a pattern in the configuration goes before."""

    def windows(config: Config, layers: int) -> int:
        pattern = config.get(key) or nth
        return layers - layers // (len(pattern) if isinstance(pattern, str) else pattern)

    return windows


def all_but_first_of_four(config: Config, layers: int) -> int:
    return layers - -(-layers // 4)


def every_fourth(config: Config, layers: int) -> int:
    """Those without rotary positions."""
    return layers // 4


def windowed(config: Config, layers: int, usual: Windows) -> tuple[int, int]:
    """(window, layers that see one): by the layers' types, else as the model type does."""
    window, kinds = config.get("sliding_window") or 0, config.get("layer_types")
    unused = usual is none or config.get("use_sliding_window") is False
    if not window or unused:
        return 0, 0
    number = kinds.count("sliding_attention") if kinds else usual(config, layers)
    return window if number else 0, number


# ------------------------------------------------------------------------------------- experts


def first(config: Config, *keys: str) -> Any:
    """What stands under the first of these keys that has a value other than none; else 0."""
    return next((config[key] for key in keys if config.get(key)), 0)


def experts(config: Config) -> Experts | None:
    routed = first(
        config, "num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts"
    )
    if not routed:
        return None
    active = (
        first(config, "num_experts_per_tok", "moe_topk", "moe_k") or config["num_experts_per_tok"]
    )
    width = first(config, "moe_intermediate_size") or config["intermediate_size"]
    shared = first(config, "n_shared_experts", "num_shared_experts", "moe_num_shared_experts")
    together = first(config, "shared_expert_intermediate_size", "shared_intermediate_size")
    return Experts(routed, active, width, shared or int(bool(together)), together or shared * width,
                   dense_layers(config))  # fmt: skip


def mlp_width(config: Config) -> int:
    """Of dense layers; where all have experts, of one of these."""
    width: int = (
        first(config, "intermediate_size", "moe_intermediate_size") or config["intermediate_size"]
    )
    return width


def dense_layers(config: Config) -> int:
    """Layers without experts: as listed, the first ones, or all but every nth."""
    layers, kinds = config["num_hidden_layers"], config.get("mlp_layer_types")
    if kinds:
        return int(kinds.count("dense"))
    step, dense = (
        first(config, "decoder_sparse_step", "moe_layer_interval") or 1,
        set(config.get("mlp_only_layers") or ()),
    )
    start = first(config, "moe_layer_start_index", "num_dense_layers", "first_k_dense_replace")
    end = config.get("moe_layer_end_index", -1)
    places = range(start, layers if end == -1 else end + 1)
    sparse = [at for at in places if (at + 1) % step == 0 and at not in dense and at < layers]
    return layers - len(sparse)
