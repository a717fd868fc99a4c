"""The command line: a file for each command. Data on stdout, everything else on stderr."""

from __future__ import annotations

import sys

from flop_harness.cli import (
    check,
    claims,
    compare,
    convert,
    count,
    drift,
    effects,
    explain,
    lists,
    report,
    reproduce,
    time,
    verify,
)
from flop_harness.cli.app import FINE, app, fail
from flop_harness.errors import UserError, extras_named

COMMANDS = (
    compare,
    count,
    explain,
    convert,
    report,
    check,
    reproduce,
    drift,
    effects,
    verify,
    claims,
    time,
    lists,
)
"""Modules whose import gives the app its commands, in the order of ``--help``."""


def main() -> None:
    """Entry point: the user's mistakes end in one line and exit code 2."""
    try:
        with extras_named():
            app()
    except UserError as error:
        fail(str(error))
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(FINE)
