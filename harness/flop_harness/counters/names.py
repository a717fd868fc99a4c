"""What people call a counter: the names in its documentation, beside its id."""

from __future__ import annotations

import re
from collections.abc import Collection

PTFLOPS = ("ptflops-pytorch", "ptflops-aten")

CALLED: dict[str, tuple[str, ...]] = {
    "ptflops": PTFLOPS,
    "flops-counter.pytorch": PTFLOPS,
    "get-model-complexity-info": PTFLOPS,
    "pytorch-opcounter": ("thop",),
    "flopcountermode": ("torch",),
    "flop-counter": ("torch",),
    "pytorch": ("torch",),
    "torch.profiler": ("torch-profiler",),
    "measure-flops": ("lightning",),
    "torchflopsbyfx": ("torch-flops",),
    "floating-point-ops": ("hf-trainer",),
    "total-flos": ("hf-trainer",),
    "flopcountanalysis": ("fvcore",),
    "calculate-flops": ("calflops",),
    "profile-macs": ("torchprofile",),
    "deepspeed-flops-profiler": ("deepspeed",),
    "flops-profiler": ("deepspeed",),
    "get-model-profile": ("deepspeed",),
    "ultralytics": ("ultralytics-thop",),
    "mmcv": ("mmengine",),
    "mmdetection": ("mmengine",),
    "reference": ("analytic",),
    "flop-harness": ("analytic",),
}
"""What people call a counter -> the ids that it may be, the usual one first"""


def ids_called(name: str, known: Collection[str]) -> tuple[str, ...]:
    """The ids of ``known`` that a name stands for, the usual one first; none for an unknown name.

    Case, blanks, underscores and brackets make no difference. A dotted name, such as
    ``torch.utils.flop_counter.FlopCounterMode`` or ``thop.profile``, is known by its package.

    >>> ids_called("ptflops[aten]", {"thop", "ptflops-pytorch", "ptflops-aten"})
    ('ptflops-aten',)
    """
    if name in known:
        return (name,)
    written = re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-")
    for each in (written, written.partition(".")[0]):
        found = (each,) if each in known else CALLED.get(each, ())
        if found := tuple(id for id in found if id in known):
            return found
    return ()
