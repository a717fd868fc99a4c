"""How a counter is asked, as code that follows on a model and its inputs."""

from __future__ import annotations

from textwrap import indent
from typing import Any

from flop_harness.code.literals import CannotWrite
from flop_harness.code.text import joined
from flop_harness.counters import Counter
from flop_harness.counters.usage import Usage
from flop_harness.records import Call, Context, Dict, Metric, Opaque, Tensor


def usage_code(
    counter: Counter,
    context: Context | None = None,
    metric: Metric | None = None,
    call: Call | None = None,
) -> str:
    """Lines that ask the tool about ``model`` and ``args``, and print one of its figures.

    In its first context and of its first figure unless told otherwise; of a model that is called
    like ``call``, whose named inputs stand in ``kwargs``. Empty for a counter without a ``usage``.
    CannotWrite for a training step of a model whose loss no short expression makes.
    """
    if counter.usage is None:
        return ""
    asked = context or counter.contexts[0]
    both = any(each.grad for each in (*counter.contexts, *counter.further))
    figure = metric if metric is not None else next(iter(counter.quantities))
    return _text(counter.usage, asked, figure, call, grad_matters=both)


def _text(
    usage: Usage, context: Context, metric: Metric, call: Call | None, grad_matters: bool
) -> str:
    """The imports, the call as ``context`` wants it, and a print of the figure.

    Where ``grad_matters`` the tool leaves the grad mode as it finds it.
    """
    imports, lines, around = [usage.imports], [], []
    if grad_matters and not context.grad:
        imports.append("import torch")
        around.append("torch.no_grad()")
    if "math" in context.words:
        imports += ["import torch", "from torch.nn.attention import SDPBackend, sdpa_kernel"]
        lines.append("torch.backends.mha.set_fastpath_enabled(False)")
        around.append("sdpa_kernel(SDPBackend.MATH)")
    asks = training_step(usage, call) if context.training else usage.asking(call)
    if "torch." in asks:
        imports.append("import torch")
    if around:
        asks = f"with {', '.join(around)}:\n{indent(asks, '    ')}"
    figure = usage.figures.get(context.variant) or usage.figures[metric]
    body = "\n".join(filter(None, [*lines, asks, f"print({figure})"]))
    return joined("\n".join(imports), body)


def training_step(usage: Usage, call: Call | None) -> str:
    """The lines that ask about a training step of a model that is called so."""
    if call is None:
        raise CannotWrite("a training step of a model whose call is not known")
    starred = {"*args": call.args, "**kwargs": call.kwargs}
    called = ", ".join(word for word, given in starred.items() if given)
    loss = loss_of(call.output) if "{loss}" in usage.step else ""
    return usage.step.format(called=called, kwargs="kwargs" if call.kwargs else "{}", loss=loss)


SINGLE = (Tensor, Opaque, type(None))
"""Outputs in which there are no further ones to go back from"""


def loss_of(output: Any) -> str:
    """What a training step goes back from: the model's own loss, else the sum of its outputs."""
    match output:
        case Tensor():
            return "output.sum()"
        case Dict() if "loss" in output.keys:
            return 'output["loss"]'
        case Dict(values=parts) if all(isinstance(each, SINGLE) for each in parts):
            return "sum(each.sum() for each in output.values() if torch.is_tensor(each))"
        case tuple(parts) if all(isinstance(each, SINGLE) for each in parts):
            return "sum(each.sum() for each in output if torch.is_tensor(each))"
    raise CannotWrite("a training step that goes back from more than plain tensors")
