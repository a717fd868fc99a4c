"""A trace is what happened: three nested levels, the same with and without memory and execution."""

from __future__ import annotations

import sys
import types

import pytest
import torch
import torchvision
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from flop_harness.conventions.reference import reference
from flop_harness.records import Call, Dict, List, Opaque, Tensor, Trace
from flop_harness.trace.attempts import recorded
from flop_harness.trace.copying import copied
from flop_harness.trace.needs import GradientsNeeded, ValuesNeeded
from flop_harness.trace.plans import Memory
from flop_harness.trace.recorder import record
from flop_harness.trace.walk import functions, module_calls, operators, visits
from layers import LAYERS
from networks import NETWORKS
from programs import PROGRAMS, Program
from sharing import SHARING

pytestmark = pytest.mark.filterwarnings("ignore")

SAMPLES = {**LAYERS, **NETWORKS, **PROGRAMS, **SHARING}
LAZY = {"lazy conv", "lazy linear"}
READ_VALUES = {"packed lstm", "packed gru", "experts", "interpolate to tensors"}


def meta(module, *shape: int) -> Trace:
    with torch.device("meta"):
        return record(module().eval(), (torch.empty(shape),))


# ------------------------------------------------------------------------------- three levels


def test_a_convolution_at_three_levels():
    trace = meta(lambda: nn.Sequential(nn.Conv2d(3, 4, 3)), 1, 3, 5, 5)
    x, w, b, y = Tensor((1, 3, 5, 5)), Tensor((4, 3, 3, 3)), Tensor((4,)), Tensor((1, 4, 3, 3))
    root = trace.root
    (layer,) = root.children
    (function,) = layer.children
    assert (root.level, root.name, root.args, root.output) == ("module", "", (x,), y)
    assert (layer.level, layer.name, layer.args, layer.output) == ("module", "0", (x,), y)
    assert (function.level, function.name) == ("function", "torch.nn.functional.conv2d")
    (operator,) = function.children
    while operator.children:
        (operator,) = operator.children
    assert (operator.level, operator.name) == ("operator", "aten.convolution.default")
    assert operator.args == (x, w, b, *[List((n, n)) for n in (1, 0, 1)], False, List((0, 0)), 1)


@pytest.mark.parametrize("name", [n for n in SAMPLES if n not in LAZY])
def test_levels_nest(name):
    """Modules hold functions hold operators; nothing but operators is inside an operator."""
    trace = record(*SAMPLES[name](), execute=name in READ_VALUES)
    assert trace.root.level == "module" and trace.root.name == "" and trace.root.module == 0
    for visit in visits(trace):
        call = visit.call
        if call.level == "operator":
            assert all(child.level == "operator" for child in call.children)
        assert (call.level == "module") == (call.module >= 0)
        if call.level == "module":
            assert trace.modules[call.module].path == call.name == visit.path


def test_walks_agree():
    trace = meta(torchvision.models.resnet18, 1, 3, 64, 64)
    calls = [visit.call for visit in visits(trace)]
    assert sum(call.level == "module" for call in calls) == len(list(module_calls(trace)))
    assert sum(call.level == "function" for call in calls) == len(list(functions(trace)))
    innermost = [c for c in calls if c.level == "operator" and not c.children]
    assert [visit.call for visit in operators(trace)] == innermost
    assert sum(call.packet == "aten.convolution" for call in innermost) == 20


# ------------------------------------------------------------------------------------- memory

NETS = {
    "resnet18": (torchvision.models.resnet18, (1, 3, 64, 64)),
    "densenet121": (torchvision.models.densenet121, (1, 3, 64, 64)),
    "swin_t": (torchvision.models.swin_t, (1, 3, 64, 64)),
    "vit": (
        lambda: torchvision.models.VisionTransformer(32, 8, 2, 4, 32, 64), (2, 3, 32, 32),
    ),
    "lstm": (lambda: nn.LSTM(5, 4, 2, bidirectional=True), (3, 2, 5)),
}  # fmt: skip


