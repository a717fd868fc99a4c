"""The operator level with autograd at work, and the backward pass tied to the forward pass.

Below autograd a dispatch mode sees composite operators before they come apart; to build the graph
of gradients, each operator goes up to autograd once and comes down again. The graph numbers its
nodes as they are made: by that number an operator of the backward pass is led back to the forward
operator that made its node.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple

import torch
from torch._C._autograd import _get_sequence_nr as nodes_made

from flop_harness.records import Call, Phase
from flop_harness.trace.needs import GradientsNeeded, NodesNeeded, ValuesNeeded, exchanged
from flop_harness.trace.operators import OperatorMode, pop_mode, push_mode
from flop_harness.trace.plans import Plan
from flop_harness.trace.tensors import has_nested, is_plain, tensors_in

KEYS = torch._C.DispatchKey
ACCUMULATES = 2**64 - 1
"""The number of every node that adds to a parameter's gradient."""
NO_NODE = object()
"""Stands for the node that ran last where none has: outside of every graph it is None."""


class Made(NamedTuple):
    """Nodes of the graph, from ``first`` to before ``end``, and the operator that made them."""

    first: int
    end: int
    call: Call


class Segment(NamedTuple):
    """What runs for one node of the graph: its number, or the tensor that it leads to."""

    phase: Phase
    number: int
    leaf: torch.Tensor | None
    calls: list[Call]


class GraphMode(OperatorMode):
    """Writes operators down while autograd builds its graph, and then while it goes back.

    ``segments`` hold what runs after ``turned_back`` is set, node by node. With gradients of
    gradients (``create_graph``) what is recomputed is not told from the rest. It ``lifts`` operators
    to autograd where it stands above it. ``went_back`` tells that the model did so in its forward pass.
    """

    def __init__(self, *args: Any, lifts: bool = True) -> None:
        super().__init__(*args)
        self.lifts = lifts
        self.made: list[Made] = []
        self.reached = nodes_made()
        self.segments: list[Segment] = []
        self.turned_back = False
        self.went_back = False
        self.above = False
        self._place: tuple = ()
        self._node: Any = NO_NODE
        self._again = False

    def answer(self, func: Any, plan: Plan, args: tuple, kwargs: dict) -> Any:
        return self.differentiated(super().answer, func, plan, args, kwargs)

    def unwrapped(self, func: Any, plan: Plan, args: tuple, kwargs: dict) -> Any:
        return self.differentiated(super().unwrapped, func, plan, args, kwargs)

    def differentiated(
        self, answer: Callable[..., Any], func: Any, plan: Plan, args: tuple, kwargs: dict
    ) -> Any:
        """What ``answer`` gives, where autograd has to see the operator by way of it."""
        if self.turned_back:
            self.turn_to_node()
            if not torch.is_grad_enabled():  # no node is made
                return answer(func, plan, args, kwargs)
        if self.above:
            return answer(func, plan, args, kwargs)
        if has_nested(args):
            self.ask_for_nested(args)
        if plan.mutates and any(map(stands_for_view, tensors_in(args[:1]))):
            self.needs.demand(NodesNeeded("the model writes into a layer's output"))
        calls = self.stack[-1]
        written = len(calls)
        if not (self.lifts and torch.is_grad_enabled() and is_differentiated(plan, args, kwargs)):
            output = answer(func, plan, args, kwargs)
        elif plan.composite:
            output = self.observe(func, plan, args, kwargs)
        else:
            output = self.through_autograd(func, plan, args, kwargs)
        made = nodes_made()
        if made > self.reached and len(calls) > written:
            self.note(calls, written, plan.name, made)
        return output

    def ask_for_nested(self, args: tuple) -> None:
        """Nested tensors come to their graph by autograd alone; the way back through some reads sizes."""
        if self.lifts:
            self.needs.demand(GradientsNeeded("autograd alone goes back through nested tensors"))
        if not self.execute and any(t.is_nested and t.layout is torch.strided for t in args
                                    if isinstance(t, torch.Tensor)):  # fmt: skip
            self.needs.demand(ValuesNeeded("the way back through nested tensors reads their sizes"))

    def note(self, calls: list[Call], written: int, name: str, made: int) -> None:
        """Nodes were made by the operator of that name; what is kept for later may be copied beside."""
        place = next((i for i in range(written, len(calls)) if calls[i].name == name), -1)
        calls[place] = call = Call._make(calls[place])  # what is remembered stands in many places
        self.made.append(Made(self.reached, made, call))
        self.reached = made

    def through_autograd(self, func: Any, plan: Plan, args: tuple, kwargs: dict) -> Any:
        """The operator once more where autograd sees it, which has it answered below.

        A view runs as it is, and needs no answer.
        """
        if plan.runs and is_plain(args):
            with autograd_shown():
                return super().answer(func, plan, args, kwargs)
        self.above = True
        try:
            with autograd_shown():
                push_mode(self)  # what entering it does beside that is done already
                try:
                    return func(*args, **kwargs)
                finally:
                    pop_mode(None)
        finally:
            self.above = False

    @contextmanager
    def apart(self) -> Iterator[list[Segment]]:
        """What is written meanwhile for nodes of another graph."""
        held, self.segments = self.segments, []
        self.turn_away()
        try:
            yield self.segments
        finally:
            self.segments = held

    def turn_away(self) -> None:
        """What follows is for no node yet."""
        self._place, self._node = (), NO_NODE

    def turn_to_node(self) -> None:
        """Write on into the segment of the node that runs now."""
        node = torch._C._current_autograd_node()
        again = torch.is_grad_enabled()
        if self._node is node and self._again == again:
            return  # most nodes run several operators
        number = 0 if node is None else node._sequence_nr()
        leaf = node.variable if number == ACCUMULATES else None  # type: ignore[attr-defined]
        phase: Phase = "recomputed" if again else "backward"
        if len(self.stack) > 1 and self._place == (number, id(leaf), "recomputed"):
            return  # a part that asks for no gradients, inside a module that is run again
        self._node, self._again = node, again
        place = (number, id(leaf), phase)
        if place != self._place:
            self._place = place
            calls: list[Call] = []
            self.stack[0] = calls
            self.segments.append(Segment(phase, number, leaf, calls))


