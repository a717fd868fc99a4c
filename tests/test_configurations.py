"""Shapes out of configurations, held against the models that the library transformers builds of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flop_harness.ask.count import count_case
from flop_harness.conventions.transformers.forward import forward
from flop_harness.conventions.transformers.parameters import count
from flop_harness.conventions.transformers.runs import angles
from flop_harness.suite.configurations import unknown
from flop_harness.suite.files import case_from_model
from flop_harness.suite.model_types import READERS
from flop_harness.suite.shapes import find
from small_transformers import merged, smaller

pytestmark = pytest.mark.filterwarnings("ignore")

DENSE_FIRST = {"num_hidden_layers": 3, "mlp_layer_types": ["dense", "sparse", "sparse"]}
SPARSE = {"num_hidden_layers": 4, "decoder_sparse_step": 2, "mlp_only_layers": [1]}
WIDE_HEADS = {"head_dim": 32}
QWEN_WINDOW = {"num_hidden_layers": 4, "use_sliding_window": True, "sliding_window": 8,
               "max_window_layers": 1}  # fmt: skip
DEEP = {"num_hidden_layers": 7}
WINDOW = {"sliding_window": 8}
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "llama": [WIDE_HEADS, {"num_key_value_heads": None}, {"num_key_value_heads": 1}],
    "mistral": [WINDOW, {"sliding_window": None}, WIDE_HEADS], "mixtral": [WINDOW, WIDE_HEADS],
    "qwen2": [QWEN_WINDOW], "qwen3": [QWEN_WINDOW, WIDE_HEADS],
    "qwen2_moe": [SPARSE, {"shared_expert_intermediate_size": 48}],
    "qwen3_moe": [SPARSE, {"use_sliding_window": True, **WINDOW}],
    "deepseek_v2": [{"q_lora_rank": None}, {"first_k_dense_replace": 1}, {"n_shared_experts": 1}],
    "deepseek_v3": [{"q_lora_rank": None}, {"first_k_dense_replace": 0}, {"first_k_dense_replace": 1}],
    "glm4_moe_lite": [DENSE_FIRST], "glm4_moe": [{"first_k_dense_replace": 0}, {"n_shared_experts": 2}],
    "hy_v3": [DENSE_FIRST], "exaone_moe": [DENSE_FIRST],
    "gemma2": [DEEP | WINDOW], "gemma3_text": [DEEP | WINDOW, DEEP | {"sliding_window_pattern": 3}],
    "gpt_oss": [DEEP], "olmo3": [DEEP], "exaone4": [DEEP, DEEP | {"sliding_window_pattern": 3}],
    "cohere2": [DEEP, DEEP | {"sliding_window_pattern": 3}], "cwm": [DEEP], "vaultgemma": [DEEP],
    "smollm3": [DEEP | WINDOW | {"use_sliding_window": True}],
    "ministral": [WINDOW, {"sliding_window": None}], "phi3": [WINDOW], "starcoder2": [WINDOW],
    "phimoe": [WINDOW], "dots1": [{"max_window_layers": 1}, {"first_k_dense_replace": 1}],
    "granitemoeshared": [{"shared_intermediate_size": 48}],
    "aria_text": [{"moe_num_shared_experts": 1}],
    "falcon": [{"new_decoder_architecture": True, "num_kv_heads": 2},
               {"new_decoder_architecture": True, "num_kv_heads": 2, "num_ln_in_parallel_attn": 1},
               {"parallel_attn": False, "multi_query": False, "alibi": True}, {"ffn_hidden_size": 96}],
    "gpt2": [{"n_inner": 96}], "gptj": [{"n_inner": 96}], "codegen": [{"n_inner": 96}],
    "gpt_bigcode": [{"multi_query": False}],
    "gpt_neo": [{"num_layers": 3, "attention_types": [[["local"], 3]]}, {"intermediate_size": 96}],
    "dbrx": [{"attn_config": {"kv_n_heads": 2, "clip_qkv": 8.0, "rope_theta": 10_000.0},
              "ffn_config": {"moe_num_experts": 3, "moe_top_k": 2, "ffn_hidden_size": 96}}],
    "opt": [{"num_hidden_layers": 3}], "afmoe": [DEEP, DEEP | {"global_attn_every_n_layers": 3}, {"num_dense_layers": 0}],
    "ernie4_5_moe": [{"num_hidden_layers": 5, "moe_layer_interval": 2}, {"moe_layer_start_index": 0},
                     {"num_hidden_layers": 5, "moe_layer_start_index": 2, "moe_layer_end_index": 3}],
    "laguna": [{"gating": "per-element"}, DENSE_FIRST, DEEP | {"layer_types": ["full_attention", "sliding_attention"] * 3 + ["full_attention"]}],
    "hunyuan_v1_moe": [{"num_experts": 4, "moe_topk": 2}],
    "cohere2_moe": [DEEP, DENSE_FIRST | {"prefix_dense_intermediate_size": 96}, {"num_shared_experts": 1},
                    DEEP | {"first_k_dense_replace": 2}, DEEP | {"first_k_dense_replace": 3, "prefix_dense_sliding_window_pattern": 2}],
    "granite_swa": [DEEP], "granitemoe_swa": [DEEP, {"shared_intermediate_size": 48}],
    "flint": [DEEP, DEEP | {"mlp_only_layers": [1], "decoder_sparse_step": 2}], "kolibri1": [DEEP],
    "mellum": [DENSE_FIRST], "minicpm3": [{"q_lora_rank": 24}], "sarvam_moe": [{"first_k_dense_replace": 0}],
}  # fmt: skip
"""Model type -> keys that say something else of its shape than the defaults do, beside booleans."""
LACKING = {
    "gpt_neo": {"num_layers": 2, "attention_types": [[["global", "local"], 1]]},
    "codegen": {"rotary_dim": 16}, "gptj": {"rotary_dim": 16},
    "deepseek_v3": {"head_dim": 64}, "youtu": {"head_dim": 64},
    "sarvam_mla": {"head_dim": 64}, "ernie4_5_moe": {"moe_k": 2},
}  # fmt: skip
"""What a small model needs besides."""
LENGTH = 16
UNSHAPED = ("use_cache", "return_dict", "is_decoder", "add_cross_attention", "cross_attention")
UNREAD = {"dbrx": ("tie_word_embeddings",), "laguna": ("moe_apply_router_weight_on_input",)}
"""Booleans that a type refuses."""
ELSEWHERE = ("kimi_k2",)
"""Types of published configurations that the library itself does not have."""


def classes() -> dict[str, str]:
    auto = pytest.importorskip("transformers.models.auto.modeling_auto")
    return auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES


def built(kind: str, keys: dict[str, Any]) -> Any:
    """The causal model of this type, on meta."""
    import torch

    from flop_harness.suite.providers.transformers import model_class, weights_skipped

    model = model_class(classes()[kind])
    with torch.device("meta"), weights_skipped():
        module = model._from_config(model.config_class(**keys))
        module.tie_weights()
    return module


def small(kind: str) -> dict[str, Any]:
    from flop_harness.suite.providers.transformers import model_class

    keys = smaller(model_class(classes()[kind]).config_class, kind)[0]
    return merged({key: value for key, value in keys.items() if key != "layer_types"},
                  LACKING.get(kind, {}))  # fmt: skip


def variants(kind: str, plain: dict[str, Any]) -> list[dict[str, Any]]:
    """Nothing; each boolean the other way round; what is listed."""
    skipped = (*UNSHAPED, *UNREAD.get(kind, ()))
    flipped = [{key: not value} for key, value in plain.items()
               if isinstance(value, bool) and key not in skipped]  # fmt: skip
    return [{}, *flipped, *OPTIONS.get(kind, [])]


def read_back(folder: Any, kind: str, written: dict[str, Any]) -> Any:
    path = folder / "config.json"
    path.write_text(json.dumps({**written, "model_type": kind}, default=str))
    return find(str(path))


def windows(config: Any) -> int:
    """Layers that see a window, as the built model's configuration lists them."""
    kinds = getattr(config, "layer_types", None)
    return kinds.count("sliding_attention") if kinds else 0


