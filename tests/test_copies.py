"""A trace changes nothing of the caller's, and traces the model that the caller has."""

from __future__ import annotations

import contextlib
import functools
import threading
import types

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

import flop_harness as harness
from flop_harness.conventions.reference import reference
from flop_harness.records import RAISED
from flop_harness.trace.attempts import recorded
from flop_harness.trace.copying import NotCopyable, copied
from flop_harness.trace.differences import differences
from flop_harness.trace.walk import module_calls, visits

pytestmark = pytest.mark.filterwarnings("ignore")


def macs(module: nn.Module, *args, **kwargs) -> int:
    return harness.count(module, *args, **kwargs).macs


class Twofold(nn.Module):
    """Does more in training."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.extra = nn.Linear(4, 4), nn.Linear(4, 9)

    def forward(self, x):
        y = self.body(x)
        return (y, self.extra(y)) if self.training else y


# ------------------------------------------------------------------------------------ models


def test_a_graph_module_keeps_its_mode_and_class():
    graph = torch.fx.symbolic_trace(Twofold().eval()).eval()
    twin = copied(graph)
    assert type(twin) is type(graph) and not twin.training
    assert twin.body is not graph.body
    assert macs(graph, torch.ones(3, 4)) == 3 * 4 * 4


def test_a_module_with_a_graph_for_each_mode_keeps_its_mode():
    from torchvision.models.feature_extraction import create_feature_extractor

    both = create_feature_extractor(
        Twofold(), train_return_nodes=["extra"], eval_return_nodes=["body"]
    )
    assert macs(both.train(), torch.ones(3, 4)) == 3 * 4 * 4 + 3 * 4 * 9
    assert macs(both.eval(), torch.ones(3, 4)) == 3 * 4 * 4


def scripted():
    return torch.jit.script(nn.Sequential(nn.Linear(4, 5), nn.ReLU()).eval())


def traced():
    return torch.jit.trace(nn.Sequential(nn.Linear(4, 5), nn.ReLU()).eval(), torch.ones(3, 4))


def exported():
    return torch.export.export(nn.Sequential(nn.Linear(4, 5)).eval(), (torch.ones(3, 4),)).module()


def frozen_in_part():
    model = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Dropout()).train()
    model[1].eval()
    model[0].bias.requires_grad_(False)
    model[2].register_forward_hook(lambda *_: None)
    return model


def parametrised():
    return nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(4, 5)))


MODELS = [scripted, traced, exported, frozen_in_part, parametrised]


@pytest.mark.parametrize("make", MODELS)
@pytest.mark.parametrize("real", [False, True])
def test_a_copy_is_the_same_model(make, real):
    model = make()
    twin = copied(model, real=real)
    assert twin is not model
    assert differences(model, twin) == []
    assert macs(model, torch.ones(3, 4)) == 3 * 4 * 5


def test_differences_are_seen():
    one, other = frozen_in_part(), frozen_in_part()
    assert differences(one, other) == []
    other[1].train()
    other[0].bias.requires_grad_(True)
    other[2].register_forward_hook(lambda *_: None)
    assert differences(one, other) == ["modes differ", "hooks differ", "parameters differ"]


class Locked(nn.Module):
    """Holds what refuses to be copied."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()
        self.body = nn.Linear(4, 5)

    def forward(self, x):
        with self.lock:
            return self.body(x)


def test_a_model_that_holds_a_lock():
    model = Locked()
    twin = copied(model)
    assert twin.lock is model.lock
    assert macs(model, torch.ones(3, 4)) == 3 * 4 * 5


class Ticking(Locked):
    """Reads a generator, which no copy can have."""

    def __init__(self) -> None:
        super().__init__()
        self.ticks = (n for n in range(9))

    def forward(self, x):
        return super().forward(x) + next(self.ticks)


def test_a_model_that_holds_a_generator_is_traced_itself_and_stays_as_it_is():
    model = Ticking()
    with pytest.raises(NotCopyable, match="a generator is read but once"):
        copied(model)
    assert macs(model, torch.ones(3, 4)) == 3 * 4 * 5
    assert next(model.ticks) == 0


class Stubborn(nn.Linear):
    def __deepcopy__(self, memo):
        raise RuntimeError("there is only one of me")

    def forward(self, x):
        self.seen = x.shape
        return super().forward(x)


