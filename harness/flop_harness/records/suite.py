"""What is compared, and how long it is timed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Input:
    """One tensor of a case. Integers are drawn from [0, ``high``)."""

    shape: tuple[int, ...]
    dtype: str | None = None
    high: int = 2
    name: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """A model, its inputs and its mode, as a suite names it.

    With an empty ``dtype`` or ``mode`` the model is left as its factory handed it over.
    """

    id: str
    model: str
    inputs: tuple[Input, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    dtype: str = "float32"
    mode: Literal["eval", "train", ""] = "eval"
    counters: tuple[str, ...] = ()
    description: str = ""

    @property
    def shapes(self) -> str:
        """``1x3x224x224 + scalar``; empty where the model brings its own inputs."""
        return " + ".join("x".join(map(str, given.shape)) or "scalar" for given in self.inputs)


@dataclass(frozen=True, slots=True)
class Sources:
    """What a model was built from, beside Python itself.

    ``files`` are digests of the user's own files that were imported or read, ``modules`` says which
    of them an import gave; ``versions`` are those of installed packages by the name that is
    imported; ``missing`` are names that were asked for and not found; ``places`` are folders that the
    model's code put on the path of imports; ``variables`` are digests of what the environment held
    where the user's own code asked for it. A file that was looked for in vain has an empty digest.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    modules: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Policy:
    """How long a forward pass is sampled.

    Cases take turns, at least ``samples`` of them, that last ``seconds`` in all; then on until half
    the interval of the median is at most ``precision`` of it, or ``budget_s`` are spent. At least
    ``warmup`` passes go before. The whole is done ``sessions`` times, in fresh processes; of two or
    more, sessions are added until two agree, or the next would not end within ``total_s``.
    """

    warmup: int = 3
    samples: int = 10
    seconds: float = 1.0
    precision: float = 0.02
    budget_s: float = 4.0
    sessions: int = 2
    total_s: float = 300.0


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


AXES = ("batch", "resolution", "length")
"""What a sweep changes of an input"""


def sized(case: str, axis: str, size: int) -> str:
    """The id of a case at one size of its input: ``vgg16 batch 8``."""
    return f"{case} {axis} {size}"


def size_in(case: str) -> tuple[str, str, int] | None:
    """(case, axis, size) of an id that ``sized`` made; None for another."""
    name, axis, size = [*case.rsplit(" ", 2), "", ""][:3]
    known = axis in AXES and size.isascii() and size.isdigit()
    return (name, axis, int(size)) if known else None
