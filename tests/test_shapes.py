"""Shapes of language models out of files: TOML of one's own, and a model's configuration."""

from __future__ import annotations

import json

import pytest

from flop_harness.conventions.transformers.formula import reference
from flop_harness.conventions.transformers.parameters import count
from flop_harness.errors import UserError
from flop_harness.suite.peaks import known as known_peaks
from flop_harness.suite.shapes import find, load

# ------------------------------------------------------------------------------------- bad shapes

MODEL = """[[model]]
id = "mine"
layers = 2
width = 64
heads = 4
head_size = 16
mlp_width = 256
mlp_matrices = 2
vocabulary = 1000
context = 128
"""


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (MODEL.replace("layers = 2", "layers = 0"), "layers"),
        (MODEL.replace("width = 64\n", ""), "the key 'width' is missing"),
        (MODEL + "kv_heads = 3\n", "4 heads do not share 3 kv_heads evenly"),
        (MODEL + "windw = 3\n", "did you mean 'window'"),
        (MODEL + "window = 3\n", "a window needs windowed layers"),
        (MODEL + "experts = { routed = 2, active = 3, width = 8 }\n", "more are active"),
        (MODEL.replace("mlp_matrices = 2", "mlp_matrices = 4"), "mlp_matrices"),
        (MODEL + MODEL, "given more than once"),
        ("", "model"),
    ],
)
def test_a_shape_that_cannot_be_is_refused_in_one_line(tmp_path, text, complaint):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(UserError) as raised:
        load(path)
    assert str(path) in str(raised.value) and complaint in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_shape_of_ones_own(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(MODEL)
    assert find(str(path)).width == 64 and find(f"{path}:mine").kv_heads == 4
    with pytest.raises(UserError, match="did you mean 'mine'"):
        find(f"{path}:min")


def test_names_as_people_write_them():
    assert find("Llama-3-8B") is find("llama3-8b")
    with pytest.raises(UserError, match="did you mean 'gpt2'"):
        find("gpt-22")
    with pytest.raises(UserError, match="is a place on the net"):
        find("meta-llama/Llama-3.1-8B")


# ----------------------------------------------------------------------------- configuration files

LLAMA = {
    "model_type": "llama", "num_hidden_layers": 32, "hidden_size": 4096, "num_attention_heads": 32,
    "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256,
    "max_position_embeddings": 8192,
}  # fmt: skip
CONFIGS = {
    "llama3-8b": LLAMA,
    "gpt2": {"model_type": "gpt2", "n_layer": 12, "n_embd": 768, "n_head": 12, "n_positions": 1024,
             "vocab_size": 50257},
    "mixtral-8x7b": {**LLAMA, "model_type": "mixtral", "vocab_size": 32000, "num_local_experts": 8,
                     "num_experts_per_tok": 2},
    "qwen3-30b-a3b": {**LLAMA, "model_type": "qwen3_moe", "num_hidden_layers": 48,
                      "hidden_size": 2048, "head_dim": 128, "num_key_value_heads": 4,
                      "vocab_size": 151936, "num_experts": 128, "num_experts_per_tok": 8,
                      "moe_intermediate_size": 768},
    "qwen2.5-7b": {**LLAMA, "model_type": "qwen2", "num_hidden_layers": 28, "hidden_size": 3584,
                   "num_attention_heads": 28, "num_key_value_heads": 4, "intermediate_size": 18944,
                   "vocab_size": 152064, "sliding_window": 131072, "use_sliding_window": False},
    "deepseek-v3": {**LLAMA, "model_type": "deepseek_v3", "num_hidden_layers": 61,
                    "hidden_size": 7168, "num_attention_heads": 128, "num_key_value_heads": 128,
                    "intermediate_size": 18432, "vocab_size": 129280, "n_routed_experts": 256,
                    "num_experts_per_tok": 8, "n_shared_experts": 1, "moe_intermediate_size": 2048,
                    "first_k_dense_replace": 3, "q_lora_rank": 1536, "kv_lora_rank": 512,
                    "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128},
    "gpt-oss-120b": {**LLAMA, "model_type": "gpt_oss", "num_hidden_layers": 36, "hidden_size": 2880,
                     "num_attention_heads": 64, "head_dim": 64, "intermediate_size": 2880,
                     "vocab_size": 201088, "num_local_experts": 128, "num_experts_per_tok": 4,
                     "sliding_window": 128},
    "kimi-k2": {**LLAMA, "model_type": "kimi_k2", "num_hidden_layers": 61, "hidden_size": 7168,
                "num_attention_heads": 64, "num_key_value_heads": 64, "intermediate_size": 18432,
                "vocab_size": 163840, "n_routed_experts": 384, "num_experts_per_tok": 8,
                "n_shared_experts": 1, "moe_intermediate_size": 2048, "first_k_dense_replace": 1,
                "q_lora_rank": 1536, "kv_lora_rank": 512, "qk_nope_head_dim": 128,
                "qk_rope_head_dim": 64, "v_head_dim": 128},
    "bloom-1b7": {"model_type": "bloom", "n_layer": 24, "hidden_size": 2048, "n_head": 16,
                  "vocab_size": 250880},
}  # fmt: skip


@pytest.mark.parametrize("name", CONFIGS)
def test_a_configuration_gives_the_shape(tmp_path, name):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIGS[name]))
    shape = find(str(path))
    assert count(shape) == count(find(name)) and shape.family.startswith(find(name).family[:5])
    assert reference(shape, 256, "training") == reference(find(name), 256, "training")


