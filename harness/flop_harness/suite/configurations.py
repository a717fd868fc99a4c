"""Shapes out of a model's ``config.json``, as Hugging Face's libraries write it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from flop_harness.errors import UserError, suggest
from flop_harness.records.transformer import Experts, LatentAttention, Transformer

Config = Mapping[str, Any]
SIZES = ("layers", "width", "heads", "kv_heads", "head_size", "mlp_width", "vocabulary", "context")
GATED = ("llama", "mistral", "mixtral", "qwen2", "qwen3", "qwen3_moe", "deepseek_v2", "deepseek_v3")
FAMILIES = {"qwen3_moe": "qwen3-moe", "deepseek_v2": "deepseek-v2", "deepseek_v3": "deepseek-v3",
            "gpt_neox": "gpt-neox", "gpt_oss": "gpt-oss", "gemma3_text": "gemma3"}  # fmt: skip


def read(path: Path) -> Transformer:
    """The shape of a configuration file. UserError for a type that is not known, or a missing key."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: no configuration in JSON: {error}") from error
    kind = config.get("model_type") if isinstance(config, dict) else None
    if not isinstance(kind, str):
        raise UserError(f"{path}: no configuration of a model: 'model_type' is missing")
    if kind not in READERS:
        known = ", ".join(READERS)
        raise UserError(
            f"{path}: no shape for model_type {kind!r}{suggest(kind, READERS)}; known: {known};"
            f" transformers:{path} builds any other and traces it"
        )
    try:
        shape = READERS[kind](config)
    except KeyError as error:
        raise UserError(f"{path}: the key {error} is missing") from error
    except (TypeError, ZeroDivisionError) as error:
        raise UserError(f"{path}: a key has a value that no {kind} can have: {error}") from error
    for name in SIZES:
        size = getattr(shape, name)
        if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= 10**9:
            raise UserError(f"{path}: {name.replace('_', ' ')} of {size!r}: no size of a model")
    if shape.heads % shape.kv_heads:
        raise UserError(f"{path}: {shape.heads} heads do not share {shape.kv_heads} evenly")
    return replace(shape, id=path.stem if path.stem != "config" else kind,
                   family=FAMILIES.get(kind, kind), source=str(path))  # fmt: skip


def gated(config: Config) -> Transformer:
    """Llama and its kin: RMS norms, rotary positions, a gated MLP."""
    heads, width = config["num_attention_heads"], config["hidden_size"]
    windowed = config.get("sliding_window") if config.get("use_sliding_window", True) else None
    layers = config["num_hidden_layers"]
    return Transformer(
        "", layers, width, heads, config.get("num_key_value_heads") or heads,
        config.get("head_dim") or width // heads, config["intermediate_size"], 3,
        config["vocab_size"], config["max_position_embeddings"],
        tied=config.get("tie_word_embeddings", False),
        qkv_biases=config["model_type"] == "qwen2", head_norms=config["model_type"].startswith("qwen3"),
        window=windowed or 0, windowed=layers if windowed else 0, experts=experts(config),
    )  # fmt: skip


def experts(config: Config) -> Experts | None:
    routed = next((config[key] for key in ROUTED if config.get(key)), 0)
    if not routed:
        return None
    width = config.get("moe_intermediate_size") or config["intermediate_size"]
    shared = config.get("n_shared_experts") or 0
    return Experts(routed, config["num_experts_per_tok"], width, shared, shared * width,
                   config.get("first_k_dense_replace") or 0)  # fmt: skip


ROUTED = ("num_local_experts", "num_experts", "n_routed_experts")


def latent(config: Config) -> Transformer:
    """DeepSeek: attention over a compressed cache."""
    plain, rotary = config["qk_nope_head_dim"], config["qk_rope_head_dim"]
    attention = LatentAttention(
        config.get("q_lora_rank") or 0, config["kv_lora_rank"], plain, rotary, config["v_head_dim"]
    )
    return replace(gated(config), head_size=plain + rotary, latent=attention)


def gpt2(config: Config) -> Transformer:
    width, heads = config["n_embd"], config["n_head"]
    return Transformer(
        "", config["n_layer"], width, heads, heads, width // heads,
        config.get("n_inner") or 4 * width, 2, config["vocab_size"], config["n_positions"],
        tied=True, norm="layer", positions="learned", biases=True,
    )  # fmt: skip


def gpt_neox(config: Config) -> Transformer:
    width, heads = config["hidden_size"], config["num_attention_heads"]
    return Transformer(
        "", config["num_hidden_layers"], width, heads, heads, width // heads,
        config["intermediate_size"], 2, config["vocab_size"], config["max_position_embeddings"],
        tied=config.get("tie_word_embeddings", False), norm="layer", biases=True,
    )  # fmt: skip


