"""A model in another dtype, layout or form than the case's: a copy, and the inputs with it."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from flop_harness.records.times import Series

REDUCED = ("bfloat16", "float16")
"""Dtypes that models are cast to; a model in any other keeps what its factory chose"""

IMAGES = 4
"""Dimensions of a tensor that has a channels-last layout"""


def adapted(
    module: Any, args: Sequence[Any], kwargs: Mapping[str, Any], series: Series
) -> tuple[Any, Any, Any]:
    """(module, args, kwargs) as the series wants them; themselves where they are so already."""
    import torch

    dtype = getattr(torch, series.dtype)
    if series.dtype in REDUCED and any(
        tensor.is_floating_point() and tensor.dtype != dtype for tensor in module.parameters()
    ):
        module = copy.deepcopy(module).to(dtype)
        args, kwargs = tensors_as((args, kwargs), cast_to(dtype))
    if series.channels_last:
        module = copy.deepcopy(module).to(memory_format=torch.channels_last)
        args, kwargs = tensors_as((args, kwargs), laid_out)
    return module, args, kwargs


def tensors_as(values: Any, change: Callable[[Any], Any]) -> Any:
    """Every tensor in (nested) inputs changed."""
    from torch import Tensor
    from torch.utils._pytree import tree_map_only

    return tree_map_only(Tensor, change, values)


def cast_to(dtype: Any) -> Callable[[Any], Any]:
    return lambda tensor: tensor.to(dtype) if tensor.is_floating_point() else tensor


def laid_out(tensor: Any) -> Any:
    import torch

    images = tensor.dim() == IMAGES
    return tensor.contiguous(memory_format=torch.channels_last) if images else tensor


def compiled(module: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Callable[[], Any]:
    """The pass as inductor fuses it; compiled by a first run, whose errors are passed on."""
    import torch
    from torch._inductor import config

    config.compile_threads = 1  # processes of its own would outlive this one
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)  # that there is no CUDA
    fused = torch.compile(copy.deepcopy(module))
    fused(*args, **kwargs)
    return lambda: fused(*args, **kwargs)


# ------------------------------------------------------------------------------------ training


def training(series: Series) -> Series:
    """The same with a backward pass."""
    return replace(series, phase="training")


def grad_mode(series: Series) -> AbstractContextManager[Any]:
    """What a run of the series needs: autograd for training, inference mode for a forward pass."""
    import torch

    return torch.enable_grad() if series.phase == "training" else torch.inference_mode()


def backward_too(module: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Callable[[], None]:
    """A forward pass and the gradients of the sum of its outputs, as a step of training begins.

    RuntimeError where no output has a gradient. Gradients are dropped, as ``zero_grad`` would.
    """
    import torch

    weights = [each for each in module.parameters() if each.requires_grad]

    def run() -> None:
        losses = [output.sum() for output in differentiable(module(*args, **kwargs))]
        if not losses:
            raise RuntimeError("no output has a gradient")
        torch.autograd.backward(losses)
        for weight in weights:
            weight.grad = None

    run()
    return run


def differentiable(output: Any) -> Iterator[Any]:
    """The tensors in an output that a gradient flows from, each once."""
    import torch
    from torch.utils._pytree import tree_leaves

    values = dict(output) if isinstance(output, Mapping) else output
    seen = {id(each): each for each in tree_leaves(values)
            if isinstance(each, torch.Tensor) and each.requires_grad}  # fmt: skip
    yield from seen.values()
