"""torchsummary 1.5.1: ``weight`` and ``bias`` of every called module, once for each of its calls.

Rules after torchsummary/torchsummary.py of torchsummary 1.5.1. It makes its inputs itself, two of each
as floating-point numbers. Parameters of other names (recurrent layers, attention, embeddings of
position) are not seen; a container that is called is left out, and so is the root.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

from flop_harness.conventions.reference import parameter_term
from flop_harness.counters.pricing.copies import original
from flop_harness.counters.pricing.layers import held_at
from flop_harness.counters.protocol import (
    Answer,
    Counter,
    Inputs,
    Quantity,
    Unavailable,
    every,
    positionally,
)
from flop_harness.counters.usage import Usage
from flop_harness.records import Context, Module, Tensor, Trace
from flop_harness.records.account import Account
from flop_harness.trace.tree import applied, is_a
from flop_harness.trace.walk import Visit, module_calls

CONTAINERS = (
    "torch.nn.modules.container.ModuleList",
    "torch.nn.modules.container.Sequential",
)


AGAIN = "shared parameters counted again"


def pairs_of_floats(model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Inputs:
    """Two of each input, drawn anew; ``Unavailable`` for what is no batch of floats."""
    import torch

    args, _ = positionally(model, args, kwargs)
    for each in args:
        if not isinstance(each, torch.Tensor) or each.dtype != torch.float32 or not each.dim():
            raise Unavailable("it makes its own inputs: batches of float32 and nothing else")
    return tuple(torch.rand(2, *each.shape[1:]) for each in args), {}


def price(trace: Trace) -> Account:
    return Account.of(charges(trace))


def charges(trace: Trace) -> Iterator[tuple[str, str, int]]:
    """Each call once for each hook: a module that two modules hold has two."""
    hooks, seen = applied(trace), set[int | str]()
    for visit, module in module_calls(trace):
        index = original(trace, visit.call.module)
        if index and not is_a(module, *CONTAINERS):
            for _ in range(hooks[index]):
                yield from row(trace, visit, module, seen)


def row(
    trace: Trace, visit: Visit, module: Module, seen: set[int | str]
) -> Iterator[tuple[str, str, int]]:
    numbers, held, others = dict(module.parameters), held_at(trace, visit), module.config
    for name in ("weight", "bias"):
        if name in held:
            number, term = numbers.get(name, f"{module.path}.{name}"), parameter_term(module)
            yield module.path, AGAIN if number in seen else term, held[name][0]
            seen.add(number)
        elif isinstance(others.get(name), Tensor):
            yield module.path, f"{name} that is no parameter", others[name].numel


def reader(**given: str) -> Callable[[Any, tuple, dict, Context], Answer]:
    """``summary(model, (3, 224, 224))`` with these arguments; the total stands in what it prints."""

    def read(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
        from torchsummary import summary

        sizes = [tuple(each.shape[1:]) for each in args]
        with redirect_stdout(StringIO()) as printed:
            summary(model, sizes[0] if len(sizes) == 1 else sizes, **given)
        figure = re.search(r"^Total params: ([\d,]+)$", printed.getvalue(), re.MULTILINE)
        if figure is None:
            raise ValueError("no line 'Total params' in its table")
        return Answer(params=int(figure[1].replace(",", "")))

    return read


COUNTER = Counter(
    id="torchsummary",
    distribution="torchsummary",
    description="a table of called modules; weight and bias of each call",
    source="torchsummary/torchsummary.py (1.5.1)",
    quantities={"params": Quantity("Total params", "parameter", price)},
    read=reader(device="cpu"),
    usage=Usage(
        imports="from torchsummary import summary\nimport re\nfrom contextlib import redirect_stdout\n"
        "from io import StringIO",
        call="with redirect_stdout(StringIO()) as table:\n"
        '    summary(model, [tuple(x.shape[1:]) for x in args], device="cpu")',
        figures={
            "params": r're.search(r"Total params: ([\d,]+)", table.getvalue())[1]',
        },
        tensors=True,
        parametric=True,
    ),
    contexts=(Context(grad=True),),
    inputs=pairs_of_floats,
    hooks=every,
    overlay=("torchsummary==1.5.1",),
    optional=True,
)
