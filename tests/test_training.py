"""A training step by arithmetic: what each product costs again on the way back, and where it stands."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

import steps
from flop_harness import compare, count
from flop_harness.ask.compare import compare_once
from flop_harness.cli.targets import counters_asked
from flop_harness.conventions.catalogue import CONVENTIONS
from flop_harness.conventions.products import products, unsupported
from flop_harness.conventions.reference import mac_charges, reference
from flop_harness.counters.torch_flops import DENSE_GRADIENT
from flop_harness.errors import UserError
from flop_harness.proof.operation import Operation, prove
from flop_harness.records import Case, Suite, Trace
from flop_harness.run.planning import make_plan, of_models
from flop_harness.store.traces import dump_trace, load_trace
from flop_harness.suite.files import case_from_model
from flop_harness.trace.attempts import recorded
from flop_harness.trace.recorder import record
from flop_harness.trace.walk import operators
from layers import LAYERS


def step(model: nn.Module, *args, variant: str = "training", **options) -> Trace:
    return recorded(lambda: (model, args, {}), variant=variant, **options)


def by_phase(trace: Trace) -> dict[str, int]:
    found: Counter[str] = Counter()
    for visit, _, amount in mac_charges(trace):
        found[visit.phase] += amount
    return dict(found)


def operators_of(trace: Trace) -> Counter:
    """How often each operator stands where; layers that look alike go back in one piece."""
    return Counter((visit.phase, visit.path, visit.call) for visit in operators(trace))


def by_path(trace: Trace, phase: str) -> dict[str, int]:
    found: Counter[str] = Counter()
    for visit, _, amount in mac_charges(trace):
        if visit.phase == phase:
            found[visit.path] += amount
    return dict(found)


def meta(*shape: int, **options) -> torch.Tensor:
    return torch.empty(shape, device="meta", **options)


def on_meta(*layers: nn.Module) -> nn.Module:
    return nn.Sequential(*layers).to("meta")


N = 3


class TestBackwardIsTwiceForwardButForTheFirstLayer:
    widths = (5, 7, 11, 2)

    def chain(self) -> nn.Module:
        pairs = zip(self.widths, self.widths[1:], strict=False)
        return on_meta(*(nn.Linear(a, b) for a, b in pairs))

    def test_of_linear_layers(self):
        a, b, c, d = self.widths
        forward = N * (a * b + b * c + c * d)
        trace = step(self.chain(), meta(N, a))
        assert by_phase(trace) == {"forward": forward, "backward": 2 * forward - N * a * b}
        assert by_path(trace, "backward") == {
            "0": N * a * b, "1": 2 * N * b * c, "2": 2 * N * c * d,
        }  # fmt: skip

    def test_an_input_that_requires_a_gradient_gets_one(self):
        trace = step(self.chain(), meta(N, self.widths[0], requires_grad=True))
        assert by_phase(trace)["backward"] == 2 * by_phase(trace)["forward"]

    def test_a_layer_that_is_frozen_passes_on_its_gradient_and_has_none(self):
        _, b, c, _ = self.widths
        model = self.chain()
        model[1].requires_grad_(False)
        frozen = by_path(step(model, meta(N, self.widths[0])), "backward")
        assert frozen["1"] == N * b * c

    def test_below_the_last_trainable_layer_nothing_goes_back(self):
        model = self.chain()
        model[0].requires_grad_(False)
        model[1].requires_grad_(False)
        _, _, c, d = self.widths
        assert by_path(step(model, meta(N, self.widths[0])), "backward") == {"2": N * c * d}

    def test_terms_tell_the_phase(self):
        terms = reference(step(self.chain(), meta(N, self.widths[0]))).by_term()
        assert set(terms) == {"linear", "linear, backward"}

    def test_flops_are_twice_the_macs(self):
        trace = step(self.chain(), meta(N, self.widths[0]))
        assert CONVENTIONS["flops"].price(trace).total == 2 * reference(trace).total


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("dilation", [1, 2])
def test_of_convolutions_each_gradient_costs_the_forward_pass(groups, dilation):
    layer = nn.Conv2d(8, 12, 3, padding=dilation, dilation=dilation, groups=groups, device="meta")
    macs = N * 12 * 6 * 6 * 9 * 8 // groups
    trace = step(layer, meta(N, 8, 6, 6, requires_grad=True))
    assert by_phase(trace) == {"forward": macs, "backward": 2 * macs}


@pytest.mark.parametrize("groups", [1, 2])
def test_of_transposed_convolutions_too(groups):
    layer = nn.ConvTranspose2d(8, 12, 3, stride=2, groups=groups, device="meta")
    macs = N * 8 * 5 * 5 * 9 * 12 // groups
    trace = step(layer, meta(N, 8, 5, 5, requires_grad=True))
    assert by_phase(trace) == {"forward": macs, "backward": 2 * macs}


class Attention(nn.Module):
    def forward(self, x):
        return nn.functional.scaled_dot_product_attention(x, x, x, is_causal=True)


class TestAttention:
    heads, length, size = 2, 10, 4

    @property
    def forward(self) -> int:
        return 2 * N * self.heads * self.length**2 * self.size

    def given(self, device: str) -> torch.Tensor:
        return torch.empty(N, self.heads, self.length, self.size, device=device, requires_grad=True)

    def test_by_plain_kernels_goes_back_with_four_products(self):
        trace = step(Attention(), self.given("meta"))
        assert by_phase(trace) == {"forward": self.forward, "backward": 2 * self.forward}

    def test_fused_it_computes_the_scores_once_more(self):
        trace = step(Attention(), self.given("cpu"))
        assert by_phase(trace) == {"forward": self.forward, "backward": 5 * self.forward // 2}

    def test_fused_it_stands_at_its_module_and_function(self):
        trace = step(nn.Sequential(Attention()), self.given("cpu"))
        backward = [visit for visit, _, _ in mac_charges(trace) if visit.phase == "backward"]
        assert {visit.path for visit in backward} == {"0"}
        assert all(visit.inside("aten.scaled_dot_product_attention") for visit in backward)


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(50, 6, device="meta")
        self.head = nn.Linear(6, 50, bias=False, device="meta")
        self.head.weight = self.embedding.weight

    def forward(self, ids):
        return self.head(self.embedding(ids))


def test_a_tied_embedding_costs_nothing_and_its_head_twice_the_forward():
    ids = meta(N, dtype=torch.int64)
    trace = step(Tied(), ids)
    assert by_phase(trace) == {"forward": N * 6 * 50, "backward": 2 * N * 6 * 50}
    assert by_path(trace, "backward") == {"head": 2 * N * 6 * 50}


@pytest.mark.parametrize("view", [
    lambda buffer, half: buffer[:, half],
    lambda buffer, half: buffer.T[half].T,
    lambda buffer, half: buffer.unsqueeze(0)[..., half].squeeze(0),
], ids=["slice", "transposed", "unsqueezed"])  # fmt: skip
def test_what_is_written_into_a_view_has_a_gradient(view):
    trace = step(steps.WrittenByHalves(view).to("meta"), meta(N, 4))
    layer, product = N * 4 * 6, N * 6 * N
    assert by_phase(trace) == {"forward": layer + product, "backward": 2 * product + layer}


class LoRA(nn.Module):
    def __init__(self, width, rank):
        super().__init__()
        self.base = nn.Linear(width, width, bias=False, device="meta").requires_grad_(False)
        self.down = nn.Linear(width, rank, bias=False, device="meta")
        self.up = nn.Linear(rank, width, bias=False, device="meta")

    def forward(self, x):
        return self.base(x) + self.up(self.down(x))


def test_a_frozen_base_has_no_weight_gradient():
    width, rank = 8, 2
    trace = step(nn.Sequential(LoRA(width, rank), LoRA(width, rank)), meta(N, width))
    base, side = N * width * width, N * width * rank
    assert by_phase(trace)["forward"] == 2 * (base + 2 * side)
    # The first layer's input has no gradient: neither base nor down goes on there.
    assert by_path(trace, "backward") == {
        "0.down": side, "0.up": 2 * side, "1.base": base, "1.down": 2 * side, "1.up": 2 * side,
    }  # fmt: skip


class Checkpointed(nn.Module):
    def __init__(self, reentrant: bool):
        super().__init__()
        self.block = nn.Sequential(
            nn.Linear(4, 4, bias=False), nn.Tanh(), nn.Linear(4, 4, bias=False), nn.Tanh()
        ).to("meta")
        self.reentrant = reentrant

    def forward(self, x):
        return checkpoint(self.block, x, use_reentrant=self.reentrant)


@pytest.mark.parametrize("reentrant", [False, True])
def test_a_checkpointed_block_runs_four_times_instead_of_three(reentrant):
    trace = step(Checkpointed(reentrant), meta(N, 4, requires_grad=True))
    once = 2 * N * 4 * 4
    assert by_phase(trace) == {"forward": once, "recomputed": once, "backward": 2 * once}
    for phase in ("forward", "recomputed"):
        assert by_path(trace, phase) == {"block.0": once // 2, "block.2": once // 2}
    assert by_path(trace, "backward") == {"block.0": once, "block.2": once}


class EndsInAProduct(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = on_meta(nn.Linear(4, 4, bias=False), nn.Tanh(), nn.Linear(4, 4, bias=False))

    def forward(self, x):
        return checkpoint(self.block, x, use_reentrant=False)


def test_recomputing_stops_at_the_last_value_that_is_kept():
    trace = step(EndsInAProduct(), meta(N, 4, requires_grad=True))
    assert by_phase(trace)["recomputed"] == N * 4 * 4  # the second product's result is not needed


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight):
        ctx.save_for_backward(x, weight)
        return x @ weight

    @staticmethod
    def backward(ctx, dy):
        x, weight = ctx.saved_tensors
        return dy @ weight.t(), x.t() @ dy


class OwnFunction(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(meta(4, 5))

    def forward(self, x):
        return Doubled.apply(x, self.weight)


def test_a_function_with_a_backward_of_its_own_stands_at_its_module():
    model = on_meta(nn.Linear(4, 4), OwnFunction(), nn.Linear(5, 2))
    trace = step(model, meta(N, 4))
    assert by_path(trace, "backward") == {"0": N * 16, "1": 2 * N * 20, "2": 2 * N * 10}


class Penalty(nn.Module):
    """The norm of a gradient as the loss: it is differentiated twice."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(4, 4, bias=False, device="meta")

    def forward(self, x):
        y = torch.tanh(self.inner(x))
        (slope,) = torch.autograd.grad(y.sum(), x, create_graph=True)
        return slope.pow(2).sum()


