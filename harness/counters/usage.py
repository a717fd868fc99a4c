"""How a tool is asked in a few lines of plain Python, as its own documentation shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import indent

from harness.code.text import joined
from harness.records import Context, Metric


@dataclass(frozen=True)
class Usage:
    """Lines that follow on ``model`` and ``args``, a tuple of its positional inputs.

    ``call`` asks the tool; ``named`` does where some inputs stand in a dictionary ``kwargs``, and is
    empty for a tool that passes no names on. Then the figures stand in the expressions ``figures``, by
    metric, or by the variant of a context that asks for another figure. A ``single`` tool passes one
    positional input on, a ``parametric`` one needs a model that has parameters; ``tensors`` says that
    it passes nothing else on, ``silent`` that it gives no figure where it charges nothing.
    """

    imports: str
    call: str
    figures: Mapping[str, str]
    named: str = ""
    single: bool = False
    tensors: bool = False
    parametric: bool = False
    silent: bool = False

    def text(
        self, context: Context, metric: Metric, named: bool = False, grad_matters: bool = False
    ) -> str:
        """The imports, the call as ``context`` wants it, and a print of the figure.

        Where ``grad_matters`` the tool leaves the grad mode as it finds it.
        """
        imports, lines, around = [self.imports], [], []
        if grad_matters and not context.grad:
            imports.append("import torch")
            around.append("torch.no_grad()")
        if context.variant == "math":
            imports += ["import torch", "from torch.nn.attention import SDPBackend, sdpa_kernel"]
            lines.append("torch.backends.mha.set_fastpath_enabled(False)")
            around.append("sdpa_kernel(SDPBackend.MATH)")
        call = self.named if named else self.call
        figure = self.figures.get(context.variant) or self.figures[metric]
        asked = f"with {', '.join(around)}:\n{indent(call, '    ')}" if around else call
        return joined(
            "\n".join(imports), "\n".join(filter(None, [*lines, asked, f"print({figure})"]))
        )
