"""The events that torch.profiler writes down while it is asked, with the shapes of their inputs.

No trace tells what ``vmap`` calls above the operators it makes, what compiles flexible attention, which
gradients torch adds up in place, by which kernel a batch norm runs for elements that do not lie in a row,
nor what hangs on values: the degree of a matrix exponential, the rows of an embedding beyond ``max_norm``.
The events do. What the profiler says they cost is not kept: the rules of computeFlops price them too.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from flop_harness.counters.pricing.torch_profiler_kernels import ELEMENTWISE
from flop_harness.counters.pricing.torch_profiler_operators import convolution, product
from flop_harness.records import Call, Opaque, Tensor, Trace

EVENTS = "torch.profiler.events"
CONVOLUTION, PRODUCT = "convolution", "matrix product"
TOLD = {
    "aten::conv2d": CONVOLUTION,
    **dict.fromkeys(("aten::mm", "aten::bmm", "aten::addmm", "aten::baddbmm"), PRODUCT),
    "aten::add": ELEMENTWISE["aten.add"],
    "aten::mul": ELEMENTWISE["aten.mul"],
}
"""Event that is charged -> what a term calls it"""
ABOVE = "that vmap or jvp turn into others"
AROUND = {
    "FlexAttentionAutogradOp": "as flexible attention is compiled",
    "aten::native_batch_norm": "in a batch norm of elements that do not lie in a row",
    "aten::linalg_matrix_exp": "in a matrix exponential",
    "aten::embedding_renorm_": "on rows of an embedding beyond max_norm",
    "PythonSubclass": "on tensors of a class of its own",
}
"""Event around another -> what a term says of that"""
UNTRACED = {ABOVE, *AROUND.values()}
"""What is known to be in no trace: a call of one is like a plain event first"""


class Event(NamedTuple):
    """A charged event: its name, FLOPs by its inputs, and what a term says of it."""

    name: str
    flops: int
    told: str


def flops(name: str, args: tuple) -> int:
    """FLOPs of an event by its inputs: two for each multiplication of a product, else one an element.

    None of tensors without a shape of their own, and of a convolution that is padded by a word.
    """
    added_to = name in ("aten::addmm", "aten::baddbmm")
    operands = args[added_to : added_to + (1 if name in ("aten::add", "aten::mul") else 2)]
    by_word = name == "aten::conv2d" and any(isinstance(each, (str, Opaque)) for each in args[3:])
    if by_word or not all(isinstance(each, Tensor) for each in operands):
        return 0
    if name == "aten::conv2d":
        return 2 * convolution(args)
    return 2 * product(operands) if TOLD[name] == PRODUCT else operands[0].numel


# ------------------------------------------------------------------------------ while it is asked


@contextmanager
def captured() -> Iterator[list[Call]]:
    """Within, a model runs under the profiler: afterwards, a call whose arguments are its events."""
    from unittest.mock import patch

    import torch.profiler

    calls: list[Call] = []
    profilers: list[Any] = []

    class WithShapes(torch.profiler.profile):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options, record_shapes=True)
            profilers.append(self)

    with patch.object(torch.profiler, "profile", WithShapes):
        yield calls
    seen = Counter(each for made in profilers for each in written(made.events()))
    args = tuple((*event, count) for event, count in seen.items())
    calls.append(Call("function", EVENTS, args, (), None))


def observed(model: Any, args: tuple[Any, ...], **kwargs: Any) -> tuple[Call, ...]:
    """The events of a run of the model, as the arguments of one call; none of one that raises."""
    from torch import profiler

    with captured() as calls:
        try:
            with profiler.profile(activities=[profiler.ProfilerActivity.CPU]):
                model(*args, **kwargs)
        except Exception:  # noqa: BLE001 - of a model that cannot be run so: no figure either
            return ()
    return tuple(calls)


def written(events: Iterable[Any]) -> Iterator[tuple[str, tuple, str]]:
    """(name, inputs, what a term says of it) of the events that are charged."""
    for event in events:
        if event.name in TOLD:
            shapes = event.input_shapes
            dtypes = getattr(event, "input_dtypes", None) or guessed_dtypes(event.name, shapes)
            inputs = zip(shapes, dtypes, event.concrete_inputs or [None] * len(shapes), strict=True)
            yield event.name, tuple(as_input(*each) for each in inputs), of_surroundings(event)


def guessed_dtypes(name: str, shapes: list[list[int]]) -> list[str]:
    """Of torch 2.11, whose events tell none: what has no shape is a number that is added or multiplied."""
    return ["tensor" if shape or name in ("aten::add", "aten::mul") else "" for shape in shapes]


def as_input(shape: list[int], dtype: str, value: Any) -> Any:
    """A tensor by its shape; of numbers that stand for one too, of nested tensors nothing is known."""
    if isinstance(value, list):
        return tuple(value)
    if value is not None:
        return value
    return Tensor(tuple(shape)) if dtype else Opaque("")


def of_surroundings(event: Any) -> str:
    if any(each.name == event.name for each in inside(event)):
        return ABOVE
    known = (AROUND[name] for name in outer_names(event) if name in AROUND)
    return next(known, f"inside {next(outer_names(event), 'the model itself')}")


def inside(event: Any) -> Iterator[Any]:
    for each in event.cpu_children:
        yield each
        yield from inside(each)


def outer_names(event: Any) -> Iterator[str]:
    """Names of the events that an event lies in."""
    while (event := event.cpu_parent) is not None:
        yield event.name


# -------------------------------------------------------------------------------- as it is priced


def events(trace: Trace) -> list[Event] | None:
    """The events that were written down; None where none were."""
    last = trace.root.children[-1] if trace.root.children else None
    if last is None or last.name != EVENTS:
        return None
    return [
        Event(name, flops(name, args), told)
        for name, args, told, count in last.args
        for _ in range(count)
    ]


class Unseen:
    """Events that no call of a trace has been found for yet."""

    def __init__(self, found: list[Event]) -> None:
        self.left: dict[tuple[str, int], list[Event]] = defaultdict(list)
        for event in sorted(found, key=lambda each: each.told in UNTRACED, reverse=True):
            self.left[event.name, event.flops].append(event)

    def take(self, name: str, amount: int) -> bool:
        """Whether there is one of this name and amount; the plain ones are taken first."""
        alike = self.left[name, amount]
        return bool(alike and alike.pop())

    def charges(self) -> Iterator[tuple[str, int]]:
        """(term, FLOPs) of those that are left."""
        for alike in self.left.values():
            for event in alike:
                yield f"{TOLD[event.name]} {event.told}", event.flops
