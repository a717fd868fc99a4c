"""The table that torch's FlopCounterMode keeps: MACs by module under way and operator.

Rules after torch/utils/flop_counter.py and torch/utils/module_tracker.py of torch 2.14 and 2.15.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from flop_harness.conventions.products import work_at
from flop_harness.records import FORWARD_ENDED, NOT_TAKEN, RAISED, Call, Trace
from flop_harness.trace.tree import children
from flop_harness.trace.walk import Visit, functions, has_note, inner, is_closed, visits, within

REGISTERED = frozenset(
    f"aten.{name}"
    for name in [
        "mm",
        "addmm",
        "bmm",
        "baddbmm",
        "_scaled_mm",
        "convolution",
        "_convolution",
        "cudnn_convolution",
        "convolution_overrideable",
        "_slow_conv2d_forward",
        "_scaled_dot_product_efficient_attention",
        "_scaled_dot_product_flash_attention",
        "_scaled_dot_product_cudnn_attention",
        "_flash_attention_forward",
        "_efficient_attention_forward",
        "convolution_backward",
        "_scaled_dot_product_efficient_attention_backward",
        "_scaled_dot_product_flash_attention_backward",
        "_scaled_dot_product_cudnn_attention_backward",
        "_flash_attention_backward",
        "_efficient_attention_backward",
    ]
)
"""Operators with a formula there; fused attention on the CPU and recurrent kernels have none."""

REGISTERED_2_15 = REGISTERED | {
    "aten._scaled_dot_product_flash_attention_for_cpu",
    "aten._scaled_dot_product_flash_attention_for_cpu_backward",
}
"""Since torch 2.15"""

COND = "higher_order.cond"
GLOBAL = "Global"
"""The row of everything, whatever module is under way"""


def is_unknown(call: Call) -> bool:
    """Whether it is an operator on functions that the tool does not enter."""
    return call.name.startswith("higher_order.") and call.packet != COND


Rows: TypeAlias = defaultdict[str, defaultdict[str, int]]


@dataclass
class Table:
    """The table while it fills. ``names`` are those of modules; without them all is in one row.

    The tool runs both branches of ``torch.cond`` and means to keep the larger count of each operator.
    But it copies its table without the rows: in a row that was there before, the two add up.
    ``beyond`` tells by path what a ``cond`` adds to the branch that was taken. ``registered`` are the
    operators that have a formula.
    """

    registered: frozenset[str]
    names: Mapping[int, str] = field(default_factory=dict)
    rows: Rows = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))
    beyond: list[tuple[str, int]] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.rows[GLOBAL].values()) if GLOBAL in self.rows else 0

    def take(self, root: Call) -> None:
        """Every call of a pass in its order.

        A module is no longer under way once a call of the same name inside its own has ended; one
        that has raised stays so.
        """
        under_way = {GLOBAL}
        pending: list[Visit | Callable[[], None]] = [Visit(root, root.name, ())]
        while pending:
            visit = pending.pop()
            if not isinstance(visit, Visit):
                visit()
                continue
            if visit.call.name == FORWARD_ENDED:  # hooks for all modules come before its own
                under_way.discard(self.names.get(visit.around[-1].module, ""))
            if name := self.names.get(visit.call.module, ""):
                under_way.add(name)
                if visit.call.output != RAISED:
                    pending.append(partial(under_way.discard, name))
            for macs in self.charged(visit):
                for row in under_way:
                    self.rows[row][visit.call.packet] += macs
            if not is_unknown(visit.call):
                pending += self.branches(visit) if visit.call.packet == COND else inner(visit)

    def branches(self, visit: Visit) -> list[Visit | Callable[[], None]]:
        """What is done with a ``cond``, the last thing first: the branch for true, that for false."""
        note = next((call for call in visit.call.children if call.name == NOT_TAKEN), None)
        if note is None:
            return [*inner(visit)]
        taken, other = inner(visit), inner(visit._replace(call=note))
        first, second = (other, taken) if note.args[0] else (taken, other)
        before, kept, counted = self.total, copy(self.rows), [self.rows]

        def between() -> None:
            counted[0], self.rows = copy(self.rows), kept
            counted.append(copy(kept))

        def afterwards() -> None:
            of_false, self.rows = copy(self.rows), counted[1]
            self.keep_larger(counted[0], of_false)
            if not visit.inside(COND):
                self.beyond.append((visit.path, self.total - before - self.inside(visit)))

        return [afterwards, *second, between, *first]

    def charged(self, visit: Visit) -> Iterator[int]:
        if visit.call.packet in self.registered and not visit.call.children:
            work = work_at(visit)
            yield from (product.by_shapes for product in (work.products if work else ()))

    def inside(self, visit: Visit) -> int:
        return sum(macs for each in within(visit) for macs in self.charged(each))

    def keep_larger(self, one: Rows, other: Rows) -> None:
        for name in one.keys() | other.keys():
            packets = one[name].keys() | other[name].keys()
            larger = {
                each: max(one[name].get(each, 0), other[name].get(each, 0)) for each in packets
            }
            self.rows[name].update(larger)


def beyond_the_branch(trace: Trace, registered: frozenset[str]) -> Iterator[tuple[str, int]]:
    """By path, what the tool counts of each ``torch.cond`` beyond the branch that is taken."""
    if not has_note(trace, NOT_TAKEN):
        return
    table = Table(registered)
    for _, root in trace.passes:
        table.take(root)
    yield from table.beyond


def by_module(trace: Trace, registered: frozenset[str] = REGISTERED) -> dict[str, int] | None:
    """FLOPs of every module under way, by the name that torch's ModuleTracker gives it.

    None where the model takes gradients on its way: modules are then under way by hooks on gradients,
    in an order that a trace does not tell.
    """
    if takes_gradients(trace):
        return None
    table = Table(registered, tracked_names(trace))
    table.take(trace.root)
    return {name: 2 * sum(row.values()) for name, row in table.rows.items()}


GRADIENTS = ("torch.autograd.grad", "torch.autograd.backward", "torch.Tensor.backward")


def takes_gradients(trace: Trace) -> bool:
    return any(visit.call.name in GRADIENTS for visit in functions(trace))


def tracked_names(trace: Trace) -> dict[int, str]:
    """A module's name is its class's, until its parent is called: then the parent's and its own."""
    names: dict[int, str] = {}
    seen: set[int] = set()

    def enter(index: int) -> None:
        module = trace.modules[index]
        names.setdefault(index, module.type_name)
        if index in seen:
            return
        first = {child: name for name, child in reversed(module.children)}
        for child in children(trace, index):
            names[child] = f"{names[index]}.{first[child]}"
            enter(child)
        seen.add(index)

    for visit in visits(trace, is_closed):
        if visit.call.module >= 0:
            enter(visit.call.module)
    return names