def test_gradients_of_gradients_are_followed():
    trace = step(Penalty(), meta(N, 4, requires_grad=True))
    one = N * 4 * 4
    # Forward: the product, and dx = dy W. Backward of dx: d(dy) and dW; of the product: dx and dW.
    assert by_phase(trace) == {"forward": 2 * one, "backward": 4 * one}


class PerSample(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(4, 4))

    def forward(self, x):
        slope = torch.func.grad(lambda each: torch.tanh(each @ self.weight).sum())
        return slope(x)


def test_gradients_of_torch_func_are_followed():
    trace = step(PerSample(), torch.zeros(N, 4))
    one = N * 4 * 4
    assert by_phase(trace)["forward"] == 2 * one
    assert by_phase(trace)["backward"] == 3 * one  # d(dy), and dW twice; x has no gradient


class Recurrent(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.cells = kind(5, 6, batch_first=True, bias=False, device="meta")

    def forward(self, x):
        return self.cells(x)[0]


@pytest.mark.parametrize(("kind", "gates"), [(nn.RNN, 1), (nn.GRU, 3), (nn.LSTM, 4)])
def test_of_recurrent_layers(kind, gates):
    length = 4
    trace = step(Recurrent(kind), meta(N, length, 5, requires_grad=True))
    inner, outer = N * length * gates * 5 * 6, N * length * gates * 6 * 6
    assert by_phase(trace)["forward"] == inner + outer
    # The first state is zeros without a gradient, and its product has no gradient of the state.
    assert by_phase(trace)["backward"] == 2 * (inner + outer) - outer // length


class TestTheModelStaysAsItWas:
    def test_gradients_values_and_mode(self):
        model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
        x = torch.randn(N, 4)
        before = {name: value.clone() for name, value in model.state_dict().items()}
        step(model, x, variant="training adamw")
        assert all(parameter.grad is None for parameter in model.parameters())
        assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())

    def test_gradients_that_were_there(self):
        model = nn.Linear(4, 4)
        model(torch.ones(N, 4)).sum().backward()
        kept = model.weight.grad.clone()
        step(model, torch.ones(N, 4))
        assert torch.equal(model.weight.grad, kept)


