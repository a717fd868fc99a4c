"""A tool called in a process of its own: plain values out, no torch in them."""

from __future__ import annotations

import time
import warnings
from typing import Any

from flop_harness.counters import Counter, overlay
from flop_harness.records import Context
from flop_harness.run.answers import first_line, modules_of, told
from flop_harness.run.contexts import asked_with
from flop_harness.suite.build import Built
from flop_harness.suite.compiled import eagerly, uncompiled
from flop_harness.suite.inputs import move
from flop_harness.suite.seeding import seeded


def ask(
    counter: Counter, context: Context, built: Built, threads: int, before: Any = None
) -> dict[str, Any]:
    """What the tool says of a model that is spoilt by it, how long it takes, and what it leaves.

    ``before`` are the marks of the model, if they were taken before.
    """
    import torch

    from flop_harness.run.leftovers import leftovers, marks
    from flop_harness.trace.surroundings import settings

    if counter.overlay:
        overlay.put_first(overlay.folder_of(counter.overlay))
    torch.set_num_threads(threads)
    model = uncompiled(built.module).to(context.device)
    args, kwargs = move((built.args, built.kwargs), context.device)
    args, kwargs = asked_with(counter, context, model, args, kwargs)
    before = before or marks(model)
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
