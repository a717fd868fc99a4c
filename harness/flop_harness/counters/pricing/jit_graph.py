"""What torch.jit's tracer keeps of a forward pass: no dead nodes, but the arithmetic of sizes.

While the tracer runs, sizes are tensors, so that ``b * h`` of two of them is a node; and what no
output needs is dropped. Neither can be told from the calls themselves: the graph is kept that a tool
had made, or the tracer is run once more.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from flop_harness.counters.pricing.recurrent import Charges
from flop_harness.counters.protocol import Inputs, one_as_it_is, positionally
from flop_harness.records import Call, Tensor, Trace
from flop_harness.trace.walk import Visit

GRAPH, REFUSED = "torch.jit.graph", "torch.jit.graph refused"
# The tracer writes these down under another name.
NAMES = {
    "aten._convolution": "aten.convolution",
    "aten.linalg_matmul": "aten.matmul",
    "aten.multiply": "aten.mul",
    "aten.multiply_": "aten.mul_",
}

Key: TypeAlias = tuple[str, tuple[tuple[int, ...], ...]]
"""(name, shapes of its tensors, results first)"""


def named(packet: str) -> str:
    return NAMES.get(packet, packet)


# -------------------------------------------------------------------------------- observing


@one_as_it_is
def traceable(model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Inputs:
    """Positional inputs, a tensor given twice as two: the tracer makes a variable of each."""
    import torch
    from torch.utils._pytree import tree_map_only

    seen: set[int] = set()

    def apart(tensor: Any) -> Any:
        new = id(tensor) not in seen
        seen.add(id(tensor))
        return tensor if new else tensor.clone()

    args, kwargs = positionally(model, args, kwargs)
    return tree_map_only(torch.Tensor, apart, args), kwargs


def observed(module: Any, args: tuple[Any, ...]) -> tuple[Call, ...]:
    """The tracer's graph, as one call that holds its nodes.

    A model that cannot be run so (a lazy one has no parameters yet) gives a call that names the
    error.
    """
    graph = graph_of(module, args)
    if isinstance(graph, str):
        return (Call("function", REFUSED, (graph,), (), None),)
    return (call_of(graph),)


@contextmanager
def captured() -> Iterator[list[Call]]:
    """Within, a tool has its model traced, once or more: afterwards, what ``observed`` tells.

    Only of tools that name the scopes of nodes by the paths of modules, as that does.
    """
    from unittest.mock import patch

    import torch

    calls: list[Call] = []
    graphs: list[Any] = []
    traced = torch._C._create_graph_by_tracing

    def kept_too(*args: Any) -> Any:
        found = traced(*args)
        graphs.append(found[0])
        return found

    with patch.object(torch._C, "_create_graph_by_tracing", kept_too):
        yield calls
    calls.extend(map(call_of, graphs[:1]))


def call_of(graph: Any) -> Call:
    """One call that holds the nodes of a graph."""
    nodes = tuple(
        (*written(node), node.scopeName().rpartition("/")[2])
        for node in graph.nodes()
        if node.kind().startswith("aten::")
    )
    return Call("function", GRAPH, nodes, (), None)


def graph_of(module: Any, args: tuple[Any, ...]) -> Any:
    """The tracer's graph of a run where the model stands; where it fails, the class of the error.

    Not on meta, whose kernels are Python: while the tracer runs they take sizes for tensors.
    """
    from unittest.mock import patch

    import torch

    paths = {part: path for path, part in module.named_modules()}
    # Where torch.jit.trace leaves the names of modules for the scopes of its nodes.
    scopes = patch("torch.jit._trace._trace_module_map", paths)
    with warnings.catch_warnings(), scopes:
        warnings.simplefilter("ignore")
        try:
            return torch.jit._get_trace_graph(flat(module), args)[0]
        except Exception as error:  # noqa: BLE001 - of a model that is not made for the tracer
            return type(error).__name__


def flat(model: Any) -> Any:
    """A model whose output is a list of the tensors in the model's own."""
    from torch import Tensor, nn

    class Flat(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *args: Any) -> list[Tensor]:
            return [each for each in leaves(self.model(*args)) if isinstance(each, Tensor)]

    return Flat()


def leaves(output: Any) -> Any:
    """What is in an output as the tracer takes it apart, which knows no more than lists and dicts.

    Without its numbers, of which it would make tensors that nothing leads to.
    """
    import torch
    from torch.utils import _pytree as pytree

    output = pytree.tree_map_only((bool, int, float, complex), lambda number: (), output)
    try:
        return torch._C._jit_flatten(output)[0]
    except RuntimeError:
        return pytree.tree_leaves(output)


def written(node: Any) -> Key:
    values = (*node.outputs(), *node.inputs())
    tensors = [value.type() for value in values if value.type().kind() == "TensorType"]
    shapes = tuple(tuple(kind.sizes() or ()) for kind in tensors)
    return named(node.kind().lower().replace("::", ".")), shapes


# ----------------------------------------------------------------------------------- pricing


def shaped(call: Call) -> Key:
    """As ``written`` would have it."""
    outputs = call.output if isinstance(call.output, tuple) else (call.output,)
    values = (*outputs, *call.args, *(value for _, value in call.kwargs))
    shapes = tuple(value.shape for value in values if isinstance(value, Tensor))
    return named(call.packet), shapes


def comparable(key: Key) -> Key:
    """Without scalars, which are numbers in one place and tensors in the other."""
    return key[0], tuple(shape for shape in key[1] if shape)


def graph_in(trace: Trace) -> tuple[tuple[Any, ...], ...] | None:
    """(name, shapes, path of the module) of each node."""
    last = trace.root.children[-1] if trace.root.children else None
    return last.args if last is not None and last.name == GRAPH else None


def kept(trace: Trace, nodes: Iterable[Visit], charged: Callable[[str], bool]) -> list[Visit]:
    """The calls that the graph holds, of the names that are ``charged``; without a graph every call.

    A node that no call accounts for stands among them as a call with the shapes that it has; not an
    einsum, whose shapes do not tell enough.
    """
    calls = [visit for visit in nodes if charged(named(visit.call.packet))]
    graph = graph_in(trace)
    if graph is None:
        return calls
    found: list[Visit] = []
    place = 0
    for name, shapes, path in graph:
        if not charged(name):
            continue
        position = following(calls, place, (name, shapes), path)
        if position is not None:
            found.append(calls[position])
            place = position + 1
        elif name != "aten.einsum":
            found.append(only_in_graph(name, shapes, path))
    return found


ONLY_IN_GRAPH = "that runs under torch.jit only"


def only_in_graph(name: str, shapes: tuple[tuple[int, ...], ...], path: str) -> Visit:
    output, *inputs = (Tensor(shape) for shape in shapes or ((),))
    return Visit(Call("operator", f"{name}.graph", tuple(inputs), (), output), path, ())


def named_by_origin(visit: Visit, charges: Charges) -> Charges:
    """The charges of a call, under names of their own if only the tracer's graph has it."""
    if not visit.call.name.endswith(".graph"):
        return charges
    return [(f"{term} {ONLY_IN_GRAPH}", amount) for term, amount in charges]


def following(calls: list[Visit], place: int, node: Key, path: str) -> int | None:
    """Where the next call with a node's name and shapes stands, in the node's module if one does.

    None for a product of sizes.
    """
    wanted = comparable(node)
    if wanted == ("aten.mul", ()):
        return None
    later = (n for n in range(place, len(calls)) if comparable(shaped(calls[n].call)) == wanted)
    first = next(later, None)
    if first is None or calls[first].path == path:
        return first
    return next((n for n in later if calls[n].path == path), first)
