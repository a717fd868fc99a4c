"""What a model may ask for that a trace without execution does not have: values, gradients.

A need is raised where it arises and kept beside: a model that catches it must not go on with
figures made of nothing.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from flop_harness.errors import UserError

OURS = f"{Path(__file__).parents[1]}{os.sep}"
TORCH = f"{Path(torch.__file__).parent}{os.sep}"
CALLER = (str(Path(__file__).with_name("recorder.py")), "record")
"""(file, function) that calls the model: what is beyond it is not the model's"""


class Need(Exception):
    """The model asks for what a pass has with the option ``given_by`` alone."""

    given_by = ""


class ValuesNeeded(Need):
    """The model looks at values, which only a run that executes kernels has."""

    given_by = "execute"


class GradientsNeeded(Need):
    """The model takes gradients in its forward pass, which a trace below autograd does not have."""

    given_by = "gradients"


class GradModeNeeded(Need):
    """The model takes gradients of what it has computed where none are recorded."""

    given_by = "grad"


class NodesNeeded(Need):
    """The model goes through its graph of gradients in ways for which a layer cannot be one node."""

    given_by = "own_nodes"


class ImportNeeded(Exception):
    """The model imports what takes torch's functions as it finds them, which are watched meanwhile."""


class ThreadUsed(UserError):
    """The model computes in another thread, which a trace does not follow."""


class NothingRan(UserError):
    """The model returns what computes only as it is read."""


class Needs:
    """What a pass turned out to need, and the lines of the model that looked at values."""

    def __init__(self) -> None:
        self.unmet: list[Exception] = []
        self.lines: dict[str, None] = {}

    def demand(self, error: Exception) -> None:
        """Raise ``error``, now and again, as another, when the pass is over.

        Whoever keeps an error keeps the frames that it came through, and guards of torch's in them,
        which hold until they are gone.
        """
        self.unmet.append(type(error)(*error.args))
        try:
            raise error
        finally:
            del error  # else it and this frame keep one another

    def values(self, does: str) -> None:
        """The model looks at values that a trace without execution does not have."""
        self.demand(ValuesNeeded(f"the model reads values with {does}"))

    def elsewhere(self, name: str) -> None:
        """The model calls ``name`` in another thread: said when the pass is over."""
        self.unmet.append(
            ThreadUsed(
                f"the model calls {name} in another thread, where a trace does not follow it"
            )
        )

    def look(self) -> None:
        """Write down the line of the model that looks at a value now."""
        self.lines.setdefault(line_of_model())

    @contextmanager
    def met(self) -> Iterator[None]:
        """Raise what was needed, whatever the model made of it, and let go what stood in frames."""
        try:
            yield
        except BaseException as error:
            traceback.clear_frames(error.__traceback__)
            if not self.unmet:
                raise
        if self.unmet:
            raise self.unmet[0]


class Elsewhere(TorchDispatchMode):
    """Tells what is computed in the thread that it is entered in."""

    def __init__(self, needs: Needs) -> None:
        super().__init__()
        self.needs = needs

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # as of the mode that writes operators down

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        self.needs.elsewhere(str(func))
        return func(*args, **(kwargs or {}))


@contextmanager
def threads_guarded(needs: Needs) -> Iterator[None]:
    """Have the threads that this one starts meanwhile, and those that these start, tell what they compute."""
    start, ours = threading.Thread.start, {threading.get_ident()}

    def guarded(thread: threading.Thread) -> None:
        if threading.get_ident() in ours:
            begin = thread._bootstrap_inner  # type: ignore[attr-defined]

            def begin_guarded() -> None:
                ours.add(threading.get_ident())
                with Elsewhere(needs):
                    begin()

            thread._bootstrap_inner = begin_guarded  # type: ignore[attr-defined]
        start(thread)

    with exchanged(threading.Thread, "start", guarded):
        yield


LAZY = (GeneratorType, CoroutineType, AsyncGeneratorType, map, filter)


def refuse_lazy(output: Any) -> None:
    """NothingRan where an output holds a generator or a coroutine, which has not begun."""
    for leaf in tree_leaves(output):
        if isinstance(leaf, LAZY):
            raise NothingRan(
                f"the model returns a {type(leaf).__name__}, which computes nothing until it is "
                "read: count a function that reads it"
            )


def line_of_model() -> str:
    """``file.py:12`` of the model's innermost line that is neither ours nor torch's; else torch's own."""
    frame, inside = sys._getframe(1), ""
    while frame is not None:
        file = frame.f_code.co_filename
        if (file, frame.f_code.co_name) == CALLER:
            break
        if file.startswith(TORCH):
            inside = inside or f"{shortened(file)}:{frame.f_lineno}"
        elif not file.startswith((OURS, "<")):
            return f"{shortened(file)}:{frame.f_lineno}"
        frame = frame.f_back  # type: ignore[assignment]
    return inside


def shortened(file: str) -> str:
    """A file of an installed package from the package on; any other by its name alone."""
    _, found, inside = file.rpartition("/site-packages/")
    return inside if found else Path(file).name


class ImportGuard:
    """A finder that finds nothing, but tells when one of ``names`` is about to be imported."""

    names = ("torch._dynamo",)

    def __init__(self, needs: Needs) -> None:
        self.needs = needs

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name in self.names:
            self.needs.demand(ImportNeeded(name))


@contextmanager
def imports_guarded(needs: Needs) -> Iterator[None]:
    guard = ImportGuard(needs)
    sys.meta_path.insert(0, guard)  # type: ignore[arg-type]
    try:
        yield
    finally:
        sys.meta_path.remove(guard)  # type: ignore[arg-type]


def refusing(needs: Needs, name: str, original: Callable, transforms_alone: bool) -> Callable:
    def refused(*args: Any, **kwargs: Any) -> Any:
        if transforms_alone and torch._C._functorch.peek_interpreter_stack() is None:
            return original(*args, **kwargs)
        needs.demand(GradientsNeeded(f"the model takes gradients with {name}()"))

    return refused


@contextmanager
def gradients_guarded(needs: Needs, *, transforms_alone: bool = False) -> Iterator[None]:
    """Make the ways to gradients say so, or those inside transforms of ``torch.func`` alone."""
    ways = (
        (torch.autograd, "grad"), (torch.autograd, "backward"), (torch.Tensor, "backward"),
        (torch.autograd.forward_ad, "make_dual"),
    )  # fmt: skip
    with ExitStack() as guards:
        for holder, name in ways:
            refused = refusing(needs, name, getattr(holder, name), transforms_alone)
            guards.enter_context(exchanged(holder, name, refused))
        yield


@contextmanager
def exchanged(holder: Any, name: str, other: Callable) -> Iterator[None]:
    """Another attribute in the place of one that ``holder`` may only have inherited."""
    original = vars(holder).get(name)
    setattr(holder, name, other)
    try:
        yield
    finally:
        if original is None:
            delattr(holder, name)
        else:
            setattr(holder, name, original)
