"""Libraries whose models are built from a configuration: what a reference stands for, and what is made."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace

import pytest

from commands import typed
from flop_harness.ask.count import count_case
from flop_harness.ask.formulas import shape_of, traced
from flop_harness.conventions.transformers.parameters import count as parameters
from flop_harness.errors import UserError
from flop_harness.suite.build import build
from flop_harness.suite.files import case_from_model
from flop_harness.suite.providers.transformers import classes_of

pytestmark = pytest.mark.filterwarnings("ignore")

SMALL = {"vocab_size": 100, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
         "intermediate_size": 64, "max_position_embeddings": 64}  # fmt: skip
LAYERS, WIDTH, WIDER, LENGTH = 2, 32, 64, 16


def counted(reference: str, shapes: tuple[str, ...] = (), folder: str = "", **kwargs):
    return count_case(case_from_model(reference, list(shapes), kwargs=kwargs), folder=folder)


def refusal(reference: str, *shapes: str, **kwargs) -> str:
    with pytest.raises(UserError) as caught:
        counted(reference, shapes, **kwargs)
    return str(caught.value)


@pytest.fixture(autouse=True)
def library():
    return pytest.importorskip("transformers")


def llama(length: int, past: int = 0, attended: int | None = None) -> int:
    """MACs of a gated decoder without head: products of the layers, both of attention."""
    linear = 4 * WIDTH * WIDTH + 3 * WIDTH * WIDER
    attention = 2 * WIDTH * (length + past if attended is None else attended)
    return LAYERS * length * (linear + attention)


def test_a_class_with_a_configuration():
    count = counted("transformers:LlamaModel", config=SMALL, length=LENGTH)
    assert count.total == llama(LENGTH)
    assert count.inputs == f"1x{LENGTH} + 1x{LENGTH}"


HEAD = 100 * WIDTH
CHOSEN = {
    "LlamaModel": (["LlamaModel"], llama(LENGTH)),
    "LlamaForCausalLM": (None, llama(LENGTH) + LENGTH * HEAD),
    "LlamaForTokenClassification": (
        ["LlamaForTokenClassification"],
        llama(LENGTH) + LENGTH * 2 * WIDTH,
    ),
}
"""Class -> (what a file names, MACs): the file's own choice, else the one that has logits."""


@pytest.mark.parametrize("name", CHOSEN)
def test_a_configuration_in_a_file(tmp_path, recwarn, monkeypatch, name):
    monkeypatch.setattr("flop_harness.errors.TOLD", set())
    architectures, products = CHOSEN[name]
    found = {**SMALL, "model_type": "llama", "architectures": architectures}
    (tmp_path / "config.json").write_text(json.dumps(found))
    told = counted("transformers:config.json", folder=str(tmp_path), length=LENGTH)
    named = counted(
        f"transformers:{name}", folder=str(tmp_path), config="config.json", length=LENGTH
    )
    assert told.total == named.total == products
    said = "config.json names no architecture: LlamaForCausalLM is built of it"
    assert (said in [str(each.message) for each in recwarn]) == (architectures is None)


@pytest.mark.parametrize(
    ("kind", "name"),
    [("bert", "BertModel"), ("t5", "T5Model"), ("vit", "ViTModel"), ("gpt2", "GPT2LMHeadModel"),
     ("qwen3_moe", "Qwen3MoeForCausalLM"), ("mamba", "MambaForCausalLM")],
)  # fmt: skip
def test_a_type_is_built_as_what_it_is_for(kind, name):
    assert classes_of(kind)[0] == name


def test_formulas_of_a_configuration_without_an_architecture_find_its_logits(tmp_path, monkeypatch):
    (tmp_path / "config.json").write_text(json.dumps({**SMALL, "model_type": "llama"}))
    monkeypatch.chdir(tmp_path)
    shape, length, _ = traced("transformers:config.json", LENGTH)
    assert (shape.vocabulary, shape.layers, length) == (100, LAYERS, LENGTH)


@pytest.mark.parametrize(
    ("name", "changed", "more"),
    [
        ("Olmo2ForCausalLM", {}, LAYERS * 2 * WIDTH),  # norms of all queries, of all keys
        ("LlamaForCausalLM", {"attention_bias": True}, LAYERS * 4 * WIDTH),
        ("LlamaForCausalLM", {"mlp_bias": True}, LAYERS * (2 * WIDER + WIDTH)),
        ("Qwen3ForCausalLM", {"head_dim": 8, "num_key_value_heads": 4}, LAYERS * 2 * 8),
    ],
)
def test_a_trace_tells_norms_of_heads_and_biases(name, changed, more):
    shape, _, _ = traced(
        f"transformers:{name}", LENGTH, kwargs={"config": {**SMALL, **changed}, "length": LENGTH}
    )
    plain = LAYERS * (4 * WIDTH**2 + 3 * WIDTH * WIDER + 2 * WIDTH) + WIDTH + 2 * 100 * WIDTH
    assert parameters(shape) == plain + more


