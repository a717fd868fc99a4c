"""Suites of whole libraries: ``timm-all`` is every model that timm lists, at its own size."""

from __future__ import annotations

import hashlib
from pathlib import Path

from flop_harness.records import Case, Suite
from flop_harness.suite.providers import PROVIDERS
from flop_harness.suite.providers.provider import library

SUFFIX = "-all"
COUNTERS = (
    "analytic", "thop", "ultralytics-thop", "ptflops-pytorch", "ptflops-aten", "torchinfo", "fvcore",
    "torch", "pytorch-model-summary", "numel", "torchprofile", "flopth", "calflops", "torchscan",
    "mmengine", "deepspeed",
)  # fmt: skip
"""Those that the suites `torchvision` and `timm` ask too: all that nobody has to ask by name"""


def is_whole(reference: str) -> bool:
    """Whether a suite's name stands for all models of a provider."""
    return reference.endswith(SUFFIX) and reference.removesuffix(SUFFIX) in PROVIDERS


def whole(reference: str, folder: Path) -> Suite:
    """Every model of a library, every counter, every context. UserError where it is not installed."""
    provider = PROVIDERS[reference.removesuffix(SUFFIX)]
    version = getattr(library(provider.package), "__version__", "")
    models = tuple(provider.names())
    told = "\n".join((version, *models))
    return Suite(
        name=reference,
        version=1,
        description=f"Every model of {provider.name} {version}, each at its own size",
        cases=tuple(Case(model, f"{provider.name}:{model}", counters=COUNTERS) for model in models),
        timeout_s=600.0,
        memory_gib=10.0,
        contexts="all",
        digest=hashlib.sha256(told.encode()).hexdigest()[:16],
        folder=str(folder),
    )
