"""The operator level: what reaches torch's dispatcher, composites as trees of their parts.

What is called again with the same signature is remembered: its call, and how to make its result.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch._C import _pop_torch_dispatch_stack as pop_mode
from torch._C import _push_on_torch_dispatch_stack as push_mode
from torch._ops import HigherOrderOperator
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils._python_dispatch import TorchDispatchMode

from flop_harness.formulas.own import own_work
from flop_harness.records import INFERENCE, OF_COMPLEX, ON_THIS_RANK, Call
from flop_harness.trace.encoding import encode
from flop_harness.trace.higher_order import higher_order
from flop_harness.trace.local_parts import LocalParts
from flop_harness.trace.needs import Needs, ValuesNeeded
from flop_harness.trace.packed import NAMES as PACKED
from flop_harness.trace.packed import packed_attention
from flop_harness.trace.plans import COMPOSITE, NEVER_REMEMBERED, Memory, Plan, asks_for_metadata
from flop_harness.trace.results import Results
from flop_harness.trace.signatures import rebuilt, signature, spec_of
from flop_harness.trace.sparse import FACTORS, sparse_product
from flop_harness.trace.tensors import (
    PLAIN,
    has_nested,
    has_sparse,
    is_on_meta,
    is_plain,
    pass_gradients,
    tensors_in,
    with_gradients,
)
from flop_harness.trace.values import Values, may_be_known


class OperatorMode(TorchDispatchMode):
    """Writes each operator into the innermost open call of ``stack``."""

    supports_higher_order_operators = True

    def __init__(
        self,
        stack: list[list[Call]],
        device: torch.device,
        execute: bool,
        memory: Memory | None,
        needs: Needs,
    ) -> None:
        super().__init__()
        self.stack = stack
        self.device = device
        self.execute = execute
        self.needs = needs
        self.values = Values(needs)
        self.results = Results(stack, device, execute, needs)
        self.memory = memory or Memory()
        self.plans = self.memory.plans
        self.known = self.memory.calls
        self.remember = memory is not None
        self.passes_gradients = False
        self.passed_on = False
        self.unwrapping = 0
        self.parts = LocalParts()
        # Composites may choose by these.
        self.surroundings = (device.type, torch.is_grad_enabled())

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else every call passes through torch._dynamo, whose import takes a second

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[override]
        plan = self.plans.get(id(func))  # an operator's own hash is slow
        kwargs = kwargs or {}
        if plan is None:
            if isinstance(func, HigherOrderOperator):
                return higher_order(self, func, args, kwargs)
            if asks_for_metadata(func):
                return NotImplemented if types else func(*args, **kwargs)
            plan = self.plans[id(func)] = Plan(func)
        if types and PLAIN.issuperset(types):
            types = ()  # autograd keeps what an operator has written into
        if types and self.passed_on:
            self.passed_on = False
            return NotImplemented
        if types:
            if FakeTensor in types:  # a wrapper asks for a shape
                return func(*args, **kwargs)
            if not plan.composite or has_nested(args):
                return self.unwrapped(func, plan, args, kwargs)
        elif self.unwrapping and self.device.type != "meta" and is_on_meta(args):
            return func(*args, **kwargs)
        output = self.answer(func, plan, args, kwargs)
        if plan.followed and not self.execute and may_be_known(plan.name, args):
            self.values.follow(plan, args, kwargs, output)
        if self.passes_gradients and plan.differentiable and torch.is_grad_enabled():
            pass_gradients(args, output)
        return output

    def answer(self, func: Any, plan: Plan, args: tuple, kwargs: dict) -> Any:
        """The operator's result: remembered, or got and written down; a view runs as it is."""
        if plan.runs and is_plain(args):
            output = func(*args, **kwargs)
            self.write(plan.name, args, kwargs, output, (), plan.unknown)
            return output
        if self.execute:
            if plan.reads_values and not harmless_index(plan.name, args):
                self.needs.look()
            return self.observe(func, plan, args, kwargs)
        if plan.reads_values and not harmless_index(plan.name, args):
            output = self.values.read(func, plan.name, args, kwargs, self.device)
            self.write(plan.name, args, kwargs, output, ())
            return output
        remembers = self.remember and plan.remembered
        key = signature(plan, self.surroundings, args, kwargs) if remembers else None
        if key is not None:
            hit = self.known.get(key)
            if hit is not None:
                call, rebuild = hit
                self.stack[-1].append(call)
                if rebuild is not None:
                    return rebuilt(rebuild, args, self.device)
                return self.results.of(func, plan, args, kwargs)
        output = self.observe(func, plan, args, kwargs)
        if key is not None:
            rebuild = None if plan.writes else spec_of(output, args, self.device)
            if rebuild is not None or plan.writes:
                self.memory.keep(key, self.stack[-1][-1], rebuild)
        return output

    def inside(self, run: Callable[[], Any], children: list[Call]) -> Any:
        """What ``run`` gives; the calls made inside go to ``children``, if it raises to who called."""
        self.stack.append(children)
        try:
            return run()
        except BaseException:
            self.stack[-2].extend(children)
            raise
        finally:
            self.stack.pop()

    def in_parts(self, func: Any, args: tuple, kwargs: dict) -> Any:
        """What a composite operator gives, its parts seen by this mode."""
        push_mode(self)  # what entering it does beside that is done already
        try:
            return func._op_dk(COMPOSITE, *args, **kwargs)
        finally:
            pop_mode(None)

    def unwrapped(self, func: Any, plan: Plan, args: tuple, kwargs: dict) -> Any:
        """An operator on tensors of a class that dispatches by itself: it does, and what it calls
        is written down inside; on a distributed tensor with the whole's shape, and beside it what
        this rank does.
        """
        children: list[Call] = []
        self.stack.append(children)
        self.passed_on = True
        self.unwrapping += 1
        try:
            with self:
                output = func(*args, **kwargs)
        finally:
            self.unwrapping -= 1
            self.passed_on = False
            self.stack.pop()
        whole = any(hasattr(tensor, "placements") for tensor in tensors_in((*args, output)))
        self.write(plan.name, args, kwargs, output, () if whole else tuple(children))
        if whole:
            self.stack[-1].append(Call("function", ON_THIS_RANK, (), (), None, tuple(children)))
        return output

    def write(
        self,
        name: str,
        args: tuple,
        kwargs: dict,
        output: Any,
        children: tuple[Call, ...],
        unknown: bool = False,
    ) -> None:
        """Write a call down; what is ``unknown`` to our formulas may have one of the user's own, and
        of what sparse matrices store the pass alone knows how much of it meets, as it knows how
        long packed sequences are.
        """
        pairs = tuple([(k, encode(v)) for k, v in kwargs.items()]) if kwargs else ()
        inputs = tuple([encode(arg) for arg in args])
        call = Call("operator", name, inputs, pairs, encode(output), children)
        if unknown and not children:
            call = call._replace(work=own_work(call))
        elif name in FACTORS and not children:
            call = call._replace(work=sparse_product(call, args))
        elif name in PACKED and not children:
            call = call._replace(work=packed_attention(call, args, self.execute))
        if self.parts.seen and not self.unwrapping:
            call = self.parts.placed(call, args, kwargs, output)
        if torch.is_inference_mode_enabled():  # modes see whole operators there
            call = Call("function", INFERENCE, (), (), None, (call,))
        self.stack[-1].append(call)

    def observe(self, func: Any, plan: Plan, args: tuple, kwargs: dict) -> Any:
        """Get the operator's result and write the call down."""
        children: list[Call] = []
        if plan.composite and not (plan.nested and has_nested(args)):
            if self.passes_gradients and plan.name in NEVER_REMEMBERED:
                args = with_gradients(args)
                kwargs = dict(zip(kwargs, with_gradients(tuple(kwargs.values())), strict=True))
            output = self.inside(partial(self.in_parts, func, args, kwargs), children)
        else:
            output = self.results.of(func, plan, args, kwargs)
        if not self.execute and has_sparse(args, output):
            self.needs.demand(
                ValuesNeeded(f"the model stores values where they are not zero with {plan.name}")
            )
        if children and plan.name.startswith("aten.conv") and output.is_complex():
            children = of_complex(children)
        self.write(plan.name, args, kwargs, output, tuple(children), plan.unknown)
        return output


def of_complex(calls: list[Call]) -> list[Call]:
    """What a convolution of complex numbers comes apart into, the one noted that stands for it."""
    first = next((i for i, call in enumerate(calls) if holds_convolution(call)), -1)
    return [
        Call("function", OF_COMPLEX, (i == first,), (), None, (call,))
        for i, call in enumerate(calls)
    ]


def holds_convolution(call: Call) -> bool:
    return "convolution" in call.name or any(map(holds_convolution, call.children))


def harmless_index(name: str, args: tuple) -> bool:
    """Indexing by integers has a shape that no value decides; by masks it has not."""
    if name != "aten.index.Tensor":
        return False
    return all(index is None or index.dtype not in (torch.bool, torch.uint8) for index in args[1])
