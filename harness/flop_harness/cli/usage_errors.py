"""Mistakes in the words of a command, each in one line: the option, what was given, what it takes."""

from __future__ import annotations

import re
from typing import Any

import typer

from flop_harness.errors import suggest

UsageError: Any = typer.BadParameter.__mro__[1]
"""The class of them all, which typer has no name for"""
WRONG_VALUE = re.compile(r"Invalid value for '(?P<option>[^']+)': (?:Input )?(?P<why>.+)", re.S)
MEANT = re.compile(r"\. Did you mean (.+)\?$")


def one_line(error: Any) -> str:
    """``--gpus 'abc' should be a valid integer; see flop-harness mfu --help``; "" where help was shown."""
    said = told(error).strip().rstrip(".")
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "flop-harness"
    return f"{said}; see {command} --help" if said else ""


def told(error: Any) -> str:
    """What a usage error says, without typer's frame."""
    if name := getattr(error, "option_name", ""):
        known = getattr(error, "possibilities", None)
        if known is not None:
            return f"no option {name}{suggest(name, known)}"
    text = error.format_message()
    if wrong := WRONG_VALUE.match(text):
        why = wrong["why"].partition(", unable to")[0]
        return f"{wrong['option']}{given(error)} {why}"
    return MEANT.sub(r" (did you mean \1?)", text[:1].lower() + text[1:])


def given(error: Any) -> str:
    """The value that was refused, where the check that refused it kept it, as pydantic's do."""
    kept = getattr(error.__cause__, "errors", None)
    return f" {kept()[0]['input']!r}" if kept else ":"
