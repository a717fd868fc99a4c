"""What the trace of a training step costs: beside a forward trace, and beside bare meta passes.

    python tests/bench/training.py [MODEL ...]

Models of torchvision at their published input size, on meta, on one thread, in CPU milliseconds:
the median of rounds in which all contestants take turns. A trace remembers signatures within the
model only.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

from counting import apart, cases_of, on_meta_device

from flop_harness.records import Case
from flop_harness.timing.cpu import threads_set

MODELS = ("resnet50", "densenet121", "vit_b_16", "swin_t", "convnext_tiny", "efficientnet_b0")
ROUNDS = 9


def contestants(case: Case) -> dict[str, Callable[[], Any]]:
    import torch

    from flop_harness.trace.plans import Memory
    from flop_harness.trace.recorder import record

    built = on_meta_device(case)

    def bare_forward() -> None:
        with torch.no_grad():
            built.module(*built.args)

    def bare_step() -> None:
        built.module.zero_grad()
        built.module(*built.args).sum().backward()

    def step() -> None:
        built.module.zero_grad()
        record(built.module, built.args, variant="training", memory=Memory())

    return {
        "bare forward": bare_forward,
        "forward trace": lambda: record(built.module, built.args, memory=Memory()),
        "bare step": bare_step,
        "training trace": step,
    }


def milliseconds(work: Callable[[], Any]) -> float:
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1e3


def measure(case: Case) -> dict[str, float]:
    """Contestant -> median milliseconds, after one round to warm up."""
    with threads_set(1):
        ways = contestants(case)
        rounds = [{way: milliseconds(run) for way, run in ways.items()} for _ in range(ROUNDS + 1)]
    return {way: median(one[way] for one in rounds[1:]) for way in ways}


def main(names: tuple[str, ...]) -> None:
    for case in cases_of(names or MODELS):
        found, _ = apart(partial(measure, case))
        ratio = found["training trace"] / found["forward trace"]
        figures = ", ".join(f"{way} {value:.1f}" for way, value in found.items())
        print(f"{case.id}: {figures} ms; training / forward {ratio:.2f}")


if __name__ == "__main__":
    main(tuple(sys.argv[1:]))
