"""The operator level: what reaches torch's dispatcher, composites as trees of their parts.

Unless kernels are to run, an operator's result is made from its signature: remembered, given by
a shape function, or asked from the operator's meta kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

from flop_harness.formulas import FORMULAS
from flop_harness.formulas.own import own_work
from flop_harness.records import Call
from flop_harness.records.trace import without_overload
from flop_harness.trace.encoding import SPARSE, ValuesNeeded, encode
from flop_harness.trace.shapes import SHAPES, Spec, spec_of

COMPOSITE = torch._C.DispatchKey.CompositeImplicitAutograd
VALUE_TAGS = frozenset({torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape})
MARK = "_wants_gradient"
# The choice among attention kernels hangs on switches that no argument shows, and on gradients.
NEVER_REMEMBERED = frozenset({"aten.scaled_dot_product_attention.default"})


class Plan:
    """What is known of an operator before it is called."""

    __slots__ = (
        "composite",
        "differentiable",
        "func",
        "name",
        "reads_values",
        "remembered",
        "runs",
        "shape",
        "unknown",
        "writes",
    )

    def __init__(self, func: Any) -> None:
        self.name = str(func)
        aliases = [ret.alias_info for ret in func._schema.returns if ret.alias_info is not None]
        written = any(alias.is_write for alias in aliases)
        tags = set(func.tags)
        # Kernels in C++ only: Python ones (of torch._decomp) are not what eager mode runs.
        self.composite = torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), COMPOSITE)
        self.writes = written and torch.Tag.inplace_view not in tags and "out" not in self.name
        # Views and in-place views are cheap and their results alias: let them run.
        self.runs = bool(aliases) and not self.writes and not self.composite
        self.differentiable = not self.writes and "detach" not in self.name
        self.reads_values = bool(tags & VALUE_TAGS) or self.name in READS_VALUES
        # What has no formula may get one from the user at any time.
        self.unknown = without_overload(self.name) not in FORMULAS
        never = self.runs or self.unknown or self.name in NEVER_REMEMBERED
        self.remembered = not never
        self.func = func  # kept, so that its id stays its own
        self.shape: Callable[..., Spec | None] | None = SHAPES.get(self.name)


READS_VALUES = frozenset(
    f"{name}.default"
    for name in """aten.is_nonzero torchvision.nms aten._pack_padded_sequence
    aten._nested_tensor_from_mask aten._nested_tensor_from_mask_left_aligned""".split()
)


class Memory:
    """Signature -> (what was recorded, how to make the result), of operators and of layers."""

    def __init__(self, capacity: int = 200_000) -> None:
        self.calls: dict[Any, tuple[Call, Any]] = {}
        self.layers: dict[Any, tuple[tuple[Call, ...], Any]] = {}
        self.plans: dict[Any, Plan] = {}
        self.capacity = capacity

    def keep(self, key: Any, call: Call, rebuild: Any) -> None:
        if len(self.calls) >= self.capacity:
            self.calls.clear()
        self.calls[key] = (call, rebuild)

    def keep_layer(self, key: Any, calls: tuple[Call, ...], rebuild: Any) -> None:
        if rebuild is None:
            return
        if len(self.layers) >= self.capacity:
            self.layers.clear()
        self.layers[key] = (calls, rebuild)


MEMORY = Memory()


class OperatorMode(TorchDispatchMode):
    """Writes each operator into the innermost open call of ``stack``."""

    def __init__(
        self, stack: list[list[Call]], device: torch.device, execute: bool, memory: Memory | None
    ) -> None:
        super().__init__()
        self.stack = stack
        self.device = device
        self.execute = execute
        self.memory = memory or Memory()
        self.plans = self.memory.plans
        self.known = self.memory.calls
        self.remember = memory is not None
        self.passes_gradients = False
        # Composites may choose by these.
        self.surroundings = (device.type, torch.is_grad_enabled())

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else every call passes through torch._dynamo, whose import takes a second

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[override]
        plan = self.plans.get(id(func))  # an operator's own hash is slow
        kwargs = kwargs or {}
        if plan is None:
            if func.namespace == "prim":  # asks a tensor of another class for its device or layout
                return NotImplemented
            plan = self.plans[id(func)] = Plan(func)
        output = self.answer(func, plan, args, kwargs)
        if self.passes_gradients and plan.differentiable and torch.is_grad_enabled():
            pass_gradients(args, output)
        return output

    def answer(self, func: Any, plan: Plan, args: tuple, kwargs: dict) -> Any:
        """The operator's result: remembered, or got and written down."""
        if self.execute:
            return self.observe(func, plan, args, kwargs)
        if plan.reads_values and not harmless_index(plan.name, args):
            raise ValuesNeeded(f"the model reads values with {plan.name}")
        key = self.signature(plan, args, kwargs) if self.remember and plan.remembered else None
        if key is not None:
            hit = self.known.get(key)
            if hit is not None:
                call, rebuild = hit
                self.stack[-1].append(call)
                if rebuild is not None:
                    return rebuilt(rebuild, args, self.device)
                return self.result_of(func, plan, args, kwargs)
        output = self.observe(func, plan, args, kwargs)
        if key is not None:
            rebuild = None if plan.writes else spec_of(output, args, self.device)
            if rebuild is not None or plan.writes:
                self.memory.keep(key, self.stack[-1][-1], rebuild)
        return output

    def observe(self, func: Any, plan: Plan, args: tuple, kwargs: dict) -> Any:
        """Get the operator's result and write the call down."""
        children: list[Call] = []
        if plan.composite and not has_nested(args):
            self.stack.append(children)
            if self.passes_gradients and plan.name in NEVER_REMEMBERED:
                args = with_gradients(args)
                kwargs = dict(zip(kwargs, with_gradients(tuple(kwargs.values())), strict=True))
            try:
                with self:
                    output = func._op_dk(COMPOSITE, *args, **kwargs)
            finally:
                self.stack.pop()
        else:
            output = self.result_of(func, plan, args, kwargs)
        if not self.execute and has_sparse(args, output):
            raise ValuesNeeded(f"the model stores values where they are not zero with {plan.name}")
        pairs = tuple([(k, encode(v)) for k, v in kwargs.items()]) if kwargs else ()
        inputs = tuple([encode(arg) for arg in args])
        call = Call("operator", plan.name, inputs, pairs, encode(output), tuple(children))
        if plan.unknown and not children:
            call = call._replace(work=own_work(call))
        self.stack[-1].append(call)
        return output

    def result_of(self, func: Any, plan: Plan, args: tuple, kwargs: dict) -> Any:
        if plan.runs:
            return func(*args, **kwargs)
        if plan.writes and not self.execute and len(func._schema.returns) == 1:
            return args[0]
        if plan.shape is not None and not self.execute:
            spec = plan.shape(*args, **kwargs)
            if spec is not None:
                return rebuilt(spec, args, self.device)
        self.stack.append([])  # functions that a kernel written in Python calls are not the model's
        try:
            if self.execute or plan.writes:
                return func(*args, **kwargs)
            return self.infer(func, args, kwargs)
        finally:
            self.stack.pop()

    def infer(self, func: Any, args: tuple, kwargs: dict) -> Any:
        """The result by the operator's meta kernel, as empty tensors on this trace's device."""
        if self.device.type == "meta" or not has_tensor(args) or kwargs.get("device") is not None:
            return func(*args, **kwargs)
        try:
            output = func(*on_meta(args), **on_meta(kwargs))
        except (NotImplementedError, RuntimeError):
            return func(*args, **kwargs)  # no meta kernel; empty data is as good as any
        spec = spec_of(output, (), torch.device("meta"))
        return func(*args, **kwargs) if spec is None else rebuilt(spec, args, self.device)

    def signature(self, plan: Plan, args: tuple, kwargs: dict) -> Any:
        """A hashable stand-in for a call: shapes, strides and dtypes for tensors; None if none."""
        try:
            parts = [signed(value) for value in args]
            for name, value in kwargs.items():
                parts.append((name, signed(value)))
            key = (plan, self.surroundings, *parts)
            hash(key)
        except (TypeError, RuntimeError):  # unhashable, sparse, or a parameter still lazy
            return None
        return key


