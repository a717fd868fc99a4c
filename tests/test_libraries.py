"""Models of libraries that people use, small: nothing is executed, all that multiplies is counted."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from flop_harness.conventions.products import unsupported
from flop_harness.conventions.reference import parameters, reference
from flop_harness.trace.attempts import recorded

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

IMAGE, TOKENS, WIDTH = (1, 3, 64, 64), 16, 32
VOCABULARY = 100
SMALL = {
    "vocab_size": VOCABULARY, "hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": 4,
    "intermediate_size": 2 * WIDTH,
}  # fmt: skip


def image() -> torch.Tensor:
    return torch.rand(*IMAGE)


def tokens() -> torch.Tensor:
    return torch.ones(1, TOKENS, dtype=torch.int64)


def timm(name: str, **options):
    return pytest.importorskip("timm").create_model(name, **options), (image(),), {}


def transformers(kind: str, given: dict | None = None, **options):
    """A model by the name of its config, with the mask that every tokenizer gives."""
    library = pytest.importorskip("transformers")
    config = library.AutoConfig.for_model(kind, **{**SMALL, **options})
    model = library.AutoModel.from_config(config)
    return model, (), given or {"input_ids": tokens(), "attention_mask": torch.ones_like(tokens())}


def diffusers():
    library = pytest.importorskip("diffusers")
    model = library.UNet2DConditionModel(
        sample_size=8, block_out_channels=(32, 64), layers_per_block=1, cross_attention_dim=WIDTH,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"), attention_head_dim=8,
    )  # fmt: skip
    return model, (torch.rand(1, 4, 8, 8), 1, torch.rand(1, TOKENS, WIDTH)), {}


def autoencoder():
    library = pytest.importorskip("diffusers")
    return library.AutoencoderKL(norm_num_groups=32, block_out_channels=(32,)), (image(),), {}


def open_clip():
    library = pytest.importorskip("open_clip")
    vision = {"image_size": 64, "layers": 2, "width": WIDTH, "head_width": 8, "patch_size": 16}
    text = {
        "context_length": TOKENS,
        "vocab_size": VOCABULARY,
        "width": WIDTH,
        "heads": 4,
        "layers": 2,
    }
    return library.CLIP(WIDTH, vision, text), (image(), tokens()), {}


def segmentation(name: str):
    library = pytest.importorskip("segmentation_models_pytorch")
    return getattr(library, name)("resnet18", encoder_weights=None), (image(),), {}


def peft():
    library = pytest.importorskip("peft")
    model, args, kwargs = transformers("llama", num_key_value_heads=2)
    adapted = library.LoraConfig(r=4, target_modules=["q_proj", "v_proj"])
    return library.get_peft_model(model, adapted), args, kwargs


def x_transformers():
    library = pytest.importorskip("x_transformers")
    layers = library.Decoder(dim=WIDTH, depth=2, heads=4, attn_flash=True, rotary_pos_emb=True)
    model = library.TransformerWrapper(
        num_tokens=VOCABULARY, max_seq_len=TOKENS, attn_layers=layers
    )
    return model, (tokens(),), {}


MODELS: dict[str, Callable] = {
    **{name: lambda name=name: timm(name) for name in (
        "resnet18", "mobilenetv3_small_050", "efficientnet_b0", "regnetx_002", "convnext_atto",
        "ghostnet_050", "mixnet_s", "edgenext_xx_small", "mobilevit_xxs", "hrnet_w18_small",
    )},
    **{name: lambda name=name: timm(name, img_size=64) for name in (
        "vit_tiny_patch16_224", "deit_tiny_patch16_224", "mixer_s32_224", "xcit_nano_12_p16_224",
    )},
    **{name: lambda name=name: transformers(name) for name in (
        "bert", "roberta", "albert", "electra", "gpt_neox", "opt", "mpt", "phi", "mamba",
    )},
    "distilbert": lambda: transformers("distilbert", dim=WIDTH, n_heads=4, n_layers=2),
    "gpt2": lambda: transformers("gpt2", n_embd=WIDTH, n_head=4, n_layer=2),
    "llama": lambda: transformers("llama", num_key_value_heads=2),
    "qwen2": lambda: transformers("qwen2", num_key_value_heads=2),
    "mistral": lambda: transformers("mistral", num_key_value_heads=2),
    "gemma": lambda: transformers("gemma", num_key_value_heads=2, head_dim=8),
    "mixtral": lambda: transformers("mixtral", num_key_value_heads=2, num_local_experts=4),
    "t5": lambda: transformers(
        "t5", {"input_ids": tokens(), "decoder_input_ids": tokens()},
        d_model=WIDTH, num_layers=2, num_heads=4, d_kv=8, d_ff=64,
    ),
    "vit": lambda: transformers("vit", {"pixel_values": image()}, image_size=64),
    "swin": lambda: transformers(
        "swin", {"pixel_values": image()}, image_size=64, embed_dim=16, depths=(1, 1),
        num_heads=(2, 4), window_size=4, num_hidden_layers=2, num_attention_heads=(2, 4),
    ),
    "unet": diffusers,
    "autoencoder": autoencoder,
    "open_clip": open_clip,
    **{name: lambda name=name: segmentation(name) for name in (
        "Unet", "FPN", "DeepLabV3Plus", "PSPNet", "Linknet", "MAnet",
    )},
    "lora": peft,
    "x_transformers": x_transformers,
}  # fmt: skip


UNSEEN = {
    # two layers of fused attention, which the model asks for itself, of 4 heads of 64; and the
    # outer product of 16 positions and 16 frequencies, which is no matrix product
    "x_transformers": 2 * 2 * 4 * TOKENS * TOKENS * 64 + TOKENS * 16,
}
"""MACs that FlopCounterMode does not see."""


@pytest.mark.parametrize("name", MODELS)
def test_a_model_of_a_library_is_counted_without_execution(name):
    """As FlopCounterMode counts a pass for real, by 2 FLOPs for each MAC."""
    model, args, kwargs = MODELS[name]()
    trace = recorded(lambda: (model.eval(), args, kwargs))
    assert not trace.executed and not unsupported(trace)
    assert parameters(trace).total == sum(p.numel() for p in model.parameters())
    seen = reference(trace).total - UNSEEN.get(name, 0)
    assert 2 * seen == flops_for_real(model, args, kwargs)


def flops_for_real(model, args: tuple, kwargs: dict) -> int:
    """With the attention that FlopCounterMode sees on the CPU, and the experts that it lacks."""
    lacking = {torch.ops.aten._grouped_mm: experts}
    with (
        FlopCounterMode(display=False, custom_mapping=lacking) as counter,
        sdpa_kernel(SDPBackend.MATH),
    ):
        model(*args, **kwargs)
    return counter.get_total_flops()


def experts(tokens: torch.Size, weights: torch.Size, *args, out_shape=None, **kwargs) -> int:
    """Each token (S, K) by the matrix (K, N) of its expert."""
    return 2 * prod(tokens) * weights[-1]
