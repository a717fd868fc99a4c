"""The user's mistakes, and what was perhaps meant; packages that are missing, and what brings them."""

from __future__ import annotations

import re
import signal
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import SequenceMatcher, get_close_matches
from importlib.util import find_spec
from typing import Any

OURS = "flop-harness"
"""Where a warning of ours says that it comes from"""
AS_USUAL = warnings.formatwarning
TOLD: set[str] = set()
"""What this process has warned of: once is enough"""
EXTRAS = {
    "report": ("altair", "jinja2", "pandas", "vl_convert"),
    "counters": ("fvcore", "ptflops", "pytorch_model_summary", "thop", "torchinfo"),
    "torchvision": ("torchvision",),
    "timm": ("timm",),
    "columns": ("duckdb", "pyarrow"),
    "cluster": ("dask", "dask_jobqueue", "distributed"),
    "transformers": ("transformers", "accelerate"),
    "diffusers": ("diffusers",),
    "open_clip": ("open_clip",),
    "segmentation": ("segmentation_models_pytorch",),
}
"""Extra of our distribution -> the packages, by import name, that it brings and we import"""


class UserError(Exception):
    """The user's mistake in one line: what was wrong, where, and what was perhaps meant."""


class ModelRaised(UserError):
    """What somebody else's code raised while it was loaded, built or run: no mistake of spelling."""


class Terminated(SystemExit):
    """SIGTERM, heard by a command: it ends as by Ctrl-C, with an exit code of its own."""


def raised(error: BaseException, longest: int = 10_000) -> str:
    """Class and message of somebody else's exception, in one line; its class may do anything."""
    name = type(error).__name__
    try:
        text = " ".join(uncoloured(cause_in(str(error))).split())[:longest]
    except BaseException as another:  # noqa: BLE001
        text = f"its message cannot be shown ({type(another).__name__})"
    told = not text or text.startswith(f"{name}: ")
    return text or name if told else f"{name}: {text}"


def uncoloured(text: str) -> str:
    """Without what sets colours on a terminal."""
    return COLOURS.sub("", text)


COLOURS = re.compile("\x1b\\[[0-9;]*m")


def cause_in(message: str) -> str:
    """Of TorchScript's traceback, which is a message, its last line; of any other, all."""
    first, *more = message.splitlines() or [""]
    return more[-1] if more and "failed in the TorchScript interpreter" in first else message


def is_ours(error: BaseException) -> bool:
    """Whether this ends our own work: a signal of the user's, but no Ctrl-C where SIGINT is ignored."""
    if isinstance(error, KeyboardInterrupt):
        return signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
    return isinstance(error, GeneratorExit | Terminated)


def alike(one: str, other: str) -> int:
    """How many letters stand in both at one place, written alike."""
    return sum(map(str.__eq__, one, other))


def nearest(name: str, known: Iterable[str], most: int = 3) -> list[str]:
    """The names of ``known`` nearest to ``name``: one of the same letters, else all as near as the first."""
    spellings = {other.lower(): other for other in sorted(known, key=lambda o: alike(o, name))}
    written = name.lower()
    close = get_close_matches(written, spellings, n=most)
    swapped = [other for other in close if sorted(other) == sorted(written)]
    likeness = [SequenceMatcher(None, other, written).ratio() for other in close]
    tied = [other for other, like in zip(close, likeness, strict=True) if like == likeness[0]]
    return [spellings[other] for other in swapped[:1] or tied]


def suggest(name: str, known: Iterable[str]) -> str:
    """``" (did you mean 'x' or 'y'?)"`` for the names of ``known`` nearest to ``name``, or ``""``."""
    close = [repr(other) for other in nearest(name, known)]
    meant = " or ".join([", ".join(close[:-1]), close[-1]] if close[1:] else close)
    return f" (did you mean {meant}?)" if close else ""


def require(extra: str) -> None:
    """UserError with the command that installs it where a package of an extra is missing."""
    for package in EXTRAS[extra]:
        if find_spec(package) is None:
            raise UserError(f"{package} is not installed ({install_command(package)})")


@contextmanager
def extras_named() -> Iterator[None]:
    """A missing package of an extra ends in a UserError with the command that installs it."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in {each for brought in EXTRAS.values() for each in brought}:
            raise
        raise UserError(f"{package} is not installed ({install_command(package)})") from error


def install_command(package: str) -> str:
    """What installs a package: the extra that brings it, else the package itself."""
    name = package.replace("-", "_")
    extra = next((extra for extra, brought in EXTRAS.items() if name in brought), None)
    return f"pip install 'flop-harness[{extra}]'" if extra else f"pip install {package}"


def warn(told: str) -> None:
    """A warning of ours, once in this process, whatever filters change meanwhile."""
    if told not in TOLD:
        TOLD.add(told)
        warnings.warn_explicit(told, UserWarning, OURS, 1)


def warning_line(
    message: Any, category: Any, filename: str, lineno: int, line: str | None = None
) -> str:
    """One of our own warnings as a line without the place in our code; others as Python has them."""
    if filename == OURS:
        return f"{OURS}: {' '.join(str(message).split())}\n"
    return AS_USUAL(message, category, filename, lineno, line)
