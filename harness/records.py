"""The vocabulary of the harness as frozen records.

Nothing here knows of files, torch or the terminal: a record can be made, compared, stored and
priced with the standard library alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from math import prod
from typing import Any, Literal, NamedTuple

# ----------------------------------------------------------------------------------- values

DTYPE_BYTES = {
    "float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "complex128": 16, "complex64": 8,
    "complex32": 4, "int64": 8, "int32": 4, "int16": 2, "int8": 1, "uint8": 1, "uint16": 2,
    "uint32": 4, "uint64": 8, "bool": 1, "float8_e4m3fn": 1, "float8_e5m2": 1,
    "qint8": 1, "quint8": 1, "qint32": 4,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor without its values."""

    shape: tuple[int, ...]
    dtype: str = "float32"

    @property
    def numel(self) -> int:
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.numel * DTYPE_BYTES.get(self.dtype, 4)


class List(tuple):
    """A Python list among the arguments of a call (some counters treat it unlike a tuple)."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Dict:
    """A mapping among the arguments or results of a call.

    A nested tensor stands as one with the key ``NestedTensor``, of the tensors in it.
    """

    keys: tuple[str, ...]
    values: tuple[Any, ...]

    @property
    def numel(self) -> int:
        """Elements of a nested tensor."""
        if self.keys != ("NestedTensor",):
            raise AttributeError("a mapping has no elements to count")
        return sum(tensor.numel for tensor in self.values[0])


@dataclass(frozen=True, slots=True)
class Opaque:
    """An object of which only the type is kept."""

    type: str


# ------------------------------------------------------------------------------------ trace

Level = Literal["module", "function", "operator"]


@cache
def without_overload(name: str) -> str:
    """``aten.add.Tensor`` -> ``aten.add``; asked for every call of every walk through a trace."""
    return name.rpartition(".")[0]


class Call(NamedTuple):
    """One call of a forward pass and the calls made inside it.

    ``name`` is a module's path (``features.0``; the root is ``""``), a function's public name
    (``torch.nn.functional.relu``, ``torch.Tensor.__matmul__``) or an operator's
    (``aten.convolution.default``). ``module`` is an index into ``Trace.modules``, -1 at the other
    levels. Arguments hold ``Tensor``, numbers, strings, None, tuples, ``List``, ``Dict``, ``Opaque``.
    """

    level: Level
    name: str
    args: tuple[Any, ...]
    kwargs: tuple[tuple[str, Any], ...]
    output: Any
    children: tuple[Call, ...] = ()
    module: int = -1

    @property
    def packet(self) -> str:
        """An operator's name without its overload: ``aten.convolution``."""
        return without_overload(self.name) if self.level == "operator" else self.name

    def argument(self, position: int, name: str, default: Any = None) -> Any:
        """The argument at ``position`` or, failing that, of that ``name``."""
        if position < len(self.args):
            return self.args[position]
        return next((value for key, value in self.kwargs if key == name), default)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A distinct parameter; a shared one appears once. ``lazy`` ones had no shape yet."""

    shape: tuple[int, ...]
    dtype: str
    trainable: bool
    lazy: bool = False

    @property
    def numel(self) -> int:
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class Module:
    """A distinct module. ``bases`` are the qualified names of its classes, its own first.

    ``parameters`` and ``children`` pair the names under which it holds them with indices into
    ``Trace.parameters`` and ``Trace.modules``; a shared one appears under every name.
    ``config`` holds its plain public attributes (``in_channels``, ``groups``, ...).
    """

    path: str
    bases: tuple[str, ...]
    config: Mapping[str, Any]
    parameters: tuple[tuple[str, int], ...] = ()
    children: tuple[tuple[str, int], ...] = ()
    training: bool = False

    @property
    def type(self) -> str:
        return self.bases[0]

    @property
    def type_name(self) -> str:
        return self.bases[0].rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Context:
    """What changes what runs. ``variant`` names one of several ways to ask the same tool.

    The variant ``math`` stands for attention by its plain kernels: neither the fast path of
    MultiheadAttention nor a fused product; ``keywords`` for all inputs given by name. An empty ``mode`` stands for the case's own; a reading's is never empty.
    """

    device: str = "cpu"
    grad: bool = False
    mode: Literal["", "eval", "train"] = ""
    variant: str = ""

    def __str__(self) -> str:
        words = [self.device, "grad" if self.grad else "no_grad", self.mode, self.variant]
        return " ".join(word for word in words if word)


@dataclass(frozen=True, slots=True)
class Trace:
    """One forward pass written down: its calls, and the modules and parameters they belong to."""

    context: Context
    modules: tuple[Module, ...]
    parameters: tuple[Parameter, ...]
    root: Call
    executed: bool = False


# ------------------------------------------------------------------------------------ suite


@dataclass(frozen=True, slots=True)
class Input:
    """One tensor of a case. Integers are drawn from [0, ``high``)."""

    shape: tuple[int, ...]
    dtype: str | None = None
    high: int = 2
    name: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """A model, its inputs and its mode, as a suite names it."""

    id: str
    model: str
    inputs: tuple[Input, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    dtype: str = "float32"
    mode: Literal["eval", "train"] = "eval"
    counters: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """How long a forward pass is sampled.

    Cases take turns, at least ``samples`` of them, that last ``seconds`` in all; then on until half
    the interval of the median is at most ``precision`` of it, or ``budget_s`` are spent. At least
    ``warmup`` passes go before. The whole is done ``sessions`` times, in fresh processes.
    """

    warmup: int = 3
    samples: int = 10
    seconds: float = 1.0
    precision: float = 0.02
    budget_s: float = 4.0
    sessions: int = 2


@dataclass(frozen=True, slots=True)
class Suite:
    name: str
    version: int
    description: str
    cases: tuple[Case, ...]
    timing: Policy = Policy()
    timeout_s: float = 300.0
    memory_gib: float = 8.0
    contexts: Literal["documented", "all"] = "documented"
    digest: str = ""
    folder: str = ""


# --------------------------------------------------------------------------------- readings

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
    ``off`` holds those that differ: reported less predicted.
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

    @property
    def explained(self) -> bool:
        return self.residual == 0 and not self.off


@dataclass(frozen=True, slots=True)
class Figure:
    """What one convention of ours says of one case."""

    case: str
    convention: str
    value: int
    unit: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Something of ours, not of a counter, that went wrong for a case (a model that raises...)."""

    case: str
    stage: str
    message: str