def test_a_model_that_refuses_is_traced_itself_and_stays_as_it_is():
    model = nn.Sequential(Stubborn(4, 5))
    with pytest.raises(NotCopyable):
        copied(model)
    assert macs(model, torch.ones(3, 4)) == 3 * 4 * 5
    assert not hasattr(model[0], "seen")


def test_a_forward_bound_to_the_original_is_traced_in_the_original():
    """A closure leads a copy back to the layers of its original."""
    model = nn.Sequential(nn.Linear(4, 5))
    layer = model[0]
    model.forward = lambda x: layer(layer.weight.new_ones(3, 4))
    counted = harness.count(model, torch.ones(3, 4))
    assert counted.macs == 3 * 4 * 5
    assert [visit.path for visit, _ in module_calls(counted.trace)] == ["", "0"]


def test_a_bound_method_is_bound_to_the_copy():
    model = nn.Sequential(nn.Linear(4, 5))
    model.forward = types.MethodType(lambda self, x: self[0](x), model)
    assert copied(model).forward.__self__ is not model
    assert macs(model, torch.ones(3, 4)) == 3 * 4 * 5


def test_containers_nested_as_deep_as_they_like():
    model = nn.Linear(4, 5)
    for _ in range(400):
        model = nn.Sequential(model)
    assert macs(model, torch.ones(3, 4)) == 3 * 4 * 5


def test_views_share_their_memory_in_a_real_copy_too():
    base = torch.zeros(6)
    one, (head, tail) = copied((base, (base[:2], base[2:])), real=True)
    head += 1
    assert one.tolist() == [1, 1, 0, 0, 0, 0] and base.sum() == 0
    assert tail.untyped_storage().data_ptr() == one.untyped_storage().data_ptr()


# ------------------------------------------------------------------------------------ inputs


class Cache:
    """An object of the model's own, as generation has them."""

    def __init__(self) -> None:
        self.keys: list[torch.Tensor] = []


class Cached(nn.Module):
    """Attends to all it was ever given; looks at a value half way."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(4, 4)
        self.memory: list[torch.Tensor] = []

    def forward(self, x, cache):
        for keys in (cache.keys, self.memory):
            keys.append(self.body(x))
        y = x @ torch.cat(cache.keys).T @ torch.cat(cache.keys)
        return y * y.sum().item()


def test_an_attempt_never_meets_what_another_has_spoilt():
    """2 rows: the layer twice, and two products with a cache of 3 + 2 rows."""
    model, cache = Cached(), Cache()
    cache.keys.append(torch.ones(3, 4))
    for _ in range(3):
        assert macs(model, torch.ones(2, 4), cache) == 2 * (2 * 4 * 4) + 2 * (2 * 5 * 4)
    assert len(cache.keys) == 1 and not model.memory


class Writing(nn.Module):
    """Changes everything that it can lay hands on, and looks at a value if asked to."""

    def __init__(self, looks: bool) -> None:
        super().__init__()
        self.looks = looks
        self.norm, self.body = nn.BatchNorm1d(4), nn.Linear(4, 4)

    def forward(self, given):
        x = given["x"]
        if self.looks and x.sum().item() < 0:
            return x
        self.body.weight.data.add_(1)
        y = self.body(self.norm(x))
        x.add_(1)
        given["y"] = y
        return y


@pytest.mark.parametrize("looks", [False, True])
def test_nothing_of_the_callers_changes(looks):
    model, given = Writing(looks).train(), {"x": torch.ones(3, 4)}
    state = {key: value.clone() for key, value in model.state_dict().items()}
    assert macs(model, given) == 3 * 4 * 4
    assert list(given) == ["x"] and given["x"].sum() == 12
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())


class Trained(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(4, 5)

    def forward(self, x):
        with torch.enable_grad():
            self.body(x).sum().backward()


def test_no_gradient_is_left():
    """Forward, and the weight's gradient; with one for the input as it requires one."""
    model, x = Trained(), torch.ones(3, 4, requires_grad=True)
    assert macs(model, x) == 3 * (3 * 4 * 5)
    assert x.grad is None and all(p.grad is None for p in model.parameters())


# ------------------------------------------------------------------------------ what raised


