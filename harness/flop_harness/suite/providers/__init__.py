"""Libraries of models: one file each, which defines ``PROVIDER``."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from flop_harness.suite.providers.provider import Provider


def found() -> dict[str, Provider]:
    """Every provider by name, those that the harness depends on first."""
    files = [name for _, name, _ in iter_modules(__path__) if name != "provider"]
    ordered = sorted(files, key=lambda name: (name != "torchvision", name))
    made = [import_module(f"{__name__}.{name}").PROVIDER for name in ordered]
    return {provider.name: provider for provider in made}


PROVIDERS = found()
