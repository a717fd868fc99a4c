"""What a trace says of modules and parameters, and how it leaves the model and torch."""

from __future__ import annotations

import copy
from math import prod

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from torch import nn

from flop_harness.counters.protocol import every
from flop_harness.records import Parameter
from flop_harness.trace.copying import copied
from flop_harness.trace.functions import targets
from flop_harness.trace.recorder import record
from flop_harness.trace.shapes import SHAPES
from flop_harness.trace.signatures import contiguous_strides
from flop_harness.trace.walk import visits
from layers import LAYERS
from sharing import SHARING

quick = settings(max_examples=40, deadline=None, derandomize=True)


def trace_of(name: str):
    return record(*SHARING[name]())


# --------------------------------------------------------------------- modules and parameters


def test_a_module_under_two_names_appears_once():
    trace = trace_of("two names")
    assert [module.path for module in trace.modules] == ["", "one"]
    assert trace.modules[0].children == (("one", 1), ("two", 1))
    assert [call.name for call in trace.root.children] == ["one", "one"]
    assert trace.parameters == (
        Parameter((4, 4), "float32", True),
        Parameter((4,), "float32", True),
    )


def test_a_tied_parameter_appears_once():
    trace = trace_of("tied weights")
    held = {module.path: dict(module.parameters) for module in trace.modules}
    assert held["encode"]["weight"] == held["decode"]["weight"]
    assert held["encode"]["bias"] != held["decode"]["bias"]
    assert sum(parameter.numel for parameter in trace.parameters) == 16 + 4 + 4


def test_a_weight_that_is_held_above_and_below():
    trace = trace_of("borrowed weight")
    held = {module.path: dict(module.parameters) for module in trace.modules}
    assert held[""]["weight"] == held["fc"]["weight"]


def test_frozen_parameters_are_known():
    trainable = {
        f"{module.path}.{name}": trace.parameters[number].trainable
        for trace in [trace_of("frozen")]
        for module in trace.modules
        for name, number in module.parameters
    }
    assert trainable == {
        "frozen.weight": False, "frozen.bias": False, "trained.weight": True, "trained.bias": False,
    }  # fmt: skip


def test_modules_that_are_not_called_are_known():
    trace = trace_of("unused")
    called = {call.name for call in trace.root.children}
    assert called == {"used"}
    assert {module.path for module in trace.modules} == {"", "used", "unused", "list", "list.0",
                                                         "list.1"}  # fmt: skip


@pytest.mark.parametrize("name", SHARING)
def test_the_tree_is_torchs(name):
    """Paths, parameters and their number are those of ``named_modules`` and ``parameters``."""
    module = SHARING[name]().module
    trace = record(*SHARING[name]())
    assert [m.path for m in trace.modules] == [path for path, _ in module.named_modules()]
    assert [m.type_name for m in trace.modules] == [type(m).__name__ for m in module.modules()]
    assert len(trace.parameters) == len(list(module.parameters()))
    assert sum(p.numel for p in trace.parameters) == sum(p.numel() for p in module.parameters())


def test_a_class_comes_with_its_bases_and_its_attributes():
    trace = record(*LAYERS["conv2d subclass"]())
    (module,) = trace.modules
    assert module.bases[:2] == ("layers.Subclassed", "torch.nn.modules.conv.Conv2d")
    assert module.type_name == "Subclassed"
    assert (module.config["in_channels"], module.config["kernel_size"]) == (3, (3, 3))


# --------------------------------------------------------------------------- nothing is left


def observed(module: nn.Module) -> list:
    """All that a trace could leave on a module, values of tensors included."""
    return [
        (
            path, type(m), m.training, sorted(vars(m)), list(m._forward_hooks),
            list(m._forward_pre_hooks), list(m._buffers), list(m._parameters),
        )
        for path, m in module.named_modules()
    ]  # fmt: skip