def tied_gated(config: Config) -> Transformer:
    """The same where one matrix for tokens in and out is usual."""
    return replace(
        gated(config), tied=config.get("tie_word_embeddings", True), window=0, windowed=0
    )


def gemma(config: Config) -> Transformer:
    """Gemma 2 and 3: four norms a layer, windows in most layers, as their types say."""
    kinds = config.get("layer_types") or ()
    shape = tied_gated(config)
    windowed = kinds.count("sliding_attention") if kinds else shape.layers // 2
    return replace(shape, layer_norms=4, head_norms=config["model_type"].startswith("gemma3"),
                   window=config.get("sliding_window") or 0, windowed=windowed)  # fmt: skip


def cohere(config: Config) -> Transformer:
    """Attention and MLP beside each other, behind one layer norm without bias."""
    return replace(tied_gated(config), norm="scale", layer_norms=1,
                   head_norms=config.get("use_qk_norm", False))  # fmt: skip


def phi(config: Config) -> Transformer:
    return replace(gated(config), mlp_matrices=2, norm="layer", biases=True, head_bias=True,
                   layer_norms=1)  # fmt: skip


def gptj(config: Config) -> Transformer:
    """Biases in the MLP and the head alone."""
    shape = gpt2(config)
    return replace(shape, tied=config.get("tie_word_embeddings", False), positions="rotary",
                   biases=False, mlp_biases=True, head_bias=True, layer_norms=1)  # fmt: skip


def falcon(config: Config) -> Transformer:
    """One key for all heads, or groups of them in the later ones."""
    width, heads = config["hidden_size"], config["num_attention_heads"]
    later, alone = config.get("new_decoder_architecture"), config.get("multi_query", True)
    keys = config.get("num_kv_heads") or heads if later else 1 if alone else heads
    one_norm = config.get("parallel_attn", True) and not later
    return Transformer(
        "", config["num_hidden_layers"], width, heads, keys, width // heads,
        config.get("ffn_hidden_size") or 4 * width, 2, config["vocab_size"],
        config.get("max_position_embeddings") or 2048,
        tied=config.get("tie_word_embeddings", True), norm="layer", biases=config.get("bias", False),
        positions="alibi" if config.get("alibi") else "rotary", layer_norms=1 if one_norm else 2,
    )  # fmt: skip


def gpt_oss(config: Config) -> Transformer:
    """Biases everywhere but in the head, windows in every other layer; without the heads' sinks."""
    shape, kinds = gated(config), config.get("layer_types") or ()
    windowed = kinds.count("sliding_attention") if kinds else -(-shape.layers // 2)
    return replace(shape, biases=True, windowed=windowed)


def starcoder2(config: Config) -> Transformer:
    """Layer norms, rotary positions, groups of queries, an MLP of two matrices."""
    return replace(gated(config), mlp_matrices=2, norm="layer", biases=config.get("use_bias", True),
                   tied=config.get("tie_word_embeddings", True))  # fmt: skip


def bloom(config: Config) -> Transformer:
    width = config.get("hidden_size") or config["n_embed"]
    heads = config.get("n_head") or config["num_attention_heads"]
    return Transformer(
        "", config.get("n_layer") or config["num_hidden_layers"], width, heads, heads, width // heads,
        4 * width, 2, config["vocab_size"], config.get("seq_length") or 2048, tied=True, norm="layer",
        positions="alibi", biases=True, embedding_norm=True,
    )  # fmt: skip


def mpt(config: Config) -> Transformer:
    """No biases, and layer norms without them."""
    width, heads = config["d_model"], config["n_heads"]
    return Transformer(
        "", config["n_layers"], width, heads, heads, width // heads,
        config.get("expansion_ratio", 4) * width, 2, config["vocab_size"], config["max_seq_len"],
        tied=True, norm="scale", positions="alibi",
    )  # fmt: skip


READERS: dict[str, Callable[[Config], Transformer]] = {
    **dict.fromkeys(GATED, gated), "deepseek_v2": latent, "deepseek_v3": latent, "gpt2": gpt2,
    "gpt_neox": gpt_neox, "gptj": gptj, "phi": phi, "falcon": falcon, "cohere": cohere,
    "gemma2": gemma, "gemma3_text": gemma, "phi3": gated, "granite": tied_gated, "gemma": tied_gated,
    "smollm3": tied_gated, "gpt_oss": gpt_oss, "starcoder2": starcoder2, "bloom": bloom, "mpt": mpt,
}  # fmt: skip