class Gives(nn.Module):
    """Computes, then raises."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(4, 5)

    def forward(self, x):
        self.body(x) @ torch.ones(5, 6)
        raise LookupError("not here")


class Catches(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = Gives()

    def forward(self, x):
        try:
            return self.inner(x)
        except LookupError:
            return x


def test_what_ran_before_a_module_raised_counts():
    counted = harness.count(Catches(), torch.ones(3, 4))
    assert counted.macs == 3 * 4 * 5 + 3 * 5 * 6
    assert counted.account.inclusive()["inner"] == counted.macs
    raised = [v.path for v in visits(counted.trace) if v.call.output == RAISED]
    assert raised == ["inner"]
    assert [v.path for v, _ in module_calls(counted.trace)] == ["", "inner.body"]


class Checkpointed(nn.Module):
    """A training step over a checkpoint: its recomputation ends in an exception of torch's own."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Sequential(nn.Linear(16, 8)))

    def forward(self, x):
        with torch.enable_grad():
            y = checkpoint(self.body, x, use_reentrant=False)
            return torch.autograd.grad(y.sum(), list(self.parameters()))


def test_a_recomputation_that_stops_early_counts():
    """A mode of torch's own sees which operators ran: of the last layer's product, none again."""
    model, x = Checkpointed().train(), torch.ones(2, 8)
    with FlopCounterMode(display=False) as flops:
        model(x)
    trace = recorded(lambda: (model, (x,), {}))
    assert 2 * reference(trace).total == flops.get_total_flops()
    # two layers forward, the first again, and of both gradients each but the input's
    assert reference(trace).total == (2 + 1 + 3) * 2 * 8 * 16
    raised = [v.call.name for v in visits(trace) if v.call.output == RAISED]
    assert raised == ["body", "body.2", "body.2.0", "torch.nn.functional.linear"]


class Stopped(Exception):
    pass


class Features(nn.Module):
    """A hook puts what the second of three layers gives into a list, and stops the pass."""

    def __init__(self, store):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 16), nn.Linear(16, 32))
        self.kept = []
        self.layers[1].register_forward_hook(store(self.kept))

    def forward(self, x):
        with contextlib.suppress(Stopped):
            self.layers(x)
        return self.kept.pop()


def in_a_closure(kept):
    def store(module, inputs, output):
        kept.append(output)
        raise Stopped

    return store


def as_a_default(kept):
    def store(module, inputs, output, kept=kept):
        kept.append(output)
        raise Stopped

    return store


def in_a_wrapped_closure(kept):
    inner = in_a_closure(kept)
    return lambda *given: inner(*given)


def in_a_partial(kept):
    return functools.partial(as_a_default([]), kept=kept)


@pytest.mark.parametrize("store", [in_a_closure, as_a_default, in_a_wrapped_closure, in_a_partial])
@pytest.mark.parametrize("real", [False, True])
def test_functions_of_a_copy_hold_the_parts_of_the_copy(store, real):
    model = Features(store)
    twin = copied(model, real=real)
    with torch.no_grad():
        assert twin(torch.ones(2, 4)).shape == (2, 16)
    assert macs(model, torch.ones(2, 4)) == 2 * 4 * 8 + 2 * 8 * 16
    assert model.kept == []


def test_functions_that_share_a_part_share_it_in_the_copy():
    """One puts a number where another finds it."""
    model, turns = nn.Linear(4, 8), [0]
    model.turns = turns
    model.register_forward_pre_hook(lambda module, inputs: turns.append(turns[-1] + 1))
    model.register_forward_hook(lambda module, inputs, output: output * turns[-1])
    twin = copied(model, real=True)
    twin(torch.ones(2, 4))
    assert twin.turns == [0, 1] and turns == [0]


def test_functions_without_parts_of_the_model_are_not_copied():
    log = []
    model = nn.Linear(4, 8)
    model.note = lambda: log
    assert copied(model).note is model.note


class Projected(nn.Module):
    """The gradient of the first weight is multiplied by the second, on its way."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)
        self.a.weight.register_hook(lambda gradient: gradient @ self.b.weight)

    def forward(self, x):
        return self.b(self.a(x))


def test_hooks_on_weights_run_in_a_copy():
    """The first layer has no gradient of its input, the second has both; then the hook's product."""
    step = harness.count(Projected(), torch.ones(3, 4), training=True)
    assert step.phases["backward"] == 3 * (3 * 4 * 4) + 4 * 4 * 4


def test_hooks_on_weights_hold_the_weights_of_the_copy():
    twin = copied(Projected(), real=True)
    with torch.no_grad():
        twin.b.weight.fill_(1.0)
    twin(torch.ones(3, 4)).sum().backward()
    # Each output's gradient is 4 ones, times 3 rows: 12 in each place; the hook sums 4 of them.
    assert torch.equal(twin.a.weight.grad, torch.full((4, 4), 12.0 * 4))
