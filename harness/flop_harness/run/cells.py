"""The cells of one case, carried out in the case's own process.

The model is built once and each counter gets a fork of it: fresh, at no cost, and alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, Literal

from flop_harness.counters import Counter, Unavailable, overlay, version_of
from flop_harness.counters.versions.compatibility import read_with_shims
from flop_harness.errors import UserError, install_command, is_ours, raised
from flop_harness.records import Call, Case, Context, Metric, Reading, Status, Trace
from flop_harness.run.answers import first_line, without_paths
from flop_harness.run.asking import ask
from flop_harness.run.blame import blame, blame_unfilled, plain_pass
from flop_harness.run.building import TooLarge, build_within, refuse_too_large, weight_bytes
from flop_harness.run.contexts import (
    Watcher,
    alike,
    asked_with,
    idly,
    observations,
    seen_alike,
    watched,
    with_calls,
)
from flop_harness.run.isolation import Outcome, run_apart
from flop_harness.run.tracing import NEEDS, traced, warn_of_run
from flop_harness.suite.build import Built
from flop_harness.suite.compiled import set_mode, uncompiled
from flop_harness.suite.inputs import move
from flop_harness.suite.references import folders_of
from flop_harness.suite.search_path import on_path

STATUS: dict[str, Status] = {
    "raised": "failed",
    "died": "failed",
    "timeout": "timeout",
    "out_of_memory": "out_of_memory",
}


FORKED = "Autograd-and-Fork"
"""What torch says where gradients are taken in a fork of a process that has taken some"""
NO_AUTOGRAD = (
    "the process it was forked from has threads of autograd, which a fork cannot use: "
    "ask in a fresh one"
)


@dataclass(frozen=True)
class Limits:
    timeout_s: float
    memory_bytes: int
    threads: int


class TraceFailed(Exception):
    """The model runs, but could not be traced: a fault of ours."""


@dataclass
class CaseRunner:
    """A case on a device: its reference trace, and for each counter a trace and readings.

    ``variant`` is that in which the reference's pass goes: a training step.
    """

    case: Case
    folder: str
    device: str
    limits: Limits
    abandoned: Callable[[], bool] = lambda: False
    live: Built | None = None
    mode: Literal["eval", "train", ""] = ""
    variant: str = ""
    taken: dict[Any, Trace] = field(default_factory=dict)
    observed: dict[Any, tuple[Call, ...]] = field(default_factory=dict)

    @cached_property
    def built(self) -> Built:
        if self.live is not None:
            return self._noted(self.live)
        refuse_too_large(weight_bytes(self._on_meta().module), self.limits.memory_bytes)
        return self._noted(build_within(self.case, self.folder, self.limits.memory_bytes))

    @cached_property
    def valueless(self) -> str:
        """Why the model has no values to compute with; empty where it has."""
        try:
            on_meta = self.built.on_meta
        except TooLarge as error:
            return str(error)
        return "the model is on meta: it has shapes and no values" if on_meta else ""

    @cached_property
    def folders(self) -> tuple[str, ...]:
        """Where imports of the model look; a forward pass may import too."""
        return () if self.live is not None else folders_of(self.case.model, self.folder)

    def canonical(self) -> Trace:
        """The trace that the reference is priced on: on meta, or without values, or for real."""
        if None not in self.taken:
            with on_path(self.folders):
                self.taken[None] = self._canonical()
        return self.taken[None]

    def plain(self, counter: Counter, seen: Trace, context: Context) -> tuple[Trace | None, bool]:
        """The pass without the counter, where ``seen`` does other work than the reference says, and
        whether it was watched, by hooks and a mode that do nothing, as it takes that to do so.
        """
        if alike(seen, self.canonical()):
            return None, False
        alone = self.trace(None, context)
        if alike(seen, alone) or not (counter.hooks or not counter.fast_path):
            return alone, False
        idle = self.trace(idly(counter), context)
        return (idle, True) if alike(seen, idle) else (alone, False)

    def _canonical(self) -> Trace:
        from flop_harness.trace.recorder import record, with_imports

        def attempt() -> Trace:
            built = self._on_meta()  # made for this trace alone: nothing to copy
            return record(built.module, built.args, built.kwargs, variant=self.variant)

        plain = Context("cpu", grad=bool(self.variant), variant=self.variant)
        if self.live is not None:
            return self.trace(None, plain)
        try:
            return with_imports(attempt)
        except UserError:
            raise
        except BaseException as error:  # on meta; for real it may run, or be blamed
            if is_ours(error):
                raise
            if type(error).__name__ not in NEEDS:
                self._blame_unfilled(error)
            warn_of_run(self.case.model, error)
            return self.trace(None, plain)

    def trace(self, watcher: Watcher, context: Context) -> Trace:
        """The pass as ``watcher`` sees it in ``context``; ModelRaised if the model itself raises.

        Those who see the same share a trace.
        """
        own = self.resolved(context)
        key = seen_alike(watcher, own)
        if key not in self.taken:
            with on_path(self.folders):
                self.taken[key] = self._trace(watcher, context)
        return replace(self.taken[key], context=own)

    def _trace(self, watcher: Watcher, context: Context) -> Trace:
        trace = self._recorded(watcher, context)
        counter = watcher if isinstance(watcher, Counter) else None
        if counter is None or counter.observe is None:
            return trace
        key = (counter.observe, trace.root)  # passes that do the same are observed once
        if key not in self.observed:
            self.observed[key] = self._apart(
                lambda: observations(
                    counter, context, *self._adapted(counter, context, *self._passed(context))
                )
            )
        return with_calls(trace, self.observed[key])

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
            return attempt()
        except (Unavailable, UserError):
            raise
        except BaseException as error:
            if is_ours(error):
                raise
            self._blame_model(error)
            raise TraceFailed(raised(error)) from error
        finally:
            if self.live is not None:
                torch.set_num_threads(threads)

    def _apart(self, work: Callable[[], Any]) -> Any:
        outcome = run_apart(partial(on_one_thread, work), timeout_s=self.limits.timeout_s)
        if outcome.ending != "ok":
            raise TraceFailed(outcome.message)
        return outcome.value

    def _passed(self, context: Context) -> tuple[Any, tuple, dict]:
        """The model and its inputs, not to be spoilt."""
        built = self._on_meta() if context.device == "meta" else self.built
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

    def _blame_unfilled(self, error: BaseException) -> None:
        weights = weight_bytes(self._on_meta().module)
        blame_unfilled(self.case.id, self._on_meta, weights, error,
                       self.limits.timeout_s)  # fmt: skip

    def _on_meta(self) -> Built:
        return self._noted(
            self.live or build_within(self.case, self.folder, self.limits.memory_bytes, "meta")
        )

    def _noted(self, built: Built) -> Built:
        self.mode = self.mode or built.mode
        return built

    def resolved(self, context: Context) -> Context:
        """A context with the mode in which the model stands, if it has none of its own."""
        mode = context.mode or self.case.mode or self.mode or self._on_meta().mode
        return replace(context, mode=mode)

    def _blame_model(self, error: BaseException) -> None:
        training = bool(self.variant)
        blame(self.case.id, lambda: plain_pass(self.built, training), error, self.limits.timeout_s)

    def read(self, counter: Counter, context: Context) -> tuple[Reading, ...]:
        """What the counter says; a released version with what makes it run on today's Python."""
        name, _, version = counter.id.partition("@")
        if not version:
            return self.read_once(counter, context)
        return read_with_shims(name, counter, lambda each: self.read_once(each, context))[0]

    def read_once(self, counter: Counter, context: Context) -> tuple[Reading, ...]:
        """What the counter says, or how it failed, one reading for each of its metrics."""
        try:
            if counter.overlay:
                overlay.ensure(counter.overlay)
        except overlay.NotInstallable as error:
            return self.refused(counter, context, str(error))
        if not version_of(counter):
            missing = counter.distribution
            return self.refused(
                counter, context, f"{missing} is not installed ({install_command(missing)})"
            )
        if context.device != "meta":
            _ = self.built
        limits = self.limits
        with on_path(self.folders):
            outcome = run_apart(
                lambda: self._asked(counter, context),
                timeout_s=limits.timeout_s,
                memory_bytes=limits.memory_bytes if context.device == "cpu" else None,
                abandoned=self.abandoned,
            )
        if outcome.ending == "ok":
            return tuple(self._readings(counter, context, outcome))
        if FORKED in outcome.message:
            return self._silent(counter, context, "unavailable", NO_AUTOGRAD, outcome)
        status = "unavailable" if outcome.error == "Unavailable" else STATUS[outcome.ending]
        message = outcome.message.removeprefix("Unavailable: ")
        return self._silent(counter, context, status, message, outcome)

    def _asked(self, counter: Counter, context: Context) -> dict[str, Any]:
        built = self._on_meta() if context.device == "meta" else self.built
        return ask(counter, context, built, self.limits.threads)

    def _readings(self, counter: Counter, context: Context, outcome: Outcome) -> Iterator[Reading]:
        said = outcome.value
        for metric, quantity in counter.quantities.items():
            value, figure, nonsense = said["figures"][metric]
            yield replace(
                self._blank(counter, context, metric),
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

    def refused(self, counter: Counter, context: Context, why: str) -> tuple[Reading, ...]:
        """The readings of a counter that cannot be asked."""
        return self._silent(counter, context, "unavailable", why)

    def _silent(
        self,
        counter: Counter,
        context: Context,
        status: Status,
        message: str,
        outcome: Outcome | None = None,
    ) -> tuple[Reading, ...]:
        return tuple(
            replace(
                self._blank(counter, context, metric),
                status=status,
                message=first_line(without_paths(message)),
                seconds=outcome.seconds if outcome else None,
                output=without_paths(outcome.output) if outcome else "",
            )
            for metric in counter.quantities
        )

    def _blank(self, counter: Counter, context: Context, metric: Metric) -> Reading:
        quantity = counter.quantities[metric]
        return Reading(self.case.id, counter.id, version_of(counter), self.resolved(context),
                       metric, quantity.unit, "ok", label=quantity.label)  # fmt: skip


def on_one_thread(work: Callable[[], Any]) -> Any:
    """In a fork: the threads that its parent computed with are not in it."""
    import torch

    torch.set_num_threads(1)
    return work()