def test_a_mixture_that_no_trace_tells_is_read_from_its_file(tmp_path, monkeypatch):
    mixture = {**SMALL, "model_type": "deepseek_v2", "n_routed_experts": 4, "num_experts_per_tok": 2,
               "q_lora_rank": 8, "kv_lora_rank": 8, "qk_nope_head_dim": 4, "qk_rope_head_dim": 4,
               "v_head_dim": 8, "moe_intermediate_size": 8, "first_k_dense_replace": 1}  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(mixture))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"; config\.json alone is read as a shape$"):
        traced("transformers:config.json", LENGTH)
    assert shape_of("config.json", LENGTH)[0].experts.routed == 4


@pytest.mark.parametrize("cache", ["dynamic", "static", "fp8"])
def test_a_step_of_decoding(cache):
    """One token against what the cache holds, itself included; what is quantised is no product."""
    count = counted("transformers:LlamaModel", config=SMALL, cache=cache, past=24)
    assert count.total == llama(1, attended=25)


@pytest.mark.parametrize("cache", ["dynamic", "static"])
def test_a_step_that_verifies_several_tokens(cache):
    """Each of five meets the 24 before them and, on the square, all five."""
    count = counted("transformers:LlamaModel", config=SMALL, cache=cache, past=24, length=5)
    assert count.total == llama(5, attended=29)


def test_a_step_of_a_decoder_beside_an_encoder():
    """Its own token meets the 24 before it and itself, and the encoder's 40, whose keys are made already."""
    config = {
        "d_model": 32,
        "d_kv": 8,
        "num_heads": 4,
        "d_ff": 48,
        "num_layers": 2,
        "vocab_size": 100,
    }
    count = counted("transformers:T5ForConditionalGeneration", config=config, past=24, length=40)
    own = 4 * 32 * 32 + 2 * 32 * 25
    beside = 2 * 32 * 32 + 2 * 32 * 40
    assert count.total == 2 * (own + beside + 2 * 32 * 48) + 32 * 100


def test_a_cache_beside_an_encoder_is_dynamic():
    with pytest.raises(UserError, match="beside an encoder the cache is dynamic"):
        counted("transformers:T5Model", cache="static", past=24)


BACKENDS = {"quanto": "optimum.quanto", "hqq": "hqq"}
"""Kind of a quantised cache -> the package that it needs"""


@pytest.mark.parametrize("kind", BACKENDS)
def test_a_quantised_cache_is_read_back_before_it_is_attended_to(kind):
    """Groups of 64 elements: as many as a head of the values has."""
    pytest.importorskip(BACKENDS[kind])
    config = {**SMALL, "hidden_size": 256, "head_dim": 64, "intermediate_size": 8}
    told = [counted("transformers:LlamaModel", config=config, cache=each, past=24).total
            for each in (kind, "dynamic")]  # fmt: skip
    assert told[0] == told[1]


@pytest.mark.parametrize("kind", BACKENDS)
def test_a_quantised_cache_without_its_package_is_one_line(kind, monkeypatch):
    available = {"quanto": "is_optimum_quanto_available", "hqq": "is_hqq_available"}
    monkeypatch.setattr(f"transformers.cache_utils.{available[kind]}", lambda: False)
    with pytest.raises(UserError) as raised:
        counted("transformers:LlamaModel", config=SMALL, cache=kind, past=24)
    assert f"kwargs.cache: '{kind}': You need to install" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_step_of_decoding_meets_two_experts_of_four():
    config = {**SMALL, "num_key_value_heads": 4, "num_local_experts": 4, "num_experts_per_tok": 2}
    count = counted("transformers:MixtralModel", config=config, cache="dynamic", past=24)
    experts = WIDTH * 4 + 2 * 3 * WIDTH * WIDER
    assert count.total == LAYERS * (4 * WIDTH * WIDTH + experts + 2 * WIDTH * 25)


def test_a_sliding_window_bounds_what_a_step_attends_to():
    """The window's last position is the token itself."""
    config = {**SMALL, "sliding_window": 8, "num_key_value_heads": 4}
    count = counted("transformers:MistralModel", config=config, cache="dynamic", past=24)
    assert count.total == llama(1, attended=8)


def test_a_model_of_405_billion_parameters_takes_no_memory():
    config = {"hidden_size": 16384, "intermediate_size": 53248, "num_hidden_layers": 126,
              "num_attention_heads": 128, "num_key_value_heads": 8, "vocab_size": 128256}  # fmt: skip
    count = counted("transformers:LlamaForCausalLM", config=config, length=2)
    width, wider, layers, words = 16384, 53248, 126, 128256
    layer = 2 * width**2 + 2 * width * 8 * 128 + 3 * width * wider + 2 * width
    assert count.params == layers * layer + width + 2 * words * width


