"""torch.profiler with ``with_flops=True``: six operators, by the sizes of their inputs.

Rules after saveExtraArgs and computeFlops in torch/csrc/profiler/util.cpp of torch 2.14: products are
two for each multiplication, ``add`` and ``mul`` one for each element of their first operand, whatever
it is broadcast to. What else runs (fused attention, recurrent kernels, convolutions in one or three
dimensions, on unbatched inputs or with ``padding="same"``) counts as nothing.

Where the calls of a trace do not come to what the events of the profiler's own run come to by these
rules, the events are charged: each to a call of the trace that is like it, else by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from flop_harness.counters.pricing.matched import matched
from flop_harness.counters.pricing.recurrent import Charges
from flop_harness.counters.pricing.torch_profiler_events import (
    TOLD,
    Unseen,
    captured,
    events,
    observed,
)
from flop_harness.counters.pricing.torch_profiler_operators import (
    ELEMENTWISE,
    PADDED_BY_NAME,
    PRODUCTS,
    charged,
    convolution,
    own_charges,
    product,
)
from flop_harness.counters.protocol import Answer, Counter, Quantity
from flop_harness.counters.usage import Usage
from flop_harness.records import Call, Context, Tensor, Trace
from flop_harness.records.account import Account
from flop_harness.records.trace import RAISED
from flop_harness.trace.walk import Visit, innermost, visits

# ------------------------------------------------------- functions whose operator no trace shows


BY_FUNCTION: dict[str, Callable[[tuple], int]] = {
    **dict.fromkeys(
        ("linear", "matmul", "__matmul__", "mm", "bmm"), lambda args: product(args[:2])
    ),
    **dict.fromkeys(("addmm", "baddbmm"), lambda args: product(args[1:3])),
    "conv2d": convolution,
}
"""MACs of a function by its arguments"""
BY_FIRST = {"add": "aten.add", "__add__": "aten.add", "mul": "aten.mul", "__mul__": "aten.mul"}
FILTERS = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
DEFAULTS = (None, None, None, 1, 0, 1, 1)


def arguments(call: Call) -> tuple:
    """What a function of ``BY_FUNCTION`` is given, by position; numbers as one for both sides."""
    if not call.name.endswith(".conv2d"):
        return call.args
    *given, groups = (
        call.argument(place, name, DEFAULTS[place]) for place, name in enumerate(FILTERS)
    )
    return (*((each,) if isinstance(each, int) else each for each in given), groups)


def untraced(visit: Visit) -> Charges:
    """FLOPs of a function whose operator the profiler writes down and a trace does not.

    It raises then, for shapes that do not fit or as a checkpoint has all that it needs. Or it is a
    convolution in a pass that takes gradients, of which a trace shows what it comes apart into.
    """
    call, name = visit.call, visit.call.name.rpartition(".")[2]
    raises = call.output == RAISED
    if raises and name in BY_FIRST and isinstance(call.args[0], Tensor):
        return [(f"{ELEMENTWISE[BY_FIRST[name]]} that raised", call.args[0].numel)]
    if name not in BY_FUNCTION or any(map(holds_product, call.children)):
        return []
    if raises:
        told = "convolution that raised" if name == "conv2d" else "matrix product that raised"
        return [(told, 2 * BY_FUNCTION[name](arguments(call)))]
    if name != "conv2d":
        return []
    macs = convolution(arguments(call))
    return [*matched(visit, macs), ("2 FLOPs per MAC", macs)]


def holds_product(call: Call) -> bool:
    """Whether an operator that is charged runs in a call; a mode may stand around it."""
    return call.packet in PRODUCTS or any(map(holds_product, call.children))


def stopped(visit: Visit, ended: Call | None) -> Charges:
    """FLOPs of the operator at which a function raised, that of ``ended``, the same call that came to
    its end, which follows those that it ran: a checkpoint stops where autograd would keep its operands.
    """
    if ended is None or any(call.output == RAISED for call in visit.call.children):
        return []
    ran, whole = parts(visit.call), parts(ended)
    if len(ran) >= len(whole) or ran != whole[: len(ran)]:
        return []
    raised = whole[len(ran)]
    if raised.packet not in PRODUCTS.keys() | ELEMENTWISE.keys():
        return []  # what runs inside it has not begun
    told = ELEMENTWISE.get(raised.packet, "matrix product")
    return [
        (f"{told} that raised", sum(amount for _, amount in charged(visit._replace(call=raised))))
    ]


def parts(call: Call) -> list[Call]:
    """The operators in a call, without those by which a checkpoint keeps tensors, and results."""
    found = (visit.call for visit in innermost(call))
    return [each._replace(output=None) for each in found if each.packet != "aten.detach"]


def charges(trace: Trace) -> Iterator[tuple[str, str, int]]:
    ended: dict[tuple, Call] = {}
    for visit in visits(trace):
        call, found = visit.call, []
        if call.level == "operator":
            found = charged(visit)
        elif call.level == "function":
            key = (call.name, call.args, call.kwargs)
            found = untraced(visit)
            if call.output != RAISED:
                ended.setdefault(key, call)
            elif not found:
                found = stopped(visit, ended.get(key))
        yield from ((visit.path, *charge) for charge in found)


def price_compute(trace: Trace) -> Account:
    told = [*charges(trace)]
    found = events(trace)
    if found is None or sum(each.flops for each in found) == sum(amount for *_, amount in told):
        return Account.of(told)
    return Account.of(by_events(trace, Unseen(found)))


def by_events(trace: Trace, unseen: Unseen) -> Iterator[tuple[str, str, int]]:
    """What each event costs, at the call of the trace that it stands for."""
    for visit in visits(trace):
        call = visit.call
        name = f"aten::{call.packet.removeprefix('aten.')}"
        found: Charges = []
        if call.level == "operator" and name in TOLD and call.name != PADDED_BY_NAME:
            found = own_charges(visit)
        elif call.level == "function" and call.name.endswith(".conv2d") and call.output != RAISED:
            name, found = "aten::conv2d", untraced(visit)
        if found and unseen.take(name, sum(amount for _, amount in found)):
            yield from ((visit.path, *charge) for charge in found)
    yield from (("", *charge) for charge in unseen.charges())


def read(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
    """``with profile(with_flops=True) as p: model(x)``; the column of its table, summed."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU], with_flops=True) as profiler:
        model(*args, **kwargs)
    return Answer(compute=sum(event.flops for event in profiler.key_averages()))


COUNTER = Counter(
    id="torch-profiler",
    distribution="torch",
    description="torch.profiler's with_flops: conv2d, four products, add and mul",
    source="torch/csrc/profiler/util.cpp (2.14)",
    quantities={"compute": Quantity("FLOPs", "FLOP", price_compute)},
    read=read,
    usage=Usage(
        imports="from torch.profiler import ProfilerActivity, profile",
        call="with profile(activities=[ProfilerActivity.CPU], with_flops=True) as profiler:\n"
        "    model(*args)",
        named="with profile(activities=[ProfilerActivity.CPU], with_flops=True) as profiler:\n"
        "    model(*args, **kwargs)",
        figures={"compute": "sum(event.flops for event in profiler.key_averages())"},
    ),
    contexts=(Context(grad=False), Context(grad=True)),
    observe=observed,
    capture=captured,
    optional=True,
)
