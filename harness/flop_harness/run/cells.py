"""A case's traces, in the case's own process, and the zygote that its counters are asked by.

The model is built once and each counter gets a fork of it: fresh, at no cost, and alone
(``run.reading``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

from flop_harness.counters import Counter, Unavailable
from flop_harness.errors import UserError, is_ours, raised, warn
from flop_harness.records import Call, Case, Context, Trace
from flop_harness.run.asking import ask, placed
from flop_harness.run.autograd import FORKED
from flop_harness.run.blame import blame, blame_unfilled, plain_pass
from flop_harness.run.building import CaseModel
from flop_harness.run.contexts import (
    Terms,
    Watcher,
    as_on_meta,
    asked_with,
    idly,
    observations,
    reference_terms,
    seen_alike,
    unwatched,
    watched,
    with_calls,
)
from flop_harness.run.isolation import run_apart
from flop_harness.run.tracing import tell_of_run, traced
from flop_harness.run.zygote import Zygote
from flop_harness.suite.build import Built
from flop_harness.suite.compiled import set_mode, uncompiled
from flop_harness.suite.globals import globals_kept
from flop_harness.suite.inputs import move
from flop_harness.suite.search_path import on_path


@dataclass(frozen=True)
class Limits:
    timeout_s: float
    memory_bytes: int
    threads: int


class TraceFailed(Exception):
    """The model runs, but could not be traced: a fault of ours."""


@dataclass
class CaseRunner:
    """A case: its reference trace, and for each counter a trace and readings.

    ``variant`` is that in which the reference's pass goes: a training step. ``counters`` are those,
    by id, that are asked by forks of one zygote, which holds the model as it was built. What the
    user should know of the way to a trace goes to ``tell``.
    """

    case: Case
    folder: str
    limits: Limits
    abandoned: Callable[[], bool] = lambda: False
    tell: Callable[[str], None] = warn
    live: Built | None = None
    variant: str = ""
    counters: Mapping[str, Counter] = field(default_factory=dict)
    taken: dict[Any, Trace] = field(default_factory=dict)
    observed: dict[Any, Call] = field(default_factory=dict)
    captured: dict[tuple[str, Context], tuple[Call, ...]] = field(default_factory=dict)
    terms: dict[int, Terms] = field(default_factory=dict)

    @cached_property
    def model(self) -> CaseModel:
        return CaseModel(self.case, self.folder, self.limits.memory_bytes, self.live)

    @cached_property
    def zygote(self) -> Zygote:
        """Asks a counter (by id) in a context about the model as it was built."""
        built, ready = self.model.built, None
        with suppress(Exception):  # each fork tries again, and tells of it
            ready = placed(built, "cpu")

        def answer(asked: tuple[str, Context]) -> dict[str, Any]:
            counter, context = self.counters[asked[0]], asked[1]
            here = ready if context.device == "cpu" else None
            return ask(counter, context, here or placed(built, context.device), self.limits.threads)

        return Zygote(answer)

    def canonical(self) -> Trace:
        """The trace that the reference is priced on: on meta, or without values, or for real."""
        if None not in self.taken:
            with on_path(self.model.folders):
                self.taken[None] = self._canonical()
        return self.taken[None]

    def plain(self, counter: Counter, seen: Trace, context: Context) -> tuple[Trace | None, bool]:
        """The pass without the counter, where ``seen`` does other work than the reference says.

        The model is called as the counter calls it: a second time, or on inputs of its making. The
        flag tells that hooks and a mode that do nothing had to watch it to do that work.
        """
        if self._alike(seen, self.canonical()):
            return None, False
        alone = self.trace(unwatched(counter), context)
        if self._alike(seen, alone) or not (counter.hooks or not counter.fast_path):
            return alone, False
        idle = self.trace(idly(counter), context)
        return (idle, True) if self._alike(seen, idle) else (alone, False)

    def _alike(self, one: Trace, other: Trace) -> bool:
        """Whether the reference says the same of both passes, term by term."""
        return self._terms(one) == self._terms(other)

    def _terms(self, trace: Trace) -> Terms:
        """What the reference says of a pass of ours, found once: its calls are kept in ``taken``."""
        key = id(trace.root)
        if key not in self.terms:
            self.terms[key] = reference_terms(trace)
        return self.terms[key]

    def _canonical(self) -> Trace:
        from flop_harness.trace.attempts import with_imports
        from flop_harness.trace.needs import Need

        plain = Context("cpu", grad=bool(self.variant), variant=as_on_meta(self.variant))
        if self.live is not None:
            self._tell_of_watchers(self.live)
            return self.trace(None, replace(plain, device="meta" if self.live.on_meta else "cpu"))
        try:
            return with_imports(self._on_meta)
        except UserError:
            raise
        except BaseException as error:  # on meta; for real it may run, or be blamed
            if is_ours(error):
                raise
            if not isinstance(error, Need):
                self._blame_unfilled(error)
            found = self.trace(None, plain)
            tell_of_run(self.case.model, error, self.tell)
            return found

    def _on_meta(self) -> Trace:
        """A pass of a model made for it alone: nothing to copy."""
        from flop_harness.trace.questions import minds_place, refuse_if_it_minds
        from flop_harness.trace.recorder import record

        built = self.model.on_meta()
        self._tell_of_watchers(built)
        if minds_place(built.module):  # asked first: to know its values it is filled
            if not self.model.valueless:
                refuse_if_it_minds(built.module)
            self.tell(f"{self.case.model} asks where its tensors lie: counted as on meta")
        with globals_kept(built.module):
            return record(built.module, built.args, built.kwargs, variant=self.variant)

    def trace(self, watcher: Watcher, context: Context) -> Trace:
        """The pass as ``watcher`` sees it in ``context``; ModelRaised if the model itself raises.

        Those who see the same share a trace.
        """
        own = self.model.resolved(context)
        key = seen_alike(watcher, own, *self._passed(context))
        if key not in self.taken:
            with on_path(self.model.folders):
                self.taken[key] = self._with_values(watcher, context)
        seen = self.taken[key]
        if isinstance(watcher, Counter) and watcher.observe is not None:
            seen = self._observed(watcher, context, seen)
        return replace(seen, context=own)

    def _with_values(self, watcher: Watcher, context: Context) -> Trace:
        """A pass, on the CPU where on meta the model wants values that the counter did without.

        FlopCounterMode runs both branches of a condition, whatever it is.
        """
        try:
            return self._recorded(watcher, context)
        except TraceFailed as failure:
            if context.device != "meta":
                raise
            found = self._recorded(watcher, replace(context, device="cpu"))
            tell_of_run(self.case.model, failure.__cause__ or failure, self.tell)
            return found

    def _observed(self, counter: Counter, context: Context, trace: Trace) -> Trace:
        """The pass with what the counter's rules need beyond it: as it was captured while the counter was
        asked, or run for that once; once for equal passes.
        """
        key = (counter.observe, trace.root)
        if key not in self.observed:
            calls = self.captured.get((counter.id, context)) or self._asked_for(counter, context)
            self.observed[key] = with_calls(trace, calls).root
        return replace(trace, root=self.observed[key])

    def _asked_for(self, counter: Counter, context: Context) -> tuple[Call, ...]:
        handed = partial(self._adapted, counter, context, *self._passed(context))
        with on_path(self.model.folders, self.model.standing):
            return self._apart(lambda: observations(counter, context, *handed()))  # type: ignore[no-any-return]

    def _recorded(self, watcher: Watcher, context: Context) -> Trace:
        import torch

        def attempt() -> Trace:
            return traced(
                partial(self._passed, context),
                adapt=partial(self._adapted, watcher, context),
                timeout_s=self.limits.timeout_s,
                **watched(watcher, context),
            )

        if context.device == "cuda":  # what has touched CUDA cannot be forked
            return self._apart(attempt)  # type: ignore[no-any-return]
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # no thread pool may stand in a process that will be forked
        try:
            return self._away(attempt) if self.live is not None and self.variant else attempt()
        except (Unavailable, UserError):
            raise
        except BaseException as error:
            if is_ours(error):
                raise
            self._blame_model(error)
            if isinstance(error, TraceFailed):
                raise
            raise TraceFailed(raised(error)) from error
        finally:
            if self.live is not None:
                torch.set_num_threads(threads)

    def _away(self, work: Callable[[], Any]) -> Any:
        """In a fork: no gradients are taken in the user's own process, unless it has taken some already."""
        try:
            return self._apart(work)
        except TraceFailed as failure:
            if FORKED not in str(failure):
                raise
            return work()

    def _apart(self, work: Callable[[], Any]) -> Any:
        outcome = run_apart(partial(on_one_thread, work), timeout_s=self.limits.timeout_s)
        if outcome.ending != "ok":
            raise TraceFailed(outcome.message)
        value, refusal = outcome.value
        if refusal is not None:
            raise refusal
        return value

    def _passed(self, context: Context) -> tuple[Any, tuple, dict]:
        """The model and its inputs, not to be spoilt."""
        built = self.model.handed_over(context)
        return built.module, built.args, built.kwargs

    def _adapted(
        self, watcher: Watcher, context: Context, model: Any, args: tuple, kwargs: dict
    ) -> tuple[Any, tuple, dict]:
        """A model that may be spoilt, and its inputs, in the context's mode and on its device."""
        model = uncompiled(model)
        if context.mode:
            set_mode(model, context.mode == "train")
        args, kwargs = move((args, kwargs), context.device)
        args, kwargs = asked_with(watcher, context, model, args, kwargs)
        return model.to(context.device), args, kwargs

    def _tell_of_watchers(self, built: Built) -> None:
        from flop_harness.trace.questions import told_of_watchers

        if told := told_of_watchers(built.module):
            self.tell(f"{self.case.model} {told}")

    def _blame_unfilled(self, error: BaseException) -> None:
        model = self.model
        blame_unfilled(self.case, model.on_meta, model.weights, error, self.limits.timeout_s)

    def _blame_model(self, error: BaseException) -> None:
        training = bool(self.variant)
        blame(
            self.case, lambda: plain_pass(self.model.built, training), error, self.limits.timeout_s
        )


def on_one_thread(work: Callable[[], Any]) -> tuple[Any, Exception | None]:
    """What the work gives, or how it refuses, in a fork: its parent's threads are not in it."""
    import torch

    torch.set_num_threads(1)
    try:
        return work(), None
    except (Unavailable, UserError) as refusal:
        return None, refusal
