"""What a count costs: the trace beside a bare meta forward and other counters, in one run.

    python -m harness.bench [MODEL ...]

Each figure comes from a fork of one process, on one thread; the median of rounds in which all
contestants take turns. *first* is the first pass in a fresh process, *anew* one that remembers
signatures within the model only, *known* one whose signatures are known from an earlier pass.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from math import exp, log
from statistics import median
from typing import Any

from harness.conventions import reference
from harness.isolation import run_apart
from harness.models import build
from harness.records import Case, Input
from harness.timing.cpu import threads_set

MODELS = ("resnet50", "densenet121", "vit_b_16", "swin_t")
COUNTERS = ("torch", "thop", "ptflops-pytorch", "ptflops-aten", "torchinfo", "fvcore")
ROUNDS = 7


def case_of(name: str) -> Case:
    return Case(name, f"torchvision:{name}", (Input((1, 3, 224, 224)),))


def milliseconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1e3


def contestants(name: str) -> dict[str, Callable[[], Any]]:
    """The ways to go through a model on meta."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from harness.trace import record
    from harness.trace.operators import Memory

    built = build(case_of(name), device="meta")
    known = Memory()

    def bare() -> None:
        with torch.no_grad():
            built.module(*built.args)

    def counted() -> None:
        with torch.no_grad(), FlopCounterMode(display=False):
            built.module(*built.args)

    return {
        "bare meta forward": bare,
        "analytic, anew": lambda: reference(record(built.module, built.args, memory=Memory())),
        "analytic, known": lambda: reference(record(built.module, built.args, memory=known)),
        "FlopCounterMode on meta": counted,
    }


def on_meta(name: str) -> dict[str, float]:
    """Medians over rounds in which the contestants take turns, after one warm-up each."""
    with threads_set(1):
        ways = contestants(name)
        rounds = [{way: milliseconds(run) for way, run in ways.items()} for _ in range(ROUNDS + 1)]
    return {way: median(one[way] for one in rounds[1:]) for way in ways}


def first_call(name: str, way: str) -> float:
    with threads_set(1):
        return milliseconds(contestants(name)[way])


def counter_call(name: str, counter_id: str) -> float:
    """A counter's own milliseconds on the real model; its import and first call are not in it."""
    import torch

    from harness.counters import find

    (counter,) = find([counter_id])
    context = counter.contexts[0]
    with threads_set(1), torch.set_grad_enabled(context.grad):
        times = []
        for _ in range(3):
            built = build(case_of(name))
            call = partial(counter.read, built.module, built.args, built.kwargs, context)
            times.append(milliseconds(call))
    return min(times[1:])


def apart(work: Callable[[], Any]) -> tuple[Any, int]:
    """(result, peak bytes beyond those of this process)."""
    outcome = run_apart(work, timeout_s=600)
    if outcome.ending != "ok":
        raise RuntimeError(f"{outcome.message}\n{outcome.output}")
    return outcome.value, outcome.peak_bytes


def measure(name: str) -> dict[str, tuple[float, int]]:
    """Contestant -> (milliseconds, peak bytes)."""
    steady, peak = apart(partial(on_meta, name))
    row = {way: (value, peak) for way, value in steady.items()}
    for way in ("bare meta forward", "analytic, anew"):
        row[f"{way}, first"] = apart(partial(first_call, name, way))
    for counter_id in COUNTERS:
        row[counter_id] = apart(partial(counter_call, name, counter_id))
    return row


def geometric_mean(values: list[float]) -> float:
    return exp(sum(map(log, values)) / len(values))


def main(names: tuple[str, ...]) -> None:
    import torch
    import torchvision
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"milliseconds, one thread, torch {torch.__version__}", box=box.SIMPLE_HEAD)
    rows = {}
    for name in names:
        assert hasattr(torchvision.models, name), name
        rows[name] = measure(name)
        print(f"measured {name}", file=sys.stderr)
    ways = list(next(iter(rows.values())))
    for head in ("", *names, "x bare (geo. mean)", "x analytic, anew", "peak MiB"):
        table.add_column(head, justify="right" if head else "left")
    for way in ways:
        base = "bare meta forward, first" if way.endswith("first") else "bare meta forward"
        against = geometric_mean([row[way][0] / row[base][0] for row in rows.values()])
        ours = geometric_mean([row[way][0] / row["analytic, anew"][0] for row in rows.values()])
        peak = max(row[way][1] for row in rows.values()) / 2**20
        table.add_row(way, *(f"{rows[n][way][0]:.1f}" for n in names), f"{against:.2f}",
                      f"{ours:.1f}", f"{peak:.0f}")  # fmt: skip
    Console(width=max(120, 60 + 14 * len(names))).print(table)


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or MODELS)
