"""A trace of a model by a copy of it, or, where no copy does what it does, of itself in a fork."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from flop_harness.errors import raised
from flop_harness.records import Trace
from flop_harness.run.isolation import run_apart
from flop_harness.store.traces import dump_trace, load_trace


def tell_of_run(model: str, error: BaseException, tell: Callable[[str], None]) -> None:
    """Tell why a pass that should execute nothing was one for real; not where it looks at values."""
    from flop_harness.trace.needs import Need

    if not isinstance(error, Need):
        tell(f"{model} was run for real: on meta it raises {raised(error, 300)}")


def traced(prepare: Callable[[], tuple], *, timeout_s: float = 300.0, **options: Any) -> Trace:
    """What ``trace.attempts.recorded`` gives; the caller's model and inputs stay as they are.

    Raises what the model raises; RuntimeError with its message where that happened in a fork.
    """
    from flop_harness.trace.attempts import recorded
    from flop_harness.trace.copying import NotCopyable

    try:
        return recorded(prepare, **options)
    except NotCopyable:
        return traced_itself(prepare, timeout_s, options)


def traced_itself(prepare: Callable[[], tuple], timeout_s: float, options: dict) -> Trace:
    """A trace of the model itself, in a fork that may be spoilt; another for each attempt."""
    import torch

    from flop_harness.trace.attempts import recorded
    from flop_harness.trace.needs import Need

    def work() -> bytes:
        torch.set_num_threads(1)  # the threads of this process are not in its fork
        return dump_trace(recorded(prepare, copy=False, **options))

    outcome = run_apart(work, timeout_s=timeout_s)
    needs = {each.__name__: each.given_by for each in Need.__subclasses__()}
    option = needs.get(outcome.error, "")
    if option and not options.get(option):
        return traced_itself(prepare, timeout_s, {**options, option: True})
    if outcome.error == "ImportNeeded":
        importlib.import_module(outcome.message.removeprefix("ImportNeeded: "))
        return traced_itself(prepare, timeout_s, options)
    if outcome.ending != "ok":
        raise RuntimeError(outcome.message)
    return load_trace(outcome.value)
