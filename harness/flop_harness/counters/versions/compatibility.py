"""How released versions of the counters are made to run on today's Python, and how they are called.

A remedy is taken for one release, after it failed in the way that the remedy mends, and applied in
the process of that reading alone. The reading names it among its warnings.
"""

from __future__ import annotations

import re
import sys
import types
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from flop_harness.counters import Counter, torchsummary
from flop_harness.counters.pricing.ptflops_call import by_resolution, reader
from flop_harness.counters.protocol import Answer
from flop_harness.records import Context, Reading

Read = Callable[[Any, tuple[Any, ...], dict[str, Any], Context], Answer]
MARK = "remedy: "
"""What begins a warning that names a remedy"""


@dataclass(frozen=True)
class Shim:
    """What mends a failure whose message matches ``error``: a patch, or another way to call."""

    name: str
    error: str
    patch: Callable[[], None] | None = None
    read: Read | None = None
    counter: str = ""

    def mends(self, counter: str, message: str) -> bool:
        ours = self.counter in ("", counter)
        return ours and re.search(self.error, message) is not None


# ------------------------------------------------------------------------------------ patches


def restore_abstract_collections() -> None:
    """Python 3.10 took the abstract classes out of ``collections``."""
    import collections
    import collections.abc

    for name in collections.abc.__all__:
        if not hasattr(collections, name):
            setattr(collections, name, getattr(collections.abc, name))


def stand_in(name: str) -> Callable[[], None]:
    """A hollow module for one that is imported and not used while a model is counted."""

    def patch() -> None:
        hollow = types.ModuleType(name)
        hollow.__dict__["__getattr__"] = lambda attribute: object
        sys.modules.setdefault(name, hollow)

    return patch


def stand_in_for_pkg_resources() -> None:
    """setuptools 82 has it no more; a package that shares its name with others said so by it."""
    hollow = types.ModuleType("pkg_resources")
    hollow.__dict__["declare_namespace"] = lambda name: None
    sys.modules.setdefault("pkg_resources", hollow)


# -------------------------------------------------------------------------------- other calls


