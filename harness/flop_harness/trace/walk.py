"""Ways through a trace: every call together with where it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import NamedTuple

from flop_harness.records import (
    BESIDE,
    NOT_TAKEN,
    ON_THIS_RANK,
    PRE_HOOKED,
    RAISED,
    Call,
    Module,
    Phase,
    Trace,
)


class Visit(NamedTuple):
    """A call, the path of the innermost module around it, the calls around it, outermost first, and
    the phase of a training step in which it runs.

    For a module call ``path`` is its own.
    """

    call: Call
    path: str
    around: tuple[Call, ...]
    phase: Phase = "forward"

    def inside(self, *names: str) -> bool:
        """Whether a surrounding call has one of these names (operators: without overload)."""
        return not {call.packet for call in self.around}.isdisjoint(names)


Prune = Callable[[Visit], bool]


def visits(trace: Trace, prune: Prune | None = None) -> Iterator[Visit]:
    """Every call of a trace in the order of execution, the outer before the inner.

    What is inside a call for which ``prune`` holds is left out; the call itself is not.
    """
    root = Visit(trace.root, trace.root.name, ())
    yield root
    yield from within(root, prune)


def is_closed(visit: Visit) -> bool:
    """Whether nobody who watches modules or functions looks inside: an operator on functions, such
    as ``cond``, calls those of the model, and what is written in Python calls some of torch.
    """
    call = visit.call
    if call.level != "operator" or call.name.startswith("higher_order."):
        return False
    return all(child.level != "function" for child in call.children)


def module_calls(trace: Trace) -> Iterator[tuple[Visit, Module]]:
    """Every module call that came to its end, as a forward hook sees it.

    Its arguments are what the module's own pre-hooks made of those it was given.
    """
    for visit in visits(trace, is_closed):
        if visit.call.level == "module" and visit.call.output != RAISED:
            yield pre_hooked(visit), trace.modules[visit.call.module]


def pre_hooked(visit: Visit) -> Visit:
    """A module's call with the arguments that its own pre-hooks made of those it was given."""
    call = visit.call
    note = call.children[0] if call.children else call
    if note.name != PRE_HOOKED:
        return visit
    return visit._replace(call=call._replace(args=note.args, kwargs=note.kwargs))


def within(visit: Visit, prune: Prune | None = None) -> Iterator[Visit]:
    """Every call inside a call, in the order of execution; the call itself is left out."""
    pending = inner(visit)
    while pending:
        current = pending.pop()
        yield current
        if current.call.children and not (prune is not None and prune(current)):
            pending += inner(current)


def inner(visit: Visit) -> list[Visit]:
    """The calls made directly inside a call, the last one first; without notes."""
    call, path, around, phase = visit
    around = (*around, call)
    return [
        Visit(child, child.name if child.level == "module" else path, around, phase)
        for child in call.children[::-1]
        if child.name not in BESIDE
    ]


def operators(trace: Trace) -> Iterator[Visit]:
    """Every operator that has no operators inside it, in every phase; what a dispatch mode sees."""
    return chain.from_iterable(innermost(root, phase) for phase, root in trace.passes)


def innermost(root: Call, phase: Phase = "forward") -> Iterator[Visit]:
    """The operators inside a call that have no operators inside them."""
    pending: list[tuple[Call, str, tuple[Call, ...]]] = [(root, root.name, ())]
    while pending:
        call, path, around = pending.pop()
        if call.children:
            around = (*around, call)
            for child in call.children[::-1]:
                if child.name not in BESIDE:
                    pending.append((child, child.name if child.module >= 0 else path, around))
        elif call.level == "operator":
            yield Visit(call, path, around, phase)


def on_this_rank(trace: Trace) -> Iterator[Visit]:
    """As ``operators``, but of those on distributed tensors what this rank does of them."""
    for phase, root in trace.passes:
        pending = [Visit(root, root.name, (), phase)]
        while pending:
            visit = pending.pop()
            if visit.call.children:
                pending += ranked(visit)
            elif visit.call.level == "operator":
                yield visit


def ranked(visit: Visit) -> list[Visit]:
    """The calls made directly inside a call, the last one first; notes of this rank for the whole."""
    found: list[Visit] = []
    for call in visit.call.children:
        if call.name == ON_THIS_RANK:
            found.pop()
        if call.name != NOT_TAKEN:
            path = call.name if call.level == "module" else visit.path
            found.append(Visit(call, path, (*visit.around, visit.call), visit.phase))
    return found[::-1]


def functions(trace: Trace) -> Iterator[Visit]:
    """Every call through a public function of torch that came to its end, nested ones too."""
    for visit in visits(trace, is_closed):
        if visit.call.level == "function" and visit.call.output != RAISED:
            yield visit


def has_note(trace: Trace, name: str) -> bool:
    """Whether a note of this name stands anywhere in a trace, beside what runs too."""
    pending = [root for _, root in trace.passes]
    while pending:
        call = pending.pop()
        if call.name == name:
            return True
        pending += call.children
    return False