@dataclass(frozen=True, slots=True)
class TraceFile:
    """Where the trace behind a reading is stored; an empty counter stands for the reference."""

    case: str
    counter: str
    context: Context
    file: str


@dataclass(frozen=True, slots=True)
class Reference:
    """What the reference says of a case, by term. ``type`` is the class of the case's root."""

    case: str
    type: str
    compute: Mapping[str, int | float]
    params: Mapping[str, int | float]


@dataclass(frozen=True, slots=True)
class Tool:
    """A counter as a report names it: its package, what it is, and where its rules stand."""

    id: str
    distribution: str = ""
    description: str = ""
    source: str = ""


# ----------------------------------------------------------------------------------- claims


@dataclass(frozen=True, slots=True)
class Claim:
    """A figure somebody published, or a statement, and where it stands.

    ``value`` is the figure as printed and ``unit`` its unit in the author's words; ``counts`` names
    the convention that the author describes, or the tool that printed the figure. ``layer`` narrows
    it to a module. ``working`` is the author's own arithmetic. Figures of one ``table`` and ``row``
    stand side by side. A statement has ``holds``, a comparison about its ``models``, in place of a
    figure; without models it is arithmetic.
    """

    id: str
    file: str
    source: str
    metric: str = ""
    value: str = ""
    unit: str = ""
    case: Case | None = None
    layer: str = ""
    counts: str = ""
    working: str = ""
    holds: str = ""
    models: Mapping[str, Case] = field(default_factory=dict)
    table: str = ""
    row: int = 0
    note: str = ""


