"""pytorch_model_summary 0.1.2: parameters of called modules one level below the root.

Rules after pytorch_model_summary/model_summary.py of pytorch-model-summary 0.1.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from flop_harness.conventions.reference import parameter_term
from flop_harness.counters.pricing.layers import held_at
from flop_harness.counters.protocol import Answer, Counter, Quantity, every, positionally
from flop_harness.counters.usage import Usage
from flop_harness.records import Context, Trace
from flop_harness.records.account import Account
from flop_harness.trace.tree import children, is_a, own_parameters, subtree_after
from flop_harness.trace.walk import Visit, module_calls

CONTAINERS = (
    "torch.nn.modules.container.ModuleList",
    "torch.nn.modules.container.Sequential",
)


def shown(trace: Trace) -> set[int]:
    """Modules at depth one, containers looked through; the root if nothing is below it."""
    placed: dict[int, int] = {}

    def go(index: int, depth: int) -> None:
        for child in children(trace, index):
            if is_a(trace.modules[child], *CONTAINERS):
                go(child, depth)
            else:
                placed[child] = depth
                go(child, depth + 1)

    go(0, 1)
    return {index for index, depth in placed.items() if depth == 1} or {0}


def price(trace: Trace) -> Account:
    trainable = trace.context.variant == "trainable"
    calls = {visit.call.module: visit for visit, _ in [*module_calls(trace)][::-1]}
    first = [calls[index] for index in sorted(shown(trace) & calls.keys())]
    return Account.of(charges(trace, first, trainable))


def charges(trace: Trace, calls: list[Visit], trainable: bool) -> Iterator[tuple[str, str, int]]:
    """Each shown module's parameters; one that two of them hold is counted in both."""
    seen: set[int | str] = set()
    for call in calls:
        mine: set[int | str] = set()
        for index in subtree_after(trace, call.call.module):
            module, held = trace.modules[index], parameters_at(trace, call, index, trainable)
            for number in held.keys() - mine:
                mine.add(number)
                again = number in seen
                term = "shared parameters counted again" if again else parameter_term(module)
                yield module.path, term, held[number]
        seen |= mine


def parameters_at(trace: Trace, call: Visit, index: int, trainable: bool) -> Mapping[Any, int]:
    """Number, or path and name of one that is gone -> elements: those of a module as its call ends,
    those of one below it after the pass.
    """
    if index != call.call.module:
        return own_parameters(trace, index, trainable)
    numbers = dict(trace.modules[index].parameters)
    return {
        numbers.get(name, f"{call.path}.{name}"): elements
        for name, (elements, learns) in held_at(trace, call).items()
        if learns or not trainable
    }


def read(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
    """``print(summary(model, torch.zeros((1, 3, 224, 224))))``; the totals stand in its text."""
    from pytorch_model_summary import summary

    text = summary(model, *args)
    label = "Trainable params" if context.variant == "trainable" else "Total params"
    figure = re.search(rf"^{label}: ([\d,]+)$", text, re.MULTILINE)
    if figure is None:
        raise ValueError(f"no line {label!r} in its summary")
    return Answer(params=int(figure[1].replace(",", "")))


COUNTER = Counter(
    id="pytorch-model-summary",
    distribution="pytorch-model-summary",
    description="a table of layers; parameters, total and trainable",
    source="pytorch_model_summary/model_summary.py (0.1.2)",
    quantities={"params": Quantity("Total params / Trainable params", "parameter", price)},
    on_meta=True,
    read=read,
    usage=Usage(
        imports="import re\nfrom pytorch_model_summary import summary",
        call="table = summary(model, *args)",
        figures={
            "params": r're.search(r"Total params: ([\d,]+)", table)[1]',
            "trainable": r're.search(r"Trainable params: ([\d,]+)", table)[1]',
        },
    ),
    inputs=positionally,
    hooks=every,
    contexts=(
        Context(grad=True, mode="eval", variant="total"),
        Context(grad=True, mode="eval", variant="trainable"),
    ),
)
