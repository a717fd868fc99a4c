"""Tools from folders of their own that change torch or its classes: each sample in a fork of its own."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

import torch

from cells import asked
from flop_harness import counters
from flop_harness.counters import overlay
from flop_harness.counters.protocol import Counter
from flop_harness.reconcile import bridges as reconcile
from flop_harness.records import Bridge, Context, Reading
from flop_harness.run.isolation import Outcome, run_apart
from layers import Factory


def bridges(counter: Counter, factory: Factory) -> dict[str, Bridge]:
    """The bridge to each of a tool's figures; only in a process that may be spoilt."""
    context: Context = counter.contexts[0]
    sample, own = asked(counter, factory, context)
    with torch.set_grad_enabled(context.grad):
        answer = counter.read(sample.module, sample.args, sample.kwargs, context)
    made_of = {}
    for metric, quantity in counter.quantities.items():
        value = getattr(answer, metric)
        modules = dict(answer.modules) if metric == "compute" else {}
        reading = Reading("", counter.id, "", own.context, metric, quantity.unit, "ok",
                          getattr(value, "item", lambda v=value: v)(), modules=modules)  # fmt: skip
        made_of[metric] = reconcile.bridge(reading, counter, own, own)
    return made_of


def outcomes(name: str, package: str, samples: Mapping[str, Factory]) -> dict[str, Outcome]:
    """What became of each sample, in one process for the tool and a fork of that for the sample.

    ``package`` is imported before. Raises NotInstallable.
    """
    counter = counters.counters()[name]
    folder = overlay.ensure(counter.overlay)

    def one_after_another() -> dict[str, Outcome]:
        overlay.put_first(folder, counter.distribution)
        importlib.import_module(package)
        torch.set_num_threads(1)
        return {
            sample: run_apart(lambda: bridges(counter, factory), timeout_s=60)  # noqa: B023
            for sample, factory in samples.items()
        }

    outcome = run_apart(one_after_another, timeout_s=300)
    assert outcome.ending == "ok", f"{outcome.message}\n{outcome.output}"
    return outcome.value
