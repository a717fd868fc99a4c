"""Tools that change torch or its classes, each in a fork of its own: rules predict their figures."""

from __future__ import annotations

from typing import Any

import pytest
from torch import nn

from flop_harness.counters import overlay
from flop_harness.run.isolation import Outcome
from layers import LAYERS, Factory, Sample, made, sequential
from networks import NETWORKS, Discards
from overlaid import outcomes
from programs import PROGRAMS
from sharing import SHARING

pytestmark = pytest.mark.filterwarnings("ignore")

# What a tool's process imports before it is forked for each sample.
TOOLS = {
    "flopth": "flopth",
    "calflops": "calflops",
    "mmengine": "mmengine.analysis",
    "deepspeed": "deepspeed.profiling.flops_profiler",
    "calflops-macs": "calflops",
    "deepspeed-macs": "deepspeed.profiling.flops_profiler",
}
NAMES = [
    "conv1d", "conv2d grouped", "conv2d same even", "conv2d unbatched", "conv3d",
    "conv transposed 2d", "conv transposed grouped", "linear", "linear 1d", "linear 3d",
    "batch norm 2d", "batch norm 2d no statistics", "layer norm", "group norm not affine",
    "instance norm affine", "local response norm", "relu6", "gelu", "softmax last",
    "max pool 2d", "lp pool", "upsample fractional", "upsample tuple", "rnn two layers",
    "gru bidirectional", "lstm projected", "lstm cell", "attention", "attention cross widths",
    "encoder layer batch first", "called by keyword", "residual block", "matmul operator",
    "matmul vectors", "addmm keyword", "baddbmm", "einsum of three", "linalg matmul",
    "scaled dot product grouped", "upsample function", "interpolate to tensors",
    "mul broadcast right", "called twice",
    "reached at three depths", "frozen",
]  # fmt: skip


class Held(nn.Module):
    """A model beside a parameter that nothing uses: some tools need one."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner, self.unused = inner, nn.Linear(1, 1)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.inner(*args, **kwargs)


def held(factory: Factory) -> Factory:
    def with_a_parameter() -> Sample:
        sample = factory()
        if next(sample.module.parameters(), None) is not None:
            return sample
        return Sample(Held(sample.module).eval(), sample.args, sample.kwargs)

    return with_a_parameter


KNOWN = {**LAYERS, **NETWORKS, **PROGRAMS, **SHARING}
SAMPLES: dict[str, Factory] = {
    **{name: held(KNOWN[name]) for name in NAMES},
    "discarded product": made(Discards, (2, 4)),
    "two groups": made(lambda: nn.ConvTranspose2d(4, 6, 3, groups=2, bias=False), (2, 4, 5, 6)),
    "class of a leaf's base": made(sequential(lambda: nn.Hardtanh(), lambda: nn.Linear(4, 3),
                                              lambda: nn.ReLU6()), (2, 4)),
    "relu without parameters": made(nn.ReLU, (2, 3)),
}  # fmt: skip

# A tool that raises is no failure of ours; it has to be that tool, and for its own reason.
NO_SIZE = "'tuple' object has no attribute 'size'"
REFUSALS = {
    **{("conv2d unbatched", name): "AssertionError"
       for name in ("flopth", "calflops", "deepspeed", "calflops-macs", "deepspeed-macs")},
    **{("relu without parameters", name): "StopIteration"
       for name in ("flopth", "calflops", "calflops-macs")},
    **{(name, "flopth"): NO_SIZE for name in ("rnn two layers", "gru bidirectional",
                                              "lstm projected", "lstm cell")},
    ("linear 1d", "flopth"): "IndexError",
    ("called by keyword", "flopth"): "IndexError",
    ("class of a leaf's base", "flopth"): "RecursionError",
    **{("upsample tuple", name): "unsupported operand" for name in ("calflops", "calflops-macs")},
}  # fmt: skip


# By arithmetic from the shapes: the terms that lead from the reference to the figure.
TERMS = {
    # 2 x 5 x 6 positions, 9 x 4 weights for each of 3 filters; half of 3 is 1.
    ("two groups", "calflops"): {
        "2 FLOPs per MAC": 60 * 36 * 3,
        "transposed convolution divided by its groups twice": 2 * 60 * 36 * (1 - 3),
    },
    ("two groups", "deepspeed"): {"2 FLOPs per MAC": 60 * 36 * 3},
    ("two groups", "calflops-macs"): {
        "transposed convolution divided by its groups twice": 60 * 36 * (1 - 3)
    },
    ("two groups", "deepspeed-macs"): {},
    # Four gates of 4 read 5 and 4, for each of 2 rows.
    ("lstm cell", "deepspeed-macs"): {"recurrent product not seen": -2 * 4 * 4 * (5 + 4)},
    ("matmul operator", "calflops"): {"matrix product not seen": -3 * 4 * 5},
    ("matmul operator", "deepspeed"): {"2 FLOPs per MAC": 3 * 4 * 5},
    ("matmul operator", "mmengine"): {},
    # Two calls of each layer on 3 x 2 x 4, the first forgotten.
    ("called twice", "flopth"): {
        "linear not seen": -3 * 2 * 4 * 4,
        "linear layer read as two-dimensional": 3 * 2 * 2 - 3 * 2 * 4 * 4,
        "convolution not seen": -3 * 2 * 4 * 2 * 3,
        "convolution bias": 3 * 2 * 4,
        "ReLU": 3 * 2 * 4,
    },
    ("discarded product", "mmengine"): {"linear not seen": -2 * 4 * 5},
}


SLOW = ("calflops-macs", "deepspeed-macs")
"""A second figure of one tool takes as long as the first."""


@pytest.fixture(params=[pytest.param(tool, marks=pytest.mark.slow) if tool in SLOW else tool
                        for tool in TOOLS])  # fmt: skip
def said(request) -> tuple[str, dict[str, Outcome]]:
    try:
        return request.param, outcomes(request.param, TOOLS[request.param], SAMPLES)
    except overlay.NotInstallable as error:
        pytest.skip(str(error))


# ---------------------------------------------------------------------------------------- tests


def test_a_tools_rules_predict_its_figures(said):
    """Also that it refuses for its own reason, and the terms that follow from the shapes."""
    tool, became = said
    refusals = {sample: o.message for sample, o in became.items() if o.ending != "ok"}
    expected = {sample: reason for (sample, name), reason in REFUSALS.items() if name == tool}
    assert refusals.keys() == expected.keys()
    assert all(expected[sample] in refusals[sample] for sample in expected)

    made_of = {sample: o.value for sample, o in became.items() if o.ending == "ok"}
    assert not {
        (sample, metric): (bridge.residual, bridge.off, bridge.steps)
        for sample, bridges in made_of.items()
        for metric, bridge in bridges.items()
        if not bridge.explained
    }
    for (sample, name), terms in TERMS.items():
        if name == tool:
            steps = made_of[sample]["compute"].steps
            assert {step.term: step.amount for step in steps} == terms


def test_every_reason_and_term_names_a_sample_and_a_tool():
    for sample, name in (*REFUSALS, *TERMS):
        assert sample in SAMPLES and name in TOOLS
