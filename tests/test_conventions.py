"""Conventions on tiny networks, by arithmetic; equivalent programs cost the same."""

from __future__ import annotations

from contextlib import suppress

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from flop_harness.conventions.articles import NotApplicable
from flop_harness.conventions.catalogue import CONVENTIONS
from flop_harness.conventions.products import unsupported, without_products, works
from flop_harness.conventions.reference import reference
from flop_harness.formulas import may_multiply
from flop_harness.records import Call, Context, Tensor, Trace
from flop_harness.trace.recorder import record
from layers import CONVOLUTIONS, LAYERS, Factory, made
from networks import ATTENTION, CALLING, CellLoop, SelfAttention
from programs import PROGRAMS, Program, program
from sharing import SHARING

pytestmark = pytest.mark.filterwarnings("ignore")


def on_meta(module, *shape: int) -> Trace:
    with torch.device("meta"):
        return record(module().eval(), (torch.empty(shape),))


def says(name: str, trace: Trace) -> int:
    return CONVENTIONS[name].price(trace).total


def figures(trace: Trace) -> dict[str, int]:
    made = {}
    for name in CONVENTIONS:
        with suppress(NotApplicable):
            made[name] = says(name, trace)
    return made


# --------------------------------------------------------------------------- tiny networks


@pytest.mark.parametrize("groups", [1, 3])
def test_the_convolution_of_seed_003(groups):
    """3 -> 6 channels, kernel 3, stride 3, on 6 x 6: 24 outputs of 27 or 9 products each."""
    trace = on_meta(lambda: nn.Conv2d(3, 6, 3, stride=3, groups=groups), 1, 3, 6, 6)
    each, weights = 27 // groups, 6 * 27 // groups
    assert figures(trace) == {
        "macs": 24 * each,
        "flops": 2 * 24 * each,
        "exact-flops": 24 * (2 * each - 1 + 1),
        "macs-bias": 24 * each + 24,
        "params-x-map": weights * 4,
        "article-code": 24 * (27 + 1),
        "padding": 0,
        "operations": 24 * (2 * each - 1 + 1),
        "activations": 24,
        "bytes": 4 * (3 * 6 * 6 + weights + 6 + 24),
        "params": weights + 6,
        "param-bytes": 4 * (weights + 6),
    }


@pytest.mark.parametrize("bias", [True, False])
def test_a_linear_layer(bias):
    """4 -> 3 on two rows: 6 outputs of 4 products each."""
    trace = on_meta(lambda: nn.Linear(4, 3, bias=bias), 2, 4)
    assert figures(trace) == {
        "macs": 24,
        "flops": 48,
        "exact-flops": 6 * 7 + 6 * bias,
        "macs-bias": 24 + 6 * bias,
        "params-x-map": 12,
        "article-code": 24,
        "padding": 0,
        "operations": 6 * 7 + 6 * bias,
        "activations": 6,
        "bytes": 4 * (8 + 12 + 3 * bias + 6),
        "params": 12 + 3 * bias,
        "param-bytes": 4 * (12 + 3 * bias),
    }


def test_what_is_no_product_costs_operations_only():
    """A ReLU compares each of 24 elements; the reference charges nothing."""
    trace = on_meta(nn.ReLU, 2, 3, 4)
    assert says("macs", trace) == says("exact-flops", trace) == says("activations", trace) == 0
    assert says("operations", trace) == 24 and says("bytes", trace) == 4 * (24 + 24)


def test_half_precision_halves_the_bytes():
    trace = record(*CALLING["bfloat linear"]())
    assert says("param-bytes", trace) == 2 * (4 * 3 + 3)


def test_padding_counts_as_data():
    """Kernel 3, padding 1, on 2 x 7: all seven positions take three products from two channels."""
    assert says("macs", record(*CONVOLUTIONS["conv1d"]())) == 2 * 7 * 6 * 2 * 3


def test_a_transposed_convolution_costs_what_its_input_costs():
    """2 x 5 x 3 positions of 4 channels meet 6 x 3 x 3 weights; the output is larger."""
    trace = record(*CONVOLUTIONS["conv transposed 2d"]())
    assert reference(trace).by_term() == {"transposed convolution": 2 * 5 * 3 * 4 * 6 * 9}


