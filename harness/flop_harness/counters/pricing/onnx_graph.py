"""What torch.onnx.export makes of a model: nodes with the shapes that go in and come out.

Attention comes apart there, a batch normalisation goes into the convolution before it, and what is
known beforehand is computed: no trace tells that. Nodes are written down while a tool has the model
exported, or it is exported once more.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeAlias

from flop_harness.counters.protocol import UNOBSERVED, Unavailable
from flop_harness.records import Call, Trace

GRAPH = "torch.onnx.graph"

Shape: TypeAlias = tuple[int, ...]


class Node(NamedTuple):
    """A node of the graph: its operator in ONNX, and the operator of torch that it is made of.

    ``classes`` and ``path`` are those of the modules around it. An input that is left out has no
    shape. ``attributes`` are numbers, strings and tuples of them.
    """

    kind: str
    made_of: str
    classes: tuple[str, ...]
    path: str
    inputs: tuple[Shape | None, ...]
    outputs: tuple[Shape | None, ...]
    attributes: tuple[tuple[str, Any], ...]

    def attribute(self, name: str, default: Any = None) -> Any:
        return next((value for key, value in self.attributes if key == name), default)


def observed(model: Any, args: tuple[Any, ...]) -> tuple[Call, ...]:
    """The nodes, as the arguments of one call; none of a model that cannot be exported."""
    import torch

    try:
        return (call_of(torch.onnx.export(model, args)),)
    except ImportError:  # the exporter itself is not whole
        raise
    except Exception:  # noqa: BLE001 - of a model that is not made for the exporter: no figure either
        return ()


@contextmanager
def captured() -> Iterator[list[Call]]:
    """Within, a tool has its model exported: afterwards, what ``observed`` tells."""
    from unittest.mock import patch

    import torch

    calls: list[Call] = []
    programs: list[Any] = []
    export = torch.onnx.export

    def kept_too(*args: Any, **options: Any) -> Any:
        program = export(*args, **options)
        programs.append(program)
        return program

    with patch.object(torch.onnx, "export", kept_too):
        yield calls
    calls.extend(map(call_of, programs[:1]))


def call_of(program: Any) -> Call:
    """One call that holds the nodes of an exported program."""
    ones: set[str] = set()
    return Call(
        "function", GRAPH, tuple(written(node, ones) for node in program.model.graph), (), None
    )


def written(node: Any, ones: set[str]) -> tuple[Any, ...]:
    """The fields of a ``Node``; ``ones`` are the scalars that were squeezed out of a tensor so far.

    Who infers shapes node by node, as tools do, takes these for a dimension of one.
    """
    if node.op_type == "Squeeze" or any(
        each is not None and each.name in ones for each in node.inputs
    ):
        ones.update(each.name for each in node.outputs if shape_of(each) == ())
    classes, scopes = around(node, "class_hierarchy"), around(node, "name_scopes")
    made_of = classes[-1].removesuffix(".default") if classes else ""
    path = scopes[-2] if len(scopes) > 1 else ""
    if "batch_norm" in made_of:  # gone into the layer before it, which holds the weights
        path = holder(node) or path
    shapes = (
        tuple(shape_of(each, ones) for each in values) for values in (node.inputs, node.outputs)
    )
    attributes = tuple((name, plain(each.value)) for name, each in node.attributes.items())
    return (node.op_type, made_of, classes[:-1], path, *shapes, attributes)


def holder(node: Any) -> str:
    """The path of the module that holds a node's weights."""
    held = (each.name for each in node.inputs if each is not None and each.is_initializer())
    return next((path for path, dot, _ in (name.rpartition(".") for name in held) if dot), "")


def around(node: Any, what: str) -> tuple[str, ...]:
    """What the exporter notes of a node: names from the root inwards, its own last."""
    return tuple(ast.literal_eval(node.metadata_props.get(f"pkg.torch.onnx.{what}", "()")))


def shape_of(value: Any, ones: Collection[str] = ()) -> Shape | None:
    if value is None or value.shape is None:
        return None
    if value.name in ones:
        return (1,)
    return tuple(size if isinstance(size, int) else 0 for size in value.shape)


def plain(value: Any) -> Any:
    """An attribute as a number, a string or a tuple of these; None for tensors and graphs."""
    if isinstance(value, (int, float, str)):
        return value
    if isinstance(value, (list, tuple)) and all(
        isinstance(each, (int, float, str)) for each in value
    ):
        return tuple(value)
    return None


def nodes(trace: Trace) -> Iterator[Node]:
    """The nodes that were observed. Unavailable of a pass beside which none were."""
    last = trace.root.children[-1] if trace.root.children else None
    if last is None or last.name != GRAPH:
        raise Unavailable(UNOBSERVED)
    yield from (Node(*each) for each in last.args)