@pytest.mark.parametrize("name", NETS)
def test_memory_changes_nothing(name):
    module, shape = NETS[name]
    memory = Memory()
    with torch.device("meta"):
        model, x = module().eval(), torch.empty(shape)
    forgetful = record(model, (x,), memory=None)
    assert record(model, (x,), memory=memory) == forgetful
    assert memory.calls
    assert record(model, (x,), memory=memory) == forgetful
    assert record(model, (x,)) == forgetful


@pytest.mark.parametrize("grad", [False, True])
def test_one_memory_for_many_models(grad):
    """What is remembered of one model misleads no other."""
    memory = Memory()
    names = [name for name in SAMPLES if name not in LAZY | READ_VALUES]
    for name in names:
        forgetful, mindful = SAMPLES[name](), SAMPLES[name]()
        expected = record(*forgetful, grad=grad, memory=None)
        assert record(*mindful, grad=grad, memory=memory) == expected, name


def strided(layer):
    layer.stride = (2, 2)


def reflecting(layer):
    layer.padding_mode = "reflect"


def hooked_with_work(layer):
    layer.register_forward_hook(lambda module, args, output: output * 2)


def another_forward(layer):
    layer.forward = lambda x: torch.zeros(x.shape[0], 4, 2, 2, device=x.device)


def unbiased(layer):
    layer.bias = None


def normed(layer):
    nn.utils.parametrizations.weight_norm(layer)


CHANGES = [strided, reflecting, hooked_with_work, another_forward, unbiased, normed]


@pytest.mark.parametrize("change", CHANGES)
def test_a_layer_that_changed_is_another_layer(change):
    memory, model, x = (
        Memory(),
        nn.Sequential(nn.Conv2d(3, 4, 3, padding=1)),
        torch.rand(1, 3, 9, 9),
    )
    before = record(model, (x,), memory=memory)
    assert record(model, (x,), memory=memory) == before and memory.layers
    change(model[0])
    after = record(model, (x,), memory=memory)
    assert after == record(model, (x,), memory=None)
    assert after.root != before.root


def test_functions_that_do_more_are_not_taken_for_plain_ones():
    """In a mode for functions they come twice: as called, and as the mode calls them."""
    memory, model, x = Memory(), nn.Sequential(nn.Conv2d(3, 4, 3)), torch.rand(1, 3, 9, 9)
    with torch.device("cpu"):
        record(model, (x,), memory=memory)
    assert record(model, (x,), memory=memory) == record(model, (x,), memory=None)


def test_memory_is_bounded():
    memory = Memory(capacity=4)
    for size in range(1, 9):
        record(nn.ReLU(), (torch.empty(size),), memory=memory)
    assert 0 < len(memory.calls) <= 4


# ---------------------------------------------------------------------------------- execution

# What a kernel keeps for its backward pass has no shape that its meta kernel knows.
UNFAITHFUL = {
    **dict.fromkeys(
        [n for n in LAYERS if n.startswith("lstm") and "cell" not in n and "proj" not in n]
        + ["bfloat lstm"] * bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()),
        "the workspace of mkldnn_rnn_layer",
    ),
    "embedding bag": "the offsets of _embedding_bag",
}


@pytest.mark.parametrize("grad", [False, True])
@pytest.mark.parametrize("name", [n for n in SAMPLES if n not in LAZY | READ_VALUES])
def test_kernels_need_not_run(name, grad, request):
    executed = record(*SAMPLES[name](), grad=grad, execute=True)
    imagined = record(*SAMPLES[name](), grad=grad)
    if name in UNFAITHFUL:
        request.applymarker(pytest.mark.xfail(strict=True, reason=UNFAITHFUL[name]))
    assert executed.executed and not imagined.executed
    assert imagined.modules == executed.modules and imagined.parameters == executed.parameters
    assert imagined.context == executed.context
    assert imagined.root == executed.root


