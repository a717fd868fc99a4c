"""Pieces of code run as somebody would who pastes them: in an interpreter of their own."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from flop_harness import counters
from flop_harness.code.usage import usage_code
from flop_harness.counters import overlay
from flop_harness.run.isolation import run_apart

ROOT = Path(__file__).resolve().parent.parent

# Each piece in a fork, so that what a tool leaves behind does not reach the next.
RUNNER = """
import contextlib, importlib, io, json, os, sys, warnings
warnings.simplefilter("ignore")
import torch
torch.set_num_threads(1)
importlib.import_module(sys.argv[1])
for code in json.load(sys.stdin):
    if os.fork():
        os.wait()
        continue
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            exec(compile(code, "pasted", "exec"), {})
        said = out.getvalue().splitlines()[-1]
    except BaseException as error:
        said = f"{type(error).__name__}: {error}"
    print("said", json.dumps(said), flush=True)
    os._exit(0)
"""


def printed(counter: str, codes: Sequence[str]) -> list[str]:
    """The last line that each piece prints, or what it raises; the counter's package is first."""
    tool = counters.counters()[counter]
    folders = [str(overlay.ensure(tool.overlay))] if tool.overlay else []
    path = os.pathsep.join([*folders, str(ROOT / "suites"), str(ROOT)])
    package = usage_code(tool).split()[1] if tool.usage and tool.usage.imports else "torch"
    bare = [without_remark(code) for code in codes]
    distinct = list(dict.fromkeys(bare))
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, package], input=json.dumps(distinct), text=True,
        capture_output=True, env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        check=True,
    )  # fmt: skip
    told = [line for line in done.stdout.splitlines() if line.startswith("said ")]
    lines = [json.loads(line.removeprefix("said ")) for line in told]
    said = dict(zip(distinct, lines, strict=True))
    return [said[code] for code in bare]


def printed_in_turn(codes: Sequence[str]) -> list[str]:
    """The same of tools that are here, in one fork of this process: sooner, and less alone."""

    def told(code: str) -> str:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(code, "pasted", "exec"), {})
        return out.getvalue().splitlines()[-1]

    def work() -> list[str]:
        torch.set_num_threads(1)
        return [told(code) for code in codes]

    outcome = run_apart(work, timeout_s=60)
    assert outcome.ending == "ok", outcome.message
    return list(outcome.value)


def without_remark(code: str) -> str:
    return "\n".join(line for line in code.splitlines() if not line.startswith("# "))


def number(text: str) -> float:
    return float(text.replace(",", ""))


def remark(code: str) -> tuple[float, float, list[float]]:
    """What the comment below a piece of code says: the figure, the reference, and the terms."""
    lines = [line[2:] for line in code.splitlines() if line.startswith("# ")]
    text = " ".join(lines)
    text = text[text.index("prints ") :]
    figure = re.match(r"prints (-?[\d.]+)", text)
    reference = re.search(r"the reference is (-?[\d,]+)", text)
    assert figure and reference, text
    terms = re.findall(r" ([+-][\d,]+(?:\.\d+)?)(?= and |, |;)", text)
    return number(figure[1]), number(reference[1]), list(map(number, terms))
