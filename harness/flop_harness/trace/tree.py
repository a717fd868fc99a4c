"""The tree of modules of a trace, walked as torch walks it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from flop_harness.records import Module, Trace


def children(trace: Trace, index: int) -> Iterator[int]:
    """Indices of a module's children, a child held under two names once (``Module.children``)."""
    seen: set[int] = set()
    for _, child in trace.modules[index].children:
        if child not in seen:
            seen.add(child)
            yield child


def children_after(trace: Trace, index: int) -> tuple[int, ...]:
    """As ``children``, as the forward pass leaves it."""
    held: tuple[int, ...] | None = trace.modules[index].config.get("children_after")
    return tuple(children(trace, index)) if held is None else tuple(dict.fromkeys(held))


Below = Callable[[Trace, int], Iterable[int]]


def applied(trace: Trace, below: Below = children) -> Counter[int]:
    """How often ``root.apply(f)`` reaches each module: once for each way down to it."""
    reached: Counter[int] = Counter()

    def go(index: int) -> None:
        for child in below(trace, index):
            go(child)
        reached[index] += 1

    go(0)
    return reached


def summed(trace: Trace, stops: Callable[[Module], bool]) -> Counter[int]:
    """How often a sum over the tree takes each module in, if it goes down to modules that stop it.

    The root is entered in any case. The sum is made after the forward pass.
    """
    taken: Counter[int] = Counter()

    def go(index: int) -> None:
        taken[index] += 1
        for child in children_after(trace, index):
            if stops(trace.modules[child]):
                taken[child] += 1
            else:
                go(child)

    go(0)
    return taken


def own_parameters(trace: Trace, index: int, trainable: bool = False) -> dict[int, int]:
    """Parameter number -> elements, of what the module itself holds."""
    numbers = {number for _, number in trace.modules[index].parameters}
    return {
        number: trace.parameters[number].numel
        for number in numbers
        if trace.parameters[number].trainable or not trainable
    }


def all_parameters(trace: Trace, index: int, trainable: bool = False) -> dict[int, int]:
    """Parameter number -> elements, of a module and everything below it, each once."""
    found = own_parameters(trace, index, trainable)
    for child in children(trace, index):
        found |= all_parameters(trace, child, trainable)
    return found


def subtree(trace: Trace, index: int, below: Below = children) -> Iterator[int]:
    """A module and everything below it, each once."""
    seen: set[int] = set()
    pending = [index]
    while pending:
        current = pending.pop()
        if current in seen:
            continue
        seen.add(current)
        yield current
        pending.extend(reversed([*below(trace, current)]))


def subtree_after(trace: Trace, index: int = 0) -> Iterator[int]:
    """As ``subtree``, as the forward pass leaves it: with modules that it made and holds."""
    return subtree(trace, index, children_after)


def made_parameters(trace: Trace) -> set[int]:
    """Numbers of the parameters of a model that were not there before the forward pass."""
    before = set(subtree(trace, 0))
    return {
        number
        for index in subtree_after(trace)
        for name, number in trace.modules[index].parameters
        if index not in before or name in trace.modules[index].config.get("made", ())
    }


def is_a(module: Module, *names: str) -> bool:
    """Whether a module's class is, or derives from, one of these qualified names."""
    return any(name in module.bases for name in names)
