"""Models, layers and values written as code make the same as what they were written from."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import pytest
import torch
import torchvision
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from commands import typed
from flop_harness.code.constructors import ATTENTION, constructed, in_order, shared_inputs
from flop_harness.code.excerpt import excerpt, places
from flop_harness.code.literals import CannotWrite, literal
from flop_harness.code.text import (
    DETECTORS,
    WITH_BACKBONES,
    case_inputs,
    inputs_of,
    joined,
    maker,
    model_code,
    recast,
)
from flop_harness.records import Call, Case, Context, Dict, Input, List, Opaque, Tensor, Trace
from flop_harness.suite.build import build
from flop_harness.trace.modules import ModuleTable
from flop_harness.trace.recorder import record
from layers import LAYERS, made, sequential
from networks import NETWORKS
from sharing import SHARING

SAMPLES = {**LAYERS, **NETWORKS, **SHARING}
DTYPES = st.sampled_from(
    ["float32", "float64", "bfloat16", "int64", "int32", "bool", "complex64", "quint8"]
)


def run(code: str) -> dict[str, Any]:
    names: dict[str, Any] = {"torch": torch}
    exec(compile(code, "code", "exec"), names)
    return names


def call(*args: Any, **kwargs: Any) -> Call:
    return Call("module", "", args, tuple(kwargs.items()), None)


# ----------------------------------------------------------------------------------- values


@given(st.lists(st.integers(0, 4), max_size=4), DTYPES)
def test_a_tensor_keeps_its_shape_and_type(shape: list[int], dtype: str):
    value = Tensor(tuple(shape), dtype)
    made_of = eval(literal(value))
    assert (tuple(made_of.shape), str(made_of.dtype)) == (value.shape, f"torch.{dtype}")


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda parts: st.lists(parts).map(List) | st.lists(parts).map(tuple),
))  # fmt: skip
def test_a_plain_value_is_itself(value: Any):
    if isinstance(value, str) and value.startswith("torch."):
        return  # a dtype
    made_of = eval(literal(value))
    assert made_of == plain(value)


def plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return (list if isinstance(value, List) else tuple)(map(plain, value))
    return value


@pytest.mark.parametrize(
    "value", [Opaque("a.B"), Dict(("NestedTensor",), ((Tensor((2,)),),)), Tensor((), "float8_e5m2")]
)
def test_what_no_short_expression_makes_is_told(value: Any):
    with pytest.raises(CannotWrite):
        literal((value,))


def test_a_dtype_is_written_as_one():
    assert eval(literal("torch.int8")) is torch.int8


def test_inputs_that_are_one_tensor_are_written_once():
    x, y = Tensor((2, 3)), Tensor((4, 3))
    names = run("\n".join(inputs_of(call(x, y, y, None), shared={0: 0, 1: 1, 2: 1})))
    first, second, third, last = names["args"]
    assert second is third and first.shape == (2, 3) and second.shape == (4, 3) and last is None


def test_imports_of_pieces_come_first_and_once():
    one, other = "import torch\n\nx = 1\n", "from a import b\nimport torch\n\nprint(x)\n"
    assert joined(one, other) == "import torch\nfrom a import b\n\nx = 1\n\nprint(x)\n"


# ----------------------------------------------------------------------------------- layers

# Parameters of another name, a class of its own, one that is not there yet, or not of torch.nn.
NOT_MADE = {
    "conv2d subclass", "conv weight norm", "conv parametrized", "lazy conv", "linear weight norm",
    "linear parametrized", "lazy linear", "deformable convolution", "deformable convolution masked",
}  # fmt: skip


def traced(module: nn.Module, args: tuple, kwargs: Mapping) -> Trace:
    return record(module.eval(), args, dict(kwargs))


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_made_by_its_constructor_does_the_same(name: str):
    module, args, kwargs = LAYERS[name]()
    trace = traced(module, args, kwargs)
    text = constructed(trace, trace.modules[0])
    assert not (text and name in NOT_MADE)
    if text:
        again = traced(eval(text), args, kwargs)
        assert again.root == trace.root
        assert again.parameters == trace.parameters


def test_most_layers_have_a_constructor():
    traces = [traced(*LAYERS[name]()) for name in LAYERS]
    assert sum(bool(constructed(t, t.modules[0])) for t in traces) > 0.75 * len(traces)


def test_only_what_differs_from_the_defaults_is_said():
    for module, text in {
        nn.Conv2d(3, 64, 11, stride=4, padding=2): "Conv2d(3, 64, 11, stride=4, padding=2)",
        nn.MaxPool2d(3, 3): "MaxPool2d(3)",
        nn.LayerNorm(768, eps=1e-6): "LayerNorm(768)",
        nn.LayerNorm((5, 5)): "LayerNorm((5, 5))",
        nn.Linear(6, 4, bias=False): "Linear(6, 4, bias=False)",
        nn.MultiheadAttention(8, 2, batch_first=True): "MultiheadAttention(8, 2, batch_first=True)",
    }.items():
        trace = Trace(*empty(module))
        assert constructed(trace, trace.modules[0]) == f"torch.nn.{text}"


def empty(module: nn.Module) -> tuple:
    return (Context(), *ModuleTable(module).freeze(), call())


@pytest.mark.parametrize(
    ("inputs", "shared"),
    [(lambda x: (x, x, x), (0, 0, 0)), (lambda x: (x, x.clone(), None), (0, 1, 1)),
     (lambda x: (x, x.clone(), x.clone()), (0, 1, 2))],
)  # fmt: skip
def test_operators_tell_which_inputs_of_attention_are_one(inputs, shared):
    args = inputs(torch.rand(2, 3, 8))
    args = args if args[2] is not None else (args[0], args[1], args[1])
    trace = traced(nn.MultiheadAttention(8, 2), args, {})
    assert trace.modules[0].type == ATTENTION
    assert shared_inputs(trace.root) == dict(enumerate(shared))


def test_inputs_of_attention_by_name_are_written_once_too():
    x, query = torch.rand(2, 3, 8), torch.rand(5, 3, 8)
    module = nn.MultiheadAttention(8, 2)
    named = traced(module, (), {"query": x, "key": x, "value": x}).root
    kwargs = run("\n".join(inputs_of(named, shared=shared_inputs(named))))["kwargs"]
    assert kwargs["query"] is kwargs["key"] is kwargs["value"] and kwargs["query"].shape == x.shape
    partly = traced(module, (query,), {"key": x, "value": x}).root
    names = run("\n".join(inputs_of(partly, shared=shared_inputs(partly))))
    assert names["args"][0].shape == query.shape
    assert names["kwargs"]["key"] is names["kwargs"]["value"]


def test_attention_gets_by_position_what_it_got_by_name():
    module = nn.MultiheadAttention(8, 2).eval()
    x = torch.rand(2, 3, 8)
    named = record(module, (x, x), {"value": x, "need_weights": False}).root
    assert in_order(named) == record(module, (x, x, x, None, False)).root


# ------------------------------------------------------------------------------------ models

CASES = {
    "layer": Case("a", "torch.nn:Conv2d", (Input((2, 4, 9, 9)),),
                  {"in_channels": 4, "out_channels": 8, "kernel_size": [3, 3], "groups": 2}),
    "named": Case("a", "torch.nn:TransformerDecoderLayer",
                  (Input((3, 2, 8)), Input((4, 2, 8), name="memory")),
                  {"d_model": 8, "nhead": 2}, mode="train"),
    "integers": Case("a", "torch.nn:Embedding", (Input((2, 3), "int64", 5),),
                     {"num_embeddings": 5, "embedding_dim": 2}, dtype="float64"),
    "torchvision": Case("a", "torchvision:squeezenet1_1", (Input((1, 3, 64, 64)),)),
    "segmentation": Case("a", "torchvision:lraspp_mobilenet_v3_large", (Input((1, 3, 64, 64)),)),
    "package": Case("a", "flop_harness.suite.seed_networks:Seed004Net", (Input((1, 1, 28, 28)),)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_code_of_a_model_makes_that_model_and_its_inputs(name: str):
    case = CASES[name]
    names = run(model_code(case))
    built = build(case)
    expected = record(built.module, built.args, built.kwargs)
    trace = record(names["model"], names["args"], names.get("kwargs"))
    assert trace.root == expected.root
    assert trace.modules == expected.modules
    assert trace.parameters == expected.parameters


def test_a_seeded_model_has_the_harness_own_values():
    case = CASES["integers"]
    names, built = run(model_code(case, seeded=True)), build(case)
    assert torch.equal(names["args"][0], built.args[0])
    assert torch.equal(names["model"].weight, built.module.weight)


def test_a_factory_of_a_file_gives_its_own_inputs():
    case = Case("a", "models/net.py:Net.small", kwargs={"switches": {"bias": False}}, mode="train")
    assert model_code(case) == (
        "from net import Net  # models/net.py\n\n"
        'model, args, kwargs = Net.small(switches={"bias": False})\n'
        "model.train()\n"
    )


FACTORIES = """
import torch
from torch import nn