def test_attention_is_projections_and_products():
    """Three steps of two, width 8: four projections; queries x keys and weights x values."""
    trace = record(*ATTENTION["attention"]())
    assert reference(trace).by_term() == {
        "attention projection": 4 * (3 * 2) * 8 * 8,
        "attention product": 2 * 2 * (3 * 3 * 8),
    }


def test_a_causal_mask_skips_nothing():
    whole, causal = PROGRAMS["scaled dot product equal"], PROGRAMS["scaled dot product causal"]
    assert reference(record(*whole())).total == reference(record(*causal())).total


def test_recurrent_layers():
    """LSTM, 5 -> 4, both ways, two layers, three steps of two; the second layer reads 8."""
    trace = record(*LAYERS["lstm bidirectional"]())
    expected = 3 * 2 * 2 * 4 * 4 * ((5 + 4) + (8 + 4))
    assert reference(trace).by_term() == {"recurrent product": expected}


def test_a_projected_lstm():
    """Its state is 3 wide: gates read 5 + 3, then 3 + 3; each step projects 4 to 3."""
    trace = record(*LAYERS["lstm projected"]())
    assert reference(trace).total == 3 * 2 * (16 * (5 + 3) + 16 * (3 + 3) + 2 * 4 * 3)


def test_bilinear():
    """x1 @ weight, then the result @ x2: 3 x 5 and 5 products for each of 2 x 4 outputs."""
    trace = record(*LAYERS["bilinear"]())
    assert reference(trace).by_term() == {"bilinear": 2 * 4 * (3 * 5 + 5)}


@pytest.mark.parametrize(
    ("name", "macs"),
    [
        ("einsum", 2 * 3 * 4 * 5),
        ("einsum of three", 2 * 3 * 4 + 2 * 4 * 5),
        ("einsum outer", 2 * 3),
        ("einsum sum", 0),
        ("einsum hadamard", 3 * 4),
        ("einsum heads", 2 * 2 * 3 * 5 * 4),
    ],
)
def test_einsum(name, macs):
    assert reference(record(*PROGRAMS[name]())).total == macs


def test_an_embedding_multiplies_nothing():
    assert reference(record(*LAYERS["embedding"]())).total == 0


def test_a_shared_layer_is_charged_each_time_and_held_once():
    trace = record(*SHARING["called twice"]())
    assert reference(trace)["fc", "linear"] == 2 * (3 * 2 * 4 * 4)
    assert reference(trace)["conv", "convolution"] == 2 * (3 * 2 * 4 * 2 * 3)
    assert says("params", trace) == (16 + 4) + (2 * 2 * 3 + 2)


def test_a_tied_weight_is_held_once():
    assert says("params", record(*SHARING["tied weights"]())) == 16 + 4 + 4


def test_terms_say_where_they_come_from():
    trace = record(*SHARING["nested sequential"]())
    assert dict(reference(trace)) == {
        ("0.0", "convolution"): 3 * 9 * 3 * 2 * 9,
        ("2", "linear"): 3 * 27 * 2,
    }


def test_an_empty_batch_costs_nothing_and_holds_what_it_holds():
    trace = record(*CALLING["empty batch"]())
    assert (says("macs", trace), says("params", trace)) == (0, 3 * 2 * 9 + 3)


@pytest.mark.parametrize(
    ("name", "shape"), [("conv2d unbatched", (3, 7, 6)), ("linear 3d", (2, 3, 6))]
)
def test_the_articles_code_says_where_it_does_not_apply(name, shape):
    with pytest.raises(NotApplicable):
        CONVENTIONS["article-code"].price(record(*LAYERS[name]()))


def test_every_convention_has_a_unit_and_a_source():
    for name, convention in CONVENTIONS.items():
        assert convention.id == name
        assert convention.unit and convention.source and convention.description


# ------------------------------------------------------------------------------ unsupported


