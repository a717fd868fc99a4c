"""Traces of a case as its counters see it, with nothing executed where no value is looked at.

Weights are never filled: a pass that executes nothing needs their shapes alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from flop_harness.counters import Counter
from flop_harness.errors import UserError, is_ours, warn
from flop_harness.records import Case, Context, Input, Trace
from flop_harness.run.building import unfilled
from flop_harness.run.cells import CaseRunner, Limits, TraceFailed
from flop_harness.suite.build import Built, own_dtype
from flop_harness.suite.globals import globals_kept
from flop_harness.suite.search_path import on_path

LIMITS = Limits(timeout_s=300, memory_bytes=0, threads=1)


@dataclass
class ContextTraces:
    """Traces of a case as its counters see it, taken once for contexts that cannot differ.

    ``plan`` is its model on meta, perhaps with other inputs; ``variant`` that of the reference.
    """

    case: Case
    folder: str
    plan: Built
    variant: str = ""

    @cached_property
    def canonical(self) -> Trace:
        """The trace that the reference is priced on; for real where the model looks at values."""
        try:
            with on_path(self.plan.folders):
                return on_meta(self._own, self.variant)
        except UserError:
            raise
        except (
            BaseException
        ) as error:  # on meta; the runner goes on and says so, or who is to blame
            if is_ours(error):
                raise
            return self._measured()

    @property
    def mode(self) -> Literal["eval", "train"]:
        return self.case.mode or self.plan.mode

    def trace(self, counter: Counter, context: Context) -> Trace:
        here = replace(context, mode=context.mode or self.mode)
        if self.canonical.executed or self.canonical.looks:  # once for real is enough
            return in_context(self.canonical, here)
        with on_path(self.plan.folders):
            return in_context(self._runner.trace(replace(counter, observe=None), here), here)

    def _measured(self) -> Trace:
        try:
            runner = CaseRunner(self.case, self.folder, LIMITS, variant=self.variant)
            return runner.canonical()
        except TraceFailed as error:
            raise UserError(f"{self.case.model} runs, but could not be traced: {error}") from error

    @cached_property
    def _own(self) -> Built:
        return with_inputs(self.plan, self.case)

    @cached_property
    def _runner(self) -> CaseRunner:
        from flop_harness.trace.copying import copied

        own = replace(self._own, module=copied(self._own.module))
        return CaseRunner(self.case, self.folder, LIMITS, live=unfilled(own))


def on_meta(built: Built, variant: str = "") -> Trace:
    from flop_harness.trace.attempts import with_imports
    from flop_harness.trace.copying import copied
    from flop_harness.trace.questions import refuse_if_it_minds, told_of_watchers
    from flop_harness.trace.recorder import record

    if told := told_of_watchers(built.module):
        warn(f"the model {told}")

    def attempt() -> Trace:
        refuse_if_it_minds(built.module)
        with globals_kept(built.module):
            return record(*copied((built.module, built.args, built.kwargs)), variant=variant)

    return with_imports(attempt)


def anywhere(trace: Trace, counter: Counter, context: Context) -> Trace:
    """One trace for every counter and context."""
    return in_context(trace, context)


def in_context(trace: Trace, context: Context) -> Trace:
    return replace(trace, context=context)


def with_inputs(plan: Built, case: Case) -> Built:
    """The model with the inputs that the case names, if it names any; images go in one list."""
    if not case.inputs:
        return plan
    dtype = case.dtype or own_dtype(plan.module)
    args = tuple(empty(given, dtype) for given in case.inputs if not given.name)
    kwargs = {given.name: empty(given, dtype) for given in case.inputs if given.name}
    in_list = len(plan.args) == 1 and isinstance(plan.args[0], list)
    return replace(plan, args=(list(args),) if in_list else args, kwargs=kwargs)


def empty(given: Input, dtype: str) -> Any:
    import torch

    return torch.empty(given.shape, dtype=getattr(torch, given.dtype or dtype), device="meta")
