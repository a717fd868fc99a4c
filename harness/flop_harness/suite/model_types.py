"""What a configuration says of a decoder's shape, by its model type: one reader for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from flop_harness.records.transformer import Experts, LatentAttention, Transformer
from flop_harness.suite.layer_kinds import (
    Config,
    Windows,
    all_but,
    all_but_first_of_four,
    earlier_of_two,
    every,
    every_fourth,
    experts,
    if_used,
    later,
    mlp_width,
    none,
    windowed,
)

Reader = Callable[[Config], Transformer]

# ------------------------------------------------------------------------------ Llama and its kin


def gated(
    config: Config, windows: Windows = none, tied: bool = False, qkv: str = "attention_bias",
    output: str = "attention_bias", mlp: str = "mlp_bias", **known: Any,
) -> Transformer:  # fmt: skip
    """RMS norms, rotary positions, a gated MLP, unless ``known`` says otherwise.

    ``qkv``, ``output`` and ``mlp`` are the keys that say whether there are biases; ``tied`` is what
    the type does where its configuration does not say.
    """
    heads, width = config["num_attention_heads"], config["hidden_size"]
    layers = config["num_hidden_layers"]
    window, number = windowed(config, layers, windows)
    shape = Transformer(
        "", layers, width, heads, config.get("num_key_value_heads") or heads,
        config.get("head_dim") or width // heads, mlp_width(config), 3,
        config["vocab_size"], config["max_position_embeddings"],
        tied=config.get("tie_word_embeddings", tied),
        qkv_biases=bool(config.get(qkv)), output_bias=bool(config.get(output)),
        mlp_biases=bool(config.get(mlp)), experts=experts(config), window=window, windowed=number,
    )  # fmt: skip
    return replace(shape, **known)


def latent(config: Config, tied: bool = False) -> Transformer:
    """DeepSeek: attention over a compressed cache."""
    plain, rotary = config["qk_nope_head_dim"], config["qk_rope_head_dim"]
    attention = LatentAttention(
        config.get("q_lora_rank") or 0, config["kv_lora_rank"], plain, rotary, config["v_head_dim"]
    )
    kept = config["num_attention_heads"]  # whatever the file calls heads of keys
    return replace(
        gated(config, tied=tied), kv_heads=kept, head_size=plain + rotary, latent=attention
    )


def cohere(config: Config, windows: Windows = none) -> Transformer:
    """Attention and MLP beside each other, behind one layer norm without bias."""
    return gated(config, windows, tied=True, norm="scale", layer_norms=1,
                 wide_norms=bool(config.get("use_qk_norm")))  # fmt: skip


def gpt_oss(config: Config) -> Transformer:
    """Biases of experts always, of attention as a rule; a sink for each head."""
    config = {"attention_bias": True, **config}
    return gated(config, all_but(2), sinks=True, expert_biases=True)


def starcoder2(config: Config) -> Transformer:
    """Layer norms, rotary positions, groups of queries, an MLP of two matrices."""
    return gated(config, every, tied=True, mlp_matrices=2, norm="layer",
                 biases=bool(config.get("use_bias", True)))  # fmt: skip


def phi(config: Config) -> Transformer:
    return gated(config, mlp_matrices=2, norm="layer", biases=True, head_bias=True, layer_norms=1,
                 head_norms=bool(config.get("qk_layernorm")))  # fmt: skip


def persimmon(config: Config) -> Transformer:
    return gated(config, mlp_matrices=2, norm="layer", biases=True,
                 head_norms=bool(config.get("qk_layernorm", True)))  # fmt: skip


def stablelm(config: Config) -> Transformer:
    return gated(config, qkv="use_qkv_bias", output="", norm="layer",
                 wide_norms=bool(config.get("qk_layernorm")),
                 layer_norms=1 if config.get("use_parallel_residual") else 2)  # fmt: skip


def phimoe(config: Config) -> Transformer:
    return gated(config, every, norm="layer", head_bias=bool(config.get("lm_head_bias")))


def biased(config: Config, **known: Any) -> Transformer:
    """Biases of queries, keys and values as a rule."""
    return gated({"attention_bias": True, **config}, output="attention_out_bias", **known)


def glm4_moe(config: Config) -> Transformer:
    return gated(config, output="", head_norms=bool(config.get("use_qk_norm")))


def qwen2_moe(config: Config) -> Transformer:
    """What all tokens share stands behind a gate."""
    config = {"qkv_bias": True, "shared_expert_intermediate_size": 5632, **config}
    shape = gated(config, if_used(earlier_of_two), qkv="qkv_bias", output="")
    return replace(shape, experts=shape.experts and replace(shape.experts, shared_gate=True))


# ---------------------------------------------------------------------------------- GPT and its kin


def gpt2(config: Config) -> Transformer:
    width, heads = config["n_embd"], config["n_head"]
    return Transformer(
        "", config["n_layer"], width, heads, heads, width // heads,
        config.get("n_inner") or 4 * width, 2, config["vocab_size"], config["n_positions"],
        tied=config.get("tie_word_embeddings", True), norm="layer", positions="learned", biases=True,
    )  # fmt: skip


def gpt_bigcode(config: Config) -> Transformer:
    """GPT-2 with one key for all heads."""
    shape = gpt2(config)
    return replace(shape, kv_heads=1 if config.get("multi_query", True) else shape.heads)


def gptj(config: Config) -> Transformer:
    """Biases in the MLP and the head alone."""
    shape = gpt2(config)
    return replace(shape, tied=config.get("tie_word_embeddings", False), positions="rotary",
                   biases=False, mlp_biases=True, head_bias=True, layer_norms=1)  # fmt: skip


def gpt_neo(config: Config) -> Transformer:
    """No biases of queries, keys and values; every other layer sees a window."""
    width, heads = config["hidden_size"], config.get("num_heads") or config["num_attention_heads"]
    layers = config.get("num_layers") or config["num_hidden_layers"]
    kinds = [kind for pattern, times in config["attention_types"] for kind in pattern * times]
    local = kinds.count("local")
    return Transformer(
        "", layers, width, heads, heads, width // heads, config.get("intermediate_size") or 4 * width,
        2, config["vocab_size"], config["max_position_embeddings"],
        tied=config.get("tie_word_embeddings", True), norm="layer", positions="learned",
        output_bias=True, mlp_biases=True, window=config["window_size"] if local else 0, windowed=local,
    )  # fmt: skip


def gpt_neox(config: Config) -> Transformer:
    width, heads = config["hidden_size"], config["num_attention_heads"]
    attention = bool(config.get("attention_bias", True))
    return Transformer(
        "", config["num_hidden_layers"], width, heads, heads, width // heads,
        config["intermediate_size"], 2, config["vocab_size"], config["max_position_embeddings"],
        tied=config.get("tie_word_embeddings", False), norm="layer", biases=attention, mlp_biases=True,
    )  # fmt: skip


def falcon(config: Config) -> Transformer:
    """One key for all heads, or groups of them in the later ones."""
    width, heads = config["hidden_size"], config["num_attention_heads"]
    newer, alone = config.get("new_decoder_architecture"), config.get("multi_query", True)
    keys = config.get("num_kv_heads") or heads if newer else 1 if alone else heads
    beside = config.get("parallel_attn", True)
    both = config.get("num_ln_in_parallel_attn") in (None, 2) if newer else not beside
    return Transformer(
        "", config["num_hidden_layers"], width, heads, keys, width // heads,
        config.get("ffn_hidden_size") or 4 * width, 2, config["vocab_size"],
        config.get("max_position_embeddings") or 2048,
        tied=config.get("tie_word_embeddings", True), norm="layer", biases=config.get("bias", False),
        positions="alibi" if config.get("alibi") else "rotary", layer_norms=2 if both else 1,
    )  # fmt: skip


def bloom(config: Config) -> Transformer:
    width = config.get("hidden_size") or config["n_embed"]
    heads = config.get("n_head") or config["num_attention_heads"]
    return Transformer(
        "", config.get("n_layer") or config["num_hidden_layers"], width, heads, heads, width // heads,
        4 * width, 2, config["vocab_size"], config.get("seq_length") or 2048,
        tied=config.get("tie_word_embeddings", True), norm="layer", positions="alibi", biases=True,
        embedding_norm=True,
    )  # fmt: skip


def mpt(config: Config) -> Transformer:
    """No biases, and layer norms without them."""
    width, heads = config["d_model"], config["n_heads"]
    return Transformer(
        "", config["n_layers"], width, heads, heads, width // heads,
        config.get("expansion_ratio", 4) * width, 2, config["vocab_size"], config["max_seq_len"],
        tied=config.get("tie_word_embeddings", True), norm="scale", positions="alibi",
    )  # fmt: skip


def dbrx(config: Config) -> Transformer:
    """Experts in every layer; layer norms without biases."""
    width, heads, inner = config["d_model"], config["n_heads"], config["ffn_config"]
    keys, wide = config["attn_config"].get("kv_n_heads", 1), inner["ffn_hidden_size"]
    return Transformer(
        "", config["n_layers"], width, heads, keys, width // heads, wide, 3, config["vocab_size"],
        config["max_seq_len"], tied=config.get("tie_word_embeddings", False), norm="scale",
        experts=Experts(inner["moe_num_experts"], inner["moe_top_k"], wide),
    )  # fmt: skip


# ------------------------------------------------------------------------------------- all types

qwen3 = partial(gated, windows=if_used(later), head_norms=True)
wide = partial(gated, wide_norms=True)
gemma = partial(gated, tied=True)
gemma2 = partial(gemma, layer_norms=4)

READERS: dict[str, Reader] = {
    **dict.fromkeys(("llama", "granitemoe", "granitemoeshared", "ministral3", "aria_text"), gated),
    "mistral": partial(gated, windows=every), "mixtral": partial(gated, windows=every),
    "phi3": partial(gated, windows=every), "ministral": partial(gated, windows=every),
    "qwen2": partial(gated, windows=if_used(later), qkv_biases=True, output=""), "qwen2_moe": qwen2_moe,
    "qwen3": qwen3, "qwen3_moe": partial(qwen3, windows=if_used(every)),
    "dots1": partial(gated, windows=partial(later, first=62), head_norms=True),
    **dict.fromkeys(("deepseek_v2", "deepseek_v3", "kimi_k2", "glm4_moe_lite"), latent),
    "youtu": partial(latent, tied=True),
    "olmo": partial(gated, norm="none"), "olmo2": wide, "olmoe": wide, "flex_olmo": wide,
    "minimax_m2": wide, "olmo3": partial(wide, windows=all_but(4)),
    "glm": biased, "glm4": partial(biased, layer_norms=4), "glm4_moe": glm4_moe, "seed_oss": biased,
    "helium": partial(gated, output=""), "solar_open": partial(gated, output=""),
    "exaone4": partial(gated, windows=all_but(4), head_norms=True),
    "exaone_moe": partial(gated, windows=all_but(4), head_norms=True),
    "hunyuan_v1_dense": partial(gated, head_norms=True), "hy_v3": partial(gated, head_norms=True),
    "cwm": partial(gated, windows=all_but_first_of_four), "smollm3": partial(gated, windows=if_used(every_fourth), tied=True),
    "ernie4_5": partial(gated, tied=True, qkv="use_bias", output="use_bias", mlp="use_bias"),
    "gemma": gemma, "granite": gated, "gemma2": partial(gemma2, windows=all_but(2)),
    "gemma3_text": partial(gemma2, windows=all_but(6), head_norms=True),
    "vaultgemma": partial(gemma, windows=all_but(2)),
    "cohere": cohere, "cohere2": partial(cohere, windows=all_but(4)), "gpt_oss": gpt_oss,
    "nemotron": partial(gated, mlp_matrices=2, norm="layer"), "arcee": partial(gated, mlp_matrices=2),
    "nanochat": partial(gated, mlp_matrices=2, norm="none"), "starcoder2": starcoder2,
    "phi": phi, "persimmon": persimmon, "stablelm": stablelm, "phimoe": phimoe, "dbrx": dbrx,
    "gpt2": gpt2, "gpt-sw3": gpt2, "gpt_bigcode": gpt_bigcode, "gptj": gptj, "codegen": gptj,
    "gpt_neo": gpt_neo, "gpt_neox": gpt_neox, "falcon": falcon, "bloom": bloom, "mpt": mpt,
}  # fmt: skip
