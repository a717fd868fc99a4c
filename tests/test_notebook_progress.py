"""How far a run is, in a notebook: a bar below the cell, and nothing anywhere else."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from flop_harness.records import Context
from flop_harness.report.formats import notebook_progress
from flop_harness.run.plan import Cell, Result


@pytest.fixture
def screen(monkeypatch):
    """What stands below the cell, as IPython is told it."""
    said: list[str] = []
    handle = SimpleNamespace(update=lambda html: said.append(html))
    shown = SimpleNamespace(
        HTML=str, display=lambda html, display_id: (said.append(html), handle)[1]
    )
    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", shown)
    return said


def test_a_bar_follows_the_run_and_goes(screen):
    cell = Cell("<net>", "thop", Context())
    with notebook_progress.shown() as progress:
        progress.begin(2, 1)
        assert 'value="1" max="2"' in screen[-1]
        progress.started(cell)
        assert "1 of 2" in screen[-1] and "&lt;net&gt;: thop" in screen[-1]
        progress.finished(cell, Result())
        assert "2 of 2" in screen[-1]
    assert screen[-1] == ""


def test_a_bar_goes_when_the_run_fails(screen):
    with pytest.raises(ValueError), notebook_progress.shown() as progress:
        progress.begin(2, 0)
        raise ValueError
    assert screen[-1] == ""


def test_elsewhere_nothing_is_shown(monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    with notebook_progress.shown() as progress:
        progress.begin(1, 0)
    assert "IPython" not in sys.modules
