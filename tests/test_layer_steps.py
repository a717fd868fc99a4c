"""Of layers that look alike one is differentiated: the trace of a step says the same of all."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from torch import nn
from torch.func import functional_call
from torch.utils.checkpoint import checkpoint

from flop_harness.conventions.reference import mac_charges
from flop_harness.records import Trace
from flop_harness.trace.attempts import recorded
from flop_harness.trace.backward import GraphMode
from flop_harness.trace.plans import Memory
from flop_harness.trace.recorder import record
from flop_harness.trace.walk import operators

N, W = 3, 8


def step(model: nn.Module, *args: torch.Tensor, memory: Memory | None) -> Trace:
    return recorded(lambda: (model, args, {}), variant="training", memory=memory)


def placed(trace: Trace) -> Counter:
    """How often each operator stands where."""
    return Counter((visit.phase, visit.path, visit.call) for visit in operators(trace))


def by_phase(trace: Trace) -> dict[str, int]:
    found: Counter[str] = Counter()
    for visit, _, amount in mac_charges(trace):
        found[visit.phase] += amount
    return dict(found)


class Stack(nn.Module):
    """Layers one after another; ``through`` says how each is called."""

    def __init__(self, *layers: nn.Module, through=lambda layer, x: layer(x)) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.through = through

    def forward(self, x):
        for layer in self.layers:
            x = self.through(layer, x)
        return x


def linears(n: int, **options) -> list[nn.Module]:
    return [nn.Linear(W, W, **options) for _ in range(n)]


def frozen(layer: nn.Module) -> nn.Module:
    return layer.requires_grad_(False)


def hooked(layer: nn.Module) -> nn.Module:
    layer.register_full_backward_hook(lambda module, inner, outer: (inner[0] * 2,))
    return layer


def first_doubled(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    y = layer(x)
    y[..., 0] *= 2
    return y


def doubled_in_list(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    y = layer(x)
    torch._foreach_mul_([y], 2.0)
    return y


def in_two_ways(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    first = layer(x, x + 1, x * 2, need_weights=False)[0]
    return layer(first, first + 1, first, need_weights=False)[0]


def tied() -> nn.Module:
    layers = linears(3)
    layers[2].weight = layers[1].weight
    return Stack(*layers)


def shared() -> nn.Module:
    return Stack(*linears(1) * 3)


class Unused(nn.Module):
    """The second layer's output is not led back from."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(linears(3))

    def forward(self, x):
        a, b, c = self.layers
        return c(a(x) + b(x).detach())


class Penalised(nn.Module):
    """The loss holds a gradient, of which another is taken."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(linears(2))

    def forward(self, x):
        y = self.layers[1](self.layers[0](x).tanh())
        (slope,) = torch.autograd.grad(y.sum(), self.layers[1].weight, create_graph=True)
        return y.sum() + slope.pow(2).sum()


class Packed(nn.Module):
    """What is kept for the way back is packed by functions of the model's."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(linears(2))

    def forward(self, x):
        with torch.autograd.graph.saved_tensors_hooks(lambda t: t * 1, lambda t: t + 0):
            return self.layers[1](self.layers[0](x))


