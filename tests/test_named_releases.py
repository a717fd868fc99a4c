"""A released version that is named in a comparison runs with the remedies that ``drift`` has."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

import pytest
from torch import nn, ones

import flop_harness
from flop_harness.counters import at_version, counters, overlay
from flop_harness.counters.versions.compatibility import MARK

RELEASE = "0.1.0.post2206102148"
NAMED = f"thop@{RELEASE}"
RELEASED = """
from collections import Iterable
import onnx

def profile(model, inputs, verbose=True):
    layer = model[0]
    return len(inputs[0]) * layer.weight.numel(), layer.weight.numel() + layer.bias.numel()
"""
"""A release that asks for what is gone from Python, for a package that nobody has, and that knows no
``ret_layer_info``"""


@pytest.fixture
def released(tmp_path, monkeypatch):
    """The release as pip would install it."""
    monkeypatch.setenv("FLOP_HARNESS_CACHE", str(tmp_path))
    requirements = at_version(counters()["thop"], RELEASE).overlay
    home = overlay.folder_of(requirements)
    about = home / f"thop-{RELEASE}.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: thop\nVersion: {RELEASE}\n")
    (about / "RECORD").write_text("thop/__init__.py,,\n")
    (home / "thop").mkdir()
    (home / "thop" / "__init__.py").write_text(RELEASED)
    (home / overlay.COMPLETE).write_text("")


def bridge_of(run, counter: str, metric: str):
    return next(b for b in run.bridges if (b.counter, b.metric) == (counter, metric))


@pytest.mark.usefixtures("released")
def test_a_release_runs_with_each_remedy_that_it_needs():
    """Two rows through a layer from 5 to 3; the installed thop is asked beside it, as it is."""
    run = flop_harness.compare(
        nn.Sequential(nn.Linear(5, 3)), ones(2, 5), counters=("thop", NAMED)
    ).run
    assert {r.status for r in run.readings} == {"ok"}
    told = {r.counter: [w for w in r.warnings if w.startswith(MARK)] for r in run.readings}
    assert told["thop"] == [] and [len(set(told[NAMED])), len(told[NAMED])] == [3, 3]
    made = bridge_of(run, NAMED, "compute")
    assert (made.reference, made.reading, made.residual) == (2 * 5 * 3, 2 * 5 * 3, 0)
    made = bridge_of(run, NAMED, "params")
    assert (made.reading, made.residual) == (3 * (5 + 1), 0)


@pytest.mark.usefixtures("released")
def test_a_failure_without_a_remedy_is_told_as_it_is():
    """The remedies mend an import and a name of an argument, not a model that the release refuses."""
    model = nn.Sequential(nn.Tanh())
    run = flop_harness.compare(model, ones(2, 5), counters=(NAMED,)).run
    assert {r.status for r in run.readings} == {"failed"}
    assert all("no attribute 'weight'" in r.message for r in run.readings)


@pytest.mark.slow
def test_the_release_of_the_readme_is_explained():
    """thop 0.1.0 as the index has it: a convolution of 3 x 3 from 2 to 4 channels on 6 x 6, a layer."""
    try:
        overlay.ensure(at_version(counters()["thop"], RELEASE).overlay)
    except overlay.NotInstallable as error:
        pytest.skip(str(error))
    model = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.Flatten(), nn.Linear(4 * 36, 5))
    run = flop_harness.compare(model, ones(1, 2, 6, 6), counters=(NAMED,)).run
    made = bridge_of(run, NAMED, "compute")
    assert made.reference == 36 * 9 * 2 * 4 + 4 * 36 * 5 and made.explained
    if importlib.util.find_spec("onnx") is None:
        assert any("onnx" in w for r in run.readings for w in r.warnings)


@pytest.mark.usefixtures("released")
def test_a_release_is_asked_where_the_caller_has_imported_another(monkeypatch):
    """A tool of the caller's by that name, with a module in it, stays the caller's."""
    mine, inside = ModuleType("thop"), ModuleType("thop.profile")
    mine.profile = lambda model, inputs, verbose=True: (1, 1)
    monkeypatch.setitem(sys.modules, "thop", mine)
    monkeypatch.setitem(sys.modules, "thop.profile", inside)
    run = flop_harness.compare(nn.Sequential(nn.Linear(5, 3)), ones(2, 5), counters=(NAMED,)).run
    said = {reading.metric: reading.value for reading in run.readings}
    assert said == {"compute": 2 * 5 * 3, "params": 5 * 3 + 3}
    assert sys.modules["thop"] is mine and sys.modules["thop.profile"] is inside
