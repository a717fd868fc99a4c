"""What counts say of a case before anything is timed: every way of counting, layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from flop_harness.conventions.articles import NotApplicable
from flop_harness.counters import Unavailable, counters, version_of
from flop_harness.counters.versions.catalogue import CATALOGUE
from flop_harness.errors import UserError, raised
from flop_harness.reconcile.bridges import whole
from flop_harness.reconcile.pricing import METRIC_OF
from flop_harness.records import Case, Failure, Trace
from flop_harness.records.times import Amount, Theory
from flop_harness.records.trace import shapes_of
from flop_harness.run.cells import TraceFailed
from flop_harness.run.traces import ContextTraces
from flop_harness.suite.build import build
from flop_harness.suite.search_path import on_path
from flop_harness.timing.theory.work import layer_work


def expectations(
    cases: Iterable[Case], folder: str, mapper: Callable = map
) -> Iterator[Theory | Failure]:
    """What is known of each case, in order, and every rule that raised on it.

    ``mapper`` may have several processes at work.
    """
    return chain.from_iterable(mapper(expected, ((case, folder) for case in cases)))


def expected(task: tuple[Case, str]) -> list[Theory | Failure]:
    """All conventions and counters' rules on a case; nothing is executed where no value is read."""
    case, folder = task
    try:
        traces = ContextTraces(case, folder, build(case, device="meta", folder=folder))
        trace = traces.canonical
    except (UserError, TraceFailed) as error:
        return [Failure(case.id, "theory", str(error))]
    told = [*by_conventions(case.id, trace), *by_counters(traces), live_bytes(case, folder, trace)]
    amounts = tuple(each for each in told if isinstance(each, Amount))
    live = next((each for each in told if isinstance(each, int)), None)
    inputs = shapes_of(trace.root.args, trace.root.kwargs)
    theory = Theory(case.id, trace.modules[0].type, amounts, layer_work(trace), live, inputs)
    return [theory, *(each for each in told if isinstance(each, Failure))]


def by_conventions(case: str, trace: Trace) -> Iterator[Amount | Failure]:
    """What each convention that applies says, or how it failed."""
    for convention in CATALOGUE.values():
        try:
            total = whole(convention.price(trace).total)
        except NotApplicable:
            continue
        except Exception as error:  # noqa: BLE001 - any convention may trip over an untried model
            yield Failure(case, f"convention {convention.id}", raised(error))
            continue
        metric = METRIC_OF.get(convention.id) or METRIC_OF[convention.unit]
        yield Amount(convention.id, metric, convention.unit, total)


def by_counters(traces: ContextTraces) -> Iterator[Amount | Failure]:
    """What each counter that is there and not optional says in the first of its contexts, or how its rule failed."""
    for counter in counters().values():
        if counter.id == "analytic" or counter.optional:
            continue
        if not (counter.overlay or version_of(counter)):
            continue
        for metric, quantity in counter.quantities.items():
            try:
                account = quantity.price(traces.trace(counter, counter.contexts[0]))
            except Unavailable:
                continue  # it cannot be asked about such inputs
            except Exception as error:  # noqa: BLE001 - any rule may trip over an untried model
                yield Failure(traces.case.id, f"{counter.id}'s rules for {metric}", raised(error))
                continue
            yield Amount(counter.id, metric, quantity.unit, whole(account.total))


def live_bytes(case: Case, folder: str, trace: Trace) -> int | Failure | None:
    """Peak bytes of live activations; None for a model that cannot run without values."""
    from flop_harness.timing.theory.liveness import NeedsValues, live_peak

    if trace.executed or trace.looks:
        return None
    built = build(case, folder=folder)
    try:
        with on_path(built.folders):
            return live_peak(built.module, built.args, built.kwargs)
    except NeedsValues:
        return None
    except Exception as error:  # noqa: BLE001 - what a model raises on tensors without values
        return Failure(case.id, "live activations", raised(error))
