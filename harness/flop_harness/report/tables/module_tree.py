"""The modules of one pass as a tree: shapes, parameters and what a convention charges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from flop_harness.records import Call, Trace
from flop_harness.records.account import Account
from flop_harness.records.trace import shapes_of
from flop_harness.report.tables.table import Column, Table
from flop_harness.trace.tree import all_parameters


@dataclass(frozen=True, slots=True)
class Node:
    """One call of a module; amounts include all that is below it."""

    path: str
    type: str
    inputs: str
    output: str
    params: int
    trainable: int
    amount: int | float
    share: float
    below: list[Node] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.path or "(the model)"


def module_tree(trace: Trace, account: Account) -> Node:
    """The root with all calls of modules below it, in the order in which they ran.

    A module that is called twice stands there twice, each time with what all its calls cost.
    """
    amounts = account.inclusive()
    total = account.total
    return next(nodes(trace, (trace.root,), amounts, total))


def nodes(
    trace: Trace, calls: tuple[Call, ...], amounts: dict[str, int | float], total: int | float
) -> Iterator[Node]:
    for call in calls:
        if call.level != "module":
            yield from nodes(trace, call.children, amounts, total)
            continue
        module, amount = trace.modules[call.module], amounts.get(call.name, 0)
        yield Node(
            call.name, module.type_name, shapes_of(call.args, call.kwargs), shapes_of((call.output,)),
            sum(all_parameters(trace, call.module).values()),
            sum(all_parameters(trace, call.module, trainable=True).values()),
            amount, amount / total if total else 0.0,
            list(nodes(trace, call.children, amounts, total)),
        )  # fmt: skip


def flat(node: Node) -> Iterator[Node]:
    yield node
    for each in node.below:
        yield from flat(each)


def module_table(trace: Trace, account: Account, unit: str) -> Table:
    """A row for each call of a module."""
    heads = (
        Column("module"), Column("type"), Column("input"), Column("output"),
        Column("parameters", "integer"), Column("trainable", "integer"), Column(unit, "integer"),
        Column("share", "part"),
    )  # fmt: skip
    rows = tuple(
        (each.name, each.type, each.inputs, each.output, each.params, each.trainable, each.amount,
         each.share)
        for each in flat(module_tree(trace, account))
    )  # fmt: skip
    return Table("", heads, rows)
