"""What a counter is to the harness: how it is called, and the convention it follows.

A counter file defines one ``COUNTER = Counter(...)``. It imports neither torch nor the tool at
module level, so that pricing a stored trace needs neither.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from flop_harness.counters.usage import Usage
from flop_harness.records import Call, Context, Metric, Trace, Unit
from flop_harness.records.account import Account


class Unavailable(Exception):
    """The tool cannot be asked this question; the text says why."""


UNOBSERVED = "what it says follows from a graph that it makes as it runs: compare asks it"
"""Why rules that need what a counter observes say nothing of a trace alone"""


@dataclass(frozen=True)
class Answer:
    """The figures exactly as the tool returned them; None where it has none."""

    compute: Any = None
    params: Any = None
    modules: Mapping[str, int | float] = field(default_factory=dict)


@dataclass(frozen=True)
class Quantity:
    """One figure of a tool: what the tool calls it, what it really counts, how it is predicted.

    ``breakdown`` predicts the tool's own figures by module, under the tool's own names;
    None where it cannot tell them.
    """

    label: str
    unit: Unit
    price: Callable[[Trace], Account]
    breakdown: Callable[[Trace], Mapping[str, int | float] | None] | None = None


Inputs: TypeAlias = tuple[tuple[Any, ...], dict[str, Any]]
"""(positional, keyword) arguments of a model"""


def as_given(model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Inputs:
    return args, kwargs


AsPassed: TypeAlias = Callable[[Any, tuple[Any, ...], dict[str, Any]], Inputs]

ONE_AS_IT_IS: set[AsPassed] = set()
"""Ways to pass inputs on that differ for several, for named ones, or for other than tensors"""


def one_as_it_is(inputs: AsPassed) -> AsPassed:
    """Tell that a single tensor is passed on as it is given."""
    ONE_AS_IT_IS.add(inputs)
    return inputs


UNNAMED = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.VAR_POSITIONAL,
    inspect.Parameter.VAR_KEYWORD,
)


@one_as_it_is
def positionally(model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Inputs:
    """All inputs as positional ones, in the order of ``model.forward``; else ``Unavailable``."""
    if not kwargs:
        return args, {}
    bound = signature_of(model).bind(*args, **kwargs)
    if bound.kwargs:
        raise Unavailable(f"it passes positional inputs only, not {', '.join(bound.kwargs)}")
    return bound.args, {}


@one_as_it_is
def by_keyword(model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Inputs:
    """One positional input as it is; several by the names that ``model.forward`` gives them."""
    if len(args) == 1 and not kwargs:
        return args, {}
    return named(model, args, kwargs)


def named(model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Inputs:
    """All inputs by the names that ``model.forward`` gives them; else ``Unavailable``."""
    signature = signature_of(model)
    bound = signature.bind(*args, **kwargs)
    if any(signature.parameters[name].kind in UNNAMED for name in bound.arguments):
        raise Unavailable("it passes one positional input or keywords; these inputs have no names")
    return (), dict(bound.arguments)


def signature_of(model: Any) -> inspect.Signature:
    """What ``model.forward`` takes; of scripted ones Python 3.12 tells nothing: ``(*args, **kwargs)``."""
    try:
        return inspect.signature(model.forward)
    except ValueError:
        return inspect.signature(lambda *args, **kwargs: None)


def every(path: str, kind: str) -> bool:
    """All modules have hooks."""
    return True


@contextmanager
def capturing_nothing() -> Iterator[list[Call]]:
    """A tool that makes nothing of the kind."""
    yield []


@dataclass(frozen=True)
class Counter:
    """A counting tool.

    ``read(model, args, kwargs, context)`` calls the tool as its documentation tells users to; the
    model is fresh and stands on ``context.device``, and grad mode is set as ``context.grad`` says.
    ``inputs`` brings a case's inputs into the form in which the tool passes them on, or raises
    ``Unavailable``. ``hooks`` tells which modules, by path and qualified class name, have forward
    hooks while it counts: torch's encoder layers run another way then.
    ``warm_up`` tells that it calls the model once before it counts a call.
    ``fast_path`` is False where the tool's own function mode keeps torch off those of attention.
    ``patches`` are the functions of torch in whose places it puts its own, by public name: a model that
    compares functions may run another way then.
    ``contexts`` are those that its documentation shows, ``further`` others in which its answer may
    change, ``training`` those in which it counts a training step: all of the variant ``training``.
    ``distribution`` is the installed package whose version a reading carries. With ``overlay``
    (requirements such as ``ultralytics-thop==2.0.18``, all that it needs and the environment does
    not have) it is installed on first use into a folder of its own, which stands first on the path
    of the counter's process alone. ``observe(model, args, **kwargs)`` gives the calls that the counter's
    rules need beyond those of a trace, which they are put at the end of; it runs the model, hooked
    and with grad mode set, in a process of its own. Within ``capture()`` they are written down while
    the tool is asked: the list then holds what ``observe`` would give. ``usage`` is the same call as
    ``read`` makes, to be pasted elsewhere; None if nobody wrote it down. ``on_meta`` says that it
    answers about a model without values too; so does a context on meta. ``by_operator`` says that it
    sees operators, of a pass or of a graph: what fused kernels hide from it is theirs, else it is
    their modules'.
    An ``optional`` counter is asked by its name or with ``all`` only, and no figure is looked up in it.
    """

    id: str
    distribution: str
    description: str
    source: str
    quantities: Mapping[Metric, Quantity]
    read: Callable[[Any, tuple[Any, ...], dict[str, Any], Context], Answer]
    contexts: tuple[Context, ...] = (Context(),)
    further: tuple[Context, ...] = ()
    training: tuple[Context, ...] = ()
    inputs: Callable[[Any, tuple[Any, ...], dict[str, Any]], Inputs] = as_given
    hooks: Callable[[str, str], bool] | None = None
    fast_path: bool = True
    patches: frozenset[str] = frozenset()
    warm_up: bool = False
    overlay: tuple[str, ...] = ()
    observe: Callable[..., tuple[Call, ...]] | None = None
    capture: Callable[[], AbstractContextManager[list[Call]]] = capturing_nothing
    usage: Usage | None = None
    on_meta: bool = False
    by_operator: bool = False
    optional: bool = False

    def in_place(self, context: Context, valueless: str) -> Context:
        """The context in which a model is asked about that has no values, for the reason given.

        Raises Unavailable where the tool needs values.
        """
        if not valueless and context.device != "meta":
            return context
        if not self.works_on_meta:
            raise Unavailable(valueless or "it cannot be asked on meta, where nothing has values")
        return replace(context, device="meta")

    @property
    def works_on_meta(self) -> bool:
        return self.on_meta or any(each.device == "meta" for each in self.every_context)

    @property
    def every_context(self) -> tuple[Context, ...]:
        return (*self.contexts, *self.further)
