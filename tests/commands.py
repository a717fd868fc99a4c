"""Commands as a user types them, in this process; results on disk for them to read."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from flop_harness import cli, store
from flop_harness.records import Run


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


def typed(*words: object) -> Ended:
    """Run ``flop-harness WORDS``; a step of training in a process of its own.

    Where this process has run autograd, which has threads, a fork of it cannot.
    """
    if "--training" in words:
        return typed_apart(*words)
    out, err = io.StringIO(), io.StringIO()
    before, sys.argv = sys.argv, ["flop-harness", *map(str, words)]
    code: object = 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            cli.main()
    except SystemExit as end:
        code = end.code
    finally:
        sys.argv = before
    return Ended(int(code or 0), out.getvalue(), err.getvalue())  # type: ignore[call-overload]


def typed_apart(*words: object) -> Ended:
    """The same in another process."""
    command = [sys.executable, "-m", "flop_harness", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True)
    return Ended(done.returncode, done.stdout, done.stderr)


def typed_on_a_terminal(*words: object, **environment: str) -> str:
    """All that the command writes to a terminal, its progress too."""
    command = [sys.executable, "-m", "flop_harness", *map(str, words)]
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs,
                          env={**os.environ, **environment}):  # fmt: skip
        os.close(theirs)
        written = b""
        with contextlib.suppress(OSError):  # EIO: nobody holds the other end any more
            while piece := os.read(ours, 65536):
                written += piece
    os.close(ours)
    return written.decode()


def results_of(run: Run, folder: Path) -> Path:
    """A run as it lies in a results folder, without its report."""
    store.save(replace(run, schema=store.RUN_SCHEMA), folder)
    return folder


def left_running(family: list[psutil.Process], within_s: float = 60) -> list[psutil.Process]:
    """Those that go on. What has ended may stay a zombie where nobody waits for orphans."""
    deadline = time.monotonic() + within_s
    while (left := [each for each in family if goes_on(each)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def goes_on(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