def signed(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        if value.layout is not torch.strided or value.is_quantized:
            raise TypeError("only strided tensors have signatures")
        return (value.shape, value.stride(), value.dtype, value.requires_grad, value.is_cpu)
    kind = type(value)
    if kind is list or kind is tuple:
        return (kind, *[signed(item) for item in value])
    return (kind, value)


def rebuilt(spec: Any, args: tuple, device: torch.device) -> Any:
    """Make a result from its spec: an argument itself, None, a scalar, or new empty tensors."""
    kind = spec[0]
    if kind == "new":
        return torch.empty_strided(spec[1], spec[2], dtype=spec[3], device=device)
    if kind == "argument":
        return args[spec[1]]
    if kind == "value":
        return spec[1]
    return spec[1](rebuilt(item, args, device) for item in spec[2])


def harmless_index(name: str, args: tuple) -> bool:
    """Indexing by integers has a shape that no value decides; by masks it has not."""
    if name != "aten.index.Tensor":
        return False
    return all(index is None or index.dtype not in (torch.bool, torch.uint8) for index in args[1])


def wants_gradient(tensor: torch.Tensor) -> bool:
    """Whether it would require a gradient, had it been made with autograd."""
    return tensor.requires_grad or getattr(tensor, MARK, False)


def pass_gradients(args: tuple, output: Any) -> None:
    """Mark what is made of tensors that require a gradient: below autograd it requires none itself."""
    if any(map(wants_gradient, tensors_in(args))):
        for tensor in tensors_in((output,)):
            if tensor.is_floating_point():
                setattr(tensor, MARK, True)


def with_gradients(args: tuple) -> tuple:
    """The arguments as autograd would have them."""
    with _disable_current_modes():
        return tuple(
            arg.detach().requires_grad_() if getattr(arg, MARK, False) else arg for arg in args
        )


def tensors_in(values: tuple) -> Iterator[torch.Tensor]:
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from (item for item in value if isinstance(item, torch.Tensor))


def has_tensor(args: tuple) -> bool:
    return any(True for _ in tensors_in(args))


def has_nested(args: tuple) -> bool:
    """Nested tensors have kernels of their own for operators that come apart otherwise."""
    return any(isinstance(arg, torch.Tensor) and arg.is_nested for arg in args)


def has_sparse(args: tuple, output: Any) -> bool:
    """How many elements a sparse tensor stores hangs on values."""
    return any(tensor.layout in SPARSE for tensor in tensors_in((*args, output)))


def on_meta(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device="meta")
    if isinstance(value, (list, tuple)):
        return type(value)(map(on_meta, value))
    if isinstance(value, dict):
        return {key: on_meta(item) for key, item in value.items()}
    return value