class Named(nn.Linear):
    def forward(self, *, x):
        return super().forward(x)

def pair(width):
    return nn.Linear(4, width), (torch.ones(2, 4),)
def one(width):
    return nn.Linear(4, width), torch.ones(2, 4)
def listed(width):
    return nn.Linear(4, width), [torch.ones(2, 4)], {}
def named(width):
    return Named(4, width), {"x": torch.ones(2, 4)}
"""


@pytest.mark.parametrize("name", ["pair", "one", "listed", "named"])
def test_a_factory_may_return_its_inputs_in_any_form(name, tmp_path, monkeypatch):
    (tmp_path / "factories_of_mine.py").write_text(FACTORIES)
    monkeypatch.syspath_prepend(str(tmp_path))
    case = Case("a", f"factories_of_mine.py:{name}", kwargs={"width": 5})
    given = call(x=Tensor((2, 4))) if name == "named" else call(Tensor((2, 4)))
    made = run(model_code(case, given))
    assert made["model"](*made["args"], **made.get("kwargs", {})).shape == (2, 5)


def test_of_a_function_no_code_is_made_that_no_tool_runs(tmp_path):
    """A tool takes a module; what it says of the function stands without code."""
    (tmp_path / "function_of_mine.py").write_text(
        "import torch\ndef make():\n    return (lambda x: x @ x), (torch.ones(3, 3),)\n"
    )
    told = typed("explain", f"{tmp_path}/function_of_mine.py:make", "torch", "--code")
    assert told.code == 0 and "# cannot be written as code: a function" in told.out
    assert "import" not in told.out


def test_a_model_on_meta_and_its_inputs_are_there():
    names = run(model_code(CASES["layer"], device="meta"))
    assert {each.device.type for each in (names["model"].weight, *names["args"])} == {"meta"}


def test_the_models_of_torchvision_that_load_backbones_are_known():
    for name in torchvision.models.list_models():
        builder = torchvision.models.get_model_builder(name)
        loads = "weights_backbone" in inspect.signature(builder).parameters
        assert bool(WITH_BACKBONES.match(name)) == loads, name
        assert bool(DETECTORS.match(name)) == (".detection." in builder.__module__), name


def test_a_detector_takes_a_list_of_images():
    case = Case("a", "torchvision:fcos_resnet50_fpn", (Input((3, 8, 9)), Input((2, 3, 5, 6))))
    images = run("\n".join(case_inputs(case, "cpu")))["args"][0]
    assert [tuple(image.shape) for image in images] == [(3, 8, 9), (3, 5, 6), (3, 5, 6)]
    assert maker(case).endswith("weights_backbone=None)")


def test_a_model_without_inputs_needs_a_call_that_tells_them():
    case = Case("a", "torchvision:resnet18")
    with pytest.raises(CannotWrite):
        model_code(case)
    assert "torch.rand(1, 3, 7, 7)" in model_code(case, call(Tensor((1, 3, 7, 7))))


@pytest.mark.parametrize(
    ("given", "own"),
    [
        (call(Tensor((2,)), mask=Tensor((3,))), call(Tensor((2,)), Tensor((3,)))),
        (call(Tensor((2,)), Tensor((3,))), call(first=Tensor((2,)), second=Tensor((3,)))),
        (call(Tensor((2,)), mask=Tensor((3,))), call(first=Tensor((2,)), mask=Tensor((3,)))),
        (call(Tensor((2,))), call(Tensor((2,)))),
    ],
)
def test_inputs_are_brought_into_the_form_in_which_a_tool_passes_them(given: Call, own: Call):
    names = run("\n".join([*inputs_of(given), *recast(given, own)]))
    if own.kwargs:
        shapes = {name: tuple(value.shape) for name, value in names["kwargs"].items()}
        assert shapes == {name: value.shape for name, value in own.kwargs}
    else:
        assert [tuple(each.shape) for each in names["args"]] == [each.shape for each in own.args]


# ------------------------------------------------------------------------------------ excerpts


def held(trace: Trace) -> list[tuple]:
    return [(m.path, m.type, m.children, m.training) for m in trace.modules]


@pytest.mark.parametrize(
    "name", ["residual block", "encoder layer", "shared block", "sequential", "lstm"]
)
def test_an_excerpt_is_the_trace_of_the_module_alone(name: str):
    """Every module of one input, called alone on inputs of its shape."""
    module, args, kwargs = SAMPLES[name]()
    trace = traced(module, args, kwargs)
    for place in places(trace):
        inputs = place.call.args
        if len(inputs) != 1 or place.call.kwargs or not isinstance(inputs[0], Tensor):
            continue
        alone = traced(module.get_submodule(place.path), (torch.rand(inputs[0].shape),), {})
        part = excerpt(trace, place.call)
        assert part.root == alone.root
        assert held(part) == held(alone)


def test_places_count_the_calls_of_each_pass():
    factory = made(sequential(lambda: nn.Sequential(nn.ReLU()), lambda: nn.Linear(3, 2)), (4, 3))
    trace = traced(*factory())
    found = {place.path: place.calls for place in places(trace)}

    def size(each: Call) -> int:
        return 1 + sum(map(size, each.children))

    outer, linear = trace.root.children
    assert found == {
        "": size(trace.root), "0": size(outer), "0.0": size(outer.children[0]), "1": size(linear)
    }  # fmt: skip


def test_each_call_of_a_module_has_its_turn():
    layer = nn.Linear(3, 3)
    trace = traced(nn.Sequential(layer, nn.ReLU(), layer), (torch.rand(2, 3),), {})
    assert [(place.path, place.turn) for place in places(trace)] == [
        ("", 0), ("0", 0), ("1", 0), ("0", 1)
    ]  # fmt: skip


def test_a_module_called_from_elsewhere_stands_apart():
    class Borrows(nn.Module):
        def __init__(self, other: nn.Module) -> None:
            super().__init__()
            self.others = [other]  # not registered

        def forward(self, x):
            return self.others[0](x)

    layer = nn.Linear(3, 3)
    trace = traced(nn.Sequential(layer, Borrows(layer)), (torch.rand(2, 3),), {})
    part = excerpt(trace, next(p.call for p in places(trace) if p.path == "1"))
    assert [module.path for module in part.modules] == ["", "<0>"]
    assert part.root.children[0].name == "<0>"
