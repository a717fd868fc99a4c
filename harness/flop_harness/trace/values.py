"""Values beside tensors that have none, where they follow from shapes, or from small inputs.

No kernel runs on the tensors of a trace. Small ones that were given, and what is made of numbers
alone (``arange``, ``ones``), have a real tensor beside them; so has what is made of such. A model
that looks at one of them (``.item()``, a mask) gets what it would see, without being executed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any, NamedTuple

import torch
from torch.utils._python_dispatch import _disable_current_modes

from flop_harness.trace.needs import Needs, exchanged

BESIDE = "_known_values"
"""The attribute of a tensor that holds its ``Known``."""

FEW = 2**16
"""Up to so many elements are computed on the side."""
FEW_NUMBERS = 16
"""Of tensors that were given, up to so many floating-point numbers."""

UNKNOWN = frozenset(
    f"aten.{name}"
    for name in """empty empty_strided empty_like new_empty new_empty_strided rand randn randint
    rand_like randn_like randint_like randperm bernoulli normal uniform dropout native_dropout
    multinomial _resize_output resize_ set_""".split()
)
FRESH = frozenset(f"aten.{name}.default" for name in ("lift", "lift_fresh", "lift_fresh_copy"))
LISTED = torch.Tensor.tolist  # as torch has it, unguarded
SCALARS = frozenset(
    {"aten._local_scalar_dense.default", "aten.is_nonzero.default", "aten.equal.default"}
)
READ_BY_KERNELS = frozenset({"aten._pack_padded_sequence.default"})
"""What they return is read in memory, where no mode sees it: the batch sizes of what is packed."""


class Known(NamedTuple):
    """``value`` on the CPU; whether it hangs on what was ``given``; what its views share: if it still holds."""

    value: torch.Tensor
    given: bool
    holds: list[bool]


def known(tensor: torch.Tensor) -> Known | None:
    beside = getattr(tensor, BESIDE, None)
    return beside if beside is not None and beside.holds[0] else None


def given(tensor: torch.Tensor, twin: torch.Tensor, *, hangs: bool = True) -> None:
    """Have ``twin``, the copy of a tensor, keep the values of it if they are few.

    What is made of it ``hangs`` on values, unless the tensor was written out in the model's code.
    """
    limit = FEW_NUMBERS if tensor.dtype.is_floating_point or tensor.dtype.is_complex else FEW
    if tensor.is_meta or tensor.layout is not torch.strided or tensor.is_nested:
        drawn = getattr(tensor, "drawn", None)  # one on meta may have been drawn with values
        if drawn is not None and drawn.numel() <= limit:
            setattr(twin, BESIDE, Known(copy_of(drawn), hangs, [True]))
    elif type(tensor) in (torch.Tensor, torch.nn.Parameter) and tensor.numel() <= limit:
        setattr(twin, BESIDE, Known(copy_of(tensor), hangs, [True]))


def modes_off() -> AbstractContextManager[None]:
    """No mode sees what is called; where an operator is answered, none is on but another's."""
    on = torch._C._len_torch_dispatch_stack()
    return _disable_current_modes() if on else nullcontext()  # type: ignore[return-value]


def copy_of(tensor: torch.Tensor) -> torch.Tensor:
    with modes_off():
        return tensor.detach().cpu().clone()


class Values:
    """Follows known values through the operators of one pass."""

    def __init__(self, needs: Needs) -> None:
        self.needs = needs

    def read(self, func: Any, name: str, args: tuple, kwargs: dict, device: torch.device) -> Any:
        """The result of an operator that looks at values; ValuesNeeded where they are not known."""
        beside = None if name in READ_BY_KERNELS else besides((*args, *kwargs.values()))
        if beside is None:
            return self.needs.values(name)
        if any(item.given for item in beside):
            self.needs.look()
        with modes_off():
            result = func(*valued(args), **valued(kwargs))
            if name in SCALARS:
                return result
            return placed(result, beside, device)

    def follow(self, plan: Any, args: tuple, kwargs: dict, output: Any) -> None:
        """Keep the values of ``output``, if those of all that it is made of are known."""
        if not isinstance(output, torch.Tensor):
            if type(output) in (list, tuple) and output and plan.runs:
                self.follow_many(plan, args, kwargs, output)
            return
        if plan.name in FRESH and not args[0].is_meta:
            given(args[0], output, hangs=False)
            return
        beside = besides((*args, *kwargs.values()))
        if plan.writes:
            written = getattr(output, BESIDE, None)
            if written is not None and beside is None:
                written.holds[0] = False
        elif BESIDE in output.__dict__:
            return
        if beside is None or output.numel() > FEW or output.layout is not torch.strided:
            return
        result = self.computed(plan, args, kwargs)
        if plan.writes or result is None or result.shape != output.shape:
            return
        setattr(
            output, BESIDE, Known(result, any(item.given for item in beside), shared(plan, beside))
        )

    def follow_many(self, plan: Any, args: tuple, kwargs: dict, output: Any) -> None:
        """Views that come in a list: ``split``, ``unbind``."""
        beside = besides((*args, *kwargs.values()))
        if not beside:
            return
        holds, hangs = shared(plan, beside), any(item.given for item in beside)
        for tensor, value in zip(output, self.computed(plan, args, kwargs) or (), strict=False):
            setattr(tensor, BESIDE, Known(value, hangs, holds))

    def computed(self, plan: Any, args: tuple, kwargs: dict) -> Any:
        on_cpu = {**valued(kwargs), **({"device": "cpu"} if "device" in kwargs else {})}
        try:
            with modes_off():
                return plan.func(*valued(args), **on_cpu)
        except (RuntimeError, NotImplementedError, IndexError):
            return None  # the pass itself will say what is wrong


