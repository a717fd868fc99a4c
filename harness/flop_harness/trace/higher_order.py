"""Operators on functions, such as ``torch.cond``: what their plain kernels call is written down inside."""

from __future__ import annotations

import sys
from collections.abc import Callable
from math import prod
from typing import Any

import torch
from torch._ops import HigherOrderOperator
from torch.utils._python_dispatch import _disable_current_modes
from torch.utils._pytree import tree_map_only

from flop_harness.records import BLOCKS, NOT_TAKEN, RAISED, Call
from flop_harness.suite.higher_order import no_mode_seen
from flop_harness.trace.values import known, modes_off

DENSE = torch._C.DispatchKey.CompositeExplicitAutograd


def higher_order(mode: Any, func: HigherOrderOperator, args: tuple, kwargs: dict) -> Any:
    """The operator's result, its call written down by ``mode``, an ``OperatorMode``."""
    kernel = func.py_kernels.get(DENSE)
    taken: list[bool] = []
    given = args
    if func._name == "cond":
        given = (args[0], noted(args[1], True, taken), noted(args[2], False, taken), *args[3:])

    def run() -> Any:
        if kernel is None:
            return func(*given, **kwargs)
        with mode, no_mode_seen(sys.modules[kernel.__module__]):
            return kernel(*given, **kwargs)

    children: list[Call] = []
    output = mode.inside(run, children)
    if func._name == "flex_attention":
        children += blocks(mode, args[0], args[1], args[4])
    if taken:
        children.append(not_taken(mode, not taken[0], *args[1:]))
    mode.write(f"higher_order.{func._name}.default", args, kwargs, output, tuple(children))
    return output


def noted(branch: Callable, name: bool, taken: list[bool]) -> Callable:
    """A branch that writes its name down when it is called."""

    def called(*operands: Any) -> Any:
        taken.append(name)
        return branch(*operands)

    return called


def not_taken(mode: Any, branch: bool, if_true: Any, if_false: Any, operands: Any) -> Call:
    """A note of what the other branch of a ``cond`` does: some counters run both."""
    calls: list[Call] = []
    ended: Any = None
    mode.stack.append(calls)
    try:
        with _disable_current_modes():
            copies = tree_map_only(torch.Tensor, torch.clone, operands)
        with mode, torch.random.fork_rng(devices=[]):
            (if_true if branch else if_false)(*copies)
    except Exception:  # noqa: BLE001 - it is made for other values: the note says how far it came
        ended = RAISED
    finally:
        mode.stack.pop()
    return Call("function", NOT_TAKEN, (branch,), (), ended, tuple(calls))


def blocks(mode: Any, query: torch.Tensor, key: torch.Tensor, mask: tuple) -> list[Call]:
    """A note of how many positions of the square the mask leaves, by whole blocks; none without one."""
    from torch.nn.attention.flex_attention import noop_mask

    if mask[-1] is noop_mask:
        return []
    square = query.shape[0] * query.shape[1] * query.shape[2] * key.shape[2]
    *tensors, rows, columns = (*mask[2:6], *mask[-3:-1])
    values = [None if each is None else value_of(mode, each) for each in tensors]
    with modes_off():
        left = sum(
            positions(number, indices, mask[:2], (rows, columns))
            for number, indices in zip(values[::2], values[1::2], strict=True)
            if number is not None
        )
    repeated = query.shape[0] * query.shape[1] // prod(tensors[0].shape[:-1])
    return [Call("function", BLOCKS, (left * repeated, square), (), None)]


def value_of(mode: Any, tensor: torch.Tensor) -> torch.Tensor:
    """A tensor on the CPU with its values; ValuesNeeded where the pass has none."""
    beside = None if mode.execute else known(tensor)
    if beside is not None:
        return beside.value
    if not mode.execute and (tensor.is_meta or mode.device.type != "meta"):
        mode.needs.values("a mask of blocks")
    with modes_off():
        return tensor.cpu()


def positions(number: torch.Tensor, indices: torch.Tensor, lengths: tuple, sizes: tuple) -> int:
    """Positions in blocks: of the ``indices`` of columns in each row of blocks the first ``number``."""
    (queries, keys), (rows, columns) = lengths, sizes
    run = torch.arange(indices.shape[-1]) < number[..., None]
    wide = (keys - indices * columns).clamp(0, columns)
    high = (queries - torch.arange(indices.shape[-2]) * rows).clamp(0, rows)
    return int((run * wide * high[:, None]).sum())
