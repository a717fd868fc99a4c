"""A process that stays behind its work: whatever the work starts falls to it, and ends with it.

A program that the work starts may leave its process group and its session, but not the guard: on
Linux the guard adopts what has lost its parent.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

TERM = {signal.SIGTERM}
SET_DEATH_SIGNAL, SET_SUBREAPER = 1, 36
"""What prctl is asked for"""


class Stopped(BaseException):
    """The guard was told to end its work."""


def go_on_guarded(parent: int, alone: Iterable[int] = ()) -> None:
    """Go on in a fork. The process that was called stays behind as its guard and never returns.

    The fork alone keeps the descriptors ``alone``. The guard ends as the fork did, once nothing is
    left of what that has started; SIGTERM, or the end of ``parent``, has it end the fork first.
    """
    status: int | None
    try:
        signal.signal(signal.SIGTERM, stop)
        status = guarded(parent, alone)
        if status is None:
            return
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # here: beyond, nobody would catch Stopped
    except Stopped:
        status = signal.SIGTERM
    end_descendants()
    end_as(status)


def guarded(parent: int, alone: Iterable[int]) -> int | None:
    """How the fork ended that this process is the guard of; None in that fork itself."""
    try:
        become_guard(parent)
        return forked(alone)
    except OSError:
        return 1 << 8


def become_guard(parent: int) -> None:
    """From now on what has lost its parent falls to this process, which ends with its own."""
    os.setsid()
    ask_kernel(SET_SUBREAPER, 1)
    die_with_parent(parent, signal.SIGTERM)


def forked(alone: Iterable[int]) -> int | None:
    """How a fork of this guard ended, which alone keeps the descriptors; None in the fork itself."""
    guard = os.getpid()
    signal.pthread_sigmask(signal.SIG_BLOCK, TERM)  # what is raised amid a fork is lost
    pid = fork()
    if pid == 0:
        os.setsid()
        die_with_parent(guard)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, TERM)
        return None
    signal.pthread_sigmask(signal.SIG_UNBLOCK, TERM)
    for descriptor in alone:
        os.close(descriptor)
    return os.waitpid(pid, 0)[1]


def fork() -> int:
    """``os.fork`` without its warning of threads."""
    with unwarned_of_threads():
        return os.fork()


@contextmanager
def unwarned_of_threads() -> Iterator[None]:
    """Within, forks do not warn, as from Python 3.12 on, that this process has threads.

    Nothing that we do in a fork waits for one of them. Before, filters stay as they are: a change makes
    Python tell again what it told once.
    """
    if sys.version_info < (3, 12):
        yield
        return
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*multi-threaded.*fork", DeprecationWarning)
        yield


def stop(number: int, frame: Any) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)
    raise Stopped


def end_descendants() -> None:
    """Kill the children of this process, and those that fall to it as they die."""
    while has_children():
        left = children()
        for pid in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        for pid in left:
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)


def has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def children() -> list[int]:
    import psutil

    return [child.pid for child in psutil.Process().children()]


def end_as(status: int) -> NoReturn:
    """End this process as another did: with its exit code, or of its signal."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 1)


def end_guard(pid: int, grace_s: float = 0.0) -> int:
    """Have a guard end all that is its own, if it has not done so by then; its exit status."""
    status = ended(pid, grace_s)
    for number, within_s in ((signal.SIGTERM, 10.0), (signal.SIGKILL, 10.0)):
        if status is None:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
            status = ended(pid, within_s)
    return signal.SIGKILL if status is None else status


def ended(pid: int, within_s: float) -> int | None:
    """The exit status of a child, or None if it goes on."""
    deadline = time.monotonic() + within_s
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status
        if time.monotonic() >= deadline:
            return None
        time.sleep(0.001)


def die_with_parent(parent: int, number: int = signal.SIGKILL) -> None:
    """Have the kernel signal this process when ``parent``, which made it, ends; on Linux only."""
    ask_kernel(SET_DEATH_SIGNAL, number)
    if os.getppid() != parent:
        os._exit(1)


def ask_kernel(option: int, value: int) -> None:
    import ctypes

    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value)
