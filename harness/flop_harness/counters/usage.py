"""How a tool is asked in a few lines of plain Python, as its own documentation shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flop_harness.records import Call


@dataclass(frozen=True)
class Usage:
    """Lines that follow on ``model`` and ``args``, a tuple of its positional inputs.

    ``call`` asks the tool; where some inputs stand in a dictionary ``kwargs``, ``named`` does, and
    ``all_named`` where all of them do: empty for a tool that does not pass them on. Then the figures
    stand in the expressions ``figures``, by metric, or by the variant of a context that asks for
    another one. A ``single`` tool passes one positional input on, a ``parametric`` one needs a model
    that has parameters; ``tensors`` says that it passes nothing else on, ``silent`` that it gives no
    figure where it charges nothing. ``step`` asks about a training step: ``{called}`` stands in it for
    the model's arguments, ``{kwargs}`` for the named ones, ``{loss}`` for what ``output`` goes back from.
    """

    imports: str
    call: str
    figures: Mapping[str, str]
    named: str = ""
    all_named: str = ""
    step: str = ""
    single: bool = False
    tensors: bool = False
    parametric: bool = False
    silent: bool = False

    def takes(self, call: Call) -> bool:
        """Whether the tool passes on what a model is called with; one that asks no model does."""
        alone = not self.single or bool(call.kwargs) or len(call.args) == 1
        return not self.call or (alone and bool(self.asking(call)))

    def asking(self, call: Call | None) -> str:
        """The lines for a model that is called so, else with positional inputs."""
        if call is None or not call.kwargs:
            return self.call
        return self.named if call.args else self.all_named or self.named
