"""Every counter on small modules of every kind: its rules predict its figure exactly."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from cells import CELLS, Refusal, bridges
from flop_harness import count, counters
from flop_harness.counters.protocol import Unavailable, by_keyword, positionally
from flop_harness.errors import UserError
from flop_harness.records import Context
from layers import LAYERS, Sample
from networks import NETWORKS
from programs import PROGRAMS, SPARSE, program
from sharing import SHARING

pytestmark = pytest.mark.filterwarnings("ignore")

SAMPLES = {**LAYERS, **NETWORKS, **PROGRAMS, **SPARSE, **SHARING}

NOTHING_GIVEN = "tuple index out of range|not enough values to unpack"
NOT_A_TENSOR = "Object not supported"

# A tool that raises is no failure of ours; it has to be that tool, and for its own reason.
REFUSALS = {
    # Hooks read positional inputs.
    **dict.fromkeys(
        [
            ("conv by keyword", "thop"), ("rnn by keyword", "thop"),
            ("conv by keyword", "ptflops-pytorch"), ("rnn by keyword", "ptflops-pytorch"),
            ("called by keyword", "ptflops-pytorch"), ("attention by keyword", "ptflops-pytorch"),
            # Several inputs reach the model by name.
            ("deformable convolution", "ptflops-pytorch"), ("attention as root", "ptflops-pytorch"),
            ("deformable convolution masked", "ptflops-pytorch"),
            # Hooks read a batch dimension.
            ("lstm cell unbatched", "ptflops-pytorch"), ("attention unbatched", "ptflops-pytorch"),
            ("encoder layer unbatched", "ptflops-pytorch"),
        ],
        NOTHING_GIVEN,
    ),
    # Only tensors and tuples of them may leave a layer that it shows.
    **dict.fromkeys(
        [
            (name, "pytorch-model-summary")
            for name in (
                "attention without weights", "attention causal", "encoder layer",
                "encoder layer batch first", "encoder layer norm first", "encoder layer gelu",
                "encoder layer unbatched", "encoder layer without bias", "decoder layer",
                "dictionary out inside", "output of its own kind", "packed lstm", "packed gru", "cell loop", "tuple out",
            )
        ],
        NOT_A_TENSOR,
    ),
    ("layer norm 1d input", "fvcore"): "AssertionError",
    ("matmul vector", "fvcore"): "list index out of range",
    ("matmul vectors", "fvcore"): "list index out of range",
    ("sparse rows", "fvcore"): "not subscriptable",
    ("sparse blocks", "fvcore"): "not subscriptable",
    ("softmax without dim", "thop"): "NoneType",
    ("empty batch", "ptflops-pytorch"): "division by zero",
    ("empty linear", "ptflops-pytorch"): "division by zero",
    ("packed lstm", "ptflops-pytorch"): "PackedSequence",
    ("packed gru", "ptflops-pytorch"): "PackedSequence",
    ("interpolate with list", "ptflops-pytorch"): "unsupported operand",
    ("mm keyword", "ptflops-pytorch"): "missing 1 required positional argument",
    # A dictionary that its input_constructor returns is taken for keywords.
    ("dictionary in", "ptflops-pytorch"): "unexpected keyword argument",
    ("dictionary in", "ptflops-aten"): "unexpected keyword argument",
    # Parameters are read before a forward pass has given them shapes.
    **{
        (name, counter): "uninitialized"
        for name in ("lazy conv", "lazy linear")
        for counter in ("ptflops-aten", "numel")
    },
    # A lazy layer becomes one that it has a hook for, but not its variables.
    ("lazy conv", "ptflops-pytorch"): "__flops__",
    ("lazy linear", "ptflops-pytorch"): "__flops__",
}  # fmt: skip


def cells():
    for name in SAMPLES:
        for counter, context in CELLS:
            label = f"{name}-{counter}-{context}"
            yield pytest.param(name, counter, context, id=label.replace(" ", "_"))


@pytest.mark.parametrize(("name", "counter", "context"), list(cells()))
def test_a_counters_rules_predict_its_reading(name, counter, context):
    if (name, counter) in REFUSALS:
        with pytest.raises(Refusal, match=REFUSALS[name, counter]):
            bridges(counter, context, SAMPLES[name])
        return
    for metric, bridge in bridges(counter, context, SAMPLES[name]).items():
        assert bridge.residual == 0, (metric, bridge.reading, bridge.steps)


def test_every_refusal_names_a_sample_and_a_counter():
    known = counters.counters()
    for key in REFUSALS:
        name, counter = key if isinstance(key, tuple) else (key, "thop")
        assert name in SAMPLES and counter in known


# ------------------------------------------------------------------------------ the registry


def test_counters_come_in_a_fixed_order():
    asked_for = [
        "analytic", "thop", "ptflops-pytorch", "ptflops-aten", "torchinfo", "fvcore", "torch",
        "pytorch-model-summary", "numel",
    ]  # fmt: skip
    assert [name for name in counters.counters() if name in asked_for] == asked_for
    assert {name for name, _ in CELLS} >= set(asked_for)


def test_a_name_that_is_almost_right_is_suggested():
    with pytest.raises(UserError, match="torchinfo"):
        counters.find(["torchinof"])


def test_no_names_mean_all_counters_of_this_environment():
    known = counters.counters().values()
    assert counters.find([]) == [
        counter for counter in known if not (counter.overlay or counter.optional)
    ]
    assert counters.find(["all"]) == list(known)


@pytest.mark.parametrize("counter", counters.counters().values(), ids=lambda c: c.id)
def test_a_counter_says_what_it_is(counter):
    assert counter.description and counter.source and counter.distribution
    assert counter.contexts and len(set(counter.contexts)) == len(counter.contexts)
    assert set(counter.quantities) <= {"compute", "params"} and counter.quantities
    for metric, quantity in counter.quantities.items():
        assert quantity.unit in {"compute": ("MAC", "FLOP"), "params": ("parameter",)}[metric]


def test_flop_counter_mode_counts_two_flops_per_mac():
    made = bridges("torch", Context(), LAYERS["linear"])["compute"]
    assert (made.reference, made.reading, made.unit) == (3 * 6 * 4, 2 * 3 * 6 * 4, "FLOP")
    assert [(step.term, step.amount) for step in made.steps] == [("2 FLOPs per MAC", 3 * 6 * 4)]


def test_thop_reads_an_unbatched_height_as_channels():
    """(3, 7, 6) through 3 -> 4 channels, kernel 3: 4 x 5 x 4 outputs, 7 'channels'."""
    made = bridges("thop", Context(mode="eval"), LAYERS["conv2d unbatched"])["compute"]
    assert (made.reference, made.reading) == (4 * 5 * 4 * 3 * 9, 4 * 5 * 4 * 7 * 9)
    (step,) = made.steps
    assert step.amount == 4 * 5 * 4 * (7 - 3) * 9 and "unbatched" in step.term


def test_ptflops_charges_a_relu_twice():
    """Linear 4 -> 3 and a ReLU on two rows: the hook per sample, the function for the batch."""
    made = bridges("ptflops-pytorch", Context(grad=True, mode="eval"), SAMPLES["sequential"])
    terms = {step.term: step.amount for step in made["compute"].steps}
    assert terms["ReLU"] == terms["ReLU counted twice (hook and patched function)"] == 2 * 3
    assert made["compute"].reading == 4 * 3 + 3 + 3 + 2 * 3


class InOrder(nn.ModuleDict):
    def forward(self, x):
        for layer in self.values():
            x = layer(x)
        return x


def test_ptflops_counts_a_part_named_global_twice():
    """It keeps the total under that name; the other layer, 4 x 4 for two rows too, counts once."""
    layers = {name: nn.Linear(4, 4) for name in ("Global", "other")}
    factory = partial(Sample, InOrder(layers), (torch.rand(2, 4),))
    made = bridges("ptflops-aten", Context(grad=True, mode="eval"), factory)["compute"]
    each = 2 * 4 * (4 + 1)
    assert (made.reading, made.residual, made.off) == (3 * each, 0, {})
    assert {step.term: step.amount for step in made.steps}["linear counted again"] == each


class Rows:
    """A user's own batch: two rows, and a length that may be another."""

    def __init__(self, length: int) -> None:
        self.rows, self.length = torch.rand(2, 4), length

    def __len__(self) -> int:
        if self.length < 0:
            raise SystemExit("no length")
        return self.length


