"""How a counter is asked, as code that follows on a model and its inputs."""

from __future__ import annotations

from textwrap import indent

from flop_harness.code.text import joined
from flop_harness.counters import Counter
from flop_harness.counters.usage import Usage
from flop_harness.records import Call, Context, Metric


def usage_code(
    counter: Counter,
    context: Context | None = None,
    metric: Metric | None = None,
    call: Call | None = None,
) -> str:
    """Lines that ask the tool about ``model`` and ``args``, and print one of its figures.

    In its first context and of its first figure unless told otherwise; of a model that is called
    like ``call``, whose named inputs stand in ``kwargs``. Empty for a counter without a ``usage``.
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
    if context.variant == "math":
        imports += ["import torch", "from torch.nn.attention import SDPBackend, sdpa_kernel"]
        lines.append("torch.backends.mha.set_fastpath_enabled(False)")
        around.append("sdpa_kernel(SDPBackend.MATH)")
    asks = usage.asking(call)
    if around:
        asks = f"with {', '.join(around)}:\n{indent(asks, '    ')}"
    figure = usage.figures.get(context.variant) or usage.figures[metric]
    body = "\n".join(filter(None, [*lines, asks, f"print({figure})"]))
    return joined("\n".join(imports), body)