def thop_without_layers(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
    """``flops, params = profile(model, inputs=(input,))``: thop before 0.0.4.post2109101452."""
    from thop import profile

    return Answer(*profile(model, inputs=args, verbose=False))


def thop_with_sizes(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
    """``flops, params = profile(model, input_size=(1, 3, 224, 224))``: thop before July 2019."""
    from thop import profile

    (x,) = args
    return Answer(*profile(model, input_size=tuple(x.shape), verbose=False))


def ptflops_without_backends(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
    """``get_model_complexity_info(net, (3, 224, 224), as_strings=False)``: ptflops before 0.6.8."""
    from ptflops import get_model_complexity_info

    resolution, constructor = by_resolution(args, kwargs)
    flops, params = get_model_complexity_info(
        model, resolution, as_strings=False, print_per_layer_stat=False,
        input_constructor=constructor,
    )  # fmt: skip
    return Answer(flops, params)


def ptflops_of_square_images(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
    """``get_model_complexity_info(net, (224, 224))``: ptflops 0.1 and 0.2, images of 3 channels."""
    from ptflops import get_model_complexity_info

    (x,) = args
    flops, params = get_model_complexity_info(
        model, tuple(x.shape[2:]), as_strings=False, print_per_layer_stat=False
    )
    return Answer(flops, params)


def torchinfo_totals(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
    """``summary(model, input_data=...)`` without its rows: torchinfo before 1.5.1."""
    from torchinfo import summary

    data = args[0] if len(args) == 1 and not kwargs else list(args)
    statistics = summary(model, input_data=data, verbose=0, **kwargs)
    return Answer(statistics.total_mult_adds, statistics.total_params)


def fvcore_flop_count(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
    """``gflops, skipped = flop_count(model, inputs)``: fvcore before February 2021, in units of 10^9.

    The first one returns ``gflops`` alone.
    """
    from fvcore.nn import flop_count

    answer = flop_count(model, args)
    gflops = answer[0] if isinstance(answer, tuple) else answer
    return Answer(round(sum(gflops.values()) * 10**9))


def shapes_of_samples(args: tuple) -> list[tuple[int, ...]]:
    """Shapes without the batch, for tools that make inputs of one sample themselves."""
    if any(len(x.shape) < 2 or x.shape[0] != 1 or not x.is_floating_point() for x in args):
        raise ValueError("this release makes its inputs itself, floats of one sample each")
    return [tuple(x.shape[1:]) for x in args]


def flopth_with_sizes(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
    """``flopth(my_model, in_size=(3, 224, 224), bare_number=True)``: flopth before 0.1."""
    from flopth import flopth

    shapes = shapes_of_samples(args)
    flops = flopth(model, in_size=shapes[0] if len(shapes) == 1 else shapes, bare_number=True)
    return Answer(int(flops[0]))


def torchscan_with_shape(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
    """``crawl_module(module, (3, 224, 224))["layers"]``: torchscan before 0.2."""
    from torchscan import crawl_module

    layers = crawl_module(model, shapes_of_samples(args))["layers"]
    params = sum(each["grad_params"] + each["nograd_params"] for each in layers)
    return Answer(sum(each["macs"] for each in layers), params)


# -------------------------------------------------------------------------------------- table

REMEDIES = (
    Shim(
        "run with the classes that Python 3.10 took out of collections",
        r"from 'collections'|module 'collections' has no attribute",
        patch=restore_abstract_collections,
    ),
    Shim(
        "run with an empty module for onnx, which its count of a PyTorch model does not use",
        "No module named 'onnx'", patch=stand_in("onnx"), counter="thop",
    ),
    Shim(
        "run with a module for pkg_resources that declares nothing", "No module named 'pkg_resources'",
        patch=stand_in_for_pkg_resources, counter="lightning",
    ),
    Shim(
        "called without ret_layer_info", "unexpected keyword argument 'ret_layer_info'",
        read=thop_without_layers, counter="thop",
    ),
    Shim(
        "called without ret_layer_info", "unexpected keyword argument 'ret_layer_info'",
        read=thop_without_layers, counter="ultralytics-thop",
    ),
    Shim(
        "called with input_size", "unexpected keyword argument 'inputs'",
        read=thop_with_sizes, counter="thop",
    ),
    Shim(
        "called without backend", "unexpected keyword argument 'backend'",
        read=ptflops_without_backends, counter="ptflops-pytorch",
    ),
    Shim(
        "called with a resolution", r"argument after \*\* must be a mapping",
        read=reader("pytorch", by_resolution), counter="ptflops-pytorch",
    ),
    Shim(
        "called with height and width", r"AssertionError: ?$|^AssertionError",
        read=ptflops_of_square_images, counter="ptflops-pytorch",
    ),
    Shim(
        "asked for its totals alone", "no attribute 'is_leaf_layer'",
        read=torchinfo_totals, counter="torchinfo",
    ),
    Shim(
        "called by flop_count", "cannot import name 'FlopCountAnalysis'",
        read=fvcore_flop_count, counter="fvcore",
    ),
    Shim(
        "called with in_size", "unexpected keyword argument 'inputs'",
        read=flopth_with_sizes, counter="flopth",
    ),
    Shim(
        "called with input_shape", "unexpected keyword argument 'args'",
        read=torchscan_with_shape, counter="torchscan",
    ),
    Shim(
        "called without device", "unexpected keyword argument 'device'",
        read=torchsummary.reader(), counter="torchsummary",
    ),
)  # fmt: skip


def shim_for(counter: str, message: str, taken: tuple[Shim, ...]) -> Shim | None:
    """What mends this failure and was not taken yet."""
    return next(
        (each for each in REMEDIES if each not in taken and each.mends(counter, message)), None
    )


def read_with_shims(
    name: str,
    counter: Counter,
    read: Callable[[Counter], tuple[Reading, ...]],
    taken: tuple[Shim, ...] = (),
) -> tuple[tuple[Reading, ...], tuple[Shim, ...]]:
    """The readings of a release of the counter ``name``, once nothing is left to be tried.

    ``taken`` are the shims that the release has needed before; those that it needs come back too.
    """
    while True:
        said = read(shimmed(counter, taken))
        failed = [reading.message for reading in said if reading.status == "failed"]
        shim = shim_for(name, failed[0], taken) if failed else None
        if shim is None:
            return said, taken
        taken = (*taken, shim)


def shimmed(counter: Counter, taken: tuple[Shim, ...]) -> Counter:
    """The counter with these remedies in the process that reads."""
    if not taken:
        return counter
    calls = [remedy.read for remedy in taken if remedy.read is not None]
    ask = calls[-1] if calls else counter.read

    def read(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
        for remedy in taken:
            warnings.warn(MARK + remedy.name, stacklevel=1)
            if remedy.patch is not None:
                remedy.patch()
        return ask(model, args, kwargs, context)

    return replace(counter, read=read)