@pytest.mark.parametrize("device", ["meta", "cpu"])
def test_the_forward_pass_is_the_one_without_a_backward(device):
    torch.manual_seed(0)
    model = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0.0).to(device)
    x = torch.zeros(N, 5, 8, device=device)
    plain = record(model, (x,), grad=True)
    trained = step(model, x)
    forward = {
        term: amount for term, amount in reference(trained).by_term().items() if "," not in term
    }
    assert forward == reference(plain).by_term()


def test_remembering_changes_nothing():
    model = on_meta(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))
    x = meta(N, 3, 3, 3)
    first, again, never = step(model, x), step(model, x), step(model, x, memory=None)
    assert first == again and first.root == never.root
    assert operators_of(first) == operators_of(never)


def test_kernels_that_run_do_the_same():
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.GroupNorm(2, 8), nn.Flatten(), nn.Linear(8, 2))
    x = torch.randn(N, 3, 3, 3)
    assert reference(step(model, x)) == reference(step(model, x, execute=True))


def test_a_stored_step_is_the_same():
    trace = step(on_meta(nn.Linear(4, 4), nn.Linear(4, 2)), meta(N, 4), variant="training sgd")
    assert [phase for phase, _ in trace.phases] == ["backward", "optimizer"]
    assert load_trace(dump_trace(trace)) == trace


