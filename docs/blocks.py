"""Commands on a page and what they print: a console block of one command with its output.

A block that begins with ``$ flop-harness ...`` and shows output is kept by docs/refresh.py. Where
the first line shown is ``flop-harness: ...``, the command has to be refused. A block of commands alone
stays as it is. ``bibtex`` blocks hold the entry for this version.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

from flop_harness.report.formats.bibtex import bibtex

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 80
"""Columns of what commands print: as many as a page shows"""
SHOWN = re.compile(r"^```console\n\$ (flop-harness .*)\n((?:(?!\$ |```).*\n)+)```$", re.MULTILINE)
ENTRY = re.compile(r"^```bibtex\n.*?^```$", re.MULTILINE | re.DOTALL)


def with_output(text: str) -> str:
    """With what its commands print now. RuntimeError if one ends otherwise than the page shows."""
    return SHOWN.sub(lambda found: run(found[1], 2 if refused(found[2]) else 0), text)


def with_entry(text: str) -> str:
    """With the BibTeX entry of this version."""
    return ENTRY.sub(lambda _: fenced(bibtex(), "bibtex"), text)


def refused(output: str) -> bool:
    """Whether that is the line of a mistake of the user's."""
    return output.startswith("flop-harness: ")


def run(command: str, code: int = 0) -> str:
    """A command as it is typed, and what it prints. RuntimeError if it does not end so."""
    words = shlex.split(command)
    assert words[0] == "flop-harness", command
    done = subprocess.run(
        [sys.executable, "-m", "flop_harness", *words[1:]], cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "COLUMNS": str(WIDTH)}, check=False,
    )  # fmt: skip
    if done.returncode != code:
        raise RuntimeError(f"{command} ended with {done.returncode}: {done.stderr}")
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    if code:  # one line, however long: folded as a terminal folds it
        lines = textwrap.wrap(done.stderr, WIDTH, break_on_hyphens=False)
    return fenced("\n".join([f"$ {command}", *lines]), "console")


def fenced(text: str, language: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```"
