"""``segmentation_models_pytorch:Unet``: its architectures, with kwargs such as ``encoder_name``."""

from __future__ import annotations

from collections.abc import Sequence

from flop_harness.errors import UserError, suggest
from flop_harness.records import Input
from flop_harness.suite.providers.provider import Provider, library
from flop_harness.suite.recipe import Recipe

NAME = "segmentation_models_pytorch"


def names() -> list[str]:
    models = library(NAME)
    return sorted(name for name, value in vars(models).items()
                  if isinstance(value, type) and hasattr(value, "check_input_shape"))  # fmt: skip


def recipe(name: str, roots: Sequence[str] = ()) -> Recipe:
    models = library(NAME)
    if name not in names():
        raise UserError(f"{NAME} has no model {name!r}{suggest(name, names())}")
    return Recipe(
        getattr(models, name), {"encoder_weights": None}, lambda module: [Input((1, 3, 224, 224))]
    )


PROVIDER = Provider(NAME, NAME, names, recipe, ("encoder_weights",))
