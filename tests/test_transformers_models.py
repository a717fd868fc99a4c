"""Architectures of transformers: the reference is arithmetic from their configuration."""

from __future__ import annotations

import pytest

from flop_harness.ask.compare import compare_once
from flop_harness.ask.count import count_case
from flop_harness.run.planning import of_models
from flop_harness.suite.files import case_from_model

pytest.importorskip("transformers")
pytestmark = pytest.mark.filterwarnings("ignore")

L, W, M, H, KV, D, V, T = 2, 32, 64, 4, 2, 8, 100, 16
"""Layers, width, width of the MLP, heads, of keys and values, their size, vocabulary, tokens"""
E, K, ME = 4, 2, 24
"""Experts, of which each token meets so many, and their width"""
PLAIN = {"vocab_size": V, "hidden_size": W, "num_hidden_layers": L, "num_attention_heads": H,
         "intermediate_size": M, "max_position_embeddings": 64}  # fmt: skip
GROUPED = {**PLAIN, "num_key_value_heads": KV, "head_dim": D, "pad_token_id": 0}
HEAD = T * W * V

# ------------------------------------------------------------------------------ MACs by part


def projections(kv: int = KV) -> int:
    """Queries and the output by all heads, keys and values by theirs; for one token."""
    return 2 * W * H * D + 2 * W * kv * D


def attention(queries: int = T, keys: int = T, size: int = D) -> int:
    """Both products on the full rectangle."""
    return 2 * H * size * queries * keys


def layers(mlp: int, kv: int = KV, layer: int = 0) -> int:
    return L * (T * (projections(kv) + mlp + layer) + attention())


def gated() -> int:
    return layers(3 * W * M) + HEAD


def gated_alike() -> int:
    """As many heads of keys and values as of queries."""
    return layers(3 * W * M, kv=H) + HEAD


def two_matrices(kv: int = H) -> int:
    return layers(2 * W * M, kv)


def mixture() -> int:
    return layers(W * E + K * 3 * W * ME) + HEAD


def latent() -> int:
    """DeepSeek: low-rank queries, keys and values; a first layer without experts, a shared expert."""
    query, kept, plain, rotary, value = 12, 10, 6, 4, 8
    attended = H * T * T * (plain + rotary + value)
    weights = (
        W * query + query * H * (plain + rotary)
        + W * (kept + rotary) + kept * H * (plain + value) + H * value * W
    )  # fmt: skip
    dense, mixed = 3 * W * M, W * E + K * 3 * W * ME + 3 * W * ME
    return L * (T * weights + attended) + T * (dense + mixed) + HEAD


def pooler() -> int:
    return W * W


def encoder_decoder(source: int, target: int = T) -> int:
    """Layers with two matrices; the decoder's look at the encoder's output too."""
    mlp, square = 2 * W * M, 4 * W * W
    encoder = source * (square + mlp) + attention(source, source)
    crossing = target * 2 * W * W + source * 2 * W * W + attention(target, source)
    decoder = target * (square + mlp) + attention(target, target) + crossing
    return L * (encoder + decoder)


def whisper() -> int:
    """Two convolutions over the bands of a spectrum, the second with a stride of two."""
    bands, positions = 8, 20
    return 3 * bands * W * 2 * positions + 3 * W * W * positions + encoder_decoder(positions)


