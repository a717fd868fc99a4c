"""``PROVIDER-all`` is a suite of every model that a library lists."""

from __future__ import annotations

import pytest

from flop_harness.counters import counters
from flop_harness.errors import UserError
from flop_harness.suite.files import load, names
from flop_harness.suite.providers import PROVIDERS


@pytest.mark.parametrize("provider", ["torchvision", "timm"])
def test_it_holds_every_model_once_by_its_own_name(provider: str):
    pytest.importorskip(provider)
    suite = load(f"{provider}-all")
    assert [case.model for case in suite.cases] == [
        f"{provider}:{name}" for name in PROVIDERS[provider].names()
    ]
    assert len({case.id for case in suite.cases}) == len(suite.cases)
    assert all(case.inputs == () for case in suite.cases)  # the library's own size
    assert suite.digest == load(f"{provider}-all").digest


def test_it_asks_every_counter_that_need_not_be_named():
    asked = {name for case in load("torchvision-all").cases for name in case.counters}
    assert asked == {each.id for each in counters().values() if not each.optional}
    assert any(counters()[name].overlay for name in asked)


def test_it_is_asked_for_by_name_alone():
    assert not [name for name in names() if name.endswith("-all")]
    with pytest.raises(UserError, match="no-such-library-all"):
        load("no-such-library-all")
