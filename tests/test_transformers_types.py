"""Model types of transformers, small: each counts, with no operator left out."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from flop_harness.conventions.products import unsupported
from flop_harness.conventions.reference import reference
from flop_harness.suite.build import build
from flop_harness.suite.files import case_from_model
from small_transformers import counted, types

transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.filterwarnings("ignore")

SAMPLE = ("bert", "gpt2", "llama", "t5", "vit", "clip", "wav2vec2", "mixtral")
ENOUGH = 0.75
"""Share of all types that count; what others take no configuration tells, or their defaults clash."""


@pytest.mark.parametrize("model_type", SAMPLE)
def test_a_type_counts_as_flop_counter_mode_does_with_plain_attention(model_type):
    """By 2 FLOPs for each MAC; on meta, where grouped products of experts refuse float32."""
    name = dict(types())[model_type]
    keys, trace = counted(model_type, name)
    assert not unsupported(trace)
    assert 2 * reference(trace).total == flops_on_meta(name, keys)


def flops_on_meta(name: str, keys: dict) -> int:
    kwargs = {"config": keys, "length": 16, "attn_implementation": "eager"}
    if "Mixtral" in name:
        kwargs["experts_implementation"] = "batched_mm"
    built = build(case_from_model(f"transformers:{name}", [], kwargs=kwargs), device="meta")
    built.kwargs.pop("attention_mask", None)  # to look at a mask takes values
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        built.module(**built.kwargs)
    return counter.get_total_flops()


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
    assert len(refused) <= (1 - ENOUGH) * len(tried)
