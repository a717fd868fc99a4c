"""ultralytics-thop 2.2.3: products written as functions, charged where they are called.

Rules after ``functional_hooks`` in thop/profile.py of ultralytics-thop 2.2.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod

from flop_harness.counters.pricing.copies import original
from flop_harness.counters.pricing.matched import matched
from flop_harness.counters.pricing.recurrent import Charges
from flop_harness.records import Call, Module, Tensor, Trace
from flop_harness.trace.tree import is_a, subtree
from flop_harness.trace.walk import Visit, visits, within


def matrix_product(call: Call) -> int:
    return call.output.numel * call.argument(0, "input").shape[-1]


def scaled_dot_product(call: Call) -> int:
    q, k, v = (call.argument(i, name) for i, name in enumerate(("query", "key", "value")))
    return call.output.numel // v.shape[-1] * k.shape[-2] * (q.shape[-1] + v.shape[-1])


def einsum(call: Call) -> int:
    """Two operands: the product of the sizes of all labels that are not summed beforehand."""
    equation, *operands = call.args
    if len(operands) == 1 and not isinstance(operands[0], Tensor):
        (operands,) = operands
    if len(operands) != 2:
        return 0
    inputs, arrow, out = equation.replace(" ", "").partition("->")
    out = out if arrow else "..." + "".join(c for c in inputs if inputs.count(c) == 1)
    first, second = map(label_sizes, inputs.split(","), operands)
    kept = {label for label in first.keys() | second.keys() if label in first and label in second}
    for label in first.keys() ^ second.keys():
        if (label in out) if isinstance(label, str) else ("..." in out):
            kept.add(label)
    return prod(first.get(label, second.get(label, 1)) for label in kept)


def label_sizes(subscripts: str, operand: Tensor) -> dict[str | int, int]:
    """Sizes other than 1 by label; those of an ellipsis by their place from the right."""
    head, _, tail = subscripts.partition("...")
    dots = range(len(operand.shape) - len(head) - len(tail), 0, -1)
    pairs = zip([*head, *dots, *tail], operand.shape, strict=False)
    return {label: size for label, size in pairs if size != 1}


FUNCTIONS: dict[str, Callable[[Call], int]] = {
    "torch.matmul": matrix_product,
    "torch.Tensor.matmul": matrix_product,
    "torch.Tensor.__matmul__": matrix_product,
    "torch.bmm": matrix_product,
    "torch.Tensor.bmm": matrix_product,
    "torch.nn.functional.linear": matrix_product,
    "torch.einsum": einsum,
    "torch.nn.functional.scaled_dot_product_attention": scaled_dot_product,
}
OPERATORS: dict[str, Callable[[Call], int]] = {
    "aten.matmul": matrix_product,
    "aten.bmm": matrix_product,
    "aten.linear": matrix_product,
    "aten.einsum": einsum,
    "aten.scaled_dot_product_attention": scaled_dot_product,
}
"""The same where a function was taken by name before, and only its operator is seen."""
MULTI_HEAD = "torch.nn.functional.multi_head_attention_forward"
SCRIPTED = "torch.jit._script.ScriptModule"
# The mode is off inside a function of torch, but these are none to it.
OPEN = ("einops.einsum", "torch.autograd.Function.apply")


def outside(trace: Trace, charging: Callable[[Module], bool]) -> Iterator[Visit]:
    """Calls that the tool's function mode sees, outside of every module with a rule of its own.

    What is scripted runs without Python, and so without the mode; what the forward pass makes has
    no hooks.
    """
    held = set(subtree(trace, 0))

    def closed(index: int) -> bool:
        module = trace.modules[index]
        return (original(trace, index) in held and charging(module)) or is_a(module, SCRIPTED)

    def hidden(visit: Visit) -> bool:
        if visit.call.level == "module":
            return closed(visit.call.module)
        return visit.call.level == "operator" or visit.call.name not in OPEN

    if closed(0) or closed(trace.root.module):  # a model may be called past its own __call__
        return
    for visit in visits(trace, hidden):
        if visit.call.name == MULTI_HEAD or rule_of(visit.call) is not None:
            yield visit


def rule_of(call: Call) -> Callable[[Call], int] | None:
    return FUNCTIONS.get(call.name) or OPERATORS.get(call.packet)


def product(visit: Visit) -> Charges:
    call = visit.call
    if call.name == "torch.einsum" and isinstance(call.args[0], Tensor):  # labels as lists
        return [charge for inner in within(visit) if inner.call.packet == "aten.einsum"
                for charge in product(inner)]  # fmt: skip
    rule = rule_of(call)
    assert rule is not None
    return matched(visit, rule(call))
