"""What DeepSpeed's flops profiler and its fork calflops share: patched functions of torch.

A call through a patched name is charged, from its arguments alone, to the innermost module around
it; a recurrent layer is charged by a hook. Amounts are FLOPs. Rules after
deepspeed/profiling/flops_profiler/profiler.py (0.19.8) and calflops/pytorch_ops.py (0.3.2).
"""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Container, Iterator, Mapping

from flop_harness.counters.pricing.copies import CARRIED, copies, is_copy
from flop_harness.counters.pricing.flops_profiler_rules import (
    RECURRENT,
    Product,
    Rule,
    in_flops,
    in_macs,
    recurrent,
)
from flop_harness.counters.pricing.recurrent import Charges
from flop_harness.records import IN_KERNEL, Context, Trace
from flop_harness.records.account import Account
from flop_harness.trace.tree import subtree
from flop_harness.trace.walk import Visit, is_closed, visits


def price_flops(
    trace: Trace, products: Mapping[str, Product], others: Mapping[str, Rule], times: Counts[int]
) -> Account:
    """The table of FLOPs; each module as often (``times``) as the sum over the tree takes it in."""
    rules = {**others, **{name: in_flops(product) for name, product in products.items()}}
    return with_backward(trace, price(trace, rules, times, RECURRENT))


def price_macs(trace: Trace, products: Mapping[str, Product], times: Counts[int]) -> Account:
    """The table of MACs."""
    rules = {name: in_macs(product) for name, product in products.items()}
    return with_backward(trace, price(trace, rules, times, frozenset()))


def price(
    trace: Trace, rules: Mapping[str, Rule], times: Counts[int], whole: frozenset[str]
) -> Account:
    """What is charged to each module with hooks, as often (``times``) as the sum over the tree, which
    is made after the pass, takes it in; those of the types ``whole`` are charged as a whole.
    """
    hooked = {*subtree(trace, 0), *(n for n, each in enumerate(trace.modules) if is_copy(each))}
    charging = {index for index in hooked if trace.modules[index].type in whole}
    made, calls = copies(trace), Counts[int]()

    def entries() -> Iterator[tuple[str, str, int]]:
        for visit in visits(trace, is_closed):
            if visit.call.level == "module":
                calls[visit.call.module] += 1
            charged = charges(trace, rules, visit, charging)
            if not charged:
                continue
            index = owner(visit, hooked)
            carried = [copy for copy, before in made.get(index, ()) if calls[index] <= before]
            for term, amount in charged:
                yield from repeated(visit.path, term, amount, times[index])
                for copy in carried:
                    yield from repeated(visit.path, term + CARRIED, amount, times[copy])

    return Account.of(entries())


def repeated(path: str, term: str, amount: int, times: int) -> Iterator[tuple[str, str, int]]:
    if times:
        yield path, term, amount
        yield path, f"{term} of a shared module counted again", amount * (times - 1)


BACKWARD = "the backward pass as two forward passes"


def with_backward(trace: Trace, forward: Account) -> Account:
    """Of a training step three forward passes, whatever is differentiated."""
    if not trace.context.training:
        return forward
    return forward + Account.of((path, BACKWARD, 2 * n) for path, _, n in forward.charges())


def charges(
    trace: Trace, rules: Mapping[str, Rule], visit: Visit, charging: Container[int]
) -> Charges:
    call = visit.call
    if call.level == "module":
        module = trace.modules[call.module]
        charged = call.module in charging
        return recurrent(trace, visit, module) if charged else []
    rule = rules.get(call.name)
    if rule is None:
        return []
    nested = any(rules.get(outer.name) is rule for outer in visit.around)
    suffix = " counted again by a nested function" if nested else ""
    if visit.inside(IN_KERNEL):
        suffix = " inside an operator written in Python"
    return [(term + suffix, amount) for term, amount in rule(visit)]


def owner(visit: Visit, hooked: Container[int]) -> int:
    """The innermost module with hooks at or around a call."""
    calls = (*visit.around, visit.call)
    inner = (c.module for c in reversed(calls) if c.level == "module" and c.module in hooked)
    return next(inner, 0)


CONTEXT = Context(grad=True, mode="eval")
