"""How both backends of ptflops are called."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from typing import Any

from flop_harness.counters.protocol import Answer
from flop_harness.counters.usage import Usage

Question = tuple[tuple[int, ...], Callable[[Any], Any] | None]
"""(resolution, what makes the input of it)"""


def reader(backend: str, ask: Callable[[tuple, Mapping], Question] | None = None) -> Callable:
    """``get_model_complexity_info(net, (1,), input_constructor=..., as_strings=False)``.

    Its README asks with a resolution, of which it makes an input of its own from memory that nobody
    wrote to; the ``input_constructor``, shown there too, gives it the case's.
    """
    asked_with = ask or by_constructor

    def read(model: Any, args: tuple, kwargs: dict, context: object) -> Answer:
        from ptflops import get_model_complexity_info

        resolution, constructor = asked_with(args, kwargs)
        with redirect_stdout(io.StringIO()) as printed:
            macs, params = get_model_complexity_info(
                model,
                resolution,
                as_strings=False,
                backend=backend,
                print_per_layer_stat=False,
                input_constructor=constructor,
            )
        print(printed.getvalue(), end="")
        if macs is None:
            why = printed.getvalue().partition("following exception:")[2]
            raise RuntimeError(f"returned (None, None) after {why.strip() or 'a failure'}")
        return Answer(macs, params)

    return read


def by_constructor(args: tuple, kwargs: Mapping) -> Question:
    """With the input itself, or all of them by name."""
    if kwargs:
        return (1,), lambda resolution: kwargs
    (x,) = args
    return (1,), lambda resolution: x


def by_resolution(args: tuple, kwargs: Mapping) -> Question:
    """With the shape of one float input with a batch of one: releases before 0.7.3."""
    import torch

    if kwargs:
        return by_constructor(args, kwargs)
    (x,) = args
    plain = isinstance(x, torch.Tensor) and x.dtype == torch.float32 and x.dim() > 1
    if plain and x.shape[0] == 1:
        return tuple(x.shape[1:]), None
    return by_constructor(args, kwargs)


def usage(backend: str) -> Usage:
    """The same in a few lines; what its ``input_constructor`` makes goes to the model as it is."""

    def asked(inputs: str) -> str:
        return (
            "macs, params = get_model_complexity_info(\n"
            f"    model, (1,), input_constructor=lambda _: {inputs}, as_strings=False,\n"
            f'    backend="{backend}", print_per_layer_stat=False,\n)'
        )

    return Usage(
        imports="from ptflops import get_model_complexity_info",
        call=asked("args[0]"),
        all_named=asked("kwargs"),
        figures={"compute": "macs", "params": "params"},
        single=True,
    )
