"""What a count costs: the trace beside a bare meta forward and other counters, in one run.

    python tests/bench/counting.py [MODEL ...]

Without names every classification model of torchvision at its published input size. Each figure
comes from a fork of one process, on one thread; the median of rounds in which all contestants
take turns. *first* is the first pass in a fresh process, *anew* one that remembers
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

from flop_harness.conventions.reference import reference
from flop_harness.errors import UserError
from flop_harness.records import Case
from flop_harness.run.isolation import run_apart
from flop_harness.suite.build import Built, build
from flop_harness.suite.files import load
from flop_harness.suite.inputs import move
from flop_harness.timing.cpu import threads_set
from flop_harness.trace.copying import copied

COUNTERS = ("torch", "thop", "ptflops-pytorch", "ptflops-aten", "torchinfo", "fvcore")
ROUNDS = 5
SHOWN = 6
"""Up to so many models have columns of their own."""


def cases_of(names: tuple[str, ...]) -> list[Case]:
    """Cases of the suite ``torchvision`` by id; without names all classification models."""
    import torchvision

    known = {case.id: case for case in load("torchvision").cases}
    wanted = names or tuple(torchvision.models.list_models(module=torchvision.models))
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise SystemExit(f"not in suite torchvision: {', '.join(unknown)}")
    return [known[name] for name in wanted]


def milliseconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1e3


def contestants(case: Case) -> dict[str, Callable[[], Any]]:
    """The ways to go through a model on meta."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from flop_harness.trace.plans import Memory
    from flop_harness.trace.recorder import record

    built = on_meta_device(case)
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


def on_meta_device(case: Case) -> Built:
    """The model on meta; built on CPU and moved there if it cannot be built on meta."""
    try:
        return build(case, device="meta")
    except UserError:
        built = build(case)
        return Built(built.module.to("meta"), move(built.args, "meta"), move(built.kwargs, "meta"))


def on_meta(case: Case) -> dict[str, float]:
    """Medians over rounds in which the contestants take turns, after one warm-up each."""
    with threads_set(1):
        ways = contestants(case)
        rounds = [{way: milliseconds(run) for way, run in ways.items()} for _ in range(ROUNDS + 1)]
    return {way: median(one[way] for one in rounds[1:]) for way in ways}


def first_call(case: Case, way: str) -> float:
    with threads_set(1):
        return milliseconds(contestants(case)[way])


def counter_call(case: Case, counter_id: str) -> float:
    """A counter's own milliseconds on the real model; its import and first call are not in it."""
    import torch

    from flop_harness.counters import find

    (counter,) = find([counter_id])
    context = counter.contexts[0]
    with threads_set(1), torch.set_grad_enabled(context.grad):
        times = []
        built = build(case)
        for _ in range(2):
            args, kwargs = counter.inputs(built.module, built.args, built.kwargs)
            call = partial(counter.read, copied(built.module), args, kwargs, context)
            times.append(milliseconds(call))
    return min(times)


def apart(work: Callable[[], Any]) -> tuple[Any, int]:
    """(result, peak bytes beyond those of this process)."""
    outcome = run_apart(work, timeout_s=600)
    if outcome.ending != "ok":
        raise RuntimeError(f"{outcome.message}\n{outcome.output}")
    return outcome.value, outcome.peak_bytes


def measure(case: Case) -> dict[str, tuple[float, int]]:
    """Contestant -> (milliseconds, peak bytes)."""
    steady, peak = apart(partial(on_meta, case))
    row = {way: (value, peak) for way, value in steady.items()}
    for way in ("bare meta forward", "analytic, anew"):
        row[f"{way}, first"] = apart(partial(first_call, case, way))
    for counter_id in COUNTERS:
        row[counter_id] = apart(partial(counter_call, case, counter_id))
    return row


def geometric_mean(values: list[float]) -> float:
    return exp(sum(map(log, values)) / len(values))


def summary(way: str, rows: dict[str, dict[str, tuple[float, int]]]) -> list[str]:
    """Over all models: geometric means of the milliseconds and of their ratios; peak memory."""
    base = "bare meta forward, first" if way.endswith("first") else "bare meta forward"
    own = geometric_mean([row[way][0] for row in rows.values()])
    against = geometric_mean([row[way][0] / row[base][0] for row in rows.values()])
    anew, known = (
        geometric_mean([row[way][0] / row[f"analytic, {how}"][0] for row in rows.values()])
        for how in ("anew", "known")
    )
    peak = max(row[way][1] for row in rows.values()) / 2**20
    return [f"{own:.1f}", f"{against:.2f}", f"{anew:.1f}", f"{known:.1f}", f"{peak:.0f}"]


def main(names: tuple[str, ...]) -> None:
    import torch
    from rich import box
    from rich.console import Console
    from rich.table import Table

    rows = {}
    for case in cases_of(names):
        rows[case.id] = measure(case)
        print(f"measured {case.id}", file=sys.stderr)
    title = f"{len(rows)} models, milliseconds, one thread, torch {torch.__version__}"
    table = Table(title=title, box=box.SIMPLE_HEAD)
    shown = list(rows) if len(rows) <= SHOWN else []
    heads = ("", *shown, "geo. mean", "x bare", "x anew", "x known", "peak MiB")
    for head in heads:
        table.add_column(head, justify="right" if head else "left")
    for way in next(iter(rows.values())):
        table.add_row(way, *(f"{rows[name][way][0]:.1f}" for name in shown), *summary(way, rows))
    Console(width=max(120, 60 + 14 * len(shown))).print(table)


if __name__ == "__main__":
    main(tuple(sys.argv[1:]))
