"""What a run consists of: its cells, what each gives, and what is told meanwhile."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from flop_harness.counters import Counter, find, version_of
from flop_harness.records import Case, Context, Failure, Reading, Sources, Suite
from flop_harness.run.cells import Limits

Readings: TypeAlias = tuple[Reading, ...]

CANONICAL = ""
"""Stands for the reference in the place of a counter."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One thing to do for a case: its reference trace, or a counter in a context."""

    case: str
    counter: str
    context: Context
    version: str = ""

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        return ("cell", self.case, self.counter, self.version, str(self.context))


@dataclass(frozen=True, slots=True)
class Result:
    """What a cell gave: readings, and the name of its trace.

    Of a reference trace, ``mode`` is that in which the model stood. ``plain`` is the trace of a run
    without any counter in the same context, where the reference is another there, and
    ``hooked`` tells that it takes hooks on the modules for that. ``tracer``, ``reader`` and
    ``sources`` are digests of our code that traced and that asked the counter, and of all that its
    model was built from.
    """

    readings: tuple[Reading, ...] = ()
    trace: str = ""
    failure: Failure | None = None
    tracer: str = ""
    reader: str = ""
    sources: str = ""
    mode: Literal["eval", "train", ""] = ""
    plain: str = ""
    hooked: bool = False


@dataclass(frozen=True)
class Plan:
    """Everything a run of a suite depends on.

    Of ``training`` steps the reference is that of forward and backward, and counters are asked in
    the contexts in which they count one. ``jobs`` processes share ``cores``.
    """

    suite: Suite
    counters: tuple[Counter, ...]
    folder: Path
    device: str = "cpu"
    jobs: int = 1
    fresh: bool = False
    training: bool = False
    executor: str = "local"
    cores: int = os.cpu_count() or 1

    @property
    def variant(self) -> str:
        """What a context calls the pass of the reference."""
        return "training" if self.training else ""

    def cells(self, case: Case) -> list[Cell]:
        asked = [Cell(case.id, CANONICAL, Context(self.device, variant=self.variant))]
        named = {counter.id for counter in find(case.counters)}
        for counter in self.counters:
            if case.counters and counter.id not in named:
                continue
            for context in self.contexts(counter):
                device = self.device if context.device == "cpu" else context.device
                here = replace(context, device=device)
                asked.append(Cell(case.id, counter.id, here, version_asked(counter)))
        return list(dict.fromkeys(asked))

    def contexts(self, counter: Counter) -> tuple[Context, ...]:
        """Those in which a counter is asked."""
        if self.training:
            return counter.training
        return counter.every_context if self.suite.contexts == "all" else counter.contexts

    @property
    def limits(self) -> Limits:
        threads = max(1, self.cores // self.jobs)
        return Limits(self.suite.timeout_s, int(self.suite.memory_gib * 2**30), threads)


def version_asked(counter: Counter) -> str:
    """What tells one version's cell from another's; an overlay may not be installed yet."""
    return " ".join(counter.overlay) or version_of(counter)


@dataclass(frozen=True, slots=True)
class Work:
    """What is left to do of a case; ``readings`` are those of its cells that are known already."""

    case: Case
    cells: tuple[Cell, ...]
    readings: Mapping[Cell, Readings] = field(default_factory=dict)

    def without(self, cell: Cell) -> Work:
        return replace(self, cells=tuple(each for each in self.cells if each != cell))


Keep: TypeAlias = Callable[[str, Sources], None]
"""Is given the sources that results refer to, with their digest, before the first of them."""


@dataclass(frozen=True)
class Progress:
    """What a run tells while it goes on; does nothing by itself."""

    begin: Callable[[int, int], None] = lambda total, done: None
    note: Callable[[str], None] = lambda line: None
    started: Callable[[Cell], None] = lambda cell: None
    finished: Callable[[Cell, Result], None] = lambda cell, result: None

    def noting_once(self) -> Progress:
        """The same, where each of several processes may send a note that others send too."""
        noted: set[str] = set()

        def note(line: str) -> None:
            if line not in noted:
                noted.add(line)
                self.note(line)

        return replace(self, note=note)


@dataclass(frozen=True, slots=True)
class Raw:
    """What a run measured, and on what."""

    environment: dict[str, Any]
    results: dict[Cell, Result]
