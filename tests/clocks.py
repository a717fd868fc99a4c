"""Measurements made up by arithmetic, for tests of what is told of them."""

from __future__ import annotations

from flop_harness.records import Case, Input, Policy
from flop_harness.records.times import (
    Amount,
    Ceiling,
    Forward,
    HookCost,
    LayerTimes,
    LayerWork,
    Load,
    MemoryPeak,
    Series,
    Theory,
    Times,
)

ONE, TWO = Series("cpu", 1), Series("cpu", 2)


def a_forward(case, seconds, series=ONE, session=1, turns=12, **more):
    """Turns of two samples that alternate by a thousandth around ``seconds``."""
    made = tuple((seconds * (1 + 0.001 * (turn % 2)),) * 2 for turn in range(turns))
    return Forward(
        case, series, session, made, warmup=3, ended=more.pop("ended", "precise"), **more
    )


def a_theory(case, macs, params=10, kind="torchvision.models.resnet.ResNet", **more):
    amounts = (
        Amount("macs", "compute", "MAC", macs),
        Amount("flops", "compute", "FLOP", 2 * macs),
        Amount("params", "params", "parameter", params),
        Amount("param-bytes", "size", "byte", 4 * params),
        Amount("bytes", "traffic", "byte", 100),
    )
    layers = more.pop("layers", (LayerWork("conv", "Conv2d", 2 * macs, 100),))
    return Theory(case, kind, amounts, layers, more.pop("live", 400))


def ceilings(series=ONE, flop_per_s=1000.0, bytes_per_s=100.0):
    return (Ceiling("product", series, 1000, (1000 / flop_per_s,)),
            Ceiling("copy", series, 16, (1e-6,)),  # a launch, and a size that no test's work has
            Ceiling("copy", series, 1000, (1000 / bytes_per_s,)))  # fmt: skip


def some_times(cases, forwards, theory=(), **more):
    quiet = (Load("before", 0.01, (0.1, 0.2, 0.3)), Load("after", 0.02, (0.4, 0.3, 0.3)))
    return Times(1, more.pop("suite", "mine"), 1, "cpu-2-core-some-processor", {"torch": {"version": "2.14.1"}},
                 Policy(), tuple(cases), tuple(forwards), theory=tuple(theory),
                 load=more.pop("load", quiet), **more)  # fmt: skip


def a_conv(name, groups, channels=8, size=6, batch=1):
    return Case(name, "torch.nn:Conv2d", (Input((batch, channels, size, size)),),
                {"in_channels": channels, "out_channels": channels, "kernel_size": 3,
                 "groups": groups})  # fmt: skip


def grouped_times():
    """In 2 groups as promised, in 4 half of it, depthwise slower than in one group."""
    seconds = {1: 8.0, 2: 4.0, 4: 4.0, 8: 10.0}
    cases = [a_conv(f"g{groups}", groups) for groups in seconds]
    return some_times(
        cases,
        [a_forward(f"g{groups}", value, series) for groups, value in seconds.items()
         for series in (ONE, TWO)],
        [a_theory(f"g{groups}", 800 // groups, kind="torch.nn.modules.conv.Conv2d")
         for groups in seconds],
    )  # fmt: skip


def zoo_times(law=lambda macs, place: macs * 1e-6):
    """Twelve models of four families whose seconds follow a law; their parameters run the other way."""
    families = ("resnet", "vgg", "vision_transformer", "swin_transformer")
    names = [f"m{place}" for place in range(12)]
    macs = [1000 * 2**place for place in range(12)]
    return some_times(
        [Case(name, f"torchvision:{name}", (Input((1, 3, 8, 8)),)) for name in names],
        [a_forward(name, law(each, place)) for place, (name, each) in
         enumerate(zip(names, macs, strict=True))],
        [a_theory(name, each, 10_000 + (place * 7) % 12, f"torchvision.models.{families[place % 4]}.Net")
         for place, (name, each) in enumerate(zip(names, macs, strict=True))],
        ceilings=ceilings(),
        layers=tuple(LayerTimes(name, ONE, "conv", "Conv2d", (each * 1e-6,) * 3)
                     for name, each in zip(names, macs, strict=True)),
        hooks=tuple(HookCost(name, ONE, (1.1,) * 3, (1.0,) * 3) for name in names),
        memory=tuple(MemoryPeak(name, "cpu", 500, "a profiler") for name in names),
    )  # fmt: skip
