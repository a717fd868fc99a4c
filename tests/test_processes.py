"""How processes start: also where what starts them has died."""

from __future__ import annotations

import os
import signal
import sys
import time
import warnings
from multiprocessing import forkserver as servers

import pytest

from flop_harness.run.processes import forkserver, hide_deprecations


def test_a_process_starts_though_the_fork_server_was_killed():
    context = forkserver()
    server = servers._forkserver._forkserver_pid
    os.kill(server, signal.SIGKILL)
    process = context.Process(target=time.sleep, args=(0,))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    assert servers._forkserver._forkserver_pid != server


@pytest.mark.parametrize(
    ("asked", "shown"), [([], [UserWarning]), (["always"], [FutureWarning, UserWarning])]
)
def test_what_a_library_deprecates_is_hidden_unless_python_is_asked_for_warnings(
    asked, shown, monkeypatch
):
    monkeypatch.setattr(sys, "warnoptions", asked)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        hide_deprecations()
        warnings.warn("it goes", FutureWarning, stacklevel=1)
        warnings.warn("look", UserWarning, stacklevel=1)
    assert [each.category for each in caught] == shown
