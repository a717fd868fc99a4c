"""What a configuration says of a decoder's shape, by its model type: one reader for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from flop_harness.records.transformer import LatentAttention, Transformer
from flop_harness.suite.gpt_types import (
    biogpt,
    bloom,
    ctrl,
    dbrx,
    falcon,
    gpt1,
    gpt2,
    gpt_bigcode,
    gpt_neo,
    gpt_neox,
    gptj,
    mpt,
    opt,
    xglm,
)
from flop_harness.suite.layer_kinds import (
    Config,
    Windows,
    all_but,
    all_but_first_of_four,
    all_but_first_two_and_fourths,
    earlier_of_two,
    every,
    every_fourth,
    experts,
    if_used,
    later,
    listed,
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


# ----------------------------------------------------------------------- further gates and experts


def scored(shape: Transformer, **known: Any) -> Transformer:
    """With a parameter for each expert's score."""
    assert shape.experts is not None
    return replace(shape, experts=replace(shape.experts, score_bias=True), **known)


def ernie4_5_moe(config: Config) -> Transformer:
    """Experts from one layer to another; biases of all but these."""
    config = {"moe_layer_start_index": 1, **config}
    shape = gated(config, tied=True, qkv="use_bias", output="use_bias", mlp="use_bias")
    return scored(shape, head_bias=bool(config.get("use_bias")))


def afmoe(config: Config) -> Transformer:
    """A gate for each element that attention gives."""
    windows = all_but(4, "global_attn_every_n_layers")
    shape = gated(config, windows, head_norms=True, layer_norms=4)
    return scored(shape, attention_gate=shape.query_width)


def laguna(config: Config) -> Transformer:
    """A gate for each head, or for each element. ValueError for layers of several numbers of heads."""
    if len(set(config.get("num_attention_heads_per_layer") or ())) > 1:
        raise ValueError("num_attention_heads_per_layer: its layers have several numbers of heads")
    config = {"mlp_only_layers": [0], **config}
    shape = gated(config, listed, head_norms=True)
    each_head = config.get("gating", True) in (True, "per-head")
    return scored(shape, attention_gate=shape.heads if each_head else shape.query_width)


def hunyuan_v1_moe(config: Config) -> Transformer:
    """An MLP that all tokens share beside the experts. ValueError where these differ from layer to layer."""
    one = {key: one_of(config[key]) for key in ("num_experts", "moe_topk")}
    shared = {"shared_intermediate_size": config["intermediate_size"]}
    return gated({**config, **one, **shared}, head_norms=True)


def one_of(values: Any) -> Any:
    each = set(values) if isinstance(values, list) else {values}
    if len(each) > 1:
        raise ValueError("its layers have several numbers of experts")
    return each.pop()


def cohere2_moe(config: Config) -> Transformer:
    """The first layers, without experts, have windows and an MLP of their own."""
    first = config.get("first_k_dense_replace") or 0

    def windows(config: Config, layers: int) -> int:
        early = first - first // config.get("prefix_dense_sliding_window_pattern", 1)
        return early + all_but(4)(config, layers - first)

    shape = cohere(config, windows)
    wide = config.get("prefix_dense_intermediate_size") or config["intermediate_size"]
    return replace(shape, mlp_width=wide)


def flint(config: Config) -> Transformer:
    config = {"mlp_only_layers": [0, 1], **config}
    return gated(config, all_but_first_two_and_fourths, head_norms=True, sinks=True)


def hyperclovax(config: Config) -> Transformer:
    return gated(config, layer_norms=4 if config.get("use_post_norm", True) else 2)


def jais2(config: Config) -> Transformer:
    config = {"attention_bias": True, "mlp_bias": True, **config}
    return gated(config, mlp_matrices=2, norm="layer")


def apertus(config: Config) -> Transformer:
    """An activation with two parameters. ValueError for a head of another vocabulary."""
    if config.get("output_vocab_size") not in (None, config["vocab_size"]):
        raise ValueError("output_vocab_size: no shape has two vocabularies")
    return gated(config, mlp_matrices=2, head_norms=True, activation_parameters=2)


# ------------------------------------------------------------------------------------- all types

qwen3 = partial(gated, windows=if_used(later), head_norms=True)
wide = partial(gated, wide_norms=True)
gemma = partial(gated, tied=True)
gemma2 = partial(gemma, layer_norms=4)
swa = partial(gated, windows=all_but_first_of_four, sinks=True)

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
    "ernie4_5_moe": ernie4_5_moe, "afmoe": afmoe, "laguna": laguna, "hunyuan_v1_moe": hunyuan_v1_moe,
    "cohere2_moe": cohere2_moe, "cohere_compass_text": partial(cohere, windows=listed),
    "granitemoe_swa": swa, "granite_swa": partial(swa, tied=True),
    "flint": flint, "kolibri1": partial(gated, windows=all_but(5), head_norms=True, layer_norms=4),
    "mellum": partial(gated, windows=listed, head_norms=True), "hyperclovax": hyperclovax, "jais2": jais2,
    **dict.fromkeys(("exaone", "internlm3", "iquestcoder"), gated), "minicpm3": partial(latent, tied=True),
    "sarvam_mla": latent, "sarvam_moe": glm4_moe, "apertus": apertus, "apertus1p5_text": apertus,
    "bitnet": partial(gated, sub_norms=True), "opt": opt, "biogpt": biogpt, "xglm": xglm,
    "openai-gpt": gpt1, "ctrl": ctrl,
    "gpt2": gpt2, "gpt-sw3": gpt2, "gpt_bigcode": gpt_bigcode, "gptj": gptj, "codegen": gptj,
    "gpt_neo": gpt_neo, "gpt_neox": gpt_neox, "falcon": falcon, "bloom": bloom, "mpt": mpt,
}  # fmt: skip