def image(tokens_beside: int, pooled: int) -> int:
    """32 x 32 pixels in patches of 8 x 8, as a convolution."""
    patches = (32 // 8) ** 2
    length = patches + tokens_beside
    layer = length * (4 * W * W + 2 * W * M) + attention(length, length)
    return patches * 3 * 8 * 8 * W + L * layer + pooled


def clip() -> int:
    """A text and an image, each projected, and the product of the two."""
    size = 24
    return two_matrices() + image(1, 0) + 2 * W * size + size


def mamba() -> int:
    """A depth-wise convolution that is padded on both sides, and a scan that reads its state."""
    inner, state, rank, kernel = 2 * W, 4, 3, 4
    linear = W * 2 * inner + inner * (rank + 2 * state) + rank * inner + inner * W
    convolution = inner * kernel * (T + kernel - 1)
    return L * (T * linear + convolution + T * inner * state)


def albert() -> int:
    """Embeddings of another width, one layer's weights used again and again."""
    return T * 8 * W + two_matrices() + pooler()


IMAGES = {"hidden_size": W, "num_hidden_layers": L, "num_attention_heads": H,
          "intermediate_size": M, "image_size": 32, "patch_size": 8}  # fmt: skip
EXPERTS = {**GROUPED, "num_experts_per_tok": K}
SIDES = {"d_model": W, "encoder_layers": L, "decoder_layers": L, "encoder_attention_heads": H,
         "decoder_attention_heads": H, "encoder_ffn_dim": M, "decoder_ffn_dim": M, "vocab_size": V}  # fmt: skip
GPT = {"vocab_size": V, "n_embd": W, "n_layer": L, "n_head": H, "n_inner": M, "n_positions": 64}

ARCHITECTURES = {
    "LlamaForCausalLM": (GROUPED, gated()),
    "MistralForCausalLM": (GROUPED, gated()),
    "Qwen2ForCausalLM": ({**GROUPED, "head_dim": None}, gated()),
    "Qwen3ForCausalLM": (GROUPED, gated()),
    "GemmaForCausalLM": (GROUPED, gated()),
    "Gemma2ForCausalLM": (GROUPED, gated()),
    "Phi3ForCausalLM": ({**GROUPED, "head_dim": None}, gated()),
    "OlmoForCausalLM": ({**GROUPED, "head_dim": None}, gated()),
    "GraniteForCausalLM": ({**GROUPED, "head_dim": None}, gated()),
    "CohereForCausalLM": (GROUPED, gated()),
    "StableLmForCausalLM": (
        {**PLAIN, "num_key_value_heads": H, "partial_rotary_factor": 0.5}, gated_alike()
    ),
    "Starcoder2ForCausalLM": ({**GROUPED, "head_dim": None}, two_matrices(KV) + HEAD),
    "MixtralForCausalLM": (
        {**EXPERTS, "num_local_experts": E, "intermediate_size": ME}, mixture()
    ),
    "Qwen3MoeForCausalLM": (
        {**EXPERTS, "num_experts": E, "moe_intermediate_size": ME}, mixture()
    ),
    "DeepseekV3ForCausalLM": (
        {**PLAIN, "num_key_value_heads": H, "moe_intermediate_size": ME, "n_routed_experts": E,
         "num_experts_per_tok": K, "n_shared_experts": 1, "first_k_dense_replace": 1, "n_group": 1,
         "topk_group": 1, "q_lora_rank": 12, "kv_lora_rank": 10, "qk_nope_head_dim": 6,
         "qk_rope_head_dim": 4, "v_head_dim": 8}, latent()
    ),
    "GPT2LMHeadModel": (GPT, two_matrices() + HEAD),
    "GPTNeoXForCausalLM": (PLAIN, two_matrices() + HEAD),
    "GPTJForCausalLM": ({**GPT, "rotary_dim": 4}, two_matrices() + HEAD),
    "OPTForCausalLM": (
        {**PLAIN, "ffn_dim": M, "word_embed_proj_dim": W}, two_matrices() + HEAD
    ),
    "BertModel": (PLAIN, two_matrices() + pooler()),
    "RobertaModel": (PLAIN, two_matrices() + pooler()),
    "ElectraModel": ({**PLAIN, "embedding_size": W}, two_matrices()),
    "AlbertModel": ({**PLAIN, "embedding_size": 8}, albert()),
    "DistilBertModel": (
        {"vocab_size": V, "dim": W, "n_layers": L, "n_heads": H, "hidden_dim": M}, two_matrices()
    ),
    "BartModel": (SIDES, encoder_decoder(T)),
    "T5Model": (
        {"vocab_size": V, "d_model": W, "d_kv": D, "d_ff": M, "num_layers": L, "num_heads": H},
        encoder_decoder(T),
    ),
    "WhisperModel": (
        {**SIDES, "num_mel_bins": 8, "max_source_positions": 20, "pad_token_id": 0}, whisper()
    ),
    "ViTModel": (IMAGES, image(1, pooler())),
    "DeiTModel": (IMAGES, image(2, pooler())),
    "CLIPModel": (
        {"text_config": PLAIN, "vision_config": IMAGES, "projection_dim": 24}, clip()
    ),
    "MambaModel": (
        {"vocab_size": V, "hidden_size": W, "num_hidden_layers": L, "state_size": 4,
         "time_step_rank": 3, "conv_kernel": 4, "expand": 2}, mamba()
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_reference_is_arithmetic_from_the_configuration(name):
    config, expected = ARCHITECTURES[name]
    config = {key: value for key, value in config.items() if value is not None}
    kwargs = {"config": config, "length": T}
    count = count_case(case_from_model(f"transformers:{name}", [], kwargs=kwargs))
    assert not count.unsupported
    assert count.total == expected


def test_on_meta_a_mask_that_hides_nothing_is_left_out():
    """The models look into it, which nobody can there; the mode of torch counts all the same."""
    kwargs = {"config": GROUPED, "length": T}
    case = case_from_model("transformers:LlamaForCausalLM", [], mode="train", kwargs=kwargs)
    run = compare_once(of_models([case]), counters=("torch",), device="cpu", training=True)
    (on_meta,) = (each for each in run.readings if each.context.device == "meta")
    assert (on_meta.status, on_meta.value) == ("ok", 2 * 3 * gated())
    assert not any(bridge.residual for bridge in run.bridges)
