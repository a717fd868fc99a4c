"""The command line: a file for each command. Data on stdout, everything else on stderr."""

from __future__ import annotations

import errno
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import typer

from flop_harness.cli import (
    check,
    claims,
    compare,
    convert,
    count,
    drift,
    effects,
    explain,
    formulas,
    layers,
    lists,
    mfu,
    report,
    reproduce,
    site,
    time,
    usage_errors,
    verify,
)
from flop_harness.cli.app import (
    INTERRUPTED,
    NOTHING_KEPT,
    USER,
    Interrupted,
    app,
    fail,
    say,
    terminable,
)
from flop_harness.cli.streams import (
    encode_plainly,
    open_closed_streams,
    reader_may_leave,
    stdout_written,
)
from flop_harness.errors import OURS, Terminated, UserError, extras_named, warning_line
from flop_harness.suite.search_path import put_standard_library_first

COMMANDS = (
    compare,
    count,
    layers,
    explain,
    convert,
    report,
    site,
    check,
    reproduce,
    drift,
    effects,
    verify,
    claims,
    time,
    formulas,
    mfu,
    lists,
)
"""Modules whose import gives the app its commands, in the order of ``--help``."""
PLACES = {module.__name__: place for place, module in enumerate(COMMANDS)}
app.registered_commands.sort(key=lambda each: PLACES[each.callback.__module__])  # type: ignore[union-attr]

SILENT = "6"
"""What torch's profiler logs of a machine without a GPU is not the user's: the level above all"""


FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@cache
def command() -> Any:
    """All commands as one. To read the options of each off its function takes a while."""
    return typer.main.get_command(app)


def main() -> None:
    """Entry point: the user's mistakes end in one line and exit code 2, Ctrl-C in one and 130, SIGTERM and 143."""
    put_standard_library_first()
    open_closed_streams()
    encode_plainly()
    os.environ.setdefault("KINETO_LOG_LEVEL", SILENT)
    try:
        with reader_may_leave(), terminable(), extras_named(), warnings_told(), stdout_written():
            sys.exit(command()(own_words(), prog_name=OURS, standalone_mode=False))
    except UserError as error:
        fail(str(error))
    except usage_errors.UsageError as error:
        told = usage_errors.one_line(error)
        fail(told) if told else sys.exit(USER)  # of ``flop-harness`` alone the help was shown
    except KeyboardInterrupt:
        say(f"interrupted; {NOTHING_KEPT}")
        sys.exit(INTERRUPTED)
    except Terminated:
        say("terminated")
        raise
    except SystemExit as end:
        if end.code == INTERRUPTED and not isinstance(end, Interrupted):
            say(f"interrupted; {NOTHING_KEPT}")  # where no command said what was kept
        raise
    except OSError as error:
        if error.errno not in FULL:
            raise
        fail(f"cannot write {error.filename or 'what it found'}: {error.strerror}; make room and "
             "run it again")  # fmt: skip


def own_words() -> list[str]:
    """What stands after our name; the files of models find a command line without words of their own.

    Scripts for research often read it while they are imported.
    """
    words, sys.argv = sys.argv[1:], sys.argv[:1]
    return words


@contextmanager
def warnings_told() -> Iterator[None]:
    """Our own warnings are a line without the place in our code; those of others stay as they are."""
    usual, warnings.formatwarning = warnings.formatwarning, warning_line
    try:
        yield
    finally:
        warnings.formatwarning = usual
