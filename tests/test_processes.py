"""How processes start: also where what starts them has died."""

from __future__ import annotations

import os
import signal
import time
from multiprocessing import forkserver as servers

from flop_harness.run.processes import forkserver


def test_a_process_starts_though_the_fork_server_was_killed():
    context = forkserver()
    server = servers._forkserver._forkserver_pid
    os.kill(server, signal.SIGKILL)
    process = context.Process(target=time.sleep, args=(0,))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    assert servers._forkserver._forkserver_pid != server
