"""Whatever a counter leaves on the model is listed, and nothing else is."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from flop_harness.run.leftovers import few, leftovers, marks


def net() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.Sequential(nn.Linear(6, 5)))


def left_by(change, module=None) -> tuple[str, ...]:
    module = module or net().eval()
    before = marks(module)
    change(module)
    return leftovers(before, marks(module))


def test_a_model_that_was_only_used_has_nothing_left_on_it():
    def use(module: nn.Module) -> None:
        with torch.no_grad():
            module[1](module[0](torch.rand(2, 3, 5, 5)))

    assert left_by(use) == ()


def test_hooks_that_were_removed_again_are_not_left():
    assert left_by(lambda m: m[0].register_forward_hook(print).remove()) == ()


def test_looking_changes_nothing():
    module = net()
    assert marks(module) == marks(module)


def add_attribute(module: nn.Module) -> None:
    module[0].total_ops = 3


def remove_attribute(module: nn.Module) -> None:
    del module[0].groups


def add_buffer(module: nn.Module) -> None:
    module[0].register_buffer("total_ops", torch.zeros(1))


def add_hidden_buffer(module: nn.Module) -> None:
    module[0].register_buffer("total_ops", torch.zeros(1), persistent=False)


def add_parameter(module: nn.Module) -> None:
    module[2].scale = nn.Parameter(torch.ones(1))


def remove_buffer(module: nn.Module) -> None:
    del module[1].running_mean


def replace_forward(module: nn.Module) -> None:
    module[2].forward = lambda x: x


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda m: m.train(), ("training mode changed on 0, 1, 2 and 2 more",)),
        (lambda m: m[1].train(), ("training mode changed on 1",)),
        (lambda m: m.register_forward_hook(print), ("hooks left on the model",)),
        (lambda m: m[2].register_forward_pre_hook(print), ("hooks left on 2",)),
        (lambda m: m[2][0].register_full_backward_hook(print), ("hooks left on 2.0",)),
        (add_attribute, ("attributes added: 0.total_ops",)),
        (remove_attribute, ("attributes gone: 0.groups",)),
        (add_buffer, ("buffers added: 0.total_ops", "state_dict keys added: 0.total_ops")),
        (add_hidden_buffer, ("buffers added: 0.total_ops",)),
        (add_parameter, ("state_dict keys added: 2.scale",)),
        (remove_buffer, ("state_dict keys gone: 1.running_mean",)),
        (replace_forward, ("attributes added: 2.forward",)),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_change_is_told_with_its_place(change, told):
    assert left_by(change) == told


def gradients(module: nn.Module) -> None:
    module[0](torch.rand(2, 3, 5, 5)).sum().backward()


def frozen(module: nn.Module) -> None:
    module[0].requires_grad_(False)


def zeroed(module: nn.Module) -> None:
    module[0].weight.data.zero_()


def cast(module: nn.Module) -> None:
    module.double()


def statistics(module: nn.Module) -> None:
    module.train()
    module[1](torch.rand(2, 6, 5, 5))
    module.eval()


def rewired(module: nn.Module) -> None:
    module[2] = nn.Identity()


def other_hooks(module: nn.Module) -> None:
    module.register_full_backward_pre_hook(print)
    module.register_load_state_dict_post_hook(print)


@pytest.mark.parametrize(
    "change",
    [
        rewired,
        gradients,
        frozen,
        zeroed,
        cast,
        statistics,
        other_hooks,
    ],
)
def test_no_change_goes_unnoticed(change):
    assert left_by(change) != ()


def test_a_model_of_one_layer_is_called_the_model():
    assert left_by(lambda m: m.train(), nn.Linear(2, 2).eval()) == (
        "training mode changed on the model",
    )


def test_shared_modules_are_told_once():
    shared = nn.ReLU()
    module = nn.Sequential(shared, shared)
    assert left_by(lambda m: shared.register_forward_hook(print), module) == ("hooks left on 0",)


@pytest.mark.parametrize(
    ("places", "told"),
    [(["a"], "a"), (["a", "b", "c"], "a, b, c"), (["a", "b", "c", "d", "e"], "a, b, c and 2 more")],
)
def test_of_many_places_a_few_are_named(places, told):
    assert few(places) == told
