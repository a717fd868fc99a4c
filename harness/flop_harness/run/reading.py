"""What a counter says of a case: asked in a fork of the case's own process, told as records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from flop_harness.counters import Counter, overlay, version_of
from flop_harness.counters.versions.compatibility import read_with_shims
from flop_harness.errors import install_command
from flop_harness.records import Context, Metric, Reading, Status
from flop_harness.run.answers import first_line, without_paths
from flop_harness.run.asking import ask, placed
from flop_harness.run.autograd import FORKED
from flop_harness.run.cells import CaseRunner
from flop_harness.run.isolation import Outcome, run_apart
from flop_harness.suite.search_path import on_path

STATUS: dict[str, Status] = {
    "raised": "failed",
    "died": "failed",
    "timeout": "timeout",
    "out_of_memory": "out_of_memory",
}

NO_AUTOGRAD = (
    "gradients were taken before in the process that holds the model, on a device or after torch.export, "
    "and torch takes none in its forks: make the model anew in another process, without a backward pass"
)

ASKED_OF_META = (
    "cannot be called on meta tensors",
    "Cannot copy out of meta tensor",
    "_local_scalar_dense",
    "cannot repeat_interleave a meta tensor",
    "register_meta function for torch.nonzero()",
    "can't convert meta device type tensor to numpy",
    *(
        f"aten::{name}: attempted to run this operator with Meta tensors"
        for name in ("masked_select", "_unique2", "unique_consecutive", "bincount", "equal")
    ),
)
"""What torch says where a value is asked of a tensor that has none"""
HALF_ALONE = "Expected mat_a to be BFloat16 or supported Float16 matrix"
NO_KERNEL = "torch has no kernel of a grouped product of such numbers here"
NO_VALUES = "the model looks at values, and a tensor on meta has none"


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
        _ = runner.model.built
    with on_path(runner.model.folders, runner.model.standing):
        outcome = asked(runner, counter, context)
    if outcome.ending == "ok":
        runner.captured[counter.id, context] = outcome.value["captured"]
        return tuple(figures_told(runner, counter, context, outcome))
    if why := impossible(context, outcome.message):
        return silent(runner, counter, context, "unavailable", why, outcome)
    status = "unavailable" if outcome.error == "Unavailable" else STATUS[outcome.ending]
    message = outcome.message.removeprefix("Unavailable: ")
    return silent(runner, counter, context, status, message, outcome)


def asked(runner: CaseRunner, counter: Counter, context: Context) -> Outcome:
    """What a fork of the case's process comes to that asks the counter."""
    limits = runner.limits
    memory_bytes = limits.memory_bytes if context.device == "cpu" else None

    def work() -> Any:
        subject = placed(runner.model.handed_over(context), context.device)
        return ask(counter, context, subject, limits.threads)

    run: Callable[..., Outcome] = partial(run_apart, work)
    if context.device != "meta" and runner.counters.get(counter.id) is counter:
        run = partial(runner.zygote.run, (counter.id, context))
    return run(timeout_s=limits.timeout_s, memory_bytes=memory_bytes, abandoned=runner.abandoned)


def impossible(context: Context, message: str) -> str:
    """Why nobody could be asked here, by torch's message; empty where the tool itself failed."""
    if FORKED in message:
        return NO_AUTOGRAD
    if HALF_ALONE in message:
        return NO_KERNEL
    if context.device == "meta" and any(text in message for text in ASKED_OF_META):
        return NO_VALUES
    return ""


def refused(
    runner: CaseRunner, counter: Counter, context: Context, why: str
) -> tuple[Reading, ...]:
    """The readings of a counter that cannot be asked."""
    return silent(runner, counter, context, "unavailable", why)


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
    return Reading(runner.case.id, counter.id, version_of(counter), runner.model.resolved(context),
                   metric, quantity.unit, "ok", label=quantity.label)  # fmt: skip