Ruling = Literal["reproduced", "not as stated", "error in the source", "unexplained"]


@dataclass(frozen=True, slots=True)
class Fit:
    """What one way of counting gives for a claim.

    ``value`` is in the claim's own unit without its prefix, ``departures`` say in what the way
    differs from the one that is stated, and ``gap`` how far the printed figure is off, as a share.
    """

    counting: str
    value: int | float
    unit: str
    inputs: str
    departures: tuple[str, ...] = ()
    exact: bool = False
    gap: float = 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a claim, and why.

    ``fits`` are the ways of counting with the fewest departures, ``others`` the number of those
    that depart further, ``named`` tells whether the one that the author names is among them.
    ``within`` of ``tried`` distinct values lie in the rounding interval; ``chance`` is the share of
    made-up figures of this precision and magnitude that something tried would fit.
    """

    claim: str
    ruling: Ruling
    reason: str
    fits: tuple[Fit, ...] = ()
    nearest: tuple[Fit, ...] = ()
    named: bool | None = None
    ambiguous: bool = False
    others: int = 0
    tried: int = 0
    within: int = 0
    chance: float = 0.0


@dataclass(frozen=True, slots=True)
class Audit:
    """Claims and their verdicts, one for each, in the same order; on what they were reached."""

    schema: int
    environment: Mapping[str, Any]
    claims: tuple[Claim, ...]
    verdicts: tuple[Verdict, ...]
    silent: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


# ----------------------------------------------------------------------------------- proofs

Standing = Literal["proven", "oracle", "unprovable", "disagrees"]
"""Proven by running the operator, by the oracle at a small shape, not at all, or proven wrong."""


@dataclass(frozen=True, slots=True)
class Proof:
    """The formula of one operator at one shape, held against what was run.

    ``macs`` and ``operations`` are what the formula says of its products and of all else.
    ``reached`` multiplications went into the output of the operator as it was called; ``whole`` did
    with ones in the place of its padding, nothing cut off and nothing masked: ``gap`` names which.
    ``calls`` tells how often it ran in the reference trace of which case, ``beside`` the cases that
    run it in another context only. ``reason`` says what differs, or why nothing could be proven.
    """

    operator: str
    shape: str
    family: str
    standing: Standing
    method: str = ""
    macs: int = 0
    operations: int = 0
    reached: int | None = None
    whole: int | None = None
    gap: str = ""
    reason: str = ""
    calls: Mapping[str, int] = field(default_factory=dict)
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proofs:
    """What became of every operator of a suite.

    ``unsupported`` counts, by operator, the calls that have no formula, and ``free`` those that only
    move data and for which nothing is charged.
    """

    schema: int
    suite: str
    version: int
    cases: tuple[str, ...]
    environment: Mapping[str, Any]
    proofs: tuple[Proof, ...]
    unsupported: Mapping[str, int] = field(default_factory=dict)
    free: Mapping[str, int] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()


# ------------------------------------------------------------------------------------- drift


@dataclass(frozen=True, slots=True)
class Release:
    """One released version of a counter: what it says of each case, or why it cannot be asked.

    ``remedies`` name what was done, in the processes of its readings alone, to make it run.
    """

    version: str
    readings: tuple[Reading, ...] = ()
    bridges: tuple[Bridge, ...] = ()
    remedies: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Timeline:
    """A counter's releases side by side, the oldest first. ``listed`` are all that the index has."""

    schema: int
    tool: Tool
    cases: tuple[Case, ...]
    environment: Mapping[str, Any]
    listed: tuple[str, ...]
    releases: tuple[Release, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """Everything known about one run of a suite; ``conventions`` is the version of ours."""

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
