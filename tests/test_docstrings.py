"""The examples in docstrings hold."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import flop_harness

ROOT = Path(flop_harness.__file__).parent
SHOWN = sorted(
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
    for path in ROOT.rglob("*.py")
    if ">>>" in path.read_text("utf-8")
)


@pytest.mark.parametrize("name", SHOWN)
def test_the_examples_of_docstrings_hold(name):
    found = doctest.testmod(import_module(name))
    assert found.attempted and not found.failed
