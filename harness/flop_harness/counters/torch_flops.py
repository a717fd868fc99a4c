"""torch's FlopCounterMode: operators as the dispatcher sees them, 2 FLOPs per MAC.

Rules after torch/utils/flop_counter.py of torch 2.14.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from flop_harness.conventions.products import products, work_at
from flop_harness.counters.protocol import Answer, Counter, Quantity, Unavailable
from flop_harness.counters.usage import Usage
from flop_harness.formulas.backward_products import convolution_macs
from flop_harness.records import Context, Trace
from flop_harness.records.account import Account
from flop_harness.trace.tree import children
from flop_harness.trace.walk import Visit, inner, module_calls, operators

# Operators with a formula there; fused attention on CPU and recurrent kernels have none.
REGISTERED = frozenset(
    f"aten.{name}"
    for name in [
        "mm",
        "addmm",
        "bmm",
        "baddbmm",
        "_scaled_mm",
        "convolution",
        "_convolution",
        "cudnn_convolution",
        "convolution_overrideable",
        "_slow_conv2d_forward",
        "_scaled_dot_product_efficient_attention",
        "_scaled_dot_product_flash_attention",
        "_scaled_dot_product_cudnn_attention",
        "_flash_attention_forward",
        "_efficient_attention_forward",
        "convolution_backward",
        "_scaled_dot_product_efficient_attention_backward",
        "_scaled_dot_product_flash_attention_backward",
        "_scaled_dot_product_cudnn_attention_backward",
        "_flash_attention_backward",
        "_efficient_attention_backward",
    ]
)
DENSE_GRADIENT = "grouped weight gradient taken for a dense one"


def seen(trace: Trace) -> Iterator[tuple[Visit, str, int]]:
    for visit, product, term in products(trace):
        if visit.call.packet in REGISTERED:
            yield visit, term, product.macs


def seen_too_large(trace: Trace) -> Iterator[tuple[str, str, int]]:
    """Of a grouped convolution's weight gradient: Cin x Cout where each group has Cin / g x Cout / g."""
    for visit in operators(trace):
        if visit.call.packet == "aten.convolution_backward":
            groups, (_, wanted, _) = visit.call.args[9:11]
            macs = convolution_macs(visit.call)
            yield visit.path, DENSE_GRADIENT, (groups - 1) * macs if wanted else 0


def price_compute(trace: Trace) -> Account:
    charges = [(visit.path, term, macs) for visit, term, macs in seen(trace)]
    charges += seen_too_large(trace)
    doubling = [(path, "2 FLOPs per MAC", macs) for path, _, macs in charges]
    return Account.of(charges + doubling)


def by_module(trace: Trace) -> dict[str, int]:
    """FLOPs of every module under way, by the name that torch's ModuleTracker gives it.

    A module is no longer under way once a call of the same name inside its own has ended.
    """
    names = tracked_names(trace)
    sums: dict[str, int] = defaultdict(int)
    under_way = {"Global"}
    pending: list[Visit | str] = [Visit(trace.root, trace.root.name, ())]
    while pending:
        visit = pending.pop()
        if isinstance(visit, str):
            under_way.discard(visit)
            continue
        if visit.call.level == "module":
            under_way.add(names[visit.call.module])
            pending.append(names[visit.call.module])
        for macs in charged(visit):
            for name in under_way:
                sums[name] += 2 * macs
        pending += inner(visit)
    return sums


def charged(visit: Visit) -> Iterator[int]:
    if visit.call.packet in REGISTERED and not visit.call.children:
        work = work_at(visit)
        yield from (product.macs for product in (work.products if work else ()))


def tracked_names(trace: Trace) -> dict[int, str]:
    """A module's name is its class's, until its parent is called: then the parent's and its own."""
    names: dict[int, str] = {}
    seen: set[int] = set()

    def enter(index: int) -> None:
        module = trace.modules[index]
        names.setdefault(index, module.type_name)
        if index in seen:
            return
        first = {child: name for name, child in reversed(module.children)}
        for child in children(trace, index):
            names[child] = f"{names[index]}.{first[child]}"
            enter(child)
        seen.add(index)

    for visit, _ in module_calls(trace):
        enter(visit.call.module)
    return names


def read(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
    """``with FlopCounterMode() as counter: model(x)``, then ``get_total_flops()``.

    A training step is ``model(x).sum().backward()``, the sum of all outputs or the model's own loss.
    """
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        output = model(*args, **kwargs)
        if context.training:
            go_back(output)
    if context.training:
        return Answer(compute=counter.get_total_flops())
    counts = counter.get_flop_counts()
    modules = {name: sum(by_operator.values()) for name, by_operator in counts.items()}
    return Answer(compute=counter.get_total_flops(), modules=modules)


def go_back(output: Any) -> None:
    from flop_harness.trace.step import losses

    try:
        sum(each.sum() for each in losses(output)).backward()
    except RuntimeError as error:
        if "Autograd-and-Fork" not in str(error):
            raise
        raise Unavailable("the process it was forked from has threads of autograd, which a fork "
                          "cannot use: ask in a fresh one") from error  # fmt: skip


COUNTER = Counter(
    id="torch",
    distribution="torch",
    description="torch.utils.flop_counter.FlopCounterMode: operators at dispatch",
    source="torch/utils/flop_counter.py (2.14)",
    quantities={"compute": Quantity("FLOPs", "FLOP", price_compute, by_module)},
    read=read,
    usage=Usage(
        imports="from torch.utils.flop_counter import FlopCounterMode",
        call="with FlopCounterMode(display=False) as counter:\n    model(*args)",
        named="with FlopCounterMode(display=False) as counter:\n    model(*args, **kwargs)",
        figures={"compute": "counter.get_total_flops()"},
    ),
    contexts=(Context(grad=False), Context(grad=True)),
    further=(Context("meta"), Context(variant="math")),
    training=(
        Context(grad=True, variant="training"),
        Context("meta", grad=True, variant="training"),
    ),
)
