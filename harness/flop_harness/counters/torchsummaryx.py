"""torchsummaryX 1.3.0: weights of modules without children, times positions for convolutions.

Rules after torchsummaryX/torchsummaryX.py of torchsummaryX 1.3.0. Every call of a module counts its
weights, whatever the batch and, but for convolutions, the positions; where none of its parameters is
trainable, from its second call on. Parameters are the trainable ones, of first calls.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from math import prod
from typing import Any, NamedTuple

from flop_harness.conventions.products import products_inside
from flop_harness.conventions.reference import parameter_term
from flop_harness.counters.pricing.layers import held_at, kind_of
from flop_harness.counters.pricing.matched import corrected
from flop_harness.counters.pricing.recurrent import Charges
from flop_harness.counters.protocol import Answer, Counter, Quantity, every
from flop_harness.counters.usage import Usage
from flop_harness.records import Context, Module, Tensor, Trace
from flop_harness.records.account import Account
from flop_harness.trace.tree import applied, subtree_after
from flop_harness.trace.walk import Visit, module_calls


def rows(trace: Trace) -> Iterator[tuple[Visit, Module, bool]]:
    """Calls of modules without children, once for each way down to them, and whether it is the first."""
    ways, seen = applied(trace), set[int]()
    for visit, module in module_calls(trace):
        index = visit.call.module
        if not module.children:
            for _ in range(ways[index]):
                yield visit, module, index not in seen
                seen.add(index)


class Held(NamedTuple):
    """A parameter that a hook finds: ``number`` is its number, or path and name of one that is gone."""

    name: str
    number: int | str
    elements: int
    learns: bool


def held(trace: Trace, visit: Visit) -> dict[int | str, Held]:
    """What a module holds where a call ends, and what it has made and put below it."""
    index = visit.call.module
    numbers = dict(trace.modules[index].parameters)
    own = [Held(name, numbers.get(name, f"{visit.path}.{name}"), *facts)
           for name, facts in held_at(trace, visit).items()]  # fmt: skip
    below = [Held(f"below.{name}", number, each.numel, each.trainable)
             for child in subtree_after(trace, index) if child != index
             for name, number in trace.modules[child].parameters
             for each in [trace.parameters[number]]]  # fmt: skip
    return {each.number: each for each in reversed([*own, *below])}


def trainable(trace: Trace, visit: Visit) -> dict[int | str, int]:
    """Elements of the parameters that are trainable, by number, where a call ends."""
    return {n: each.elements for n, each in held(trace, visit).items() if each.learns}


def weighed(trace: Trace, visit: Visit, module: Module) -> Charges:
    """All that is called a weight; ``weight`` of a class called a convolution at each position."""
    output = visit.call.output
    y = output[0] if isinstance(output, tuple) else output
    positions = prod(y.shape[2:]) if "Conv" in module.type_name and isinstance(y, Tensor) else 1
    amount = sum(
        each.elements * (positions if each.name == "weight" else 1)
        for each in held(trace, visit).values()
        if "weight" in each.name
    )
    products = products_inside(visit)
    term = next(iter(products), "")
    if not term:
        return [(f"weights of {kind_of(module)}", amount)]
    return corrected(products, term, amount, f"{term} by its weights")


def price_compute(trace: Trace) -> Account:
    return Account.of(
        (visit.path, *charge)
        for visit, module, first in rows(trace)
        if trainable(trace, visit) or not first
        for charge in weighed(trace, visit, module)
    )


def price_params(trace: Trace) -> Account:
    return Account.of(parameter_charges(trace))


def parameter_charges(trace: Trace) -> Iterator[tuple[str, str, int]]:
    seen: set[int | str] = set()
    for visit, module, first in rows(trace):
        for number, elements in trainable(trace, visit).items() if first else ():
            again = number in seen
            seen.add(number)
            term = "shared parameters counted again" if again else parameter_term(module)
            yield module.path, term, elements


def read(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
    """``df = summary(model, x)``, the sums of its columns.

    It was made for pandas 1, whose sum of a table leaves out what cannot be added: so it is here.
    """
    from unittest.mock import patch

    import pandas
    from torchsummaryX import summary

    def sums(table: Any) -> dict[str, Any]:
        return {name: table[name].sum() for name in ("Params", "params_nt", "Mult-Adds")}

    with redirect_stdout(StringIO()), patch.object(pandas.DataFrame, "sum", sums):
        table = summary(model, *args, **kwargs)
    return Answer(int(table["Mult-Adds"].sum()), int(table["Params"].sum()))


COUNTER = Counter(
    id="torchsummaryx",
    distribution="torchsummaryX",
    description="a table of modules without children; weights, times positions for convolutions",
    source="torchsummaryX/torchsummaryX.py (1.3.0)",
    quantities={
        "compute": Quantity("Mult-Adds", "MAC", price_compute),
        "params": Quantity("Params", "parameter", price_params),
    },
    read=read,
    usage=Usage(
        imports="from torchsummaryX import summary\nimport pandas",
        call='sums = ("Params", "params_nt", "Mult-Adds")  # what pandas 1 sums of its table\n'
        "pandas.DataFrame.sum = lambda table: {name: table[name].sum() for name in sums}\n"
        "table = summary(model, *args)",
        named='sums = ("Params", "params_nt", "Mult-Adds")  # what pandas 1 sums of its table\n'
        "pandas.DataFrame.sum = lambda table: {name: table[name].sum() for name in sums}\n"
        "table = summary(model, *args, **kwargs)",
        figures={
            "compute": 'int(table["Mult-Adds"].sum())',
            "params": 'int(table["Params"].sum())',
        },
        parametric=True,
    ),
    contexts=(Context(grad=False),),
    hooks=every,
    overlay=("torchsummaryX==1.3.0", "pandas==3.1.1", "python-dateutil==4.0.0"),
    optional=True,
)
