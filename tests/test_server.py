"""The process that all others are forked from: what it is told stays with it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SCRIPT = """
import os
from flop_harness.run.processes import forkserver
context = forkserver(large_pages=True)
ours, theirs = context.Pipe()
task = "import os; pipe.send((list({*'abcdefgh'}), dict(os.environ)))"
process = context.Process(target=exec, args=(task, {"pipe": theirs}))
process.start()
letters, environment = ours.recv()
process.join()
print("".join(letters), environment == dict(os.environ))
"""


def started(**environment: str) -> tuple[str, str]:
    """(letters of a set in the order of a process of ours, whether it has our environment)."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True,
                          env={**os.environ, **environment})  # fmt: skip
    letters, same = done.stdout.split()
    return letters, same


@pytest.mark.slow
def test_sets_have_the_same_order_in_every_run_and_nothing_is_left_in_the_environment():
    first, second = started(), started()
    assert first == second
    assert first[1] == "True"


@pytest.mark.slow
def test_a_seed_of_the_users_is_kept():
    letters, same = started(PYTHONHASHSEED="7")
    assert same == "True"
    assert letters == subprocess.run(
        [sys.executable, "-c", "print(*{*'abcdefgh'}, sep='')"], capture_output=True, text=True,
        env={**os.environ, "PYTHONHASHSEED": "7"}, check=True,
    ).stdout.strip()  # fmt: skip