AUTOGRAD = torch._C.DispatchKeySet(KEYS.AutogradFunctionality)
for _key in (KEYS.AutogradOther, KEYS.AutogradNestedTensor, KEYS.ADInplaceOrView):
    AUTOGRAD = AUTOGRAD | torch._C.DispatchKeySet(_key)


def below_autograd() -> AbstractContextManager[None]:
    """A guard within which neither autograd nor what makes views of its tensors sees a call."""
    return torch._C._ExcludeDispatchKeyGuard(AUTOGRAD)  # type: ignore[return-value]


def autograd_shown() -> AbstractContextManager[None]:
    """A guard within which both do again; nothing else changes."""
    hidden = torch._C._dispatch_tls_local_exclude_set() - AUTOGRAD
    return torch._C._ForceDispatchKeyGuard(torch._C._dispatch_tls_local_include_set(), hidden)  # type: ignore[return-value]


def classes_changed() -> AbstractContextManager[None]:
    """Within, autograd sees ``as_subclass``, which no mode does: the other tensor has the history of the one."""
    change = torch.Tensor.as_subclass

    def shown(tensor: torch.Tensor, kind: type) -> torch.Tensor:
        with autograd_shown():
            return change(tensor, kind)

    return exchanged(torch.Tensor, "as_subclass", shown)


def way_back_noted(mode: GraphMode) -> AbstractContextManager[None]:
    """Within, the mode is told when gradients are added up: by the model itself, or after it."""
    back = torch.autograd.backward

    def noted(*args: Any, **kwargs: Any) -> None:
        mode.went_back = True
        back(*args, **kwargs)

    return exchanged(torch.autograd, "backward", noted)


def is_differentiated(plan: Plan, args: tuple, kwargs: Mapping[str, Any]) -> bool:
    """Whether autograd has to see it: a view too, through which gradients may yet be written."""
    return plan.runs or requires_grad(args, kwargs)


def stands_for_view(tensor: torch.Tensor) -> bool:
    """Whether what is written into is made by a node that gives a tensor of its own for a view."""
    if not tensor.requires_grad:
        return False
    whole = tensor._base if tensor._base is not None else tensor
    return getattr(whole.grad_fn, "stands_for_view", False)


def requires_grad(args: tuple, kwargs: Mapping[str, Any]) -> bool:
    if any(tensor.requires_grad for tensor in tensors_in(args)):
        return True
    return bool(kwargs) and any(t.requires_grad for t in tensors_in(tuple(kwargs.values())))


class Origins:
    """Leads from the number of a node to the forward operator that made it."""

    def __init__(self, made: list[Made]) -> None:
        self.made = made
        self.firsts = [each.first for each in made]

    def of(self, number: int) -> Call | None:
        place = bisect_right(self.firsts, number) - 1
        if place < 0 or number >= self.made[place].end:
            return None
        return self.made[place].call
