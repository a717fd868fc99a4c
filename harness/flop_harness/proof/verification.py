"""The theory held against execution: every distinct operator of a suite, proven or refuted."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from flop_harness.conventions.products import (
    ATTENTION_FUNCTIONS,
    ATTENTION_KERNELS,
    RECURRENT_OPERATORS,
    works,
)
from flop_harness.errors import ModelRaised, UserError
from flop_harness.proof import kept
from flop_harness.proof.operation import Key, Operation, attempt
from flop_harness.records import Case, Context, Failure, Proof, Proofs, Sources, Suite, Trace
from flop_harness.run.cells import CaseRunner, Limits
from flop_harness.run.digests import tracer
from flop_harness.run.environment import version
from flop_harness.run.identity import EarlierSources, identity, sources_key
from flop_harness.run.isolation import run_apart, starved
from flop_harness.run.plan import CANONICAL, Cell, Plan
from flop_harness.run.processes import pool
from flop_harness.store import PROOFS_SCHEMA, TraceStore, finished
from flop_harness.store.journal import Journal
from flop_harness.store.runs import restored
from flop_harness.trace.walk import visits

Mapper: TypeAlias = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]
"""``map``, or one that has several processes at work."""

Progress: TypeAlias = Callable[[str, int, int], None]
"""(what is being done, how many are done, of how many)"""

Read: TypeAlias = Callable[[], Trace]
"""Reads a stored trace, in whichever process it is asked"""


@dataclass
class Found:
    """The operators of one case: how often each ran in its reference trace, and which beside it."""

    case: str
    operations: dict[Key, Operation] = field(default_factory=dict)
    calls: Counter[Key] = field(default_factory=Counter)
    unsupported: Counter[str] = field(default_factory=Counter)
    free: Counter[str] = field(default_factory=Counter)
    failure: Failure | None = None

    def enter(self, trace: Trace, reference: bool) -> None:
        keys: dict[Operation, Key] = {}
        for visit, work in works(trace):
            if work is None or work.kind == "movement":
                if reference:
                    (self.unsupported if work is None else self.free)[visit.call.packet] += 1
                continue
            operation = Operation(visit.call._replace(children=()), visit.inside("aten.einsum"))
            if operation not in keys:
                keys[operation] = operation.key
                self.operations.setdefault(keys[operation], operation)
            self.calls[keys[operation]] += reference


@dataclass(frozen=True)
class Task:
    """A case to be traced, of ``training`` with its backward pass.

    ``trace`` reads its reference trace, if there is one already.
    """

    case: Case
    folder: str
    timeout_s: float
    trace: Read | None = None
    training: bool = False

    @property
    def beside(self) -> tuple[Context, ...]:
        """Where a CPU may run other kernels than those of the reference."""
        if self.training:
            return (Context("cpu", True, variant="training"),)
        return Context("cpu", False), Context("cpu", True)


USERS = (UserError.__name__, ModelRaised.__name__)
"""Names of the errors that are the user's or the model's"""


def gather(task: Task) -> Found:
    """The distinct operators of one case, recorded in a process of their own."""
    outcome = run_apart(lambda: operators_of(task), timeout_s=task.timeout_s)
    if outcome.ending == "ok":
        return outcome.value  # type: ignore[no-any-return]
    stage = "model" if outcome.error in USERS else "trace for the reference"
    message = (
        outcome.message.removeprefix(f"{outcome.error}: ") if stage == "model" else outcome.message
    )
    return Found(task.case.id, failure=Failure(task.case.id, stage, message))


def is_starved(found: Found) -> bool:
    """Whether its process may have come too short of memory beside others."""
    return found.failure is not None and starved(found.failure.message)


def operators_of(task: Task) -> Found:
    """What the reference trace holds and, where kernels differ, what a CPU runs instead.

    A model that is too large for this machine runs on no CPU: its own products are proven all the same.
    """
    found = Found(task.case.id)
    limits = Limits(task.timeout_s, 0, 1)
    variant = "training" if task.training else ""
    runner = CaseRunner(task.case, task.folder, limits, variant=variant)
    reference = task.trace() if task.trace else runner.canonical()
    found.enter(reference, reference=True)
    if not reference.executed and kernels_differ(reference) and not runner.model.valueless:
        for context in task.beside:
            found.enter(runner.trace(None, context), reference=False)
    return found


FUSED_ELSEWHERE = (*RECURRENT_OPERATORS, *ATTENTION_KERNELS, *ATTENTION_FUNCTIONS)


def kernels_differ(trace: Trace) -> bool:
    """Whether something of it runs fused on a CPU, which comes apart on meta."""
    return any(visit.call.packet in FUSED_ELSEWHERE for visit in visits(trace))


def verify(
    suite: Suite,
    known: Mapping[str, Read] | None = None,
    mapper: Mapper = map,
    progress: Progress = lambda what, done, total: None,
    training: bool = False,
    journal: Journal | None = None,
) -> Proofs:
    """Prove a suite: each operator and shape once, however often and wherever it runs.

    ``known`` reads reference traces, by case. A case that cannot be traced is a failure. Of
    ``training`` steps the backward pass is proven too. What stands in ``journal`` is proven already.
    """
    tasks = [Task(case, suite.folder, suite.timeout_s, (known or {}).get(case.id), training)
             for case in suite.cases]  # fmt: skip
    found = told("traces", mapper(gather, tasks), len(tasks), progress)
    found = [gather(task) if is_starved(each) else each
             for task, each in zip(tasks, found, strict=True)]  # fmt: skip
    distinct: dict[Key, Operation] = {}
    for each in found:
        distinct |= {key: one for key, one in each.operations.items() if key not in distinct}
    heaviest = sorted(distinct, key=lambda key: -cost(distinct[key]))
    proofs = kept.known(distinct, journal)
    left = [(key, distinct[key]) for key in heaviest if key not in proofs]
    made = kept.keeping(mapper(attempt, [one for _, one in left]), left, journal)
    tried = {key: each for (key, _), each in
             zip(left, told("proofs", made, len(left), progress), strict=True)}  # fmt: skip
    proofs |= {key: each.proof for key, each in tried.items()}
    return Proofs(
        schema=PROOFS_SCHEMA,
        suite=suite.name,
        version=suite.version,
        cases=tuple(case.id for case in suite.cases),
        environment={name: version(name) for name in ("torch", "torchvision", "flop-harness")},
        proofs=tuple(with_uses(proofs[key], key, found) for key in distinct),
        unsupported=dict(sum((each.unsupported for each in found), Counter())),
        free=dict(sum((each.free for each in found), Counter())),
        failures=(
            *(each.failure for each in found if each.failure is not None),
            *(failed(key, each.error, found) for key, each in tried.items() if each.error),
        ),
        training=training,
    )


def failed(key: Key, error: str, found: Iterable[Found]) -> Failure:
    """That a proof failed, told of the first case that has the operator."""
    operator, shapes, _ = key
    case = next(each.case for each in found if key in each.operations)
    return Failure(case, f"proof of {operator} at {shapes}", error)


def told(what: str, results: Iterable[Any], total: int, progress: Progress) -> list[Any]:
    done = []
    for result in results:
        done.append(result)
        progress(what, len(done), total)
    return done


def cost(operation: Operation) -> int:
    work = operation.work
    return work.macs if work is not None else 0


def with_uses(proof: Proof, key: Key, found: Iterable[Found]) -> Proof:
    calls = {each.case: each.calls[key] for each in found if each.calls[key]}
    beside = tuple(each.case for each in found if key in each.operations and not each.calls[key])
    return replace(proof, calls=calls, beside=beside)


# ------------------------------------------------------------------------ traces and processes


def known_traces(suite: Suite, folder: Path) -> dict[str, Read]:
    """The reference traces that a run of this very suite left in a results folder, by case.

    Those of a model or of a tracer that is another by now are left out.
    """
    plan = Plan(suite, (), folder)
    records = finished(folder, identity(plan))
    traces = TraceStore(folder)
    sources = EarlierSources(partial(sources_kept, records, folder), suite.folder)
    found: dict[str, Read] = {}
    for case in suite.cases:
        record = records.get(Cell(case.id, CANONICAL, Context(plan.device)).key, {})
        name = record.get("trace", "")
        ours = record.get("tracer", "") == tracer()
        if ours and name in traces and not sources.why_changed(case, record.get("sources", "")):
            found[case.id] = partial(TraceStore(folder).load, name)  # one with nothing at hand
    return found


def sources_kept(
    records: Mapping[tuple[str, ...], Any], folder: Path, digest: str
) -> Sources | None:
    found = records.get(sources_key(digest))
    return None if found is None else restored(found, Sources, str(folder))


@contextmanager
def processes(jobs: int) -> Iterator[Mapper]:
    """``map`` over as many processes, each on one thread."""
    with pool(jobs, alone) as at_work:
        yield at_work.map


def alone() -> None:
    """One thread: what has computed on several cannot be forked, and each core has a process.

    What torch warns of when it is given ones is nothing to tell.
    """
    import torch

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
