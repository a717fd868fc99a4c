"""A guarded fork of this process that is forked again for each piece of work.

What ``run_apart`` does costs two forks: that of the work, and that of the guard which stays behind
it. A zygote is the guard of all the works that it is sent, one after another, so that each costs
one. They are as far apart as before: each is forked from a state that no other has touched, what it
leaves running falls to the zygote, which ends that before it goes on, and the zygote ends with its
parent. A work that ends without a result costs the zygote too: the next one gets another.
"""

from __future__ import annotations

import gc
import os
import pickle
import select
import signal
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

from flop_harness.run.guard import (
    TERM,
    Stopped,
    become_guard,
    end_descendants,
    end_guard,
    fork,
    forked,
    stop,
)
from flop_harness.run.isolation import (
    GRACE_S,
    Outcome,
    give_back_memory,
    printed,
    received,
    told,
    work_and_end,
)

LONGEST = 1 << 16
"""Bytes of a request"""
STATUS = struct.Struct("!i")


class Zygote:
    """Gives ``answer(request)`` for one request after another, each in a fork of its own.

    It is forked when it is first needed: what this process does later is not in it.
    """

    def __init__(self, answer: Callable[[Any], Any]) -> None:
        self.answer = answer
        self.pid = 0

    def run(
        self,
        request: Any,
        *,
        timeout_s: float,
        memory_bytes: int | None = None,
        abandoned: Callable[[], bool] = lambda: False,
    ) -> Outcome:
        """As ``run_apart`` of ``answer(request)``; the request is picklable, and short."""
        if not self.pid:
            self._start()
        reader, writer = os.pipe()
        started = time.perf_counter()
        with tempfile.TemporaryFile() as output:
            payload = status = None
            try:
                self._send((request, memory_bytes), writer, output.fileno())
                payload = received(reader, started + timeout_s, abandoned, self.pid)
                late = payload is None and time.perf_counter() >= started + timeout_s
                status = None if late else self._status()
            finally:
                os.close(reader)
                if payload is None or status is None:
                    ended = self.end()
                    status = ended if status is None else status
            seconds = time.perf_counter() - started
            return told(payload, status, seconds, printed(output), timeout_s if late else None)

    def end(self) -> int:
        """End it and all that it has started; its exit status."""
        pid, self.pid = self.pid, 0
        status = end_guard(pid)
        self.control.close()
        return status

    def _start(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        give_back_memory()
        self.control, theirs = socket.socketpair()
        parent = os.getpid()
        self.pid = fork()
        if self.pid == 0:
            self.control.close()
            serve(theirs, self.answer, parent)
        theirs.close()

    def _send(self, request: Any, writer: int, output: int) -> None:
        """Hand over a request, and what its work alone writes to."""
        try:
            socket.send_fds(self.control, [pickle.dumps(request)], (writer, output))
        except BrokenPipeError:
            return  # somebody has ended it: nothing will be received
        finally:
            os.close(writer)

    def _status(self) -> int | None:
        """How the last work ended, told once nothing of it is left; None if it is not."""
        if not select.select([self.control], [], [], GRACE_S)[0]:
            return None
        try:
            return STATUS.unpack(self.control.recv(STATUS.size))[0]  # type: ignore[no-any-return]
        except (struct.error, ConnectionResetError):
            return None  # it has been ended


# --------------------------------------------------------------------------------- in the zygote


def serve(control: socket.socket, answer: Callable[[Any], Any], parent: int) -> NoReturn:
    """Fork for each request, until nobody is there any more who could send one."""
    try:
        signal.signal(signal.SIGTERM, stop)
        become_guard(parent)
        gc.freeze()  # a collection in a fork would copy every page that holds an object
        while message := receive(control):
            request, memory_bytes, writer, output = message
            status = forked((writer, output))
            if status is None:
                control.close()
                work_and_end(partial(answer, request), writer, output, memory_bytes)
            signal.pthread_sigmask(signal.SIG_BLOCK, TERM)
            end_descendants()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, TERM)
            control.send(STATUS.pack(status))
    except (Stopped, OSError):
        end_descendants()
    finally:
        os._exit(0)


def receive(control: socket.socket) -> tuple[Any, int | None, int, int] | None:
    """(request, bytes that its work may take, where it sends its result, where it prints)."""
    message, descriptors, _, _ = socket.recv_fds(control, LONGEST, 2)
    if not message:
        return None
    writer, output = descriptors
    return (*pickle.loads(message), writer, output)
