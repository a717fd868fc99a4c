"""Model types of transformers, small: each counts, with no operator left out."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from flop_harness.conventions.products import unsupported
from flop_harness.conventions.reference import reference
from flop_harness.errors import UserError
from flop_harness.suite.build import Built, build
from flop_harness.suite.files import case_from_model, load
from flop_harness.trace.recorder import record
from small_transformers import counted, types

transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.filterwarnings("ignore")

SAMPLE = ("bert", "gpt2", "llama", "t5", "vit", "clip", "wav2vec2", "mixtral")
UNCOUNTED = tomllib.loads(Path(__file__).with_name("uncounted_types.toml").read_text())
"""Whose matter it is -> model type -> why it does not count."""


@pytest.mark.parametrize("model_type", SAMPLE)
def test_a_type_counts_as_flop_counter_mode_does_with_plain_attention(model_type):
    """By 2 FLOPs for each MAC; on meta, where grouped products of experts refuse float32."""
    name = dict(types())[model_type]
    keys, trace = counted(model_type, name)
    assert not unsupported(trace)
    built = plainly(f"transformers:{name}", {"config": keys, "length": 16})
    assert 2 * reference(trace).total == flops(built)


def plainly(model: str, kwargs: Mapping[str, Any]) -> Built:
    """On meta, with plain attention and plain products of experts where it has any."""
    plain = {**kwargs, "attn_implementation": "eager"}
    try:
        case = case_from_model(model, [], kwargs={**plain, "experts_implementation": "batched_mm"})
        built = build(case, device="meta")
    except UserError:
        built = build(case_from_model(model, [], kwargs=plain), device="meta")
    built.kwargs.pop("attention_mask", None)  # to look at a mask takes values
    return built


def flops(built: Built) -> int:
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        built.module(**built.kwargs)
    return counter.get_total_flops()


@pytest.mark.slow
def test_every_type_of_the_suite_counts_as_flop_counter_mode_does_where_that_runs():
    """On meta that refuses models which look at values: a fifth of them."""
    agreed, differing, refused = [], {}, {}
    for case in load("transformers").cases:
        try:
            told = flops(plainly(case.model, case.kwargs))
        except Exception as error:  # noqa: BLE001  of the model on meta, told below
            refused[case.id] = f"{type(error).__name__}: {error}"
            continue
        built = plainly(case.model, case.kwargs)
        counted = 2 * reference(record(built.module, built.args, built.kwargs)).total
        if counted == told:
            agreed.append(case.id)
        else:
            differing[case.id] = (counted, told)
    print(f"{len(agreed)} equal, {len(refused)} do not run on meta: {refused}")
    assert not differing
    assert len(agreed) >= 0.75 * (len(agreed) + len(refused))


@pytest.mark.slow
def test_every_type_of_the_library():
    """The share that counts, printed with the reasons of those that do not."""
    refused, tried = {}, list(types())
    for model_type, name in tried:
        try:
            _, trace = counted(model_type, name)
            assert not unsupported(trace)
        except Exception as error:  # noqa: BLE001  told below
            refused[model_type] = f"{type(error).__name__}: {error}"
    for model_type, reason in refused.items():
        print(f"{model_type}: {reason}")
    print(f"{len(tried) - len(refused)} of {len(tried)} model types count")
    assert refused.keys() <= set().union(*UNCOUNTED.values())


def test_few_types_are_left_out_and_fewer_for_a_reason_of_ours():
    tried = dict(types())
    assert set().union(*UNCOUNTED.values()) <= tried.keys()
    assert len(UNCOUNTED["of_ours"]) <= 0.03 * len(tried)


SAM3 = {
    "detector_config": {
        "model_type": "sam3",
        "vision_config": {
            "model_type": "sam3_vision_model",
            "backbone_config": {"model_type": "sam3_vit_model", "num_hidden_layers": 2},
        },
        "text_config": {"model_type": "clip_text_model", "num_hidden_layers": 2},
    }
}


def test_objects_of_a_video_are_prompted_for_where_they_are_not_pointed_at():
    kwargs = {"config": SAM3, "length": 16}
    built = build(case_from_model("transformers:Sam3VideoModel", [], kwargs=kwargs), device="meta")
    session = built.kwargs["inference_session"]
    assert session.num_frames == 1 and session.get_frame(0).shape == (3, 1008, 1008)
    assert session.prompt_input_ids[0].shape == session.prompt_attention_masks[0].shape == (1, 16)


@pytest.mark.parametrize("model_type", ["edgetam", "moonshine_streaming", "qwen2_5_omni_thinker"])
def test_a_default_configuration_that_does_not_hold_together_fails_in_the_library_too(model_type):
    """Without us: built by its own class, called with its own words."""
    model = getattr(transformers, dict(types())[model_type])
    with pytest.raises((AttributeError, RuntimeError)), torch.device("meta"), torch.no_grad():
        module = model._from_config(model.config_class())
        module.eval()(**documented(module))


def documented(module) -> dict[str, torch.Tensor]:
    """What its documentation calls it with."""
    if module.main_input_name == "pixel_values":
        return {"pixel_values": torch.zeros(1, 3, 1024, 1024)}
    if module.main_input_name == "input_values":
        return {"input_values": torch.zeros(1, 16_000)}
    words = torch.ones(1, 16, dtype=torch.int64)
    return {"input_ids": words, "attention_mask": words}
