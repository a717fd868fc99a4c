"""The results of operators: from a shape function, from a meta kernel, or by running the kernel."""

from __future__ import annotations

from typing import Any

import torch

from flop_harness.records import IN_KERNEL, Call
from flop_harness.trace.needs import Need, Needs, ValuesNeeded
from flop_harness.trace.plans import Plan
from flop_harness.trace.refusals import ask_kernel, is_strided, is_written_as_is, refuse_to_write
from flop_harness.trace.signatures import rebuilt, spec_of
from flop_harness.trace.tensors import (
    devices,
    has_nested,
    has_quantised,
    has_tensor,
    is_on_cpu,
    is_on_meta,
    on_meta,
    readable,
)

MOVED = "aten._to_copy.default"
MOVES = frozenset({MOVED, "aten.copy_.default"})
"""Operators that take tensors from one device to another"""


class Results:
    """Gets results for a trace on a device: empty tensors, unless it is to ``execute`` kernels.

    Where it ``enters_kernels``, the functions that kernels written in Python call are written down.
    """

    enters_kernels = False

    def __init__(
        self, stack: list[list[Call]], device: torch.device, execute: bool, needs: Needs
    ) -> None:
        self.stack = stack
        self.device = device
        self.execute = execute
        self.needs = needs

    def of(self, func: Any, plan: Plan, args: tuple, kwargs: dict) -> Any:
        """What an operator gives, without its call being written down."""
        if plan.name == MOVED and not self.execute and self.device.type == "meta":
            return func(*args, **on_this(kwargs))
        if plan.runs:
            return func(*args, **kwargs)
        if plan.in_python and self.enters_kernels:
            return self.entered(func, args, kwargs)
        real = self.execute or plan.quantises or has_quantised(args)
        writes = plan.writes and len(func._schema.returns) == 1
        if not real and self.device.type == "cuda" and plan.name not in MOVES:
            self.refuse_apart(func, args, kwargs)
        if not real and (plan.fits or (writes and not is_written_as_is(args, kwargs))):
            self.refuse(func, plan, args, kwargs)
        if writes and not real:
            return args[0]
        if plan.shape is not None and not real and not has_nested(args):
            spec = plan.shape(*args, **kwargs)
            if spec is not None:
                return rebuilt(spec, args, self.device)
        self.stack.append([])  # functions that a kernel written in Python calls are not the model's
        try:
            if real or plan.writes:
                return func(*args, **kwargs)
            return self.inferred(func, args, kwargs)
        finally:
            self.stack.pop()

    def refuse(self, func: Any, plan: Plan, args: tuple, kwargs: dict) -> None:
        """Raise what torch does for arguments that do not go together."""
        if not is_strided(args, kwargs):
            return
        self.stack.append([])
        try:
            if plan.fits and not plan.fits(*args, **kwargs):
                ask_kernel(func, args, kwargs)
            elif plan.writes:
                refuse_to_write(func, args, kwargs)
        finally:
            self.stack.pop()

    def refuse_apart(self, func: Any, args: tuple, kwargs: dict) -> None:
        """Raise what torch does for tensors on several devices, unless the kernel takes them."""
        if len(devices(args, kwargs)) > 1 and is_strided(args, kwargs):
            self.stack.append([])
            try:
                ask_kernel(func, args, kwargs)
            finally:
                self.stack.pop()

    def entered(self, func: Any, args: tuple, kwargs: dict) -> Any:
        """What a kernel written in Python gives, with a note of the functions that it calls.

        Such a kernel may hand a tensor's memory on to anything: it needs one with values.
        """
        if not self.execute:
            self.needs.demand(ValuesNeeded(f"{func} is written in Python"))
        inside: list[Call] = []
        self.stack.append(inside)
        try:
            return func(*args, **kwargs)
        finally:
            self.stack.pop()
            if inside:
                self.stack[-1].append(Call("function", IN_KERNEL, (), (), None, tuple(inside)))

    def inferred(self, func: Any, args: tuple, kwargs: dict) -> Any:
        """The result by the operator's meta kernel, as empty tensors on this trace's device."""
        if self.device.type == "meta" and is_on_meta(args) and is_on_cpu(args):
            return func(*on_meta(args), **kwargs)  # one is written out in the model's code
        if self.device.type == "meta" or not has_tensor(args) or kwargs.get("device") is not None:
            return func(*args, **kwargs)
        try:
            output = func(*on_meta(args), **on_meta(kwargs))
        except Need:
            raise
        except Exception:  # noqa: BLE001  there is no meta kernel, or one of Python's that is faulty
            # Kernels may refuse what nobody has written, or look at places that it names.
            return func(*readable(args), **readable(kwargs))
        spec = spec_of(output, (), torch.device("meta"))
        return func(*args, **kwargs) if spec is None else rebuilt(spec, args, self.device)


def on_this(kwargs: dict) -> dict:
    """Where no tensor has values, one that the model asks for elsewhere stays with the others."""
    return {**kwargs, "device": "meta"} if kwargs.get("device") is not None else kwargs