@pytest.mark.parametrize("execute", [False, True])
def test_a_copy_bears_what_a_trace_leaves(execute):
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(inplace=True)).train()
    before, state = observed(model), copy.deepcopy(model.state_dict())
    record(copied(model), (torch.rand(2, 2, 5, 5),), hooks=every)
    assert observed(model) == before
    for key, value in model.state_dict().items():
        assert torch.equal(value, state[key]), key


def test_a_copy_shares_its_tensors():
    model = SHARING["tied weights"]().module
    twin = copied(model)
    assert twin is not model and twin.encode is not model.encode
    assert twin.encode.weight is twin.decode.weight is not model.encode.weight
    assert twin.encode.weight.data_ptr() == model.encode.weight.data_ptr()


def test_a_copy_of_a_computed_weight():
    module, args, _ = LAYERS["linear weight norm"]()
    assert record(copied(module), args).root.output.shape == (3, 4)


def test_what_a_lazy_module_becomes_is_written_down():
    """torch changes the class of a lazy module in its first call."""
    lazy = nn.Sequential(nn.LazyBatchNorm1d(), nn.ReLU())
    trace = record(copied(lazy), (torch.ones(2, 3),))
    _, norm, relu = trace.modules
    assert norm.type_name == "LazyBatchNorm1d"
    assert norm.config["becomes"][0] == "torch.nn.modules.batchnorm.BatchNorm1d"
    assert "becomes" not in relu.config


def test_a_module_whose_length_is_that_of_another():
    """A compiled module has ``__len__``, which raises if what it wraps has none."""

    class Wrapper(nn.Module):
        def __len__(self):
            raise TypeError("no length")

        def forward(self, x):
            return x

    assert "__len__" not in record(Wrapper(), (torch.ones(1),)).modules[0].config


def test_a_lazy_model_stays_lazy():
    module, args, _ = LAYERS["lazy linear"]()
    trace = record(copied(module), args)
    assert [parameter.shape for parameter in trace.parameters] == [(4, 6), (4,)]
    assert all(parameter.lazy for parameter in trace.parameters)
    assert module.has_uninitialized_params()


def patched() -> list:
    return [nn.Module.__call__, *(vars(space).get(name) for space, name, _ in targets())] + [
        vars(torch.Tensor).get(name) for name in ("tolist", "numpy", "__array__")
    ]


class Raises(nn.Module):
    def forward(self, x):
        F.relu(x)
        raise KeyError("no luck")


@pytest.mark.parametrize("grad", [False, True])
def test_torch_is_left_as_it_was(grad):
    before = patched()
    record(nn.Linear(3, 2), (torch.ones(1, 3),), grad=grad, hooks=every)
    assert all(now is then for now, then in zip(patched(), before, strict=True))
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("execute", [False, True])
def test_torch_is_left_as_it_was_by_a_model_that_raises(execute):
    before = patched()
    model = nn.Sequential(nn.ReLU(), Raises())
    with pytest.raises(KeyError, match="no luck"):
        record(model, (torch.ones(2),), execute=execute, hooks=every)
    assert all(now is then for now, then in zip(patched(), before, strict=True))
    assert torch.is_grad_enabled() and not any(m._forward_hooks for m in model.modules())
    assert nn.ReLU()(torch.tensor([-1.0, 2.0])).tolist() == [0.0, 2.0]


def test_hooks_send_an_encoder_layer_another_way():
    """Its fast path is not taken where a hook would be missed."""
    x = torch.rand(2, 3, 8)
    layer = nn.TransformerEncoderLayer(8, 2, 6, batch_first=True).eval()
    fast, slow = record(layer, (x,)), record(layer, (x,), hooks=every)
    assert not any(call.level == "module" for call in fast.root.children)
    assert any(call.level == "module" for call in slow.root.children)
    refused = record(layer, (x,), fast_path=False)
    assert not any(
        "_transformer" in v.call.name or "_native" in v.call.name for v in visits(refused)
    )
    assert not layer._forward_hooks and torch.backends.mha.get_fastpath_enabled()


