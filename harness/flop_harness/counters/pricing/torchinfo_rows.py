"""The rows of torchinfo's table: called modules, the containers above them, and what is shared."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Optional

from flop_harness.counters.pricing.copies import original
from flop_harness.counters.pricing.layers import held_before
from flop_harness.records import Module, Trace
from flop_harness.trace.tree import is_a, subtree, subtree_after
from flop_harness.trace.walk import module_calls


@dataclass(eq=False)
class Row:
    """A line of the table. ``parent`` is the row of the module that holds this one."""

    module: int
    depth: int
    parent: Optional[Row]
    leaf: bool
    params: int
    repeated: bool = False


def is_leaf(trace: Trace, index: int) -> bool:
    """Whether no child is truthy; a container with nothing in it is not."""
    return not any(
        "__len__" not in trace.modules[c].config for _, c in trace.modules[index].children
    )


def scripted(module: Module) -> bool:
    """torchinfo writes a scripted module down when it sets up, and never sees a call of it."""
    return is_a(module, "torch.jit._script.ScriptModule")


def remaining(module: Module, name: str, elements: int) -> int:
    """Elements of a parameter; of a pruned one, those that its mask leaves."""
    kept = module.config.get(f"{name.removesuffix('_orig')}_mask.sum")
    return elements if kept is None or not name.endswith("_orig") else kept


def has_lazy(trace: Trace, index: int) -> bool:
    """Whether a module, or one below it, had a parameter without a shape before the pass."""
    held = (number for i in subtree(trace, index) for _, number in trace.modules[i].parameters)
    return any(trace.parameters[number].lazy for number in held)


def params_of(trace: Trace, index: int) -> int:
    """Elements of the distinct parameters of a module and everything below it, as it is called.

    Once more after the pass where something was lazy.
    """
    after = has_lazy(trace, index)
    found: dict[tuple[int, str] | int, int] = {}
    for i in subtree_after(trace, index) if after else subtree(trace, index):
        module = trace.modules[i]
        numbers = dict(module.parameters)
        held = elements_after(trace, module) if after else elements_before(trace, module)
        if i == index and not after:
            held = dict(module.config.get("entered", ())) or held
        for name, elements in held.items():
            found.setdefault(numbers.get(name, (i, name)), elements)
    return sum(found.values())


def elements_after(trace: Trace, module: Module) -> dict[str, int]:
    held = ((name, trace.parameters[number].numel) for name, number in module.parameters)
    return {name: remaining(module, name, elements) for name, elements in held}


def elements_before(trace: Trace, module: Module) -> dict[str, int]:
    held = held_before(trace, module).items()
    return {name: remaining(module, name, elements) for name, (elements, _) in held}


def places(trace: Trace) -> dict[int, str]:
    """The path of each module at the last place where the tree holds it."""
    found: dict[int, str] = {}

    def enter(index: int, path: str) -> None:
        found[index] = path
        for name, child in trace.modules[index].children:
            enter(child, f"{path}.{name}" if path else name)

    enter(0, "")
    return found


def static_rows(trace: Trace) -> dict[int, Row]:
    """The row of each module there."""
    rows: dict[int, Row] = {}

    def enter(index: int, depth: int, parent: Row | None) -> None:
        leaf, params = is_leaf(trace, index), params_of(trace, index)
        row = rows[index] = Row(index, depth, parent, leaf, params)
        for _, child in trace.modules[index].children:
            enter(child, depth + 1, row)

    enter(0, 0, None)
    return rows


def called_rows(trace: Trace, static: dict[int, Row]) -> list[Row]:
    """Rows of scripted modules, then one row per call; a module's second row repeats it."""
    rows: list[Row] = []
    seen: set[int] = set()
    modules = trace.modules
    set_up = [index for index in subtree(trace, 0) if scripted(modules[index])]
    called = [v.call.module for v, module in module_calls(trace) if not scripted(module)]
    for index in (*set_up, *called):
        place = static.get(original(trace, index))
        if place is None:
            continue
        params = place.params if index in static else params_of(trace, index)
        rows.append(replace(place, module=index, params=params, repeated=index in seen))
        seen.add(index)
    return rows


def with_containers(rows: list[Row]) -> list[Row]:
    """Put the containers that were not called before the first row that stands in them."""
    rows, seen = list(rows), {row.module for row in rows}
    open_rows: dict[int, Row] = {}
    position = 0
    while position < len(rows):
        row, inserted = rows[position], 0
        above = lineage(row)
        for depth in range(1, row.depth):
            holder = above[depth]
            is_open = depth in open_rows and open_rows[depth].module == holder.module
            if is_open or holder is rows[position + inserted - 1]:
                continue
            holder.repeated = holder.repeated or holder.module in seen
            rows.insert(position + inserted, holder)
            seen.add(holder.module)
            open_rows[depth] = holder
            inserted += 1
        open_rows[row.depth] = row
        for depth in [depth for depth in open_rows if depth > row.depth]:
            del open_rows[depth]
        position += 1
    return rows


def lineage(row: Row) -> dict[int, Row]:
    above, parent = {}, row.parent
    while parent is not None and parent.depth > 0:
        above[parent.depth] = parent
        parent = parent.parent
    return above


def total_params(trace: Trace) -> int:
    """Sum over rows that repeat nothing: a leaf's parameters, else what no row below it holds."""
    rows = with_containers(called_rows(trace, static_rows(trace)))
    left: dict[int, int] = {}
    for position in range(len(rows) - 1, -1, -1):
        row, below = rows[position], 0
        for other, later in enumerate(rows[position + 1 :], position + 1):
            if later.depth <= row.depth:
                break
            if not later.repeated:
                below += later.params if later.leaf else left[other]
        left[position] = row.params - below
    return sum(
        max(row.params if row.leaf else left[position], 0)
        for position, row in enumerate(rows)
        if not row.repeated
    )
