"""Work in a process of its own: whatever it does, only it is harmed.

``run_apart`` forks the calling process, so that what is built before is there at once and fresh.
The work's prints go to a file; its time and memory are limited; children it leaves are killed.
"""

from __future__ import annotations

import ctypes
import gc
import math
import os
import pickle
import resource
import select
import signal
import struct
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, Literal, NoReturn, TypeVar

from flop_harness.errors import UserError, raised
from flop_harness.run.guard import end_guard, fork, go_on_guarded
from flop_harness.suite.collection import uncollected

KEPT_OUTPUT = 20_000
GRACE_S = 1.0
"""Work that has closed its pipe is about to end by itself, and that tells how"""
UNSENT = os.EX_IOERR
"""How the work's process ends where its result cannot be told"""
HEADER = struct.Struct("!Q")
KILLED = f"died of {signal.SIGKILL.name}"
"""How a process ends from which the system takes its memory"""
FREE = "memory that is free"
"""What a refusal ends with that hangs on what others hold at that time"""
OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")

T = TypeVar("T")
Ending = Literal["ok", "raised", "timeout", "out_of_memory", "died"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the work ended. ``value`` is what it returned, ``error`` its exception if it has one."""

    ending: Ending
    value: Any = None
    message: str = ""
    error: str = ""
    seconds: float = 0.0
    peak_bytes: int = 0
    output: str = ""


def run_apart(
    work: Callable[[], Any],
    *,
    timeout_s: float,
    memory_bytes: int | None = None,
    abandoned: Callable[[], bool] = lambda: False,
    aloud: bool = False,
) -> Outcome:
    """Run ``work`` in a fork of this process and wait for its picklable result.

    ``memory_bytes`` limits what it may allocate beyond what stands; ``abandoned`` is asked now and
    then whether anybody still waits for the result: if not, the work is killed. What it prints is
    kept; ``aloud`` it goes to our stderr.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    give_back_memory()
    reader, writer = os.pipe()
    started = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        parent = os.getpid()
        pid = fork()
        if pid == 0:
            os.close(reader)
            go_on_guarded(parent, (writer,))
            work_and_end(work, writer, 2 if aloud else output.fileno(), memory_bytes)
        os.close(writer)
        payload, grace_s = None, 0.0
        try:
            payload = received(reader, started + timeout_s, abandoned, pid)
            grace_s = 0.0 if payload is not None else GRACE_S
            late = payload is None and time.perf_counter() >= started + timeout_s
        finally:
            os.close(reader)
            status = end_guard(pid, grace_s)
        seconds = time.perf_counter() - started
        return told(payload, status, seconds, printed(output), timeout_s if late else None)


PATIENT = 100_000
"""So many new objects before they are gone through: those of one model are fewer, and stay."""


def run_aloud(work: Callable[[], T], whose: str) -> T:
    """What ``work`` gives that builds and runs the model ``whose``, in a process of its own.

    A Ctrl-C is this process's to hear: in the work's, what raises KeyboardInterrupt is the model.
    Raises UserError where the work does, or where the model takes the process down with it;
    RuntimeError where the work fails by a fault of ours, which has then been printed.
    """

    def attempt() -> tuple[str, T | None]:
        gc.set_threshold(PATIENT)
        with uncollected():
            import torch

        signal.signal(signal.SIGINT, signal.SIG_IGN)
        torch.set_num_threads(1)  # the threads that its parent computed with are not in a fork
        try:
            return "", work()
        except UserError as error:
            return str(error), None

    outcome = run_apart(attempt, timeout_s=math.inf, aloud=True)
    if outcome.ending == "raised":
        raise RuntimeError(f"{whose}: {outcome.message}")
    if outcome.ending != "ok":
        raise UserError(f"{whose}: {outcome.message}")
    refusal, value = outcome.value
    if refusal:
        raise UserError(refusal)
    return value  # type: ignore[no-any-return]


# ------------------------------------------------------------------------------------- parent


def received(reader: int, deadline: float, abandoned: Callable[[], bool], pid: int) -> bytes | None:
    """The whole message, or None if the child ended, ran late or nobody waits for it."""
    data = b""
    while True:
        if len(data) >= HEADER.size:
            (size,) = HEADER.unpack(data[: HEADER.size])
            if len(data) >= HEADER.size + size:
                return data[HEADER.size : HEADER.size + size]
        left = deadline - time.perf_counter()
        if left <= 0 or abandoned():
            return None
        if select.select([reader], [], [], min(left, 0.5))[0]:
            chunk = os.read(reader, 1 << 20)
            if not chunk:
                return None
            data += chunk
        elif os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return None  # dead, and a fork of its own holds the pipe open


def told(
    payload: bytes | None, status: int, seconds: float, output: str, late_s: float | None
) -> Outcome:
    """What a child has sent, or how it ended without; ``late_s`` is the limit that it ran beyond."""
    if payload is not None:
        ending, value, message, error, peak = pickle.loads(payload)
        return Outcome(ending, value, message, error, seconds, peak, output)
    if late_s is not None:
        return Outcome("timeout", message=f"no result within {late_s:g} s", seconds=seconds,
                       output=output)  # fmt: skip
    return Outcome("died", message=cause_of(status), seconds=seconds, output=output)


def starved(message: str) -> bool:
    """Whether a process may have come too short of memory beside others."""
    return KILLED in message or message.endswith(FREE)


def cause_of(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"its process died of {signal.Signals(os.WTERMSIG(status)).name}"
    code = os.waitstatus_to_exitcode(status)
    if code == UNSENT:
        return "its process could not tell its result: it closed what it is told through"
    return f"its process ended without a result (exit code {code})"


def printed(output: IO[bytes]) -> str:
    """What was printed; of much, the beginning and the end."""
    size = output.seek(0, os.SEEK_END)
    output.seek(0)
    if size <= KEPT_OUTPUT:
        return output.read().decode(errors="replace")
    half = KEPT_OUTPUT // 2
    head = output.read(half).decode(errors="replace")
    output.seek(size - half)
    tail = output.read().decode(errors="replace")
    return f"{head}\n[... {size - 2 * half:,} bytes left out ...]\n{tail}"


# -------------------------------------------------------------------------------------- child


def work_and_end(work: Callable[[], Any], writer: int, output: int, memory: int | None) -> NoReturn:
    """In a child: send what the work gives, and how."""
    status = UNSENT
    try:
        _send(writer, pickle.dumps(_attempt(work, output, memory)))
        status = 0
        release_semaphores()
    finally:
        os._exit(status)


def give_back_memory() -> None:
    """Leave the system what the allocator of C keeps free: a fork would fill that, and no peak show it."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc alone
    if trim is not None:
        trim(0)


def release_semaphores() -> None:
    """Give back those that the work's imports made, as tqdm does: else Python warns of a leak."""
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        util._run_finalizers(0)  # type: ignore[attr-defined]  # of this process alone


def _attempt(
    work: Callable[[], Any], output: int, memory: int | None
) -> tuple[Ending, Any, str, str, int]:
    before = _peak_bytes()
    try:
        _redirect(output)
        if memory is not None:
            _limit_memory(memory)
        value = work()
        pickle.loads(pickle.dumps(value))
        return "ok", value, "", "", max(0, _peak_bytes() - before)
    except BaseException as error:  # noqa: BLE001 - whatever the work raises is the result
        traceback.print_exc()
        _flush()
        message, name = raised(error), type(error).__name__
        memory = isinstance(error, MemoryError) or any(word in message for word in OUT_OF_MEMORY)
        ending: Ending = "out_of_memory" if memory else "raised"
        return ending, None, message, name, _peak_bytes() - before


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue  # the work closed it


def _send(writer: int, payload: bytes) -> None:
    _flush()
    rest = memoryview(HEADER.pack(len(payload)) + payload)
    while rest:
        rest = rest[os.write(writer, rest) :]


def stdout_to_stderr() -> None:
    """What others print in this process from now on is no data of ours."""
    sys.stdout.flush()
    os.dup2(2, 1)


def _redirect(output: int) -> None:
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.stdout = os.fdopen(1, "w", closefd=False, encoding="utf-8", errors="replace")
    sys.stderr = os.fdopen(2, "w", closefd=False, encoding="utf-8", errors="replace")


def _limit_memory(allowed: int, most: int | None = None) -> None:
    """Limit the address space to what stands and ``allowed`` more; on Linux only."""
    if sys.platform != "linux":
        return
    with open("/proc/self/statm", "rb") as statm:
        pages = int(statm.read().split()[0])
    limit = pages * resource.getpagesize() + allowed
    if most is not None and most != resource.RLIM_INFINITY:
        limit = min(limit, most)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit if most is None else most))


@contextmanager
def limited_memory(allowed: int) -> Iterator[None]:
    """Within, this process may allocate so many bytes more, 0 for as many as there are."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    if allowed:
        _limit_memory(allowed, before[1])
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
