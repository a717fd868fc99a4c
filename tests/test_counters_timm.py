"""Models of timm, where it is installed: the one rule of a counter that knows its layers."""

from __future__ import annotations

import pytest
from torch import nn

from cells import CELLS, Refusal, bridges
from flop_harness.records import Case, Context
from flop_harness.suite.build import build
from flop_harness.trace.recorder import record
from flop_harness.trace.walk import visits
from layers import Sample, made, sequential

timm = pytest.importorskip("timm")
pytestmark = pytest.mark.filterwarnings("ignore")

CONTEXT = Context(grad=True, mode="eval")


def attention(fused: bool):
    """Width 8 in two heads, on one sequence of 5."""
    from timm.layers import Attention

    def layer() -> nn.Module:
        made = Attention(8, num_heads=2)
        made.fused_attn = fused
        return made

    return made(sequential(layer), (1, 5, 8))


@pytest.mark.parametrize("fused", [True, False])
def test_ptflops_leaves_the_projections_of_attention_out(fused):
    """Its sum stops at a layer that has a hook, and qkv and proj stand below one."""
    bridge = bridges("ptflops-pytorch", CONTEXT, attention(fused))["compute"]
    products, scaling, softmax = 2 * 2 * 5 * 5 * 4, 5 * 8, 2 * 5 * 5
    assert bridge.residual == 0
    assert bridge.reference == products + 5 * 8 * 24 + 5 * 8 * 8
    assert bridge.reading == products + scaling + softmax


KERNEL = "aten.scaled_dot_product_attention"


@pytest.mark.parametrize("fused", [True, False])
def test_a_case_may_set_timm_s_switch_for_fused_attention(fused):
    from timm.layers import set_fused_attn, use_fused_attn

    set_fused_attn(not fused)
    try:
        built = build(Case("vit", "timm:test_vit", kwargs={"fused_attn": fused}))
        assert use_fused_attn() is not fused  # as it was before
    finally:
        set_fused_attn(True)
    trace = record(built.module, built.args)
    ran = {visit.call.packet for visit in visits(trace)}
    assert (KERNEL in ran) is fused


def test_a_case_may_merge_the_branches_of_a_model():
    """A block of RepVGG has a 3 x 3, a 1 x 1 and a norm beside each other; merged, one 3 x 3 and its bias."""
    apart, merged = (
        build(Case("net", "timm:repvgg_a0", kwargs={"reparam": reparam}), device="meta").module
        for reparam in (False, True)
    )
    norms = [
        sum(isinstance(part, nn.BatchNorm2d) for part in net.modules()) for net in (apart, merged)
    ]
    assert norms[0] > 0 and norms[1] == 0
    kernels = [tuple(each.kernel_size) for each in merged.modules() if isinstance(each, nn.Conv2d)]
    assert set(kernels) == {(3, 3)} and len(kernels) == 1 + 2 + 4 + 14 + 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "levit_128s", "ghostnet_100"])
def test_a_model_that_no_rule_knows_is_explained(name):
    case = Case(name, f"timm:{name}")

    def factory() -> Sample:
        built = build(case)
        return Sample(built.module, built.args, built.kwargs)

    for counter, context in CELLS:
        try:
            for bridge in bridges(counter, context, factory).values():
                assert bridge.explained, (counter, bridge.steps, bridge.off)
        except Refusal:
            continue
