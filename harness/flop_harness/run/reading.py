"""What a counter says of a case: asked in a fork of the case's own process, told as records."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from flop_harness.counters import Counter, overlay, version_of
from flop_harness.counters.versions.compatibility import read_with_shims
from flop_harness.errors import install_command
from flop_harness.records import Context, Metric, Reading, Status
from flop_harness.run.answers import first_line, modules_of, told, without_paths
from flop_harness.run.cells import CaseRunner
from flop_harness.run.isolation import Outcome, run_apart
from flop_harness.run.leftovers import leftovers, marks
from flop_harness.suite.compiled import eagerly
from flop_harness.suite.search_path import on_path
from flop_harness.suite.seeding import seeded

STATUS: dict[str, Status] = {
    "raised": "failed",
    "died": "failed",
    "timeout": "timeout",
    "out_of_memory": "out_of_memory",
}


def read(runner: CaseRunner, counter: Counter, context: Context) -> tuple[Reading, ...]:
    """What the counter says; a released version with what makes it run on today's Python."""
    name, _, version = counter.id.partition("@")
    if not version:
        return read_once(runner, counter, context)
    return read_with_shims(name, counter, lambda each: read_once(runner, each, context))[0]


def read_once(runner: CaseRunner, counter: Counter, context: Context) -> tuple[Reading, ...]:
    """What the counter says, or how it failed, one reading for each of its metrics."""
    try:
        if counter.overlay:
            overlay.ensure(counter.overlay)
    except overlay.NotInstallable as error:
        return refused(runner, counter, context, str(error))
    if not version_of(counter):
        missing = counter.distribution
        why = f"{missing} is not installed ({install_command(missing)})"
        return refused(runner, counter, context, why)
    if context.device != "meta":
        _ = runner.built
    limits = runner.limits
    with on_path(runner.folders):
        outcome = run_apart(
            lambda: asked(runner, counter, context),
            timeout_s=limits.timeout_s,
            memory_bytes=limits.memory_bytes if context.device == "cpu" else None,
            abandoned=runner.abandoned,
        )
    if outcome.ending == "ok":
        return tuple(figures_told(runner, counter, context, outcome))
    status = "unavailable" if outcome.error == "Unavailable" else STATUS[outcome.ending]
    message = outcome.message.removeprefix("Unavailable: ")
    return silent(runner, counter, context, status, message, outcome)


def refused(
    runner: CaseRunner, counter: Counter, context: Context, why: str
) -> tuple[Reading, ...]:
    """The readings of a counter that cannot be asked."""
    return silent(runner, counter, context, "unavailable", why)


def asked(runner: CaseRunner, counter: Counter, context: Context) -> dict[str, Any]:
    """Call the tool, in a process of its own: plain values out, no torch in them."""
    import torch

    from flop_harness.trace.surroundings import settings

    if counter.overlay:
        overlay.put_first(overlay.folder_of(counter.overlay))
    torch.set_num_threads(runner.limits.threads)
    model, args, kwargs = runner.handed_over(counter, context)
    before = marks(model)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        started = time.perf_counter()
        with settings(context.grad, context.variant), eagerly(), seeded():
            answer = counter.read(model, args, kwargs, context)
        seconds = time.perf_counter() - started
    figures = {metric: told(getattr(answer, metric)) for metric in counter.quantities}
    modules, nonsense = modules_of(answer)
    warned = (*(str(each.message) for each in caught), *nonsense)
    return {
        "figures": figures,
        "modules": modules,
        "seconds": seconds,
        "warnings": tuple(dict.fromkeys(map(first_line, warned))),
        "leftovers": leftovers(before, marks(model)),
    }


def figures_told(
    runner: CaseRunner, counter: Counter, context: Context, outcome: Outcome
) -> Iterator[Reading]:
    said = outcome.value
    for metric, quantity in counter.quantities.items():
        value, figure, nonsense = said["figures"][metric]
        yield replace(
            blank(runner, counter, context, metric),
            status="failed" if nonsense else "ok",
            value=value,
            figure=figure,
            label=quantity.label,
            message=nonsense,
            seconds=said["seconds"],
            peak_bytes=outcome.peak_bytes,
            modules=said["modules"] if metric == "compute" else {},
            warnings=said["warnings"],
            output=without_paths(outcome.output),
            leftovers=said["leftovers"],
        )


def silent(
    runner: CaseRunner, counter: Counter, context: Context, status: Status, message: str,
    outcome: Outcome | None = None,
) -> tuple[Reading, ...]:  # fmt: skip
    return tuple(
        replace(
            blank(runner, counter, context, metric),
            status=status,
            message=first_line(without_paths(message)),
            seconds=outcome.seconds if outcome else None,
            output=without_paths(outcome.output) if outcome else "",
        )
        for metric in counter.quantities
    )


def blank(runner: CaseRunner, counter: Counter, context: Context, metric: Metric) -> Reading:
    quantity = counter.quantities[metric]
    return Reading(runner.case.id, counter.id, version_of(counter), runner.resolved(context),
                   metric, quantity.unit, "ok", label=quantity.label)  # fmt: skip
