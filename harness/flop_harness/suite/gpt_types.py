"""Shapes of GPT and its kin out of their configurations: layer norms, mostly two matrices in the MLP."""

from __future__ import annotations

from dataclasses import replace

from flop_harness.records.transformer import Experts, Transformer
from flop_harness.suite.layer_kinds import Config


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


def gpt1(config: Config) -> Transformer:
    """Norms behind attention and MLP, and so none behind the last layer."""
    return replace(gpt2({**config, "n_inner": None}), final_norm=False)


def ctrl(config: Config) -> Transformer:
    """Positions are waves; the head has a bias."""
    shape = gpt2({**config, "n_inner": config["dff"]})
    return replace(shape, positions="sinusoidal", head_bias=True)


def biogpt(config: Config) -> Transformer:
    """Two rows of the table of positions are no position."""
    width, heads = config["hidden_size"], config["num_attention_heads"]
    return Transformer(
        "", config["num_hidden_layers"], width, heads, heads, width // heads,
        config["intermediate_size"], 2, config["vocab_size"], config["max_position_embeddings"],
        tied=config.get("tie_word_embeddings", True), norm="layer", positions="learned", biases=True,
        spare_positions=2,
    )  # fmt: skip


def opt(config: Config) -> Transformer:
    """ValueError for an embedding that is narrower than the layers (OPT-350M)."""
    if config.get("word_embed_proj_dim", config["hidden_size"]) != config["hidden_size"]:
        raise ValueError(
            "word_embed_proj_dim other than hidden_size: no shape has a projection of it"
        )
    last = config.get("do_layer_norm_before", True) and not config.get("_remove_final_layer_norm")
    affine = config.get("layer_norm_elementwise_affine", True)
    return replace(
        biogpt({**config, "intermediate_size": config["ffn_dim"]}), final_norm=bool(last),
        norm="layer" if affine else "none", biases=bool(config.get("enable_bias", True)),
    )  # fmt: skip


def xglm(config: Config) -> Transformer:
    known = {"hidden_size": config["d_model"], "num_hidden_layers": config["num_layers"],
             "num_attention_heads": config["attention_heads"], "intermediate_size": config["ffn_dim"]}  # fmt: skip
    return replace(biogpt({**config, **known}), positions="sinusoidal", spare_positions=0)
