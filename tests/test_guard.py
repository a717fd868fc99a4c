"""The guard that stands between a piece of work and who asked for it."""

from __future__ import annotations

import os
import random
import time

from flop_harness.run.guard import Stopped, end_guard, fork, go_on_guarded


def test_a_guard_that_is_told_to_end_as_its_work_ends_never_goes_on_as_its_caller():
    """It holds all that its caller holds: what it said there would be taken for the caller's."""
    reader, writer = os.pipe()
    for _ in range(300):
        pid = fork()
        if pid == 0:
            try:
                go_on_guarded(os.getppid())
            except Stopped:
                os.write(writer, b"!")
            os._exit(0)
        time.sleep(random.uniform(0.001, 0.006))  # about when the guard hears that its work ended
        end_guard(pid)
    os.close(writer)
    assert os.read(reader, 1) == b""
    os.close(reader)
