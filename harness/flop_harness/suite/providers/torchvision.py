"""``torchvision:NAME``: the models of torchvision, weights random."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from flop_harness.errors import UserError, suggest
from flop_harness.records import Input
from flop_harness.suite.providers.provider import Provider, library
from flop_harness.suite.recipe import Recipe


def names() -> list[str]:
    return library("torchvision.models").list_models()  # type: ignore[no-any-return]


def recipe(name: str, roots: Sequence[str] = ()) -> Recipe:
    models = library("torchvision.models")
    name = name.lower()
    if name not in models.list_models():
        raise UserError(f"torchvision has no model {name!r}{suggest(name, models.list_models())}")
    builder = models.get_model_builder(name)
    kind = builder.__module__.split(".")[2]
    weights = models.get_model_weights(name)
    usual = partial(usual_inputs, kind, next(iter(weights)).transforms)
    return adapt(Recipe(builder, {"weights": None}, usual))


def adapt(made: Recipe) -> Recipe:
    """torchvision's factories load a backbone's weights unasked; its detectors take a list."""
    home = getattr(made.factory, "__module__", None) or ""
    if not home.startswith("torchvision."):
        return made
    loads = "weights_backbone" in inspect.signature(made.factory).parameters
    kwargs = {**made.kwargs, **({"weights_backbone": None} if loads else {})}
    return replace(made, kwargs=kwargs, images=home.startswith("torchvision.models.detection."))


def usual_inputs(kind: str, preset: Callable[[], Any], module: Any) -> Sequence[Input]:
    """The shapes that torchvision's own figures for such a model were taken with, or smaller."""
    if kind == "detection":
        return [Input((3, 800, 800))]
    if kind == "optical_flow":  # RAFT's smallest: it takes two frames
        return 2 * [Input((1, 3, 128, 128))]
    resizing = preset()
    crop = getattr(resizing, "crop_size", None) or resizing.resize_size
    # a vision transformer is built for one size, whatever size its weights are for
    size = getattr(module, "image_size", crop[0])
    frames = (16,) if kind == "video" else ()
    return [Input((1, 3, *frames, size, size))]


PROVIDER = Provider("torchvision", "torchvision", names, recipe, ("weights", "weights_backbone"))
