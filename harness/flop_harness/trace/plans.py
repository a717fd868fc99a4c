"""What is known of operators before they are called, and what is remembered of their calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from flop_harness.formulas import FORMULAS
from flop_harness.records import Call
from flop_harness.records.trace import without_overload
from flop_harness.trace import gradient_shapes  # noqa: F401  registers its functions
from flop_harness.trace.fits import FITS
from flop_harness.trace.packed import NAMES as PACKED
from flop_harness.trace.shapes import SHAPES
from flop_harness.trace.signatures import Spec
from flop_harness.trace.values import UNKNOWN

COMPOSITE = torch._C.DispatchKey.CompositeImplicitAutograd
NESTED = ("NestedTensorCPU", "NestedTensorCUDA", "CompositeImplicitAutogradNestedTensor")
"""Where nested tensors have kernels of their own for operators that come apart otherwise."""
VALUE_TAGS = frozenset({torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape})
# The choice among attention kernels hangs on switches that no argument shows, and on gradients.
NEVER_REMEMBERED = frozenset({"aten.scaled_dot_product_attention.default"})


class Plan:
    """What is known of an operator before it is called."""

    __slots__ = (
        "composite",
        "differentiable",
        "fits",
        "followed",
        "func",
        "in_python",
        "mutates",
        "name",
        "nested",
        "quantises",
        "reads_values",
        "remembered",
        "runs",
        "shape",
        "unknown",
        "writes",
    )

    def __init__(self, func: Any) -> None:
        self.name = str(func)
        self.mutates = func._schema.is_mutable
        aliases = [ret.alias_info for ret in func._schema.returns if ret.alias_info is not None]
        written = any(alias.is_write for alias in aliases)
        into = func._overloadname == "out" or func._overloadname.endswith("_out")
        tags = set(func.tags)
        # Kernels in C++ only: Python ones (of torch._decomp) are not what eager mode runs.
        has_kernel = torch._C._dispatch_has_kernel_for_dispatch_key
        self.composite = has_kernel(func.name(), COMPOSITE)
        self.nested = any(has_kernel(func.name(), key) for key in NESTED)
        self.writes = written and torch.Tag.inplace_view not in tags and not into
        # Views and in-place views are cheap and their results alias: let them run.
        self.runs = bool(aliases) and not self.writes and not self.composite
        # On meta it returns floats: torch has no quantised tensors without values.
        self.quantises = self.name.startswith("aten.quantize_per_")
        self.differentiable = not self.writes and "detach" not in self.name
        self.reads_values = bool(tags & VALUE_TAGS) or self.name in READS_VALUES
        # What has no formula may get one from the user at any time.
        self.unknown = without_overload(self.name) not in FORMULAS
        self.in_python = has_python_kernel(func)
        # What may be a view of an argument is made anew: from its shape alone it would be none.
        self.remembered = not (
            (aliases and not self.writes)
            or self.in_python
            or self.unknown
            or self.quantises
            or self.name in NEVER_REMEMBERED | PACKED
        )
        nondeterministic = torch.Tag.nondeterministic_seeded in tags
        known = self.name.rpartition(".")[0] not in UNKNOWN and not into
        self.followed = known and not nondeterministic
        self.func = func  # kept, so that its id stays its own
        self.shape: Callable[..., Spec | None] | None = SHAPES.get(self.name)
        self.fits: Callable[..., bool] | None = FITS.get(self.name)


def has_python_kernel(func: Any) -> bool:
    """Whether its kernel on the CPU was given in Python, by ``torch.library``."""
    name = func.name().replace("::", "/")
    return any(
        f"{name}/{key}" in torch.library._impls for key in ("CPU", "CompositeExplicitAutograd")
    )


METADATA = frozenset(
    f"aten.{name}"
    for name in """dim size stride numel storage_offset sym_size sym_stride sym_numel
    sym_storage_offset sym_is_contiguous is_contiguous is_strides_like_format
    is_non_overlapping_and_dense""".split()
)


def asks_for_metadata(func: Any) -> bool:
    """Whether a tensor of another class is asked for its device, layout or shape: nothing is done."""
    return str(func).startswith("prim.") or ".".join(str(func).split(".")[:2]) in METADATA


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