class Branching(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


class Masking(nn.Module):
    def forward(self, x):
        return x[x > 0]


class Listing(nn.Module):
    def forward(self, x):
        return x * len(x.tolist())


class Item(nn.Module):
    def forward(self, x):
        return x * x.max().item()


@pytest.mark.parametrize("kind", [Branching, Masking, Listing, Item])
def test_a_model_that_looks_at_values_says_so(kind):
    with pytest.raises(ValuesNeeded):
        record(kind(), (torch.ones(3),))
    assert record(kind(), (torch.ones(3),), execute=True).root.output == Tensor((3,))


class Energy(nn.Module):
    """The gradient of |w x|: one product there, one back."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 3, bias=False)

    def forward(self, x):
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            return torch.autograd.grad(self.fc(x).abs().sum(), x)[0]


def test_a_model_that_takes_gradients_says_so():
    with pytest.raises(GradientsNeeded):
        record(Energy(), (torch.ones(2, 4),))


def test_products_of_a_gradient_are_recorded_too():
    trace = recorded(lambda: (Energy(), (torch.ones(2, 4),), {}))
    assert trace.root.output == Tensor((2, 4))
    assert reference(trace).total == 2 * (2 * 4 * 3)
    assert reference(trace).by_module() == {"fc": 24, "": 24}


def test_values_and_gradients_are_both_to_be_had():
    class Both(Energy):
        def forward(self, x):
            return super().forward(x) * x.max().item()

    made = []
    trace = recorded(lambda: made.append(Both()) or (made[-1], (torch.ones(8, 4),), {}))
    assert trace.executed and len(made) == 3  # without either, with one, with both


class Biased(nn.Module):
    """Attention with a bias made from a parameter: no fused kernel of the CPU gives its gradient."""

    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.rand(3))

    def forward(self, x):
        mask = self.table.reshape(1, 3).expand(3, 3) * 2
        return nn.functional.scaled_dot_product_attention(x, x, x, attn_mask=mask)


@pytest.mark.parametrize("grad", [False, True])
def test_kernels_are_chosen_as_with_gradients(grad):
    trace = record(Biased(), (torch.rand(1, 2, 3, 4),), grad=grad)
    names = {visit.call.packet for visit in operators(trace)}
    assert ("aten._scaled_dot_product_flash_attention_for_cpu" in names) != grad
    assert ("aten.bmm" in names) == grad


@pytest.mark.parametrize("name", sorted(READ_VALUES))
def test_a_sample_that_looks_at_values_says_so(name):
    with pytest.raises(ValuesNeeded):
        record(*SAMPLES[name]())


def test_integer_indices_are_no_values():
    x, rows = torch.rand(4, 3), torch.tensor([0, 2])
    trace = record(Program(lambda x, rows: x[rows]), (x, rows))
    assert trace.root.output == Tensor((2, 3))


def test_values_of_the_users_tensors_stay():
    """Without kernels nothing is written into a parameter or an input."""
    layer, x = nn.BatchNorm1d(3).train(), torch.ones(2, 3)
    record(Program(lambda x: x.mul_(5)), (x,))
    record(copied(layer), (x,))
    assert x.eq(1).all() and layer.running_mean.eq(0).all()


# ---------------------------------------------------------------------------------- dispatch


@pytest.mark.parametrize("grad", [False, True])
def test_the_context_is_written_down(grad):
    trace = record(nn.ReLU().train(), (torch.ones(2),), grad=grad)
    assert (trace.context.device, trace.context.grad, trace.context.mode) == ("cpu", grad, "train")


def test_arguments_keep_their_kinds():
    class Anything(nn.Module):
        def forward(self, *args, **kwargs):
            return {"a": args[0], "b": [args[0], None]}, "text"

    x = torch.ones(2, dtype=torch.int64)
    trace = record(Anything(), (x, [x, 1], (x, 2.5), {"k": x}, object()), {"flag": True})
    number = Tensor((2,), "int64")
    assert trace.root.args == (
        number, List((number, 1)), (number, 2.5), Dict(("k",), (number,)), Opaque("builtins.object"),
    )  # fmt: skip
    assert type(trace.root.args[1]) is List and type(trace.root.args[2]) is tuple
    assert trace.root.kwargs == (("flag", True),)
    assert trace.root.output == (Dict(("a", "b"), (number, List((number, None)))), "text")


def test_a_packed_sequence_keeps_its_batch_sizes():
    packed = pack_padded_sequence(torch.rand(3, 2, 5), torch.tensor([3, 2]))
    trace = record(nn.LSTM(5, 4), (packed,), execute=True)
    data, sizes = trace.root.args[0].values
    assert (data, sizes) == (Tensor((5, 5)), (2, 2, 1))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64", "complex64", "int64", "bool"])
def test_dtypes(dtype):
    x = torch.ones(2, 3, dtype=getattr(torch, dtype))
    trace = record(Program(lambda x: x.reshape(3, 2)), (x,))
    assert trace.root.args == (Tensor((2, 3), dtype),)
    assert trace.root.output == Tensor((3, 2), dtype)


def test_a_root_that_is_a_leaf():
    trace = record(nn.Linear(3, 2), (torch.ones(1, 3),))
    assert trace.root.name == "" and len(trace.modules) == 1


def test_arguments_by_position_or_name():
    call = Call("operator", "aten.softmax.int", (1, 2), (("dtype", 3),), None)
    assert call.argument(1, "dim") == 2 and call.argument(2, "dtype") == 3
    assert call.argument(5, "other", "missing") == "missing" and call.packet == "aten.softmax"


def test_operators_of_operators():
    """``a + b`` is seen as the operator that the user wrote, and as what it calls."""
    trace = record(Program(lambda a, b: a + b), (torch.ones(2), torch.ones(2)))
    names = [(visit.call.level, visit.call.packet) for visit in visits(trace)]
    assert names[1:] == [("function", "torch.Tensor.__add__"), ("operator", "aten.add")]


@torch.jit.script
def scripted_product(x: torch.Tensor) -> torch.Tensor:
    return torch.matmul(x, x)


def test_a_scripted_function_is_one_call_with_operators_in_it():
    trace = record(Program(lambda x: scripted_product(x)), (torch.ones(3, 3),))
    names = [(visit.call.level, visit.call.packet) for visit in visits(trace)]
    assert names[1:3] == [
        ("function", "torch.jit.ScriptFunction.__call__"),
        ("operator", "aten.matmul"),
    ]


def test_a_function_of_einops_is_watched_where_it_is_imported(monkeypatch):
    einops = types.ModuleType("einops")
    einops.einsum = lambda *tensors: torch.einsum(tensors[-1].replace(" ", ""), *tensors[:-1])
    monkeypatch.setitem(sys.modules, "einops", einops)
    function = lambda x, y: einops.einsum(x, y, "i j, j k -> i k")  # noqa: E731
    (call,) = record(Program(function), (torch.ones(2, 3), torch.ones(3, 4))).root.children
    assert (call.level, call.name, call.output) == ("function", "einops.einsum", Tensor((2, 4)))
    assert call.children[0].name == "torch.einsum"


def test_what_a_composite_makes_a_view_is_one_each_time():
    """``narrow`` comes apart into a slice: the second of one shape shares its input's memory too."""
    shared: list[bool] = []

    class Narrowing(nn.Module):
        def forward(self, x):
            for _ in range(2):
                part = x.narrow(0, 0, 1)
                shared.append(part.untyped_storage()._cdata == x.untyped_storage()._cdata)
            return part

    record(Narrowing(), (torch.empty(2, 3, device="meta"),), memory=Memory())
    assert shared == [True, True]