def may_be_known(name: str, args: tuple) -> bool:
    """Whether anything is known of an operator's first argument; a glance, for most are not."""
    if name in FRESH:
        return True
    return not args or not isinstance(args[0], torch.Tensor) or hasattr(args[0], BESIDE)


def shared(plan: Any, beside: list[Known]) -> list[bool]:
    return beside[0].holds if plan.runs and beside else [True]


def besides(values: Any) -> list[Known] | None:
    """What is known of all tensors among ``values``, lists included; None if one is not known."""
    found: list[Known] = []
    for value in values:
        for item in value if type(value) in (list, tuple) else (value,):
            if isinstance(item, torch.Tensor):
                beside = known(item)
                if beside is None:
                    return None
                found.append(beside)
    return found


def valued(value: Any) -> Any:
    """Arguments with the known values in the place of their tensors."""
    if isinstance(value, torch.Tensor):
        return getattr(value, BESIDE).value
    if isinstance(value, (list, tuple)):
        return type(value)(map(valued, value))
    if isinstance(value, dict):
        return {key: valued(item) for key, item in value.items()}
    if isinstance(value, torch.device):
        return torch.device("cpu")
    return value


def placed(result: Any, beside: list[Known], device: torch.device) -> Any:
    """Tensors for a trace on ``device``, with the values they have."""
    if isinstance(result, (list, tuple)):
        return type(result)(placed(item, beside, device) for item in result)
    if not isinstance(result, torch.Tensor):
        return result
    output = torch.empty_like(result, device=device)
    setattr(output, BESIDE, Known(result, any(item.given for item in beside), [True]))
    return output


@contextmanager
def values_guarded(needs: Needs, execute: bool) -> Iterator[None]:
    """Make the ways to values that bypass the dispatcher say so, or give those that are known."""
    with ExitStack() as guards:
        for name in ("tolist", "numpy", "__array__"):
            read = reading(needs, f"Tensor.{name}()", getattr(torch.Tensor, name), execute)
            guards.enter_context(exchanged(torch.Tensor, name, read))
        for name in () if execute else ("tensor", "as_tensor"):
            make = making(needs, name, getattr(torch, name))
            guards.enter_context(exchanged(torch, name, make))
        yield


def making(needs: Needs, name: str, original: Callable) -> Callable:
    """Of a list that holds tensors torch reads their values where no mode sees it.

    What is written out in the model's code is known, also where it is asked for on meta.
    """
    read = reading(needs, f"torch.{name}()", LISTED, False)

    def numbers(data: Any) -> Any:
        if isinstance(data, torch.Tensor):
            return read(data)
        if isinstance(data, (list, tuple)) and any(map(may_hold_tensors, data)):
            return type(data)(map(numbers, data))
        return data

    def make(data: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(data, (list, tuple)):
            data = numbers(data)
        made = original(data, *args, **kwargs)
        if made.is_meta and not isinstance(data, torch.Tensor):
            with modes_off():
                given(original(data, *args, **{**kwargs, "device": "cpu"}), made, hangs=False)
        return made

    return make


def may_hold_tensors(item: Any) -> bool:
    return isinstance(item, (torch.Tensor, list, tuple))


def reading(needs: Needs, name: str, original: Callable, execute: bool) -> Callable:
    def read(tensor: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        beside = None if execute else known(tensor)
        if beside is None and not execute:
            return needs.values(name)
        if beside is None or beside.given:
            needs.look()
        with modes_off():
            return original(tensor if beside is None else beside.value, *args, **kwargs)

    return read
