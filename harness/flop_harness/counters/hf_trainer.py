"""transformers' ``Trainer.floating_point_ops``: 6 for each parameter and element of the main input.

Rules after Trainer.floating_point_ops in transformers/trainer.py and num_parameters in
transformers/modeling_utils.py of transformers 5.24. It is what a trainer logs as ``total_flos``: a
forward and a backward pass, attention left out. Parameters of embeddings do not count, by their
names; a tied head has its embedding's where that comes first. All experts count, and an image's
values as tokens do. A model that cannot tell its parameters, or is not given its main input, is 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from tempfile import TemporaryDirectory
from typing import Any

from flop_harness.conventions.products import products
from flop_harness.conventions.reference import parameter_term
from flop_harness.counters.pricing.flops_profiler import BACKWARD
from flop_harness.counters.pricing.recurrent import Charges
from flop_harness.counters.protocol import Answer, Counter, Quantity, Unavailable, named
from flop_harness.counters.usage import Usage
from flop_harness.records import Call, Context, Module, Trace
from flop_harness.records.account import Account
from flop_harness.trace.tree import is_a, subtree

MAIN_INPUT = "transformers.main_input"
EMBEDDING = "torch.nn.modules.sparse.Embedding"


def main_input(model: Any, args: tuple[Any, ...], **kwargs: Any) -> tuple[Call, ...]:
    """A note with the name of the input whose elements are tokens; empty for a model without parameters to tell."""
    tells = hasattr(model, "num_parameters")
    name = getattr(model, "main_input_name", "input_ids") if tells else ""
    return (Call("function", MAIN_INPUT, (name,), (), None),)


def tokens(trace: Trace) -> int:
    """Elements of the main input. Unavailable where nobody has asked the model which it is."""
    note = next((call for call in trace.root.children if call.name == MAIN_INPUT), None)
    if note is None:
        raise Unavailable("what it says follows from the model's main input: compare asks it")
    given = dict(trace.root.kwargs).get(note.args[0])
    return getattr(given, "numel", 0)


def counted(trace: Trace) -> Iterator[tuple[Module, int]]:
    """(module, elements of its parameters that count): each where it stands first, and by that name."""
    seen: set[int] = set()
    for module in (trace.modules[index] for index in subtree(trace, 0)):
        left_out = {"weight"} if is_a(module, EMBEDDING) else set()
        elements = 0
        for name, number in module.parameters:
            if number not in seen and name not in left_out:
                elements += trace.parameters[number].numel
            seen.add(number)
        if elements:
            yield module, elements


def price_compute(trace: Trace) -> Account:
    each = tokens(trace)
    if not each:
        return Account.of(())
    macs: dict[str, dict[str, int]] = {}
    for visit, product, term in products(trace):
        if visit.phase == "forward":
            here = macs.setdefault(visit.path, {})
            here[term] = here.get(term, 0) + product.macs
    return Account.of(
        (module.path, *charge)
        for module, elements in counted(trace)
        for charge in charges(module, elements * each, macs.get(module.path, {}))
    )


def charges(module: Module, amount: int, macs: dict[str, int]) -> Charges:
    """6 for each parameter and token, beside the product that a module with parameters does first."""
    if not macs:
        return [(f"6 FLOPs for each of {parameter_term(module)} and token", 6 * amount)]
    term, done = next(iter(macs.items()))
    return [
        (term, done),
        ("2 FLOPs per MAC", done),
        (BACKWARD, 4 * done),
        (f"{term} by its parameters and tokens", 6 * (amount - done)),
    ]


def read(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
    """``Trainer(model).floating_point_ops(inputs)``."""
    from transformers import Trainer, TrainingArguments

    with TemporaryDirectory() as folder:
        options = TrainingArguments(folder, report_to="none", use_cpu=True)
        return Answer(compute=Trainer(model, options).floating_point_ops(kwargs))


TRAINER = 'trainer = Trainer(model, TrainingArguments(mkdtemp(), report_to="none", use_cpu=True))'
NAMED = "dict(zip(signature(model.forward).parameters, args))"

COUNTER = Counter(
    id="hf-trainer",
    distribution="transformers",
    description="transformers' Trainer.floating_point_ops: 6 per parameter and token",
    source="transformers/trainer.py, transformers/modeling_utils.py (5.24)",
    quantities={"compute": Quantity("floating_point_ops", "FLOP", price_compute)},
    read=read,
    usage=Usage(
        imports="from inspect import signature\nfrom tempfile import mkdtemp\n\n"
        "from transformers import Trainer, TrainingArguments",
        call=f"{TRAINER}\nflops = trainer.floating_point_ops({NAMED})",
        named=f"{TRAINER}\nflops = trainer.floating_point_ops({NAMED} | kwargs)",
        all_named=f"{TRAINER}\nflops = trainer.floating_point_ops(kwargs)",
        figures={"compute": "flops"},
    ),
    contexts=(Context(grad=True),),
    training=(Context(grad=True, variant="training"),),
    inputs=named,
    observe=main_input,
    optional=True,
)
