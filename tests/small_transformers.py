"""Configurations of transformers made small: shallow and, where a model stands it, narrow.

As a program it writes ``suites/transformers.toml`` anew, with every model type that counts:
``python tests/small_transformers.py > suites/transformers.toml``.
"""

from __future__ import annotations

import contextlib
import sys
import tomllib
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

UNCOUNTED = Path(__file__).with_name("uncounted_types.toml")
LAYERS, VOCABULARY, LENGTH, LARGEST = 2, 1_000, 16, 60_000_000
DEPTHS = """num_hidden_layers num_layers n_layer n_layers encoder_layers decoder_layers
    num_encoder_layers num_decoder_layers depth encoder_num_hidden_layers decoder_num_hidden_layers
    num_hidden_layers_encoder num_block_layers""".split()
"""Keys of how many layers there are."""
SMALLER = {
    64: "hidden_size d_model n_embd dim embed_dim text_hidden_size vision_hidden_size",
    128: """intermediate_size ffn_dim d_ff encoder_ffn_dim decoder_ffn_dim n_inner hidden_dim
        ffn_hidden_size encoder_intermediate_size decoder_intermediate_size""",
    4: """num_attention_heads n_head n_heads num_heads encoder_attention_heads num_local_experts
        decoder_attention_heads num_experts n_routed_experts moe_num_experts""",
    16: "head_dim d_kv",
    32: "moe_intermediate_size shared_expert_intermediate_size moe_shared_expert_intermediate_size",
    2: "num_key_value_heads num_experts_per_tok num_experts_per_token moe_topk",
}
"""Size -> keys that are made no larger."""
ROPE = {"rope_type": "default", "rope_theta": 10_000.0}
SECTIONS = ROPE | {"mrope_section": [8, 12, 12]}
HALF = {"rope_parameters": SECTIONS | {"partial_rotary_factor": 0.5}, "head_dim": 128}
SERIES = {"prediction_length": 8, "context_length": 16}
QUANTISED = {"vocabulary_map": {"<image>": 4}}
INDEXED = {"indexer_n_heads": 2, "indexer_kv_heads": 1, "indexer_head_dim": 32,
           "indexer_budget": 8, "indexer_compress_ratio": 2}  # fmt: skip
PICTURED = {"image_token_index": 990, "num_query_tokens": 8}
FEW = {"num_queries": 20}
LACKING: dict[str, dict[str, Any]] = {
    "autoformer": SERIES, "informer": SERIES, "time_series_transformer": SERIES,
    "blip-2": PICTURED, "instructblipvideo": {"video_token_index": 990, "num_query_tokens": 1}, "instructblip": PICTURED, "kosmos-2": {"latent_query_num": 8},
    "bamba": {"attn_layer_indices": [1]},
    "chameleon": QUANTISED, "emu3": QUANTISED,
    "cohere_compass": {"text_config": {"rope_parameters": {"full_attention": ROPE, "sliding_attention": ROPE}}},
    "cohere_compass_text": {"rope_parameters": {"full_attention": ROPE, "sliding_attention": ROPE}},
    "dbrx": {"attn_config": {"rope_theta": 10_000.0, "clip_qkv": 8.0}},
    "deepseek_ocr2": {"text_config": {"mlp_layer_types": ["dense", "sparse"], "n_group": 1,
                                      "topk_group": 1, "num_experts_per_tok": 2}},
    "deepseek_v2": {"num_experts_per_tok": 2},
    "diffusion_gemma": {"text_config": {"num_experts": 4, "top_k_experts": 2, "moe_intermediate_size": 32}},
    "dots1": {"n_routed_experts": 4, "n_shared_experts": 1, "n_group": 1, "topk_group": 1,
              "num_experts_per_tok": 2},
    "esm": {"vocab_size": 33, "pad_token_id": 1, "mask_token_id": 32},
    **{name: {"text_config": HALF} for name in "glm46v glm4v glm4v_moe glm_image glmga".split()},
    **dict.fromkeys("glm4v_text glm4v_moe_text glm_image_text".split(), HALF),
    "blt": {"use_cache": False, "encoder_hash_byte_group_vocab": 1000}, "longcat_flash": {"head_dim": 64},
    "grounding-dino": FEW, "mm-grounding-dino": FEW, "rf_detr": FEW,
    "lw_detr": {"projector_scale_factors": [1.0]},
    "muse_spark_audio": {"num_hidden_layers": 4},
    "gemma3n": {"text_config": {"num_kv_shared_layers": 0}}, "gemma3n_text": {"num_kv_shared_layers": 0},
    "granitemoehybrid": {"layer_types": ["mamba", "attention"]},
    "hunyuan_v1_dense": {"head_dim": 128}, "hunyuan_v1_moe": {"head_dim": 128},
    "hunyuan_vl": {"text_config": {"head_dim": 128, "rope_parameters": ROPE | {"mrope_section": [16, 16, 16, 16]}}},
    "hunyuan_vl_text": {"head_dim": 128, "rope_parameters": ROPE | {"mrope_section": [16, 16, 16, 16]}},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"]},
    "ministral": {"head_dim": 16},
    "moonshine_streaming": {"num_key_value_heads": 4},
    **{key: {"vision_start_token_id": 995} for key in ("qwen2_5_omni_thinker", "qwen3_omni_moe_thinker")},
    "granite4_vision": {"downsample_rate": "1/4", "deepstack_layer_map": [[-1, 0]], "spatial_target_layers": [0, 1, 0, 1]},
    "nemotron": {"num_key_value_heads": 4, "head_dim": 16},
    "qwen4_exp_text": INDEXED, "qwen4_exp": {"text_config": INDEXED},
    "pe_audio_video_encoder": {"video_config": {"vision_config": {
        "model_type": "timm_wrapper", "architecture": "vit_pe_core_tiny_patch16_384"}}},
    "recurrent_gemma": {"block_types": ["recurrent", "attention"]},
    "step3p7": {"text_config": {"sliding_window": 8}},
    "t5gemma2_encoder": {"text_config": {"dropout_rate": 0.0}},
    "timm_backbone": {"backbone": "resnet18"},
    "vjepa2": {"crop_size": 64, "frames_per_clip": 8, "pred_num_hidden_layers": 2,
               "pred_hidden_size": 64, "pred_num_attention_heads": 4},
    "voxtral": {"audio_token_id": 990},
    "xmod": {"default_language": "en_XX"},
}  # fmt: skip
"""What configurations need that have no default for it, or a dear one: model type -> keys."""


