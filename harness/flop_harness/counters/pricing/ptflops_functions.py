"""ptflops 0.7.5, pytorch backend: what the functions that it patches add, in hooked layers too.

Rules after ptflops/pytorch_ops.py of ptflops 0.7.5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from typing import Any

from flop_harness.conventions.products import ATTENTION_FUNCTIONS
from flop_harness.counters.pricing.ptflops_layers import DIMENSIONS, hooked
from flop_harness.records import IN_KERNEL, LOOKS_FOR_SHAPE, Call, Tensor, Trace
from flop_harness.trace.walk import Visit, functions


def first_numel(call: Call) -> int:
    return call.argument(0, "input").numel


def interpolated(call: Call) -> int | float:
    """Output elements as ``size`` gives them, or as computed from a scale that may be a float."""
    if call.argument(1, "size") is not None:
        return call.output.numel
    x, scale = call.argument(0, "input"), call.argument(2, "scale_factor")
    spatial = len(x.shape) - 2
    if type(scale) is tuple and len(scale) == spatial:
        return x.numel * int(prod(int(s) for s in scale))
    return x.numel * scale**spatial


def matrix_product(call: Call) -> int:
    x = call.args[0] if call.args else call.argument(0, "input")
    other = call.argument(1, "mat2" if call.name.endswith("mm") else "other")
    return x.numel * other.shape[-1]


def added_product(call: Call) -> int:
    mat1, mat2 = call.argument(1, "mat1"), call.argument(2, "mat2")
    return mat1.numel * mat2.shape[-1]


def broadcast(call: Call) -> int:
    """Elements of the result, shapes aligned at the left."""
    x, y = call.argument(0, "input"), call.argument(1, "other")
    shapes = [value.shape for value in (x, y) if isinstance(value, Tensor)]
    if not shapes:
        return 1
    longest = max(map(len, shapes))
    padded = [(*shape, *[1] * (longest - len(shape))) for shape in shapes]
    return prod(map(max, *padded)) if len(padded) > 1 else prod(padded[0])


F, T, M = "torch.nn.functional", "torch", "torch.Tensor"
ELEMENT_FUNCTIONS = {
    **{f"{F}.{name}": label for name, label in {
        "relu": "ReLU", "prelu": "PReLU", "elu": "ELU", "relu6": "ReLU6", "gelu": "GELU",
        "silu": "SiLU", "softmax": "softmax"}.items()},
    **{f"{F}.avg_pool{n}d": "average pooling" for n in DIMENSIONS},
    **{f"{F}.max_pool{n}d": "max pooling" for n in DIMENSIONS},
    **{f"{F}.adaptive_avg_pool{n}d": "adaptive average pooling" for n in DIMENSIONS},
    **{f"{F}.adaptive_max_pool{n}d": "adaptive max pooling" for n in DIMENSIONS},
}  # fmt: skip
FUNCTIONS: dict[str, tuple[str, Callable[[Call], Any]]] = {
    **{name: (label, first_numel) for name, label in ELEMENT_FUNCTIONS.items()},
    f"{F}.upsample": ("upsampling", interpolated),
    f"{F}.interpolate": ("upsampling", interpolated),
    **{f"{space}.{name}": ("matrix product", matrix_product)
       for space in (T, M) for name in ("matmul", "mm", "bmm")},
    **dict.fromkeys((f"{T}.addmm", f"{M}.addmm", f"{T}.baddbmm"), ("matrix product", added_product)),
    **{f"{space}.mul": ("multiplication", broadcast) for space in (T, M)},
    **{f"{space}.add": ("addition", broadcast) for space in (T, M)},
}  # fmt: skip


def function_charges(trace: Trace) -> Iterator[tuple[str, str, Any]]:
    for visit in functions(trace):
        if visit.call.name not in FUNCTIONS:
            continue
        label, amount = FUNCTIONS[visit.call.name]
        if label == "matrix product" and visit.inside(*ATTENTION_FUNCTIONS):
            label = "attention product"
        yield visit.path, twice(trace, visit, label), amount(visit.call)
        adds = visit.call.name.endswith(("addmm", "baddbmm"))
        if adds and visit.call.argument(3, "beta", 1) != 0:
            bias = twice(trace, visit, f"{label} bias")
            yield visit.path, bias, visit.call.argument(0, "input").numel


def twice(trace: Trace, visit: Visit, label: str) -> str:
    """The label, or that it is counted twice, if the module around has a hook for the same, or that
    nothing is computed: torch finds the shape of a distributed tensor; that no operator of it is seen.
    """
    innermost = next((c for c in reversed(visit.around) if c.level == "module"), None)
    if visit.inside(LOOKS_FOR_SHAPE):
        return f"{label} counted where torch looks for a shape"
    if visit.inside(IN_KERNEL):
        return f"{label} inside an operator written in Python"
    nested = any(FUNCTIONS.get(c.name, ("",))[0] == label for c in visit.around)
    if nested:
        return f"{label} counted again by a nested function"
    if innermost is None or not hooked(trace.modules[innermost.module]):
        return label
    return f"{label} counted twice (hook and patched function)"
