"""Whether it is the model that raises, or a pass of ours: asked by runs without us."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flop_harness.errors import ModelRaised, UserError, raised
from flop_harness.records import Case
from flop_harness.run.building import free_bytes, unfilled
from flop_harness.run.isolation import run_apart
from flop_harness.suite.build import Built

OURS = str(Path(__file__).parents[1])
LARGE = 2**28
"""Bytes of weights that are not filled only to hear the same error again"""


def plain_pass(built: Built, training: bool) -> None:
    """A pass without us, and of a training step the way back."""
    import torch

    from flop_harness.trace.step import total_loss

    torch.set_num_threads(1)  # the threads that its parent computed with are not in a fork
    with torch.set_grad_enabled(training):
        output = built.module(*built.args, **built.kwargs)
        if training:
            total_loss(output).backward()


def blame(case: Case, run: Callable[[], Any], error: BaseException, timeout_s: float) -> None:
    """Raise ModelRaised if a run without us, in a fork, fails too."""
    outcome = run_apart(run, timeout_s=timeout_s)
    if outcome.ending != "ok":
        raise raises(case, outcome.message) from error


def raises(case: Case, message: str) -> UserError:
    given = f"; given {case.shapes}" if case.inputs else ""
    return ModelRaised(f"case {case.id!r}: the model raises on these inputs: {message}{given}")


def blame_unfilled(
    case: Case, on_meta: Callable[[], Built], weights: int, error: BaseException, timeout_s: float
) -> None:
    """Raise ModelRaised if a large model raises at the same line on the CPU as it did on meta.

    Its weights are memory that nobody fills: where it raises alike, their values do not matter.
    """
    if weights < LARGE:
        return

    def run() -> str:
        try:
            plain_pass(unfilled(on_meta()), training=False)
        except Exception as another:  # noqa: BLE001 - held against the first
            return raised(another) if place(another) == place(error) else ""
        return ""

    outcome = run_apart(run, timeout_s=timeout_s, memory_bytes=free_bytes())
    if outcome.value:
        raise raises(case, outcome.value) from error


def place(error: BaseException) -> tuple[type, str]:
    """The class of an error and the innermost line of a model's that it went through."""
    import torch

    others = (OURS, str(Path(torch.__file__).parent), contextlib.__file__)
    lines = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)
             if not frame.filename.startswith(others)]  # fmt: skip
    return type(error), next(reversed(lines), "")
