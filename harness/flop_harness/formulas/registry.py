"""The register of formulas: operator and shapes -> primitive work.

An operator that nothing is registered for is *unsupported*: listed by name and count, never zero.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from flop_harness.formulas.complex import in_real_numbers, is_complex
from flop_harness.records import Call, Dict, Opaque
from flop_harness.records.work import FREE, Work

Formula: TypeAlias = Callable[[Call], Work | None]
Registered = TypeVar("Registered", bound=Formula)

FORMULAS: dict[str, Formula] = {}


def formula(*names: str) -> Callable[[Registered], Registered]:
    """Register a formula for operators by name, without overload. A second one raises."""

    def register(function: Registered) -> Registered:
        for name in names:
            if name in FORMULAS:
                raise ValueError(f"a second formula for {name}")
            FORMULAS[name] = function
        return function

    return register


def work_of(call: Call) -> Work | None:
    """The work of one operator call, or None if there is no formula for it."""
    if call.work is not None:  # said while the trace was taken
        return call.work
    packet = call.packet
    known = FORMULAS.get(packet)
    if known is None:
        return None
    kinds = [*map(type, call.args)]  # nearly always plain, and asked of every operator
    if Opaque in kinds and Opaque("nested tensor") in call.args:  # whose parts are not known
        return None
    if Dict in kinds and packet not in TAKES_NESTED and any(map(is_nested, call.args)):
        return None
    work = known(call)
    if work is None or work is FREE or not is_complex(call):
        return work
    return in_real_numbers(call, work)


TAKES_NESTED = frozenset(
    f"aten.{name}"
    for name in "bmm linear linear_backward matmul matmul_backward _native_multi_head_attention _transformer_encoder_layer_fwd".split()
)


def is_nested(arg: Any) -> bool:
    return isinstance(arg, Dict) and arg.keys == ("NestedTensor",)