@pytest.mark.parametrize(
    ("reference", "kwargs", "expected"),
    [
        ("transformers:BertModl", {}, "transformers has no model 'BertModl' (did you mean 'BertModel'?)"),
        ("transformers:meta-llama/Llama-3-8B", {}, "is a place on the net, and nothing is downloaded"),
        ("transformers:BertConfig", {}, "transformers has no model 'BertConfig'"),
        ("transformers:BertModel", {"config": {"hiden_size": 8}},
         "kwargs.config: BertConfig has no key 'hiden_size' (did you mean 'hidden_size'?)"),
        ("transformers:BertModel", {"lenght": 8},
         "kwargs.lenght: no option of a model (did you mean 'length'?)"),
        ("transformers:LlamaModel", {"config": SMALL, "cache": "rolling", "past": 4},
         "kwargs.cache: 'rolling' is none of dynamic, static, fp8, quanto, hqq"),
        ("transformers:MistralModel", {"config": {**SMALL, "sliding_window": 8}, "cache": "fp8", "past": 4},
         "kwargs.cache: 'fp8': `QuantizedCache` is only supported for models with only full attention"),
        ("transformers:LlamaModel", {"config": SMALL, "cache": "static"},
         "kwargs.past: how many tokens the cache holds, at least 1"),
        ("transformers:LlamaModel", {"config": SMALL, "length": 65},
         "LlamaModel has 64 positions: a length of 65 is beyond them"),
        ("transformers:absent.json", {}, "no file 'absent.json'"),
    ],
)  # fmt: skip
def test_what_is_refused(reference, kwargs, expected):
    assert expected in refusal(reference, **kwargs)


@pytest.mark.parametrize(
    ("name", "package"), [("DinatModel", "natten"), ("LayoutLMv2Model", "detectron2")]
)
def test_a_type_whose_package_is_missing_is_one_line_and_exit_2(name, package):
    if importlib.util.find_spec(package):
        pytest.skip(f"{package} is installed")
    ended = typed("count", f"transformers:{name}")
    assert ended.code == 2 and ended.out == ""
    assert package in ended.err and len(ended.err.strip().splitlines()) == 1


def test_a_length_beyond_the_positions_of_given_inputs():
    assert "BertModel has 64 positions: a length of 65 is beyond them" in refusal(
        "transformers:BertModel", "input_ids=1x65:int64", config=SMALL
    )


def test_segmentation_models():
    pytest.importorskip("segmentation_models_pytorch")
    assert counted("segmentation_models_pytorch:Unet", encoder_name="resnet18").params > 11_000_000
    assert "did you mean 'Unet'?" in refusal("segmentation_models_pytorch:Unt")


def test_open_clip():
    pytest.importorskip("open_clip")
    assert "did you mean 'ViT-B-32'?" in refusal("open_clip:ViT-B-33")
    assert counted("open_clip:ViT-B-32").inputs == "1x3x224x224 + 1x77"


def test_diffusers():
    pytest.importorskip("diffusers")
    assert "did you mean 'UNet2DModel'?" in refusal("diffusers:Unet2DModell")
    small = {"sample_size": 8, "block_out_channels": [32], "layers_per_block": 1,
             "down_block_types": ["DownBlock2D"], "up_block_types": ["UpBlock2D"]}  # fmt: skip
    assert counted("diffusers:UNet2DModel", **small).inputs == "1x3x8x8 + 1"


def made(name: str, length: int = LENGTH, **config):
    """The inputs of a model on meta, by name."""
    case = case_from_model(f"transformers:{name}", [], kwargs={"config": config, "length": length})
    return {key: tuple(each.shape) for key, each in build(case, device="meta").kwargs.items()}


def test_series_look_back_by_the_largest_lag():
    shapes = made("AutoformerModel", prediction_length=8, context_length=20, lags_sequence=[1, 5],
                  num_time_features=2)  # fmt: skip
    assert shapes["past_values"] == shapes["past_observed_mask"] == (1, 20 + 5)
    assert shapes["past_time_features"] == (1, 20 + 5, 2)
    assert (shapes["future_values"], shapes["future_time_features"]) == ((1, 8), (1, 8, 2))


def test_actions_are_as_wide_as_the_configuration_says():
    shapes = made("DecisionTransformerModel", state_dim=7, act_dim=3)
    assert shapes["states"] == (1, LENGTH, 7)
    assert shapes["actions"] == (1, LENGTH, 3)
    assert shapes["rewards"] == shapes["returns_to_go"] == (1, LENGTH, 1)


