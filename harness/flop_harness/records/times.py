"""What was measured on one machine, and the theory that stands beside it, as frozen records.

Like ``flop_harness.records``, nothing here knows of files, torch or the terminal. Raw samples are kept;
medians, intervals and verdicts are derived from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Literal

from flop_harness.records import Case, Failure, Policy, Sources, Status

Ending = Literal["", "precise", "budget"]
"""Why sampling ended: the interval was narrow enough, or the time was spent; empty while it goes on."""

Launch = Literal["eager", "graph", "compiled"]
Phase = Literal["forward", "training"]
"""What a run is: a forward pass, or a forward and a backward pass"""


@dataclass(frozen=True, slots=True)
class Series:
    """Under what a case is timed, beside its own inputs; figures of two series are never mixed.

    ``launch`` tells whether each kernel is launched anew, a captured CUDA graph is replayed, or
    ``torch.compile`` fused them; ``channels_last`` is the layout of weights and images,
    ``tf32`` whether float32 products may be rounded to 10 bits, ``flushed`` whether the L2 cache of
    the device is emptied before each pass. With ``phase`` "training" a run is a forward and a
    backward pass in the case's own mode, without an optimizer.
    """

    device: str = "cpu"
    threads: int = 1
    dtype: str = "float32"
    launch: Launch = "eager"
    tf32: bool = False
    flushed: bool = False
    channels_last: bool = False
    phase: Phase = "forward"

    def __str__(self) -> str:
        words = [self.device, self.dtype]
        if self.device == "cpu":
            words.append(f"{self.threads} thread" + ("s" if self.threads > 1 else ""))
            words += ["channels last"] * self.channels_last
            words += ["compiled"] * (self.launch == "compiled")
        else:
            words += ["TF32"] * self.tf32 + [self.launch] + ["flushed"] * self.flushed
        words += ["forward and backward"] * (self.phase == "training")
        return ", ".join(words)


@dataclass(frozen=True, slots=True)
class Forward:
    """Seconds of one forward pass: ``turns`` of raw samples, in the order measured.

    All cases of a session take turns, so the n-th turns of two cases lie next to each other. A sample
    is the mean of ``block`` passes in a row. ``spins`` are seconds of a fixed loop around each turn
    (the mean of before and after); none on a device whose speed is not the host's.
    """

    case: str
    series: Series
    session: int = 1
    turns: tuple[tuple[float, ...], ...] = ()
    block: int = 1
    warmup: int = 0
    ended: Ending = ""
    status: Status = "ok"
    message: str = ""
    spins: tuple[float, ...] = ()

    @property
    def samples(self) -> tuple[float, ...]:
        return tuple(chain.from_iterable(self.turns))


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The best that the machine was seen to do: samples of one size of a product or a copy.

    ``amount`` is the FLOP of one product (n x n times n x n), or the bytes that one copy reads and
    writes.
    """

    kind: Literal["product", "convolution", "copy"]
    series: Series
    amount: int
    samples: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class LayerTimes:
    """Seconds inside one module, one entry for each pass in which hooks stood on every layer."""

    case: str
    series: Series
    path: str
    type: str
    seconds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class HookCost:
    """Seconds of passes with hooks on every layer, and of passes without, in turn."""

    case: str
    series: Series
    hooked: tuple[float, ...]
    bare: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class MemoryPeak:
    """Bytes that one forward pass held at its peak, beyond the parameters and the inputs."""

    case: str
    device: str
    peak: int
    source: str


@dataclass(frozen=True, slots=True)
class Amount:
    """What one way of counting says of a case."""

    counting: str
    metric: str
    unit: str
    value: int | float


@dataclass(frozen=True, slots=True)
class LayerWork:
    """FLOP of the products and bytes of the operators that run in one module itself."""

    path: str
    type: str
    flop: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Theory:
    """What counts say of a case before anything is timed.

    ``type`` is the class of the root, ``inputs`` the shapes that it was called with. ``live`` are the bytes of tensors alive at the peak of a pass
    that runs no kernel, beyond parameters and inputs; None where there can be none.
    """

    case: str
    type: str
    amounts: tuple[Amount, ...]
    layers: tuple[LayerWork, ...]
    live: int | None = None
    inputs: str = ""

    def amount(self, counting: str) -> int | float | None:
        return next((each.value for each in self.amounts if each.counting == counting), None)


@dataclass(frozen=True, slots=True)
class Load:
    """What others did to the machine, at a moment or over a session; None where it is not told.

    ``others`` are the cores that they kept busy, ``averages`` the load averages of 1, 5 and 15
    minutes. ``steal`` is the share of core time that a hypervisor gave to others, ``pressure`` the
    share of time in which some task waited for a core (ours among them), ``throttled`` how often a
    core, or our group of processes, was slowed down.
    """

    when: str
    others: float | None = None
    averages: tuple[float, ...] = ()
    steal: float | None = None
    pressure: float | None = None
    throttled: int | None = None


@dataclass(frozen=True, slots=True)
class Times:
    """Everything measured of a suite on one machine in one run.

    ``sources`` tell, by case, what its model was built from.
    """

    schema: int
    suite: str
    version: int
    machine: str
    environment: Mapping[str, Any]
    policy: Policy
    cases: tuple[Case, ...]
    forwards: tuple[Forward, ...] = ()
    ceilings: tuple[Ceiling, ...] = ()
    layers: tuple[LayerTimes, ...] = ()
    hooks: tuple[HookCost, ...] = ()
    memory: tuple[MemoryPeak, ...] = ()
    theory: tuple[Theory, ...] = ()
    load: tuple[Load, ...] = ()
    failures: tuple[Failure, ...] = ()
    clocks: tuple[Mapping[str, Any], ...] = field(default=())
    sources: Mapping[str, Sources] = field(default_factory=dict)
