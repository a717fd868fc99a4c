"""What counts say of a case before anything is timed: every way of counting, layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from harness.cells import TraceFailed
from harness.errors import UserError
from harness.models import build
from harness.pricing import priced
from harness.records import Case, Failure
from harness.theory.work import layer_work
from harness.times import Amount, Theory
from harness.watch import Watch


def expectations(
    cases: Iterable[Case], folder: str, mapper: Callable = map
) -> Iterator[Theory | Failure]:
    """One of the two for each case, in order; ``mapper`` may have several processes at work."""
    return mapper(expected, ((case, folder) for case in cases))  # type: ignore[no-any-return]


def expected(task: tuple[Case, str]) -> Theory | Failure:
    """All conventions and counters' rules on a case; nothing is executed where no value is read."""
    case, folder = task
    try:
        watch = Watch(case, folder, build(case, device="meta", folder=folder))
        trace = watch.canonical
        said = priced(trace, watch.trace, ())
    except (UserError, TraceFailed) as error:
        return Failure(case.id, "theory", str(error))
    amounts = tuple(Amount(p.counting, p.metric, p.unit, p.total) for p in said.prices)
    return Theory(
        case.id, trace.modules[0].type, amounts, layer_work(trace), live_bytes(case, folder)
    )


def live_bytes(case: Case, folder: str) -> int | None:
    """Peak bytes of live activations; None for a model that cannot run without values."""
    from harness.theory.liveness import live_peak

    built = build(case, folder=folder)
    try:
        return live_peak(built.module, built.args, built.kwargs)
    except Exception:  # noqa: BLE001 - whatever a model raises that looks at values
        return None
