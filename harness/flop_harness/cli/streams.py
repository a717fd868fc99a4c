"""Standard streams that are closed, full, without Unicode, or whose reader has left."""

from __future__ import annotations

import codecs
import io
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

READER_LEFT = 128 + signal.SIGPIPE if hasattr(signal, "SIGPIPE") else 1
"""The exit code that a shell gives for other tools whose output nobody reads to its end"""


BLOCKS = map(chr, range(0x2580, 0x25A0))
PLAIN = {
    "─": "-", "│": "|", "├": "|", "└": "`", "×": "x", "\N{MINUS SIGN}": "-", "≈": "~", "±": "+-", "→": "->",
    "…": "...", "≥": ">=", "≤": "<=", "≠": "!=", "∞": "inf", "µ": "u", "•": "*", "\N{NO-BREAK SPACE}": " ",
    **dict.fromkeys(BLOCKS, "#"),
}  # fmt: skip
"""What stands for a sign where there is ASCII alone"""


def encode_plainly() -> None:
    """A stream that cannot hold a sign of ours gets the nearest of ASCII in its place."""
    codecs.register_error("plain", plainly)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and not stream.encoding.lower().startswith("utf"):
            stream.reconfigure(errors="plain")


def plainly(error: UnicodeError) -> tuple[str, int]:
    """Signs of ``PLAIN``; of others what their number is in Python."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join(PLAIN.get(each) or ascii(each)[1:-1] for each in signs), error.end


def open_closed_streams() -> None:
    """A stream that the shell closed (``>&-``) leads nowhere: no file we open takes its number."""
    closed = [name for name in ("stdin", "stdout", "stderr") if getattr(sys, name) is None]
    if not closed:
        return
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    for name in closed:
        setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w"))  # noqa: SIM115


@contextmanager
def stdout_written() -> Iterator[None]:
    """What was printed is written, or raises why not: here, and not again as Python ends."""
    try:
        yield
    finally:
        try:
            sys.stdout.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise


@contextmanager
def reader_may_leave() -> Iterator[None]:
    """``| head`` ends a command without a word, by the exit code of SIGPIPE.

    Where click or rich print, they end with exit code 1 as they handle the broken pipe.
    """
    try:
        yield
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(READER_LEFT)
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):
            sys.exit(READER_LEFT)
        raise
