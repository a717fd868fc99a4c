"""What a page asks to be put into it.

``<!-- run: flop-harness ... -->`` is replaced by the command and what it prints,
``<!-- fail: ... -->`` likewise for a command that has to be refused, ``<!-- file: PATH -->`` by a
file, ``<!-- bibtex -->`` by an entry for this version. A command that ends otherwise stops the build.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from flop_harness.report.formats.bibtex import bibtex

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 80
"""Columns of what commands print: as many as a page shows"""
DIRECTIVE = re.compile(r"^<!-- (run|fail|file|bibtex):? ?(.*?) -->$", re.MULTILINE)


def filled(text: str) -> str:
    """A page with its directives carried out."""
    return DIRECTIVE.sub(lambda found: DIRECTIVES[found[1]](found[2]), text)


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
    said = done.stderr if code else done.stdout
    lines = [line.rstrip() for line in said.splitlines()]
    return fenced("\n".join([f"$ {command}", *lines]), "console")


def fenced(text: str, language: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```"


DIRECTIVES: dict[str, Callable[[str], str]] = {
    "run": run,
    "fail": lambda command: run(command, code=2),
    "file": lambda path: fenced((ROOT / path).read_text(), "python"),
    "bibtex": lambda _: fenced(bibtex(), "bibtex"),
}
