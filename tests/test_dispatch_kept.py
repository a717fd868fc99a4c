"""What a pass leaves in torch: nothing, however it ends."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.func import grad, vmap

import flop_harness as harness
from flop_harness.errors import UserError

pytestmark = pytest.mark.filterwarnings("ignore")

X = torch.rand(2, 4)


class Applied(nn.Module):
    def __init__(self, function) -> None:
        super().__init__()
        self.layer, self.function = nn.Linear(4, 4), function

    def forward(self, x):
        return self.function(self.layer, x)


def shown(layer, x):
    """As a log line does: torch guards what it calls while it writes a tensor out."""
    text = repr(x)
    return layer(x) if text else x


def tried_to_show(layer, x):
    for _ in range(2):
        try:
            repr([x, x])
        except Exception:  # noqa: BLE001 - a model that goes on whatever its log line raises
            continue
    return layer(x)


def raising(layer, x):
    repr(x)
    raise ValueError("no")


def keys():
    return torch._C._dispatch_tls_local_exclude_set(), torch._C._dispatch_tls_local_include_set()


def by_row(layer, x):
    """A product of each row, and its gradient by the weight."""
    weight = layer.weight.detach()
    return vmap(lambda row: grad(lambda w: (w @ row).sum())(weight))(x)


@pytest.mark.parametrize("function", [shown, tried_to_show, raising])
def test_guards_that_an_error_keeps_alive_do_not_outlive_the_pass(function):
    """Neither the caller's functions nor the next count run otherwise."""
    before = keys()
    for _ in range(3):
        try:
            harness.count(Applied(function), X)
        except Exception as error:  # noqa: BLE001 - the model's own
            assert function is raising, error
    assert keys() == before
    assert by_row(nn.Linear(4, 4), X).shape == (2, 4, 4)
    assert harness.count(Applied(by_row), X).macs == 2 * 4 * 4


def test_work_in_another_thread_is_refused():
    """It would be left out: a mode is of the thread that it was begun in."""
    from concurrent.futures import ThreadPoolExecutor

    def threaded(layer, x):
        with ThreadPoolExecutor(2) as pool:
            return sum(pool.map(layer, [x, x]))

    def by_operators(layer, x):
        with ThreadPoolExecutor(2) as pool:
            return pool.submit(torch.ops.aten.mm, x, layer.weight).result()

    with pytest.raises(UserError, match="calls Linear in another thread"):
        harness.count(Applied(threaded), X)
    with pytest.raises(UserError, match=r"calls aten\.mm\.default in another thread"):
        harness.count(Applied(by_operators), X)
    assert harness.count(Applied(lambda layer, x: layer(x)), X).macs == 2 * 4 * 4