# ------------------------------------------------------------------------- configurations


def smaller(kind: Any, model_type: str) -> list[dict[str, Any]]:
    """Keys that make a model small, then those that only make it shallow, then those it lacks."""
    lacking = LACKING.get(model_type, {})
    try:
        plain = kind()
    except Exception:  # noqa: BLE001  some have no defaults that go together
        return [lacking]
    return [merged(changes(plain, True), lacking), merged(changes(plain, False), lacking), lacking]


def merged(keys: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Both, of parts too; the second where they differ."""
    found = {**keys, **more}
    for name in keys.keys() & more.keys():
        if isinstance(keys[name], Mapping):
            found[name] = merged(keys[name], more[name])
    return found


def changes(config: Any, narrow: bool) -> dict[str, Any]:
    own = {name: value for name, value in config.to_dict().items()
           if not isinstance(getattr(type(config), name, None), property)}  # fmt: skip
    made: dict[str, Any] = {name: LAYERS for name in DEPTHS if above(own.get(name), LAYERS)}
    types = own.get("layer_types")
    if made and isinstance(types, list) and len(types) > LAYERS:
        made["layer_types"] = (list(dict.fromkeys(types)) + types)[:LAYERS]
    if narrow:
        made |= narrowed(own)
    for name in config.sub_configs:
        part = getattr(config, name, None)
        if part is not None and (inner := changes(part, narrow)):
            made[name] = {"model_type": part.model_type, **inner}
    return made


def narrowed(own: Mapping[str, Any]) -> dict[str, Any]:
    made = {name: size for size, names in SMALLER.items() for name in names.split()
            if above(own.get(name), size)}  # fmt: skip
    heads, groups = own.get("num_attention_heads"), own.get("num_key_value_heads")
    if heads and heads == groups:  # as many as there are of queries
        made["num_key_value_heads"] = min(heads, 4)
    if above(own.get("vocab_size"), VOCABULARY):
        made["vocab_size"] = VOCABULARY
        special = [name for name, value in own.items()
                   if name.endswith(("_token_id", "_token_index")) and above(value, VOCABULARY - 1)]  # fmt: skip
        made |= {name: VOCABULARY - 1 - place for place, name in enumerate(special)}
    return made


def above(value: Any, limit: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > limit


# ------------------------------------------------------------------------------- all types


def types() -> Iterator[tuple[str, str]]:
    """Every model type of the library, and the class of its base model."""
    from transformers.models.auto.modeling_auto import MODEL_MAPPING_NAMES

    for model_type, name in MODEL_MAPPING_NAMES.items():
        yield model_type, name if isinstance(name, str) else name[0]


def counted(model_type: str, name: str) -> tuple[dict[str, Any], Any]:
    """The smallest configuration that counts, and the trace; raises what the last one did."""
    from flop_harness.suite.build import build
    from flop_harness.suite.files import case_from_model
    from flop_harness.suite.providers.transformers import model_class
    from flop_harness.trace.attempts import recorded, with_imports
    from flop_harness.trace.needs import ValuesNeeded
    from flop_harness.trace.recorder import record

    def traced(case: Any) -> Any:
        def attempt() -> Any:
            built = build(case, device="meta")
            return record(built.module, built.args, built.kwargs)

        try:
            return with_imports(attempt)
        except ValuesNeeded:
            built = build(case)
            return recorded(lambda: (built.module, built.args, built.kwargs))

    for keys in (tries := smaller(model_class(name).config_class, model_type)):
        kwargs = {"config": keys, "length": LENGTH}
        try:
            return keys, traced(case_from_model(f"transformers:{name}", [], kwargs=kwargs))
        except Exception:
            if keys is tries[-1]:
                raise
    raise AssertionError("there is always one to try")


# ---------------------------------------------------------------------------------- a suite

HEAD = """name = "transformers"
version = 2
description = "One of every model type of transformers {version} that counts, small"
timeout_s = 600
memory_gib = 8
"""


def case(model_type: str, name: str, keys: Mapping[str, Any]) -> str:
    from flop_harness.suite.keywords import as_toml

    return (
        f'\n[[case]]\nid = "{model_type}"\nmodel = "transformers:{name}"\n'
        f"kwargs = {{ length = {LENGTH}, config = {as_toml(keys)} }}\n"
    )


def main() -> None:
    import transformers

    warnings.filterwarnings("ignore")
    transformers.logging.set_verbosity_error()
    print(HEAD.format(version=transformers.__version__), end="")
    left_out = set().union(*tomllib.loads(UNCOUNTED.read_text()).values())
    for model_type, name in types():
        if model_type in left_out:  # some take all memory before they fail
            continue
        with contextlib.redirect_stdout(sys.stderr):
            try:
                keys, trace = counted(model_type, name)
            except Exception as error:  # noqa: BLE001  told, and left out
                print(f"{model_type}: {error}")
                continue
        if sum(each.numel for each in trace.parameters) <= LARGEST:
            print(case(model_type, name, keys), end="", flush=True)


if __name__ == "__main__":
    main()
