"""A forward pass written down: tensors without values, calls, modules, parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Any, Literal, NamedTuple

from flop_harness.records.work import Work

DTYPE_BYTES = {
    "float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "complex128": 16, "complex64": 8,
    "complex32": 4, "int64": 8, "int32": 4, "int16": 2, "int8": 1, "uint8": 1, "uint16": 2,
    "uint32": 4, "uint64": 8, "bool": 1, "float8_e4m3fn": 1, "float8_e5m2": 1,
    "qint8": 1, "quint8": 1, "qint32": 4,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor without its values; of a sparse one ``stored`` says how many elements it stores, and
    ``layout`` how: ``coo``, ``csr``, ``csc``, ``bsr`` or ``bsc``.
    """

    shape: tuple[int, ...]
    dtype: str = "float32"
    stored: int | None = None
    layout: str = ""

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
    """An object of which only the type is kept; of the model's first input the length, if it has one."""

    type: str
    length: int | None = None


RAISED = Opaque("raised")
"""The output of a module or function that raised, where the model went on. What ran inside counts."""

SEED = 0
"""Random numbers are drawn from here: weights, inputs, and anew before each pass."""

Level = Literal["module", "function", "operator"]
Phase = Literal["forward", "backward", "recomputed", "optimizer"]
"""Of a training step; ``recomputed`` is what a backward pass runs of the forward pass once more"""
PRE_HOOKED = "torch.nn.Module.forward_pre_hooks"
"""A note in a module's call: its arguments are what the module's own pre-hooks made of them"""
FORWARD_ENDED = "torch.nn.Module.forward_ended"
"""A note in a module's call: what follows is done by the module's own hooks"""
HELD = "torch.nn.Module.parameters"
"""A note in a module's call: (name, elements, trainable) of the parameters that its hooks find there,
where these are others than before the pass
"""
INFERENCE = "torch.inference_mode"
NOT_TAKEN = "torch.cond.not_taken"
"""A note in a call of ``torch.cond``: what the other branch would do. Its argument is that branch."""
ON_THIS_RANK = "torch.distributed.on_this_rank"
"""A note after an operator on distributed tensors: what this rank does of it"""
LOOKS_FOR_SHAPE = "torch.distributed.looks_for_shape"
"""A note beside an operator on distributed tensors: the functions by which torch finds, once, the shape of
what it gives
"""
IN_KERNEL = "torch.library.kernel"
"""A note before an operator whose kernel is Python: the functions of torch that it calls, without operators.
Who watches operators sees none there; who patches functions does
"""
ON_LOCAL_PART = "torch.distributed.on_local_part"
"""A note around an operator on plain tensors that are this rank's parts of distributed ones. Its two
arguments are a fraction: how often the part stands in the whole
"""
OF_COMPLEX = "torch.complex_convolution"
"""A note around each operator that a convolution of complex numbers comes apart into. Its argument
tells the one that stands for the whole: the first of three real convolutions, as large as all of it
"""
BESIDE = frozenset({NOT_TAKEN, ON_THIS_RANK})
"""Notes whose calls are no part of the pass"""
BLOCKS = "torch.flex_attention.blocks"
"""A note in a call of flex_attention: positions in the blocks that its mask leaves, and in all"""


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
    ``work`` is what a formula of the user's own said of an operator, which whoever prices the trace
    need not have; or what its arguments do not tell, of two sparse matrices.
    """

    level: Level
    name: str
    args: tuple[Any, ...]
    kwargs: tuple[tuple[str, Any], ...]
    output: Any
    children: tuple[Call, ...] = ()
    module: int = -1
    work: Work | None = None

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
    """A distinct parameter; a shared one appears once. ``lazy`` ones had no shape yet.

    ``kept`` says how many elements a process keeps of it in memory that no earlier one has, where
    these are not all: of a view of another parameter, or one that is distributed or expanded.
    """

    shape: tuple[int, ...]
    dtype: str
    trainable: bool
    lazy: bool = False
    kept: int | None = None

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


OPTIMIZERS = ("sgd", "momentum", "adam", "adamw", "muon")


@dataclass(frozen=True, slots=True)
class Context:
    """What changes what runs. ``variant`` names one of several ways to ask the same tool.

    The variant ``math`` stands for attention by its plain kernels: neither the fast path of
    MultiheadAttention nor a fused product; ``plain`` for that and recurrent layers by their products, as
    on meta; ``keywords`` for all inputs given by name; ``training`` for
    a training step, with the name of an optimizer if it takes a step. Such words may stand together.
    An empty ``mode`` stands for the case's own; a reading's is never empty.
    """

    device: str = "cpu"
    grad: bool = False
    mode: Literal["", "eval", "train"] = ""
    variant: str = ""

    @property
    def words(self) -> frozenset[str]:
        return frozenset(self.variant.split())

    @property
    def training(self) -> bool:
        """Whether a backward pass follows, of the model's own loss or of the sum of its outputs."""
        return "training" in self.words

    @property
    def optimizer(self) -> str:
        """The optimizer that takes a step after it, or nothing."""
        return next((name for name in OPTIMIZERS if name in self.words), "")

    def __str__(self) -> str:
        words = [self.device, "grad" if self.grad else "no_grad", self.mode, self.variant]
        return " ".join(word for word in words if word)


@dataclass(frozen=True, slots=True)
class Trace:
    """One forward pass written down: its calls, and the modules and parameters they belong to.

    ``looks`` are the lines of the model that looked at values: what ran may hang on them. Inputs
    and choices are drawn anew from ``SEED`` before each pass.
    ``phases`` follow the forward pass of a training step. Their operators stand where the forward
    operators stand to which they belong: inside copies of the calls around those, without arguments.
    """

    context: Context
    modules: tuple[Module, ...]
    parameters: tuple[Parameter, ...]
    root: Call
    executed: bool = False
    looks: tuple[str, ...] = ()
    phases: tuple[tuple[Phase, Call], ...] = ()

    @property
    def passes(self) -> tuple[tuple[Phase, Call], ...]:
        """All that ran, the forward pass first."""
        return (("forward", self.root), *self.phases)


def shapes_of(values: Any, kwargs: Any = ()) -> str:
    """``1x3x224x224``; several tensors are joined by a plus."""
    found: list[str] = []
    pending = [values, *(value for _, value in kwargs)]
    while pending:
        value = pending.pop(0)
        if isinstance(value, Tensor):
            found.append("x".join(map(str, value.shape)) or "scalar")
        elif isinstance(value, Dict):
            pending = [*value.values, *pending]
        elif isinstance(value, tuple):
            pending = [*value, *pending]
    return " + ".join(found)