PUBLISHED = {
    "mpt": (6_649_286_656, {"n_layers": 32, "d_model": 4096, "n_heads": 32, "max_seq_len": 2048,
            "vocab_size": 50432}),
    "gemma": (2_506_172_416, {"num_hidden_layers": 18, "hidden_size": 2048, "num_attention_heads": 8,
              "num_key_value_heads": 1, "head_dim": 256, "intermediate_size": 16384,
              "vocab_size": 256000}),
    "phi3": (3_821_079_552, {"num_hidden_layers": 32, "hidden_size": 3072, "num_key_value_heads": 32,
             "intermediate_size": 8192, "vocab_size": 32064}),
    "starcoder2": (3_030_371_328, {"num_hidden_layers": 30, "hidden_size": 3072,
                   "num_attention_heads": 24, "num_key_value_heads": 2, "intermediate_size": 12288,
                   "vocab_size": 49152}),
    "gemma2": (9_241_705_984, {"num_hidden_layers": 42, "hidden_size": 3584, "head_dim": 256,
               "num_attention_heads": 16, "vocab_size": 256000}),
    "gemma3_text": (999_885_952, {"num_hidden_layers": 26, "hidden_size": 1152, "head_dim": 256,
                    "num_attention_heads": 4, "num_key_value_heads": 1, "intermediate_size": 6912,
                    "vocab_size": 262144}),
    "gptj": (6_050_882_784, {"n_layer": 28, "n_embd": 4096, "n_head": 16, "n_positions": 2048,
             "vocab_size": 50400}),
    "phi": (2_779_683_840, {"hidden_size": 2560, "num_key_value_heads": 32, "intermediate_size": 10240,
            "vocab_size": 51200}),
    "cohere": (34_980_831_232, {"num_hidden_layers": 40, "hidden_size": 8192,
               "num_attention_heads": 64, "num_key_value_heads": 64, "intermediate_size": 22528,
               "vocab_size": 256000}),
    "falcon": (6_921_720_704, {"hidden_size": 4544, "num_attention_heads": 71, "vocab_size": 65024}),
    "olmoe": (6_919_161_856, {"num_hidden_layers": 16, "hidden_size": 2048, "num_attention_heads": 16,
              "num_key_value_heads": 16, "intermediate_size": 1024, "vocab_size": 50304,
              "num_experts": 64, "num_experts_per_tok": 8}),
    "dbrx": (131_596_523_520, {"d_model": 6144, "n_heads": 48, "n_layers": 40, "max_seq_len": 32768,
             "vocab_size": 100352, "attn_config": {"kv_n_heads": 8},
             "ffn_config": {"ffn_hidden_size": 10752, "moe_num_experts": 16, "moe_top_k": 4}}),
    "smollm3": (3_075_098_624, {"num_hidden_layers": 36, "hidden_size": 2048,
                "num_attention_heads": 16, "num_key_value_heads": 4, "intermediate_size": 11008}),
}  # fmt: skip
"""Model type -> (parameters of mpt-7b, gemma-2b, Phi-3-mini-4k, starcoder2-3b, gemma-2-9b, gemma-3-1b,
gpt-j-6b, phi-2, command-r-v01, falcon-7b, OLMoE-1B-7B, DBRX and SmolLM3-3B, keys of their configurations)."""


@pytest.mark.parametrize("kind", PUBLISHED)
def test_a_configuration_gives_the_published_parameters(tmp_path, kind):
    parameters, keys = PUBLISHED[kind]
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**LLAMA, **keys, "model_type": kind}))
    assert count(find(str(path))) == parameters


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "no configuration in JSON"),
        ("[]", "'model_type' is missing"),
        ('{"model_type": "lama"}', "did you mean 'llama'"),
        (
            '{"model_type": "jamba"}',
            "not covered: jamba: its layers, or some of them, are no attention",
        ),
        ('{"model_type": "deepseek_v4"}', "its attention picks the tokens that it meets"),
        ('{"model_type": "llama4_text"}', "its layers attend within chunks"),
        ('{"model_type": "t5", "is_encoder_decoder": true}', "it is an encoder and a decoder"),
        (
            '{"model_type": "gemma3", "text_config": {"model_type": "gemma3_text"}}',
            "put its 'text_config' (gemma3_text) into a file of its own",
        ),
        ('{"model_type": "gpt2", "n_embd": 8, "n_head": 2}', "the key 'n_layer' is missing"),
        ('{"model_type": "gpt2", "n_embd": 8, "n_head": 0, "n_layer": 1}', "a key has a value"),
        (
            '{"model_type": "gpt2", "n_embd": 8, "n_head": 2, "n_layer": -1, "vocab_size": 9,'
            ' "n_positions": 8}',
            "layers of -1",
        ),
        ('{"model_type": "gpt2", "n_embd": "8", "n_head": 2, "n_layer": 1}', "a key has a value"),
    ],
)
def test_a_configuration_that_is_none_is_refused_in_one_line(tmp_path, text, complaint):
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(UserError) as raised:
        find(str(path))
    assert complaint in str(raised.value) and "\n" not in str(raised.value)


def test_a_sparse_peak_is_twice_the_dense():
    peaks = known_peaks()
    pairs = [
        (peaks[name.removesuffix("-sparse")], peak) for name, peak in peaks.items() if peak.sparse
    ]
    assert len(pairs) >= 20
    assert all(1.99 <= sparse.flops / dense.flops <= 2.03 for dense, sparse in pairs)
    assert all(peak.source and peak.bandwidth and peak.memory for peak in peaks.values())