def test_a_codec_takes_channels_and_a_recogniser_samples():
    assert made("MimiModel", num_hidden_layers=1)["input_values"] == (1, 1, 16_000)
    assert made("Wav2Vec2Model", num_hidden_layers=1)["input_values"] == (1, 16_000)


def test_a_video_has_an_axis_of_frames():
    shapes = made("TimesformerModel", num_hidden_layers=1, num_frames=4, image_size=64)
    assert shapes["pixel_values"] == (1, 4, 3, 64, 64)


def test_a_video_is_as_large_as_it_was_cropped():
    shapes = made("VJEPA2Model", num_hidden_layers=1, frames_per_clip=8, crop_size=64)
    assert shapes["pixel_values_videos"] == (1, 8, 3, 64, 64)


def test_a_robot_sees_one_image_and_chooses_among_acts():
    width = 24
    dit = {"model_type": "gemma", "hidden_size": width, "num_hidden_layers": 1}
    shapes = made("PI0Model", chunk_size=5, dit_config=dit)
    assert shapes["action_embeds"] == (1, 1 + 5, width)
    assert shapes["pixel_values"] == (1, 1, 3, 224, 224)
    assert shapes["pixel_attention_mask"] == (1, 1)


def test_an_object_is_followed_from_its_first_frame():
    case = case_from_model("transformers:Sam2VideoModel", [])
    inputs = build(case, device="meta").kwargs
    session = inputs["inference_session"]
    assert inputs["frame_idx"] == 0
    assert (session.num_frames, session.get_obj_num()) == (1, 1)
    assert session.get_frame(0).shape == (3, 1024, 1024)


def test_a_key_that_the_code_reads_is_no_slip():
    """MoonshineStreamingConfig has no default for it; its decoder reads it."""
    heads, size, shallow = 8, 40, {"num_hidden_layers": 1}
    config = {**shallow, "num_key_value_heads": heads, "encoder_config": shallow}
    trace = counted("transformers:MoonshineStreamingModel", config=config, length=LENGTH).trace
    (key,) = [each for each in trace.modules if each.path == "decoder.layers.0.self_attn.k_proj"]
    assert key.config["out_features"] == heads * size


def test_words_that_stand_for_an_image_are_as_many_as_its_queries():
    case = case_from_model(
        "transformers:Blip2Model", [], kwargs={"length": 12, "config": PICTURED}
    )  # fmt: skip
    words = build(case, device="meta").kwargs["input_ids"].drawn
    assert (words == 90).sum() == 4
    assert words.shape == (1, 12)


PICTURED = {
    "image_token_index": 90, "num_query_tokens": 4,
    "vision_config": {"num_hidden_layers": 1}, "qformer_config": {"num_hidden_layers": 1},
    "text_config": {"model_type": "opt", "num_hidden_layers": 1, "vocab_size": 100},
}  # fmt: skip


def test_inputs_that_nothing_tells_of_are_refused_before_anything_is_built_for_real():
    assert "takes bool_masked_pos" in refusal("transformers:VideoMAEForPreTraining")


DECODER = [f"config.{key}={value}" for key, value in SMALL.items()]


def as_kwargs(*texts: str) -> list[str]:
    return [word for text in texts for word in ("--kwargs", text)]


def test_a_step_of_decoding_as_typed():
    words = as_kwargs(*DECODER, "cache=static", "past=24")
    said = json.loads(typed("count", "transformers:LlamaModel", *words, "--json").out)
    assert said["total"] == llama(1, attended=25)


def test_utilisation_of_a_model_as_typed():
    """A shape read off a trace, and the formula of nanotron: every product, three times."""
    rate, peak = 10**6, 10**12
    words = ("--tokens-per-second", rate, "--peak", peak, "--length", LENGTH, "--formula", "nanotron",
             *as_kwargs(*DECODER), "--json")  # fmt: skip
    said = json.loads(typed("mfu", "--model", "transformers:LlamaForCausalLM", *words).out)
    (only,) = said["utilisation"]
    flop = 6 * (llama(LENGTH) // LENGTH + WIDTH * SMALL["vocab_size"])
    assert only["share"] == pytest.approx(flop * rate / peak)


@pytest.mark.slow
def test_formulas_count_beyond_the_positions_of_a_configuration_where_they_are_asked_to():
    """LlamaConfig's default has 2,048 positions, which are computed: more of them add no weights."""
    reference = "transformers:LlamaForCausalLM"
    with pytest.raises(UserError, match=r"2,048 positions: a length of 2,049 .*--extend"):
        traced(reference, 2049)
    shape, length, _ = traced(reference, 2049, extend=True)
    assert length == 2049
    assert replace(shape, context=2048) == traced(reference, 2048)[0]
