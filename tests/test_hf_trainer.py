"""What transformers' Trainer logs as ``total_flos``: 6 for each parameter and token, by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from cells import bridges
from flop_harness.counters import find_one
from flop_harness.records import Bridge
from flop_harness.suite.build import build
from flop_harness.suite.files import case_from_model
from layers import Factory, Sample

pytest.importorskip("transformers")
pytest.importorskip("accelerate")
pytestmark = pytest.mark.filterwarnings("ignore")

T, V, W, M, L = 16, 100, 32, 64, 2
"""Tokens, vocabulary, width, width of the MLP, layers"""
LLAMA = {"vocab_size": V, "hidden_size": W, "intermediate_size": M, "num_hidden_layers": L,
         "num_attention_heads": 4, "num_key_value_heads": 2}  # fmt: skip
MATRICES = L * (2 * W * W + 2 * W * (W // 2) + 3 * W * M)
NORMS = (2 * L + 1) * W
SCORES = L * 2 * W * T * T
"""MACs of both products of attention"""


def model(name: str, config: dict, **options) -> Factory:
    def made() -> Sample:
        kwargs = {"config": config, **options}
        built = build(case_from_model(f"transformers:{name}", [], kwargs=kwargs))
        return Sample(built.module, built.args, built.kwargs)

    return made


def asked(factory: Factory) -> Bridge:
    (context,) = find_one("hf-trainer").contexts
    (bridge,) = bridges("hf-trainer", context, factory).values()
    assert bridge.explained, (bridge.residual, bridge.steps)
    return bridge


def terms(bridge: Bridge) -> dict[str, int | float]:
    return {step.term: step.amount for step in bridge.steps}


def test_six_for_each_parameter_and_token_but_for_the_embedding():
    bridge = asked(model("LlamaForCausalLM", LLAMA, length=T))
    products = T * (MATRICES + V * W)
    assert bridge.reading == 6 * T * (MATRICES + V * W + NORMS)
    assert bridge.reference == products + SCORES
    assert terms(bridge) == {
        "2 FLOPs per MAC": products,
        "the backward pass as two forward passes": 4 * products,
        "attention product not seen": -SCORES,
        "6 FLOPs for each of LlamaRMSNorm parameters and token": 6 * T * NORMS,
    }


def test_a_tied_head_is_left_out_with_its_embedding():
    bridge = asked(model("LlamaForCausalLM", {**LLAMA, "tie_word_embeddings": True}, length=T))
    assert bridge.reading == 6 * T * (MATRICES + NORMS)
    assert terms(bridge)["linear not seen"] == -T * V * W


def test_all_experts_count_and_a_token_meets_two_of_four():
    config = {**LLAMA, "num_local_experts": 4, "num_experts_per_tok": 2}
    bridge = asked(model("MixtralForCausalLM", config, length=T))
    experts = L * 4 * 3 * W * M
    others = MATRICES - L * 3 * W * M + L * 4 * W + V * W
    assert bridge.reading == 6 * T * (others + experts + NORMS)


def test_the_values_of_an_image_count_as_tokens():
    """32 x 32 pixels of three colours, which the model cuts into 16 patches."""
    config = {"hidden_size": W, "num_hidden_layers": L, "num_attention_heads": 4,
              "intermediate_size": M, "image_size": 32, "patch_size": 8, "num_labels": 2}  # fmt: skip
    factory = model("ViTForImageClassification", config)
    elements = sum(each.numel() for each in factory().module.parameters())
    assert asked(factory).reading == 6 * 3 * 32 * 32 * elements


@pytest.mark.parametrize("module", [nn.Linear(4, 5), nn.Bilinear(4, 4, 5)])
def test_a_model_that_cannot_tell_its_parameters_is_nothing(module):
    inputs = tuple(torch.zeros(2, 4) for _ in range(module.weight.ndim - 1))
    bridge = asked(lambda: Sample(module, inputs, {}))
    assert bridge.reading == 0 and all(amount < 0 for amount in terms(bridge).values())
