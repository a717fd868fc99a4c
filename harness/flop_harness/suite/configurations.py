"""Shapes out of a model's ``config.json``, as Hugging Face's libraries write it."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from flop_harness.errors import UserError, suggest
from flop_harness.records.transformer import Transformer
from flop_harness.suite.model_types import READERS

SIZES = ("layers", "width", "heads", "kv_heads", "head_size", "mlp_width", "vocabulary", "context")
FAMILIES = {"qwen3_moe": "qwen3-moe", "deepseek_v2": "deepseek-v2", "deepseek_v3": "deepseek-v3",
            "gpt_neox": "gpt-neox", "gpt_oss": "gpt-oss", "gemma3_text": "gemma3", "kimi_k2": "deepseek-v3"}  # fmt: skip


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
        raise UserError(f"{path}: {unknown(kind, config, path)}")
    shape = described(kind, config, str(path))
    check_sizes(shape, path)
    return replace(shape, id=path.stem if path.stem != "config" else kind,
                   family=FAMILIES.get(kind, kind), source=str(path))  # fmt: skip


def described(kind: str, config: dict[str, Any], where: str) -> Transformer:
    """The shape that a configuration of a known type describes."""
    try:
        return READERS[kind](config)
    except KeyError as error:
        raise UserError(f"{where}: the key {error} is missing") from error
    except (TypeError, ValueError, AttributeError, ZeroDivisionError) as error:
        raise UserError(f"{where}: a key has a value that no {kind} can have: {error}") from error


WINDOWS = ("sliding_window", "attention_window", "local_window_size", "window_size", "attention_chunk_size")  # fmt: skip
"""Keys under which configurations tell how many positions some layers see"""


def with_windows(shape: Transformer, config: dict[str, Any], length: int) -> Transformer:
    """A shape that was read off a trace, which shows no windows, with those of the model's configuration.

    UserError where there are some and the type is not known: which layers have them is not told.
    """
    kind = config.get("model_type")
    if kind in READERS:
        told = described(kind, config, kind)
        return replace(shape, window=told.window, windowed=told.windowed)
    for key in WINDOWS:
        seen = config.get(key)
        layers = config.get("layer_types") or ["sliding_attention"]
        if (isinstance(seen, int) and 0 < seen < length and config.get("use_sliding_window", True)
                and not {"full_attention"}.issuperset(layers)):  # fmt: skip
            raise UserError(f"no formula covers {shape.id}: its configuration says {key} = {seen:,}, and"
                            " in which layers a trace does not show: name a .toml with its shape")  # fmt: skip
    return shape


def check_sizes(shape: Transformer, path: Path) -> None:
    """UserError for a size that is no whole number, or none that a model has."""
    sizes = [(name, getattr(shape, name), 1) for name in SIZES]
    for part in (shape.experts, shape.latent):
        sizes += [(name, value, 0) for name, value in asdict(part).items()] if part else []
    for name, size, least in sizes:
        whole = isinstance(size, int) and (
            not isinstance(size, bool) or name in ("shared_gate", "score_bias")
        )
        if not whole or not least <= size <= 10**9:
            raise UserError(f"{path}: {name.replace('_', ' ')} of {size!r}: no size of a model")


RECURRENT = "its layers, or some of them, are no attention: they keep a state (Mamba and its kin)"
INDEXED = "its attention picks the tokens that it meets"
OTHER_LAYERS = {
    **dict.fromkeys(
        ("mamba", "mamba2", "falcon_mamba", "rwkv", "xlstm", "jamba", "bamba", "nemotron_h",
         "falcon_h1", "granitemoehybrid", "zamba", "zamba2", "recurrent_gemma", "lfm2", "lfm2_moe",
         "minimax", "kimi_linear", "qwen3_next", "qwen3_5_text", "qwen3_5_moe_text", "olmo_hybrid",
         "bailing_hybrid", "lara_mini", "lfm3"), RECURRENT),
    **dict.fromkeys(("deepseek_v32", "deepseek_v4", "glm_moe_dsa", "axk2"), INDEXED),
    **dict.fromkeys(("minimax_m3_vl_text", "qwen4_exp_text", "dots3_note_text", "hy_v4"), INDEXED),
    **dict.fromkeys(
        ("bert", "bert-generation", "big_bird", "camembert", "data2vec-text", "electra", "ernie",
         "megatron-bert", "rembert", "roberta", "roberta-prelayernorm", "roc_bert", "roformer",
         "xlm-roberta", "xlm-roberta-xl", "xmod", "modernbert-decoder"),
        "its head or its embedding has layers of its own, as BERT's"),
    **dict.fromkeys(("gemma3n_text", "gemma4_text", "gemma4_unified_text"),
                    "its layers have embeddings of their own, and some share keys and values"),
    **dict.fromkeys(("inkling_text", "inkling2_text", "inkling2_loop_text", "zaya"),
                    "convolutions run along its queries and keys"),
    "llama4_text": "its layers attend within chunks", "hrm_text": "its layers run several times",
    "reformer": "its attention picks the tokens that it meets",
    "mimo_v2_flash": "its layers have several numbers of heads",
    "longcat_flash": "its layers attend twice", "jetmoe": "its attention is made of experts",
    "diffllama": "its attention is the difference of two", "doge": "its attention makes masks of its own",
    "axk1": "a norm stands behind its experts alone",
    "gpt_neox_japanese": "its last layer alone has a bias", "cpmant": "its positions are relative, in buckets",
    "xlnet": "its positions are relative, with biases of their own", "blt": "it puts bytes together in patches",
}  # fmt: skip
"""Model type -> why no shape describes it, and so no formula covers it."""


def unknown(kind: str, config: dict[str, Any], path: Path) -> str:
    """Why a configuration of a type without a reader has no shape, and what to do."""
    part = config.get("text_config")
    if isinstance(part, dict):
        inner = part.get("model_type") or "text"
        return (f"a {kind} has several parts, and formulas are about one: put its 'text_config'"
                f" ({inner}) into a file of its own")  # fmt: skip
    reason = OTHER_LAYERS.get(kind)
    if config.get("is_encoder_decoder"):
        reason = "it is an encoder and a decoder"
    if reason:
        return f"not covered: {kind}: {reason}; count transformers:{path} counts what runs"
    return (f"no shape for model_type {kind!r}{suggest(kind, READERS)}; transformers:{path} builds"
            " a model of any type and traces it")  # fmt: skip
