"""``PROVIDER-all`` is a suite of every model that a library lists."""

from __future__ import annotations

import pytest

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


def test_it_is_asked_for_by_name_alone():
    assert not [name for name in names() if name.endswith("-all")]
    with pytest.raises(UserError, match="no-such-library-all"):
        load("no-such-library-all")
