"""What counters said, what leads from the reference to it, and a whole run of a suite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from flop_harness.records.suite import Suite
from flop_harness.records.trace import Context

Metric = Literal["compute", "params"]
Unit = Literal["MAC", "FLOP", "parameter"]
Status = Literal["ok", "unavailable", "failed", "timeout", "out_of_memory"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one counter said of one case in one context.

    ``value`` is the figure, ``figure`` its repr as the tool returned it, ``label`` what the tool
    calls it and ``unit`` what it really counts. ``modules`` is the tool's own breakdown.
    """

    case: str
    counter: str
    version: str
    context: Context
    metric: Metric
    unit: Unit
    status: Status
    value: int | float | None = None
    figure: str = ""
    label: str = ""
    message: str = ""
    seconds: float | None = None
    peak_bytes: int | None = None
    modules: Mapping[str, int | float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    output: str = ""
    leftovers: tuple[str, ...] = ()


UNSEEN, AGAIN, HERE = " not seen", " counted again", " in this context"
"""How a step is named after a term of the reference: less of it, more of it, by the context alone"""
HOOKED = " under hooks" + HERE
"""The same where the model runs so only with hooks on its modules, whoever put them there"""


@dataclass(frozen=True, slots=True)
class Step:
    """A signed term of a bridge and the modules it comes from.

    ``classes`` are those of the modules, and how much comes from each. ``operators`` are those that
    do the work which a counter does not see, and how much each does.
    """

    term: str
    amount: int | float
    modules: Mapping[str, int | float] = field(default_factory=dict)
    classes: Mapping[str, int | float] = field(default_factory=dict)
    operators: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bridge:
    """reference (in MAC or parameters) + steps + residual = reading (in its own unit).

    Where the tool has figures by module, ``modules`` of them were compared with the prediction, and
    ``off`` holds those that differ: reported less predicted. ``unconfirmed`` holds the steps "in
    this context" that a run without any counter does not show: claimed less shown.
    """

    case: str
    counter: str
    context: Context
    metric: Metric
    unit: Unit
    reference: int
    steps: tuple[Step, ...]
    residual: int | float
    reading: int | float
    modules: int = 0
    off: Mapping[str, int | float] = field(default_factory=dict)
    unconfirmed: Mapping[str, int | float] = field(default_factory=dict)

    @property
    def explained(self) -> bool:
        return self.residual == 0 and not self.off and not self.unconfirmed

    @property
    def in_context(self) -> bool:
        """Whether the model itself does other work in the reading's context."""
        return any(step.term.endswith(HERE) for step in self.steps)


@dataclass(frozen=True, slots=True)
class Figure:
    """What one convention of ours says of one case."""

    case: str
    convention: str
    value: int
    unit: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Something of ours, not of a counter, that went wrong for a case (a model that raises...).

    An empty case stands for the whole run.
    """

    case: str
    stage: str
    message: str

    @property
    def of_what(self) -> str:
        return self.case or "the whole run"

    @classmethod
    def of(cls, case: str, stage: str, error: Exception) -> Failure:
        return cls(case, stage, f"{type(error).__name__}: {error}")


@dataclass(frozen=True, slots=True)
class TraceFile:
    """Where the trace behind a reading is stored; an empty counter stands for the reference.

    ``file`` is ``<file of the case>/<digest>``: ``vgg16/027410596c8ed463``. ``plain`` is that of a
    run without any counter, taken where the model itself does other work in this context; ``hooked``
    tells that it does so with hooks alone.
    """

    case: str
    counter: str
    context: Context
    file: str
    plain: str = ""
    hooked: bool = False

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.file, self.plain)))


@dataclass(frozen=True, slots=True)
class Reference:
    """What the reference says of a case, by term.

    ``type`` is the class of the case's root, ``inputs`` the shapes of what it was called with.
    """

    case: str
    type: str
    compute: Mapping[str, int | float]
    params: Mapping[str, int | float]
    inputs: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    """A counter as a report names it: its package, what it is, and where its rules stand."""

    id: str
    distribution: str = ""
    description: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """Everything known about one run of a suite; ``conventions`` is the version of ours.

    ``looks`` are the lines of each model that looked at values, on which its figures hang.
    """

    schema: int
    suite: Suite
    environment: Mapping[str, Any]
    readings: tuple[Reading, ...] = ()
    bridges: tuple[Bridge, ...] = ()
    figures: tuple[Figure, ...] = ()
    unsupported: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    traces: tuple[TraceFile, ...] = ()
    references: tuple[Reference, ...] = ()
    tools: tuple[Tool, ...] = ()
    conventions: int = 1
    looks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