@pytest.mark.parametrize("kind", sorted(set(READERS) - set(ELSEWHERE)))
def test_a_shape_has_the_parameters_and_windows_of_the_model_that_is_built(tmp_path, kind):
    if kind not in classes():
        pytest.skip("another release of transformers")
    base = small(kind)
    plain = built(kind, base).config.to_dict()
    for keys in variants(kind, plain):
        module = built(kind, merged(base, keys))
        config = module.config
        held = sum(each.numel() for each in module.parameters())
        whole = config.to_dict()
        shape = read_back(tmp_path, kind, whole)
        assert (keys, count(shape)) == (keys, held)
        if getattr(config, "layer_types", None):
            untyped = {key: value for key, value in whole.items() if key != "layer_types"} | keys
            assert (keys, shape.windowed) == (keys, windows(config))
            assert (keys, read_back(tmp_path, kind, untyped).windowed) == (keys, windows(config))


@pytest.mark.parametrize("kind", sorted(set(READERS) - set(ELSEWHERE)))
def test_a_switch_that_is_not_written_down_is_the_types_own(tmp_path, kind):
    if kind not in classes():
        pytest.skip("another release of transformers")
    module = built(kind, small(kind))
    written = {key: value for key, value in module.config.to_dict().items()
               if not isinstance(value, bool)}  # fmt: skip
    held = sum(each.numel() for each in module.parameters())
    assert count(read_back(tmp_path, kind, written)) == held


@pytest.mark.parametrize("kind", sorted(set(READERS) - set(ELSEWHERE)))
def test_the_reference_of_a_shape_is_what_runs_in_the_model(tmp_path, kind):
    """Attention on the full square, active experts, the router, logits; no angles of rotary positions."""
    if kind not in classes():
        pytest.skip("another release of transformers")
    keys = small(kind)
    kwargs = {"config": keys, "length": LENGTH}
    counted = count_case(case_from_model(f"transformers:{classes()[kind]}", [], kwargs=kwargs))
    shape = read_back(tmp_path, kind, built(kind, keys).config.to_dict())
    products = counted.total - angles(counted.trace)
    assert 2 * products == LENGTH * sum(forward(shape, LENGTH).values())


UNTOLD = frozenset("beam dory git moshi musicgen musicgen_melody phi4_multimodal trocr xlm".split())
"""Types of which the message says no more than that a model of any type is traced."""


def test_a_type_without_a_shape_says_why():
    """Of those of several parts one names the part; a file has it, a class's defaults may not."""
    parts = {
        "dots3_note",
        "emu3",
        "gemma4_assistant",
        "llama4",
        "mllama",
        "qwen3_5",
        "qwen3_5_moe",
        "qwen4_exp",
    }
    for kind, name in classes().items():
        if kind in READERS:
            continue
        config = {"text_config": {}} if kind in parts else defaults(name)
        told = unknown(kind, config, Path("config.json"))
        assert (kind in UNTOLD) == told.startswith("no shape"), kind


def defaults(name: str) -> dict[str, Any]:
    from flop_harness.suite.providers.transformers import model_class

    return model_class(name).config_class().to_dict()
