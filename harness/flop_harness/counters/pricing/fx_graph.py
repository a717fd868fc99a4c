"""What torch.fx writes down of a model: calls of leaf modules, functions and methods, in their order.

The graph holds the arithmetic of sizes too, and nothing of what runs inside leaf modules. Neither can
be told from the calls of a trace: nodes are written down while the tool runs them, or the graph is
made once more and run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from flop_harness.counters.protocol import UNOBSERVED, Unavailable
from flop_harness.records import Call, Trace

GRAPH = "torch.fx.graph"


class Node(NamedTuple):
    """A node that was run. ``op`` is ``call_module``, ``call_function`` or ``call_method``; ``name``
    that of the module's class, the function or the method; ``path`` the module's own, else that of
    the module around.
    """

    op: str
    name: str
    path: str
    args: tuple[Any, ...]
    kwargs: tuple[tuple[str, Any], ...]
    output: Any

    def argument(self, position: int, name: str, default: Any = None) -> Any:
        """The argument at ``position`` or, failing that, of that ``name``."""
        call = Call("function", self.name, self.args, self.kwargs, self.output)
        return call.argument(position, name, default)


def observed(model: Any, args: tuple[Any, ...]) -> tuple[Call, ...]:
    """The nodes of the graph, as the arguments of one call; none of a model that has no graph."""
    import torch

    try:
        graph = torch.fx.symbolic_trace(model)
        return (Call("function", GRAPH, tuple(run(graph, args)), (), None),)
    except Exception:  # noqa: BLE001 - of a model that is not made for the tracer: no figure either
        return ()


def run(graph: Any, args: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """What each node was called with and gave, in the order of the graph."""
    import torch

    interpreter = torch.fx.Interpreter(graph)
    written: list[tuple[Any, ...]] = []
    interpreter.run_node = partial(write_down, interpreter, interpreter.run_node, written)  # type: ignore[method-assign]
    interpreter.run(*args)
    return written


@contextmanager
def captured() -> Iterator[list[Call]]:
    """Within, a tool runs its model by an interpreter of torch.fx: afterwards, what ``observed`` tells."""
    from unittest.mock import patch

    import torch

    calls: list[Call] = []
    written: list[tuple[Any, ...]] = []
    run = torch.fx.Interpreter.run

    def run_written_down(interpreter: Any, *args: Any, **options: Any) -> Any:
        interpreter.run_node = partial(write_down, interpreter, interpreter.run_node, written)
        return run(interpreter, *args, **options)

    with patch.object(torch.fx.Interpreter, "run", run_written_down):
        yield calls
    calls.append(Call("function", GRAPH, tuple(written), (), None))


def write_down(
    interpreter: Any, run_node: Callable[[Any], Any], written: list[tuple[Any, ...]], node: Any
) -> Any:
    """Run a node, and add what it was called with and gave."""
    from flop_harness.trace.encoding import encode

    output = run_node(node)
    if node.op.startswith("call_"):
        inputs, named = interpreter.fetch_args_kwargs_from_env(node)
        given = encode(inputs), tuple((key, encode(each)) for key, each in named.items())
        written.append((node.op, *named_in(interpreter.module, node), *given, encode(output)))
    return output


def named_in(graph: Any, node: Any) -> tuple[str, str]:
    """The name of what a node calls, and the path of its module."""
    if node.op == "call_module":
        return type(graph.get_submodule(node.target)).__name__, node.target
    around = next(reversed(node.meta.get("nn_module_stack", {"": ()}).items()))
    path = around[1][0] if around[1] else ""
    return getattr(node.target, "__name__", str(node.target)), path


def nodes(trace: Trace) -> Iterator[Node]:
    """The nodes that were observed. Unavailable of a pass beside which none were."""
    last = trace.root.children[-1] if trace.root.children else None
    if last is None or last.name != GRAPH:
        raise Unavailable(UNOBSERVED)
    yield from (Node(*each) for each in last.args)
