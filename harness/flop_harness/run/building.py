"""A case's model, built within the memory that it may take."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import Any, Literal

from flop_harness.errors import UserError
from flop_harness.records import Case, Context
from flop_harness.run.isolation import FREE, OUT_OF_MEMORY, limited_memory
from flop_harness.suite.build import Built, build
from flop_harness.suite.inputs import is_open_mask, map_tensors, required
from flop_harness.suite.references import folders_of
from flop_harness.suite.standing import Standing

GIB = 2**30


class TooLarge(UserError):
    """The model's weights do not fit: what needs no values can still be asked."""


@dataclass
class CaseModel:
    """A case's model and inputs, with values and on meta, each built when it is first asked for.

    A ``live`` one stands already, and is itself on both.
    """

    case: Case
    folder: str
    memory_bytes: int
    live: Built | None = None
    _mode: Literal["eval", "train", ""] = ""
    _weights: int | None = None

    @cached_property
    def built(self) -> Built:
        """The model with values. Raises TooLarge before weights are filled that do not fit."""
        if self.live is not None:
            return self._noted(self.live)
        refuse_too_large(self.weights, self.memory_bytes)
        return self._noted(build_within(self.case, self.folder, self.memory_bytes))

    @property
    def weights(self) -> int:
        """Bytes of its parameters and buffers."""
        if self._weights is None:
            self.on_meta()
        return self._weights or 0

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

    @cached_property
    def standing(self) -> Standing:
        """What is loaded once the model is built, for its forks."""
        return Standing()

    def on_meta(self) -> Built:
        """A model of its own at each call, that may be spoilt; its weights have no values."""
        made = self.live or build_within(self.case, self.folder, self.memory_bytes, "meta")
        if self._weights is None:
            self._weights = weight_bytes(made.module)
        return self._noted(made)

    def handed_over(self, context: Context) -> Built:
        """The model and its inputs for a counter: in a fork, where they may be spoilt."""
        return self._unspoilt_on_meta if context.device == "meta" else self.built

    @cached_property
    def _unspoilt_on_meta(self) -> Built:
        return without_open_masks(self.on_meta())

    def resolved(self, context: Context) -> Context:
        """A context with the mode in which the model stands, if it has none of its own."""
        mode = context.mode or self.case.mode or self._mode or self.on_meta().mode
        return replace(context, mode=mode)

    def _noted(self, built: Built) -> Built:
        self._mode = self._mode or built.mode
        return built


def build_within(case: Case, folder: str, memory_bytes: int, device: str = "cpu") -> Built:
    """A case's model. Raises TooLarge where it takes more than ``memory_bytes``, or than is free.

    0 stands for what is free. On meta too: some factories fill tensors wherever they are told to.
    """
    try:
        with limited_memory(min(memory_bytes or free_bytes(), free_bytes())):
            return build(case, device=device, folder=folder)
    except (UserError, MemoryError) as error:
        if not isinstance(error, MemoryError) and not any(w in str(error) for w in OUT_OF_MEMORY):
            raise
        allowed = f"memory_gib = {memory_bytes / GIB:g}" if memory_bytes else f"the {FREE}"
        raise TooLarge(f"the model is too large: to build it takes more than {allowed}") from error


def refuse_too_large(weights: int, memory_bytes: int) -> None:
    """Raise TooLarge for so many bytes of weights, before they are filled."""
    free, whole = free_bytes(), memory().total
    if memory_bytes and weights > memory_bytes:
        limit = f"memory_gib = {memory_bytes / GIB:g}"
    elif weights > whole:
        limit = f"the {whole / GIB:.1f} GiB of this machine"
    elif weights > free:
        limit = f"the {free / GIB:.1f} GiB of {FREE}"
    else:
        return
    raise TooLarge(f"the model is too large: its weights take {weights / GIB:.1f} GiB, more than "
                   f"{limit}")  # fmt: skip


def free_bytes() -> int:
    return memory().available  # type: ignore[no-any-return]


def memory() -> Any:
    import psutil

    return psutil.virtual_memory()


def weight_bytes(module: Any) -> int:
    """Bytes of a model's distinct parameters and buffers; lazy ones count as nothing."""
    from torch.nn.parameter import is_lazy

    tensors = {id(each): each for each in chain(module.parameters(), module.buffers())}
    return sum(t.numel() * t.element_size() for t in tensors.values() if not is_lazy(t))


def without_open_masks(built: Built) -> Built:
    """Without the masks that hide nothing and that the model does without: on meta nobody can look into them."""
    needed = required(built.module.forward)
    kwargs = {name: value for name, value in built.kwargs.items()
              if name in needed or not is_open_mask(name, value)}  # fmt: skip
    return replace(built, kwargs=kwargs)


def unfilled(built: Built) -> Built:
    """A model on meta moved to the CPU, to memory that nobody writes; its inputs are zeros."""
    import torch

    args, kwargs = map_tensors(
        lambda given: torch.zeros_like(given, device="cpu"), (built.args, built.kwargs)
    )
    return replace(built, module=built.module.to_empty(device="cpu"), args=args, kwargs=kwargs)