class TestOptimizers:
    def operations(self, optimizer: str) -> int:
        model = nn.Linear(4, 6, bias=False, device="meta")
        trace = step(model, meta(N, 4), variant=f"training {optimizer}")
        charges = CONVENTIONS["operations"].charges(trace)
        return sum(amount for visit, _, amount in charges if visit.phase == "optimizer")

    def test_gradient_descent_multiplies_and_adds_each_parameter(self):
        assert self.operations("sgd") == 2 * 24

    def test_momentum_is_kept_and_added_to(self):
        assert self.operations("momentum") == (2 + 2) * 24

    def test_adam_keeps_two_moments_of_each_parameter(self):
        first = 3  # m + (1 - b1) (g - m)
        second = 1 + 3  # b2 v, and with it (1 - b2) g g
        scale = 3  # the root of v over its correction, and epsilon
        change = 3  # p - a m / scale
        counter = 1  # of steps, for the tensor as a whole
        adam = (first + second + scale + change) * 24 + counter
        assert self.operations("adam") == adam
        assert self.operations("adamw") == adam + 24  # the decay of each weight

    def test_muon_multiplies_matrices(self):
        a, b = 4, 6
        model = nn.Linear(a, b, bias=False, device="meta")
        trace = step(model, meta(N, a), variant="training muon")
        # Five times: the matrix of inner products, its square, and the product with the gradient.
        assert by_phase(trace)["optimizer"] == 5 * (a * a * b + a * a * a + a * a * b)

    @pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam", "adamw"])
    def test_others_multiply_none(self, optimizer):
        model = nn.Linear(4, 6, device="meta")
        trace = step(model, meta(N, 4), variant=f"training {optimizer}")
        assert "optimizer" not in by_phase(trace)
        assert "optimizer" in dict(trace.phases)


def test_a_model_without_gradients_is_refused():
    model = nn.Linear(4, 4, device="meta").requires_grad_(False)
    with pytest.raises(UserError, match="nothing to train"):
        step(model, meta(N, 4))


class Returns(nn.Module):
    """A linear layer whose result comes as ``kind`` makes it."""

    def __init__(self, kind: Callable) -> None:
        super().__init__()
        self.kind, self.layer = kind, nn.Linear(4, 5, device="meta")

    def forward(self, x):
        return self.kind(self.layer(x))


class Plain:
    def __init__(self, **held) -> None:
        vars(self).update(held)


class Slotted:
    __slots__ = ("itself", "logits")

    def __init__(self, logits) -> None:
        self.logits, self.itself = logits, self


@dataclass(slots=True)
class Fields:
    logits: torch.Tensor
    loss: None = None


OBJECTS = {
    "with attributes": lambda y: Plain(logits=y, name="fc"),
    "in an object in a list": lambda y: [Plain(inner=Plain(logits={"y": y}))],
    "with slots, and itself": Slotted,
    "a dataclass with slots": Fields,
    "a distribution": lambda y: torch.distributions.Normal(y, 1.0, validate_args=False),
    "a loss in an object": lambda y: Plain(loss=y.sum(), hidden=y),
    "with a range and its class": lambda y: Plain(steps=range(10**12), kind=Plain, logits=y),
}