def test_operators_without_a_formula_are_listed_with_their_counts():
    """An operator of the user's own, that may multiply; and what cannot, apart."""

    @torch.library.custom_op("flop_harness_tests::own_product", mutates_args=())
    def own_product(x: torch.Tensor) -> torch.Tensor:
        return x @ x

    function = lambda x: (own_product(own_product(x)), torch.isin(x, x))[0]  # noqa: E731
    trace = record(Program(function), (torch.eye(3),), execute=True)
    assert unsupported(trace) == {"flop_harness_tests.own_product": 2}
    assert without_products(trace) == {"aten.isin": 1}


@pytest.mark.parametrize(
    "name",
    """aten.histc aten.repeat_interleave aten._is_all_true aten.erfinv aten.isin aten.lgamma
    aten._has_same_storage_numel torchvision._cuda_version aten.hamming_window
    aten._convert_weight_to_int4pack aten.upsample_linear1d_backward prims.convert_element_type
    c10d.allreduce_""".split(),
)
def test_what_cannot_multiply(name):
    assert not may_multiply(name)


@pytest.mark.parametrize(
    "name",
    """mine.anything mine.relu aten._grouped_mm aten._cslt_sparse_mm aten.quantized_lstm
    aten.linear_of_tomorrow aten.new_attention quantized.conv2d_dynamic onednn.qlinear_pointwise
    mkldnn._convolution_pointwise symm_mem.fused_all_gather_matmul sparse.qlinear""".split(),
)
def test_what_may_multiply(name):
    assert may_multiply(name)


def test_nothing_is_listed_where_all_is_known():
    assert unsupported(on_meta(torchvision.models.resnet18, 1, 3, 64, 64)) == {}


def test_a_product_is_never_unknown():
    """In no sample an operator that multiplies is without a formula."""
    harmless = (
        "upsample", "grid_sampler", "adaptive_max", "celu", "glu", "softplus", "rrelu", "fft",
        "embedding_bag", "weight_norm", "result_type", "vector_norm", "clamp_min",
    )  # fmt: skip
    for name, factory in {**LAYERS, **ATTENTION, **PROGRAMS, **SHARING}.items():
        if not name.startswith("lazy") and name != "cdist":
            for operator in unsupported(record(*factory())):
                assert any(word in operator for word in harmless), (name, operator)


def test_the_product_inside_a_distance():
    assert unsupported(record(*PROGRAMS["cdist"]())) == {}


# ------------------------------------------------------------------------ equivalent programs


def unfolded(x, weight):
    rows = weight.flatten(1) @ F.unfold(x, 3)
    return rows.unflatten(-1, (x.shape[2] - 2, x.shape[3] - 2))


def group_by_group(x, weight):
    parts = zip(x.chunk(2, 1), weight.chunk(2, 0), strict=True)
    return torch.cat([F.conv2d(part, w) for part, w in parts], 1)


def attention_by_hand(x, packed, output):
    """Two heads of width 4 over (batch, steps, 8)."""
    q, k, v = (t.unflatten(-1, (2, 4)).transpose(1, 2) for t in (x @ packed).chunk(3, -1))
    weights = torch.softmax(q @ k.transpose(-2, -1) / 2, -1)
    return (weights @ v).transpose(1, 2).flatten(2) @ output


