"""A tool called in a process of its own: plain values out, no torch in them."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flop_harness.counters import Counter, overlay
from flop_harness.records import Context
from flop_harness.run.answers import first_line, modules_of, told
from flop_harness.run.contexts import asked_with
from flop_harness.suite.build import Built
from flop_harness.suite.compiled import eagerly, uncompiled
from flop_harness.suite.inputs import move
from flop_harness.suite.seeding import seeded

if TYPE_CHECKING:
    from flop_harness.run.leftovers import ModelState


@dataclass(frozen=True, slots=True)
class Subject:
    """A model where it is asked about, its inputs there, and its marks: what it was before."""

    model: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    marks: ModelState


def placed(built: Built, device: str) -> Subject:
    """The model itself, moved; to look through it takes as long as the quickest counters."""
    from flop_harness.run.leftovers import marks

    model = uncompiled(built.module).to(device)
    args, kwargs = move((built.args, built.kwargs), device)
    return Subject(model, args, kwargs, marks(model))


def ask(counter: Counter, context: Context, subject: Subject, threads: int) -> dict[str, Any]:
    """What the tool says of a model that is spoilt by it, how long it takes, and what it leaves."""
    import torch

    from flop_harness.run.leftovers import leftovers, marks
    from flop_harness.trace.sharding import forget_shapes
    from flop_harness.trace.surroundings import settings

    if counter.overlay:
        overlay.put_first(overlay.folder_of(counter.overlay), counter.distribution)
    torch.set_num_threads(threads)
    model = subject.model
    args, kwargs = asked_with(counter, context, model, subject.args, subject.kwargs)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with (
            settings(context.grad, context.variant),
            eagerly(),
            seeded(),
            counter.capture() as calls,
        ):
            forget_shapes()
            started = time.perf_counter()
            answer = counter.read(model, args, kwargs, context)
            seconds = time.perf_counter() - started
    figures = {metric: told(getattr(answer, metric)) for metric in counter.quantities}
    modules, nonsense = modules_of(answer)
    warned = (*(str(each.message) for each in caught), *nonsense)
    return {
        "figures": figures,
        "modules": modules,
        "seconds": seconds,
        "captured": tuple(calls),
        "warnings": tuple(dict.fromkeys(map(first_line, warned))),
        "leftovers": leftovers(subject.marks, marks(model)),
    }