@pytest.mark.parametrize("kind", OBJECTS)
def test_outputs_are_found_in_objects(kind):
    """Forward, and the gradient of the weight: the input asks for none."""
    trace = step(Returns(OBJECTS[kind]), meta(N, 4))
    assert by_phase(trace) == {"forward": N * 4 * 5, "backward": N * 4 * 5}


@pytest.mark.parametrize("kind", [lambda y: None, lambda y: Plain(name="fc"), lambda y: Plain])
def test_a_model_that_returns_no_tensor_is_told_what_to_return(kind):
    with pytest.raises(
        UserError, match=r"returns a tensor, or what holds some .* returns [a-zA-Z_.]+$"
    ):
        step(Returns(kind), meta(N, 4))


class ThroughAView(nn.Module):
    """Writes what its layer gives into rows of a plain tensor, as padding of sequences does."""

    def __init__(self, write):
        super().__init__()
        self.layer, self.head, self.write = nn.Linear(4, 5), nn.Linear(5, 5), write

    def forward(self, x):
        rows = torch.zeros(N, 5, device=x.device)
        self.write(rows, self.layer(x))
        return self.head(rows)


def by_copy(rows, y):
    rows[:].copy_(y)


def by_a_row_of_a_row(rows, y):
    rows.view(N, 5, 1).squeeze(-1)[0:N].add_(y)


def by_assignment(rows, y):
    rows[0] = y[0]
    rows[1:] = y[1:]


@pytest.mark.parametrize("write", [by_copy, by_a_row_of_a_row, by_assignment])
def test_gradients_come_back_through_a_view_that_was_written_into(write):
    trace = step(ThroughAView(write).to("meta"), meta(N, 4))
    assert by_path(trace, "backward") == {"layer": N * 20, "head": 2 * N * 25}


class Packed(nn.Module):
    def __init__(self):
        super().__init__()
        self.cells, self.head = nn.RNN(4, 3, batch_first=True), nn.Linear(3, 2)

    def forward(self, x):
        packed = nn.utils.rnn.pack_padded_sequence(x, [2, 1], batch_first=True)
        return self.head(nn.utils.rnn.pad_packed_sequence(self.cells(packed)[0], True)[0])


def test_gradients_come_back_through_packed_sequences():
    """Both weights of the cells get one for each of three steps, the one hidden state that is no
    first one gets one; the head has four rows, the padded one among them.
    """
    trace = step(Packed(), torch.rand(2, 2, 4))
    given, hidden, head = 3 * 4, 3 * 3, 3 * 2
    assert by_path(trace, "forward") == {"cells": 3 * (given + hidden), "head": 4 * head}
    backward = {"cells": 3 * (given + hidden) + hidden, "head": 2 * 4 * head}
    assert by_path(trace, "backward") == backward


@pytest.mark.parametrize("held", [dict, deque, SimpleNamespace])
def test_a_loss_may_stand_in_any_container(held):
    class Model(nn.Linear):
        def forward(self, x):
            y = super().forward(x)
            return held(y=y) if held is not deque else deque([y])

    assert by_phase(step(Model(4, 5, device="meta"), meta(N, 4))) == {
        "forward": N * 20, "backward": N * 20,
    }  # fmt: skip