# ---------------------------------------------------------------------------- shape functions

small = st.integers(1, 4)


def agrees_with_meta(name: str, *args, **kwargs) -> None:
    """Where a shape function answers, its answer is the meta kernel's.

    Of several results the first: what else a normalisation keeps depends on the device.
    """
    packet, overload = name.removeprefix("aten.").split(".")
    spec = SHAPES[name](*args, **kwargs)
    if spec is not None:
        made = getattr(getattr(torch.ops.aten, packet), overload)(*args, **kwargs)
        if spec[0] == "many":
            assert len(spec[2]) == len(made)
            spec, made = spec[2][0], made[0]
        assert spec == ("new", made.shape, made.stride(), made.dtype)


def blank(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.empty(shape, dtype=dtype, device="meta")


@st.composite
def laid_out(draw, rank: int | None = None, least: int = 0):
    """A tensor, dense or transposed or strided, possibly with nothing in it."""
    dtypes = ("float32", "float16", "float64")
    rank = draw(st.integers(0, 4)) if rank is None else rank
    shape = [draw(st.integers(least, 4)) for _ in range(rank)]
    x = blank(*shape, dtype=getattr(torch, draw(st.sampled_from(dtypes))))
    if rank > 1 and draw(st.booleans()):
        x = x.transpose(0, draw(st.integers(1, rank - 1)))
    return x[..., ::2] if rank and draw(st.booleans()) else x


@quick
@given(st.lists(st.integers(0, 4), max_size=4))
def test_strides(shape):
    assert contiguous_strides(tuple(shape)) == blank(*shape).stride()


@quick
@given(st.data(), st.integers(1, 3))
def test_shapes_of_convolutions(data, axes):
    groups = data.draw(st.integers(1, 2))
    width, out = groups * data.draw(small), groups * data.draw(small)
    each = lambda low, high: [data.draw(st.integers(low, high)) for _ in range(axes)]  # noqa: E731
    kernel, stride, dilation, padding = each(1, 3), each(1, 3), each(1, 2), each(0, 2)
    sizes = [d * (k - 1) + 1 + n for k, d, n in zip(kernel, dilation, each(0, 4), strict=True)]
    x, weight = (
        blank(data.draw(st.integers(0, 2)), width, *sizes),
        blank(out, width // groups, *kernel),
    )
    bias = blank(out) if data.draw(st.booleans()) else None
    rest = (stride, padding, dilation, False, [0] * axes, groups)
    agrees_with_meta("aten.convolution.default", x, weight, bias, *rest)


@quick
@given(small, small, small, small)
def test_shapes_of_products(b, m, k, n):
    agrees_with_meta("aten.mm.default", blank(m, k), blank(k, n))
    agrees_with_meta("aten.mm.default", blank(k, m).t(), blank(n, k).t())
    agrees_with_meta("aten.addmm.default", blank(n), blank(m, k), blank(k, n))
    agrees_with_meta("aten.bmm.default", blank(b, m, k), blank(b, k, n))
    agrees_with_meta("aten.bmm.default", blank(b, k, m).transpose(1, 2), blank(b, k, n))


@quick
@given(laid_out(), st.sampled_from([n for n, f in SHAPES.items() if f.__name__ == "activation"]))
def test_shapes_of_activations(x, name):
    agrees_with_meta(name, x)


@quick
@given(laid_out(), laid_out(), st.sampled_from(["add", "mul", "sub", "div"]))
def test_shapes_of_arithmetic(x, y, name):
    agrees_with_meta(f"aten.{name}.Tensor", x, x.clone())
    agrees_with_meta(f"aten.{name}.Tensor", x, x)
    agrees_with_meta(f"aten.{name}.Scalar", x, 2)
    if x.shape == y.shape:
        agrees_with_meta(f"aten.{name}.Tensor", x, y)


@quick
@given(laid_out(rank=3), st.integers(-3, 2))
def test_shapes_of_softmax(x, dim):
    for name in ("_softmax", "_log_softmax"):
        agrees_with_meta(f"aten.{name}.default", x, dim, False)
    agrees_with_meta("aten._safe_softmax.default", x, dim)


@quick
@given(laid_out(rank=3), st.integers(1, 2))
def test_shapes_of_layer_norm(x, axes):
    shape = list(x.shape[-axes:])
    pair = [blank(*shape, dtype=x.dtype) for _ in range(2)]
    agrees_with_meta("aten.native_layer_norm.default", x, shape, *pair, 1e-5)


@quick
@given(laid_out(rank=4, least=2), st.booleans(), st.booleans())
def test_normalised_tensors_are_laid_out_as_a_kernel_does(x, training, last):
    """The kernels of batch and group norm do not keep strides, as those on meta do."""
    x = torch.empty_strided(x.shape, x.stride()).zero_()
    x = x.contiguous(memory_format=torch.channels_last) if last else x
    n, c, *sides = x.shape
    pair = [torch.ones(c) for _ in range(4)]
    for name, args in (
        ("batch", (x, *pair, training, 0.1, 1e-5)),
        ("group", (x, *pair[:2], n, c, prod(sides), 1, 1e-5)),
    ):
        try:
            made = getattr(torch.ops.aten, f"native_{name}_norm")(*args)
        except RuntimeError:  # torch 2.11 has group norms of contiguous tensors alone
            reject()
        spec = SHAPES[f"aten.native_{name}_norm.default"](*args)
        assert spec[2][0] == ("new", made[0].shape, made[0].stride(), made[0].dtype)


@quick
@given(st.lists(laid_out(rank=3), min_size=1, max_size=3), st.integers(-3, 2))
def test_shapes_of_joined_tensors(tensors, dim):
    """The others take the first one's shape, except along the joint."""
    first = tensors[0]
    fitting = [first]
    for tensor in tensors[1:]:
        shape = list(first.shape)
        shape[dim] = tensor.shape[0]
        fitting.append(blank(*shape, dtype=tensor.dtype))
    agrees_with_meta("aten.cat.default", fitting, dim)


@quick
@given(laid_out(least=2), st.sampled_from([None, torch.preserve_format, torch.contiguous_format]))
def test_shapes_of_clones(x, layout):
    agrees_with_meta("aten.clone.default", x, memory_format=layout)


def test_what_the_pass_makes_is_told():
    """6 x 4 + 4 before, 4 x 3 + 3 in a layer and 3 in a parameter made on the first call."""
    from flop_harness.conventions.reference import parameters
    from flop_harness.trace.recorder import record
    from flop_harness.trace.tree import made_parameters

    class Late(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.then, self.scale = nn.Linear(6, 4), None, None

        def forward(self, x):
            self.then = self.then or nn.Linear(4, 3, device=x.device)
            self.scale = nn.Parameter(torch.ones(3, device=x.device))
            return self.then(self.first(x)) * self.scale

    trace = record(Late(), (torch.rand(2, 6),))
    assert parameters(trace).total == 28 + 15 + 3
    assert sum(trace.parameters[number].numel for number in made_parameters(trace)) == 15 + 3
    assert trace.modules[0].config["made"] == ("scale",)


def test_a_forward_hook_sees_what_pre_hooks_have_made_of_the_inputs():
    from flop_harness.trace.recorder import record
    from flop_harness.trace.walk import module_calls

    layer = nn.ReLU()
    layer.register_forward_pre_hook(lambda m, args: (torch.cat([args[0], args[0]]),))
    trace = record(nn.Sequential(layer), (torch.rand(2, 6),))
    ((_, _), (visit, _)) = module_calls(trace)
    assert visit.call.args[0].shape == (4, 6)
    assert trace.root.children[0].args[0].shape == (2, 6)