class OfRows(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)

    def forward(self, batch):
        return self.layer(batch.rows)


@pytest.mark.parametrize("length", [1, 2, 5])
def test_ptflops_divides_by_the_length_of_any_batch(length):
    factory = lambda: Sample(OfRows(), (Rows(length),))  # noqa: E731
    made = bridges("ptflops-pytorch", Context(grad=True, mode="eval"), factory)["compute"]
    assert made.reference == 2 * 4 * 3
    assert (made.reading, made.residual) == (2 * (4 + 1) * 3 // length, 0)


def test_a_batch_that_has_no_length_counts():
    assert count(OfRows(), Rows(-1)).macs == 2 * 4 * 3


LAYOUTS = {"coo": (2, 1), "csr": (3, 2), "bsr": (3, 2)}
"""How often the profiler counts a product of a matrix so stored: by mm, and by addmm"""


def stored_as(layout: str) -> torch.Tensor:
    size = ((2, 2),) if layout == "bsr" else ()
    return getattr(torch.eye(4), "to_sparse" + f"_{layout}" * (layout != "coo"))(*size)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_profiler_counts_products_of_sparse_matrices_several_times(layout):
    """A kernel for them calls addmm, and that one for rows or blocks another; zeros count too."""
    ways = (lambda x: stored_as(layout) @ x, lambda x: torch.addmm(x, stored_as(layout), x))
    for way, times in zip(ways, LAYOUTS[layout], strict=True):
        made = bridges("torch-profiler", Context(), program(way, (4, 3)))["compute"]
        assert (made.reading, made.residual) == (times * 2 * 4 * 4 * 3, 0)


# ------------------------------------------------------------------------------- input forms


class Named(nn.Module):
    def forward(self, first, second=None, *, third=None):
        return first


class Starred(nn.Module):
    def forward(self, *args):
        return args[0]


def test_named_inputs_become_positional_in_the_models_order():
    assert positionally(Named(), (), {"second": 2, "first": 1}) == ((1, 2), {})


def test_inputs_that_only_have_names_cannot_become_positional():
    with pytest.raises(Unavailable, match="third"):
        positionally(Named(), (1,), {"third": 3})


def test_several_inputs_become_named():
    assert by_keyword(Named(), (1, 2), {}) == ((), {"first": 1, "second": 2})
    assert by_keyword(Named(), (1,), {"third": 3}) == ((), {"first": 1, "third": 3})


def test_a_single_input_stays_as_it_is():
    assert by_keyword(Starred(), (1,), {}) == ((1,), {})


def test_inputs_without_names_cannot_be_named():
    with pytest.raises(Unavailable):
        by_keyword(Starred(), (1, 2), {})


def batch_of_four():
    return nn.Sequential(nn.Conv2d(3, 5, 3)), (torch.randn(4, 3, 8, 8),), {}


@pytest.mark.parametrize(("variant", "images"), [("", 1), ("keywords", 4)])
def test_ptflops_averages_over_the_batch_unless_the_inputs_are_named(variant, images):
    context = Context(grad=True, mode="eval", variant=variant)
    made = bridges("ptflops-pytorch", context, batch_of_four)["compute"]
    outputs = 5 * 6 * 6
    assert made.explained
    assert made.reading == images * outputs * (3 * 3 * 3 + 1)
