"""A part of a trace as a trace of its own: the pass of a module that is called alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from flop_harness.records import Call, Trace
from flop_harness.trace.walk import visits


class Place(NamedTuple):
    """A call of a module: where, the how-manieth of that module, and how many calls it holds."""

    path: str
    call: Call
    turn: int
    calls: int


def places(trace: Trace) -> list[Place]:
    """Every call of a module, in the order of execution."""
    found: list[Place] = []
    turns: dict[str, int] = {}
    starts: list[tuple[int, int]] = []  # of the module calls under way: depth, and index in found
    count = 0

    def close(depth: int) -> None:
        while starts and starts[-1][0] >= depth:
            index = starts.pop()[1]
            found[index] = found[index]._replace(calls=count - found[index].calls)

    for visit in visits(trace):
        close(len(visit.around))
        if visit.call.level == "module":
            turn = turns[visit.path] = turns.get(visit.path, -1) + 1
            starts.append((len(visit.around), len(found)))
            found.append(Place(visit.path, visit.call, turn, count))
        count += 1
    close(0)
    return found


def excerpt(trace: Trace, call: Call) -> Trace:
    """The call of a module as a whole trace; its module is the root, and paths start from there.

    A module that is called inside without being held below it stands apart, as one that the
    forward pass has made.
    """
    paths = paths_from(trace, call)
    numbers = {index: place for place, index in enumerate(paths)}
    modules = tuple(
        replace(
            trace.modules[index],
            path=path,
            children=tuple((name, numbers[c]) for name, c in trace.modules[index].children),
        )
        for index, path in paths.items()
    )
    return replace(trace, modules=modules, root=renamed(call, numbers, paths, {}))


def paths_from(trace: Trace, call: Call) -> dict[int, str]:
    """The modules of a call by their numbers, in the order of a walk from its own, and their paths."""
    paths: dict[int, str] = {}

    def enter(index: int, path: str) -> None:
        if index in paths:
            return
        paths[index] = path
        for name, child in trace.modules[index].children:
            enter(child, f"{path}.{name}" if path else name)

    enter(call.module, "")
    for index in called(call):
        enter(index, f"<{trace.modules[index].path.strip('<>')}>")
    return paths


def called(call: Call) -> Iterator[int]:
    """The modules called inside a call, the outer before the inner."""
    pending = [call]
    while pending:
        current = pending.pop()
        if current.module >= 0:
            yield current.module
        pending += current.children[::-1]


def renamed(
    call: Call, numbers: dict[int, int], paths: dict[int, str], known: dict[int, Call]
) -> Call:
    """The call with modules under other numbers and paths; equal subtrees stay one object."""
    if id(call) not in known:
        children = tuple(renamed(child, numbers, paths, known) for child in call.children)
        if call.module >= 0:
            made = call._replace(
                name=paths[call.module], module=numbers[call.module], children=children
            )
        else:
            made = call._replace(children=children)
        known[id(call)] = made
    return known[id(call)]