def with_computed_weights(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    weight = layer.weight * 2
    return functional_call(layer, {"weight": weight, "bias": weight.sum(0)}, (x,))


def on_its_own_weight(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return x + layer(layer.weight).sum()


def hooked_after(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    y = layer(x)
    layer.weight.register_hook(lambda gradient: gradient * 2)
    return y


def hooked_at_its_node(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    y = layer(x * 1)
    y.grad_fn.register_hook(lambda inner, outer: (inner[0] * 2, *inner[1:]))
    return y


def as_many_as_nodes(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    y = layer(x)
    for _ in y.grad_fn.next_functions:
        y = y * 1
    return y


def twice_for_each_size(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    y = layer(x)
    for _ in y.grad_fn._saved_self_sym_sizes:  # what the node of a view keeps
        y = y * 2
    return y


def with_input_changed(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Which a layer whose weight is frozen does not keep."""
    before = x * 2
    y = layer(before)
    before.add_(1)
    return y


class WithoutWeights(torch.autograd.Function):
    """A layer through which gradients go to its input alone."""

    @staticmethod
    def forward(ctx, x, layer):
        with torch.enable_grad():
            ctx.x = x.detach().requires_grad_()
            ctx.y = layer(ctx.x)
        return ctx.y.detach()

    @staticmethod
    def backward(ctx, gradient):
        return torch.autograd.grad(ctx.y, ctx.x, gradient)[0], None


def without_weights(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return WithoutWeights.apply(x, layer)


MODELS = {
    "linear": lambda: Stack(*linears(4)),
    "without bias": lambda: Stack(*linears(4, bias=False)),
    "frozen first": lambda: Stack(*map(frozen, linears(2)), *linears(2)),
    "frozen last": lambda: Stack(*linears(2), *map(frozen, linears(2))),
    "tied": tied,
    "shared": shared,
    "unused": Unused,
    "norms": lambda: Stack(*(nn.LayerNorm(W) for _ in range(3)), nn.GELU(), nn.GELU()),
    "residual": lambda: Stack(*linears(3), through=lambda layer, x: x + layer(x)),
    "written into": lambda: Stack(*linears(3), through=lambda layer, x: layer(x).mul_(2)),
    "written into in a list": lambda: Stack(*linears(3), through=doubled_in_list),
    "parts written into": lambda: Stack(*linears(3), through=first_doubled),
    "transposed": lambda: Stack(*linears(3), through=lambda layer, x: layer(x).mT.contiguous().mT),
    "attention": lambda: Stack(
        *(nn.MultiheadAttention(W, 2, batch_first=True) for _ in range(3)),
        through=lambda layer, x: layer(x, x, x, need_weights=False)[0],
    ),
    "attention to another": lambda: Stack(
        *(nn.MultiheadAttention(W, 2) for _ in range(3)),
        through=lambda layer, x: layer(x, x + 1, x * 2, need_weights=False)[0],
    ),
    "attention in two ways": lambda: Stack(
        *(nn.MultiheadAttention(W, 2) for _ in range(2)), through=in_two_ways
    ),
    "encoder": lambda: nn.TransformerEncoder(
        nn.TransformerEncoderLayer(W, 2, 16, batch_first=True), 3
    ),
    "hooked": lambda: Stack(*map(hooked, linears(3))),
    "checkpointed": lambda: Stack(
        *linears(3), through=lambda layer, x: checkpoint(layer, x, use_reentrant=False)
    ),
    "checkpointed anew": lambda: Stack(
        *linears(3), through=lambda layer, x: checkpoint(layer, x, use_reentrant=True)
    ),
    "with computed weights": lambda: Stack(*linears(3), through=with_computed_weights),
    "on their weights": lambda: Stack(*linears(3), through=on_its_own_weight),
    "hooked after": lambda: Stack(*linears(3), through=hooked_after),
    "hooked at their nodes": lambda: Stack(*linears(3), through=hooked_at_its_node),
    "as many as nodes": lambda: Stack(*linears(3), through=as_many_as_nodes),
    "as many as sizes": lambda: Stack(*linears(3), through=twice_for_each_size),
    "inputs changed": lambda: Stack(*map(frozen, linears(3)), through=with_input_changed),
    "without weights": lambda: Stack(*linears(3), through=without_weights),
    "packed": Packed,
    "penalised": Penalised,
}  # fmt: skip


ASKED = ("hooked", "checkpointed anew", "without weights", "inputs changed")
"""Models whose input has to have a gradient"""


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("name", MODELS)
def test_a_step_is_as_if_each_layer_were_differentiated(name: str, device: str, training: bool):
    model = MODELS[name]().to(device).train(training)
    x = torch.zeros(N, 4, W, device=device, requires_grad=name in ASKED)
    alike = step(model, x, memory=Memory())
    each = step(model, x, memory=None)
    assert placed(alike) == placed(each)
    assert alike.root == each.root


def test_hooks_on_weights_are_called_once():
    model, x = Stack(*linears(3)), torch.zeros(N, W)
    for layer in model.layers:
        layer.weight.register_hook(lambda gradient: gradient * 2)
    trace = record(model, (x,), variant="training", memory=Memory())
    names = Counter(v.call.name for v in operators(trace) if v.phase == "backward")
    assert names["aten.mul.Tensor"] == 3


def test_alike_layers_cost_what_they_cost():
    """The first has no gradient of its input; of the others two products each come back."""
    trace = step(Stack(*linears(5)), torch.zeros(N, W), memory=Memory())
    assert by_phase(trace) == {"forward": 5 * N * W * W, "backward": (2 * 5 - 1) * N * W * W}


def test_a_layer_of_its_own_weight_has_both_gradients():
    """W W: two products come back, one for the input and one for the weight, though both are one."""
    trace = step(Stack(*linears(3), through=on_its_own_weight), torch.zeros(1), memory=Memory())
    assert by_phase(trace) == {"forward": 3 * W**3, "backward": 3 * 2 * W**3}


def test_gradients_of_inputs_alone_cost_one_product():
    """The weights' gradients are not asked for within the function's own way back."""
    model = Stack(*linears(3), through=without_weights)
    trace = step(model, torch.zeros(N, W, requires_grad=True), memory=Memory())
    assert by_phase(trace) == {"forward": 3 * N * W * W, "backward": 3 * N * W * W}


def test_an_input_that_is_kept_and_written_into_is_an_error():
    """As torch says where each layer is differentiated."""
    model = Stack(*linears(4), through=with_input_changed)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        step(model, torch.zeros(N, W, requires_grad=True), memory=Memory())


def test_an_optimizer_on_the_way_back_is_seen():
    """SGD writes into each parameter once; the model of the caller keeps its values."""
    model = Stack(*linears(3))
    optimizers = {p: torch.optim.SGD([p], lr=0.1, foreach=False) for p in model.parameters()}

    def stepped(parameter: torch.Tensor) -> None:
        optimizers[parameter].step()
        optimizers[parameter].zero_grad()

    for parameter in model.parameters():
        parameter.register_post_accumulate_grad_hook(stepped)
    trace = step(model, torch.zeros(N, W), memory=Memory())
    names = Counter(v.call.name for v in operators(trace) if v.phase == "backward")
    assert names["aten.add_.Tensor"] == 2 * 3
    assert all(parameter.grad is None for parameter in model.parameters())


def test_only_the_first_of_a_kind_is_differentiated(monkeypatch):
    """However many layers: the first, which has no gradient of its input, and one of the others."""
    seen: Counter[str] = Counter()
    dispatch = GraphMode.__torch_dispatch__

    def counted(self, func, types, args=(), kwargs=None):
        seen[str(func)] += self.turned_back
        return dispatch(self, func, types, args, kwargs)

    monkeypatch.setattr(GraphMode, "__torch_dispatch__", counted)
    step(Stack(*linears(12)), torch.zeros(N, W), memory=Memory())
    assert seen["aten.mm.default"] == 1 + 2