class OwnLoss(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(4, 4, device="meta")
        self.other = nn.Linear(4, 4, device="meta")

    def forward(self, x):
        return {"loss": self.inner(x).sum(), "logits": self.other(x)}


def test_a_model_with_a_loss_of_its_own_goes_back_from_that_alone():
    trace = step(OwnLoss(), meta(N, 4))
    assert by_path(trace, "backward") == {"inner": N * 16}


# ---------------------------------------------------------------- what counters say of a step


def compared(names, counters: tuple[str, ...]) -> dict[str, list]:
    """Bridges by model, of runs in processes of their own."""
    cases = [case_from_model(f"tests/steps.py:{name}", [], mode="train") for name in names]
    run = compare_once(of_models(cases), counters=counters, device="cpu", training=True)
    assert not run.failures
    found = {name: [] for name in names}
    for each in run.bridges:
        found[each.case.rpartition(":")[2]].append(each)
    return found


@pytest.fixture(scope="module")
def by_torch():
    return compared(steps.STEPS, ("torch",))


@pytest.mark.parametrize("name", steps.STEPS)
def test_every_figure_of_the_mode_of_torch_is_explained(by_torch, name):
    by_context = {str(bridge.context): bridge.residual for bridge in by_torch[name]}
    assert by_context == dict.fromkeys(
        ("cpu grad train training", "cpu grad train math training", "meta grad train training"), 0
    )
    assert all(bridge.explained for bridge in by_torch[name])


def test_the_plain_kernel_of_attention_stands_for_meta_where_the_model_looks_at_values():
    case = case_from_model("tests/steps.py:looks_at_mask", [], mode="train")
    run = compare_once(of_models([case]), counters=("torch",), device="cpu", training=True)
    heads, positions, width = 2, N, 8
    layer, product = heads * positions * width**2, heads * positions**2 * width
    plain = 2 * (2 * layer + 6 * product)  # the input has no gradient
    readings = {str(each.context): (each.status, each.value) for each in run.readings}
    assert readings == {
        "cpu grad train training": ("ok", 2 * 2 * layer),  # no formula for the CPU's fused kernel
        "cpu grad train math training": ("ok", plain),
        "meta grad train training": ("unavailable", None),
    }
    assert [bridge.residual for bridge in run.bridges] == [0, 0]


def test_a_grouped_weight_gradient_is_counted_as_often_as_there_are_groups(by_torch):
    groups, macs = 4, N * 12 * 4 * 4 * 9 * 8 // 4
    bridge = by_torch["grouped"][0]
    (fault,) = (step for step in bridge.steps if step.term == DENSE_GRADIENT)
    assert fault.amount == (groups - 1) * macs
    assert bridge.reading == 2 * macs + 2 * groups * macs


@pytest.mark.slow
def test_factors_are_explained():
    names = ("linear", "grouped_inside", "encoder", "branches")
    for bridges in compared(names, ("deepspeed", "calflops")).values():
        assert len(bridges) == 4
        assert all(bridge.explained for bridge in bridges)


def test_a_counter_of_forward_passes_is_refused():
    with pytest.raises(UserError, match="thop: no backward pass"):
        compare(nn.Linear(4, 2), (N, 4), counters="thop", training=True)


@pytest.mark.parametrize("counters", [("all",), counters_asked(" all")])
def test_of_all_counters_those_of_training_are_asked(counters):
    suite = Suite("one", 1, "", (Case("net", "torch.nn:Linear"),))
    plan = make_plan(suite, Path(), counters=counters, device="cpu", training=True)
    asked = {counter.id for counter in plan.counters}
    assert "torch" in asked and "thop" not in asked


def test_count_tells_the_phases():
    counted = count(nn.Sequential(nn.Linear(4, 6), nn.Linear(6, 2)), (N, 4), training=True)
    assert counted.phases == {"forward": N * 36, "backward": N * (24 + 24)}
    assert counted.total == counted.macs == N * 84


def test_count_refuses_another_optimizer():
    with pytest.raises(UserError, match=r"'adamv'.*did you mean 'adam'"):
        count(nn.Linear(4, 6), (N, 4), optimizer="adamv")


# ------------------------------------------------------------------- what runs, by running it

PROVEN = [
    name for name in LAYERS
    if any(part in name for part in ("conv", "linear", "attention", "lstm", "gru", "rnn", "norm",
                                     "encoder", "bilinear", "softmax", "pool", "embedding"))
    and not any(part in name for part in ("lazy", "deformable", "empty"))
]  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", PROVEN)
def test_products_of_the_backward_pass_are_those_that_run(name):
    module, args, kwargs = LAYERS[name]()
    wanting = tuple(
        arg.detach().requires_grad_() if isinstance(arg, torch.Tensor) and arg.is_floating_point()
        else arg for arg in args
    )  # fmt: skip
    trace = recorded(lambda: (module.train(), wanting, kwargs), variant="training")
    found = {visit.call for visit, _, _ in products(trace) if visit.phase == "backward"}
    standings = {call.name: prove(Operation(call)).standing for call in found}
    assert set(standings.values()) <= {"proven", "oracle"}, standings
    assert not unsupported(trace)
