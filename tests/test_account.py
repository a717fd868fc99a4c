"""Accounts add, subtract and group; the walks over a module tree that price parameters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flop_harness.records.account import Account, lineage, truncated
from flop_harness.trace.recorder import record
from flop_harness.trace.tree import (
    all_parameters,
    applied,
    children,
    is_a,
    own_parameters,
    subtree,
    summed,
)
from sharing import SHARING

paths = st.sampled_from(["", "a", "a.b", "a.b.c", "d"])
terms = st.sampled_from(["x", "y"])
accounts = st.lists(st.tuples(paths, terms, st.integers(-9, 9))).map(Account.of)


def test_charges_of_one_place_and_term_add_up():
    account = Account.of([("a", "x", 1), ("a", "y", 2), ("a", "x", 3), ("b", "x", 5)])
    assert dict(account) == {("a", "x"): 4, ("a", "y"): 2, ("b", "x"): 5}
    assert account.total == 11
    assert account.by_term() == {"x": 9, "y": 2}
    assert account.by_module() == {"a": 6, "b": 5}
    assert account.of_term("x") == {"a": 4, "b": 5}


def test_an_entry_of_zero_is_none():
    account = Account.of([("a", "x", 1), ("a", "x", -1)])
    assert len(account) == 0 and account.total == 0 and account == Account()
    with pytest.raises(KeyError):
        account["a", "x"]


def test_modules_below_a_depth_are_folded_into_it():
    account = Account.of([("a.b.c", "x", 1), ("a.d", "x", 2), ("e", "x", 4), ("", "x", 8)])
    assert account.by_module(depth=1) == {"a": 3, "e": 4, "": 8}
    assert account.by_module(depth=2) == {"a.b": 1, "a.d": 2, "e": 4, "": 8}
    assert account.by_module(depth=0) == {"": 15}


def test_inclusive_amounts():
    account = Account.of([("a.b", "x", 1), ("a", "x", 2), ("c", "x", 4)])
    assert account.inclusive() == {"": 7, "a": 3, "a.b": 1, "c": 4}


def test_the_root_stands_above_all():
    assert list(lineage("a.b.c")) == ["", "a", "a.b", "a.b.c"]
    assert list(lineage("")) == [""]
    assert (truncated("a.b.c", 2), truncated("a", 2), truncated("a.b", None)) == ("a.b", "a", "a.b")


@given(accounts, accounts, accounts)
def test_accounts_are_a_group(x, y, z):
    assert x + y == y + x and (x + y) + z == x + (y + z)
    assert x + Account() == x and x - x == Account() == -x + x
    assert (x - y) + y == x


@given(accounts, accounts, st.integers(-3, 3))
def test_totals_are_linear(x, y, factor):
    assert (x + y).total == x.total + y.total
    assert x.scaled(factor).total == factor * x.total


@given(accounts)
def test_every_grouping_keeps_the_total(x):
    assert sum(x.by_term().values()) == sum(x.by_module().values()) == x.total
    assert sum(x.by_module(depth=1).values()) == x.inclusive().get("", 0) == x.total


@given(accounts)
def test_an_account_is_its_charges(x):
    assert Account.of(x.charges()) == x


# ---------------------------------------------------------------------------- trees of modules


def tree(name: str):
    return record(*SHARING[name]())


def paths_of(trace, counted) -> dict[str, int]:
    return {trace.modules[index].path: times for index, times in counted.items()}


def test_a_child_under_two_names_is_one_child():
    trace = tree("two names")
    assert [trace.modules[index].path for index in children(trace, 0)] == ["one"]


def test_apply_reaches_a_shared_module_by_each_way():
    trace = tree("reached at three depths")
    assert paths_of(trace, applied(trace)) == {
        "": 1, "a": 1, "a.0": 3, "a.1": 1, "b": 1, "b.0": 1, "b.1": 1,
    }  # fmt: skip
    reached = {}
    module = SHARING["reached at three depths"]().module
    module.apply(lambda m: reached.__setitem__(id(m), reached.get(id(m), 0) + 1))
    assert sorted(reached.values()) == sorted(applied(trace).values())


def test_a_sum_stops_where_it_is_told():
    trace = tree("reached at three depths")
    blocks = summed(trace, lambda module: module.path == "b")
    assert paths_of(trace, blocks) == {"": 1, "a": 1, "a.0": 2, "a.1": 1, "b": 1}


def test_parameters_of_a_module_are_counted_once():
    trace = tree("tied inside")
    assert sum(all_parameters(trace, 0).values()) == 16 + 4
    assert own_parameters(trace, 0) == {}


def test_trainable_parameters():
    trace = tree("frozen")
    assert sum(all_parameters(trace, 0, trainable=True).values()) == 4 * 3


def test_everything_below():
    trace = tree("shared block")
    below = [trace.modules[index].path for index in subtree(trace, 0)]
    assert below == ["", "block", "block.fc", "block.norm", "list"]


def test_a_class_is_known_by_its_bases():
    trace = tree("called twice")
    fc = next(module for module in trace.modules if module.path == "fc")
    assert is_a(fc, "torch.nn.modules.linear.Linear") and is_a(
        fc, "x", "torch.nn.modules.module.Module"
    )
    assert not is_a(fc, "torch.nn.modules.conv.Conv2d")
