"""Pooling: how windows lie on their input, and what is made of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from flop_harness.proof.oracle.algorithms import adaptively_pooled, mean, pooled
from flop_harness.proof.oracle.registry import algorithm
from flop_harness.proof.oracle.scalar import add_up, empty, filled, largest

Array: TypeAlias = np.ndarray


def per_axis(value: Sequence[int] | int, axes: int) -> tuple[int, ...]:
    values = (value,) if isinstance(value, int) else tuple(value)
    return values * axes if len(values) == 1 else values


def batched(function: Callable[..., Array], axes: int) -> Callable[..., Array]:
    """For inputs with or without a batch."""

    def carried_out(self: Array, *args: Any, **named: Any) -> Array:
        lone = self.ndim == axes + 1
        made = function(self[None] if lone else self, *args, **named)
        return made[0] if lone else made

    return carried_out


def widened(x: Array, window: Window, value: float) -> Array:
    """Padding as if it were data, as far as the last window reaches."""
    before, after = window.padding, window.overhang(x.shape[2:])
    sizes = [n + p + q for n, p, q in zip(x.shape[2:], before, after, strict=True)]
    made = filled((*x.shape[:2], *sizes), value)
    inside = tuple(slice(p, p + n) for n, p in zip(x.shape[2:], before, strict=True))
    made[(slice(None), slice(None), *inside)] = x
    return made


class Window:
    """How windows lie on the axes of an input."""

    def __init__(self, axes: int, kernel_size: Any, stride: Any, padding: Any, dilation: Any = 1,
                 ceil_mode: bool = False) -> None:  # fmt: skip
        self.kernel = per_axis(kernel_size, axes)
        self.stride = per_axis(stride, axes) if len(stride or ()) else self.kernel
        self.padding = per_axis(padding, axes)
        self.dilation = per_axis(dilation, axes)
        self.ceil = ceil_mode

    def sizes(self, lengths: Sequence[int]) -> tuple[int, ...]:
        """How many windows there are; those that begin in the padding behind the data are none."""
        return tuple(
            map(self.count, lengths, self.kernel, self.stride, self.padding, self.dilation)
        )

    def count(self, n: int, k: int, s: int, p: int, d: int) -> int:
        free = n + 2 * p - d * (k - 1) - 1
        count = (-(-free // s) if self.ceil else free // s) + 1
        return count - 1 if self.ceil and (count - 1) * s >= n + p else count

    def overhang(self, lengths: Sequence[int]) -> list[int]:
        """Padding behind the data that windows reach."""
        axes = zip(lengths, self.sizes(lengths), self.kernel, self.stride, self.padding,
                   self.dilation, strict=True)  # fmt: skip
        return [max((m - 1) * s + d * (k - 1) + 1 - n - p, 0) for n, m, k, s, p, d in axes]


def max_pool(axes: int) -> Callable[..., Array]:
    def carried_out(
        x: Array, kernel_size: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1,
        ceil_mode: bool = False, **_: Any,
    ) -> Array:  # fmt: skip
        window = Window(axes, kernel_size, stride, padding, dilation, ceil_mode)
        wide = widened(x, window, -1e9)
        return pooled(wide, window.kernel, window.stride, largest, window.dilation)

    return batched(carried_out, axes)


def avg_pool(axes: int) -> Callable[..., Array]:
    """Sums over windows, padding added as zeros; divided by how many places count."""

    def carried_out(
        x: Array, kernel_size: Any, stride: Any = (), padding: Any = 0, ceil_mode: bool = False,
        count_include_pad: bool = True, divisor_override: int | None = None, **_: Any,
    ) -> Array:  # fmt: skip
        window = Window(axes, kernel_size, stride, padding, 1, ceil_mode)
        sums = pooled(widened(x, window, 0.0), window.kernel, window.stride, add_up)
        made = empty(sums.shape)
        for place in np.ndindex(sums.shape):
            counting = divisor(place[2:], x.shape[2:], window, count_include_pad)
            made[place] = sums[place] / (divisor_override or counting)
        return made

    return batched(carried_out, axes)


def divisor(place: Sequence[int], lengths: Sequence[int], window: Window, padding: bool) -> int:
    """Places of a window that count: those of the data, or of the padding on either side too."""
    count = 1
    for i, n, k, s, p in zip(place, lengths, window.kernel, window.stride, window.padding,
                             strict=True):  # fmt: skip
        start = i * s - p
        stop = min(start + k, n + p)
        count *= stop - start if padding else min(stop, n) - max(start, 0)
    return count


for _axes in (2, 3):
    algorithm(f"aten.max_pool{_axes}d_with_indices", f"aten.max_pool{_axes}d")(max_pool(_axes))
    algorithm(f"aten.avg_pool{_axes}d")(avg_pool(_axes))
    for _name, _merge in (("_adaptive_avg", mean), ("adaptive_max", largest)):
        algorithm(f"aten.{_name}_pool{_axes}d")(
            batched(lambda x, output_size, merge=_merge: adaptively_pooled(x, output_size, merge),
                    _axes))  # fmt: skip
algorithm("aten.mkldnn_max_pool2d", "aten.quantized_max_pool2d")(max_pool(2))


# ----------------------------------------------------------------------------------- gradients


def avg_pool_gradient(axes: int) -> Callable[..., Array]:
    """A quotient of each element, added to every place of its window, padding too."""

    def carried_out(
        grad_output: Array, self: Array, kernel_size: Any, stride: Any, padding: Any,
        ceil_mode: bool, count_include_pad: bool, divisor_override: int | None,
    ) -> Array:  # fmt: skip
        lone = self.ndim == axes + 1
        dy, x = (each[None] if lone else each for each in (grad_output, self))
        window = Window(axes, kernel_size, stride, padding, 1, ceil_mode)
        made = widened(filled(x.shape), window, 0.0)
        for place in np.ndindex(dy.shape):
            counting = divisor(place[2:], x.shape[2:], window, count_include_pad)
            share = dy[place] / (divisor_override or counting)
            corner = [i * s for i, s in zip(place[2:], window.stride, strict=True)]
            at = tuple(slice(c, c + k) for c, k in zip(corner, window.kernel, strict=True))
            add_to(made, (*place[:2], *at), share)
        inside = tuple(slice(p, p + n) for p, n in zip(window.padding, x.shape[2:], strict=True))
        made = made[(slice(None), slice(None), *inside)]
        return made[0] if lone else made

    return carried_out


def adaptive_gradient(grad_output: Array, self: Array) -> Array:
    axes = self.ndim - 2
    made = filled(self.shape)
    for place in np.ndindex(grad_output.shape):
        each = zip(place[2:], self.shape[2:], grad_output.shape[2:], strict=True)
        at = tuple(slice(i * n // m, -(-(i + 1) * n // m)) for i, n, m in each)
        size = np.empty(self.shape[2:])[at].size
        add_to(made, (*place[: made.ndim - axes], *at), grad_output[place] / size)
    return made


def add_to(array: Array, at: tuple[Any, ...], value: Any) -> None:
    part = array[at]
    for place in np.ndindex(part.shape):
        part[place] = part[place] + value


for _axes in (2, 3):
    algorithm(f"aten.avg_pool{_axes}d_backward")(avg_pool_gradient(_axes))
    algorithm(f"aten._adaptive_avg_pool{_axes}d_backward")(adaptive_gradient)
algorithm("aten.adaptive_avg_pool3d_backward")(adaptive_gradient)