BATCH_FIRST = made(lambda: SelfAttention(weights=False, batch_first=True), (2, 3, 8))
SAME: dict[str, list[Factory]] = {
    "a convolution": [
        program(F.conv2d, (2, 3, 5, 6), (4, 3, 3, 3)),
        program(unfolded, (2, 3, 5, 6), (4, 3, 3, 3)),
    ],
    "a grouped convolution": [
        program(lambda x, w: F.conv2d(x, w, groups=2), (1, 4, 5, 6), (6, 2, 3, 3)),
        program(group_by_group, (1, 4, 5, 6), (6, 2, 3, 3)),
    ],
    "a linear layer": [
        program(F.linear, (2, 3, 4), (5, 4)),
        program(lambda x, w: x @ w.T, (2, 3, 4), (5, 4)),
        program(lambda x, w: torch.einsum("nsi,oi->nso", x, w), (2, 3, 4), (5, 4)),
        program(lambda x, w: torch.tensordot(x, w, ([2], [1])), (2, 3, 4), (5, 4)),
        made(lambda: nn.Linear(4, 5), (2, 3, 4)),
        program(lambda x, w: F.conv1d(x.transpose(1, 2), w[..., None]), (2, 3, 4), (5, 4)),
    ],
    "a product of matrices": [
        program(torch.mm, (3, 4), (4, 5)),
        program(lambda a, b: torch.bmm(a[None], b[None]), (3, 4), (4, 5)),
        program(lambda a, b: torch.stack([torch.mv(a, c) for c in b.T], 1), (3, 4), (4, 5)),
        program(
            lambda a, b: torch.stack([torch.dot(r, c) for r in a for c in b.T]), (3, 4), (4, 5)
        ),
        program(lambda a, b: torch.linalg.multi_dot([a, b]), (3, 4), (4, 5)),
        program(lambda a, b: torch.addmm(a.sum(), a, b), (3, 4), (4, 5)),
    ],
    "attention": [BATCH_FIRST, program(attention_by_hand, (2, 3, 8), (8, 24), (8, 8))],
    "attention kernels": [
        PROGRAMS["scaled dot product equal"],
        PROGRAMS["attention by hand"],
    ],
    "an lstm": [made(lambda: nn.LSTM(5, 4), (3, 2, 5)), made(CellLoop, (3, 2, 5))],
}


@pytest.mark.parametrize("grad", [False, True])
@pytest.mark.parametrize("name", SAME)
def test_equivalent_programs_cost_the_same(name, grad):
    """Whatever kernels they take, with and without grad."""
    totals = [reference(record(*factory(), grad=grad)).total for factory in SAME[name]]
    assert totals[0] > 0 and set(totals) == {totals[0]}


def test_two_directions_cost_twice_one():
    one, both = (made(lambda b=b: nn.GRU(5, 4, bidirectional=b), (3, 2, 5)) for b in (False, True))
    assert 2 * reference(record(*one())).total == reference(record(*both())).total


SAMPLES = {**LAYERS, **ATTENTION, **PROGRAMS, **SHARING}


@pytest.mark.parametrize("name", [name for name in SAMPLES if not name.startswith("lazy")])
def test_devices_and_grad_modes_change_no_reference(name):
    """Fused or not, on CPU or meta, with or without grad: the same multiplications."""
    with torch.device("meta"):
        sample = SAMPLES[name]()
    expected = reference(record(*sample)).total
    for grad in (False, True):
        assert reference(record(*SAMPLES[name](), grad=grad)).total == expected, grad


# ------------------------------------------------------------------------------ whole networks


@pytest.mark.parametrize(
    ("name", "parameters", "macs"),
    [
        ("alexnet", 61_100_840, 714_188_480),
        ("vgg11", 132_863_336, 7_609_090_048),
        ("vgg16", 138_357_544, 15_470_264_320),
        ("resnet50", 25_557_032, 4_089_184_256),
        ("mobilenet_v2", 3_504_872, 300_774_272),
        ("vit_b_16", 86_567_656, 17_563_828_224),
    ],
)
def test_published_networks(name, parameters, macs):
    trace = on_meta(getattr(torchvision.models, name), 1, 3, 224, 224)
    assert (says("params", trace), says("macs", trace)) == (parameters, macs)
    assert None not in [work for _, work in works(trace)]


def test_the_articles_formula_for_vgg16():
    """Weights of convolutions x map, weights of linear layers: no more than the reference here."""
    trace = on_meta(torchvision.models.vgg16, 1, 3, 224, 224)
    assert says("params-x-map", trace) == 15_470_264_320


@pytest.mark.parametrize("outside", [True, False])
def test_one_product_by_elements_is_priced_where_it_stands(outside: bool):
    """The same record inside an einsum, where it multiplies, and by itself, where it is none."""
    three_by_five = Tensor((3, 5))
    product = Call("operator", "aten.mul.Tensor", (three_by_five, three_by_five), (), three_by_five)
    einsum = Call("operator", "aten.einsum.default", (), (), three_by_five, (product,))
    calls = (product, einsum, product) if outside else (einsum, product, einsum)
    root = Call("module", "", (), (), three_by_five, calls, 0)
    trace = Trace(Context("meta"), (), (), root)
    assert reference(trace).total == 3 * 5 * calls.count(einsum)
