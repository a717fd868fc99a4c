"""``open_clip:ViT-B-32``: the models of open_clip, weights random; an image and a text."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from flop_harness.errors import UserError, suggest
from flop_harness.records import Input
from flop_harness.suite.providers.provider import Provider, library
from flop_harness.suite.recipe import Recipe


def names() -> list[str]:
    return library("open_clip").list_models()  # type: ignore[no-any-return]


def recipe(name: str, roots: Sequence[str] = ()) -> Recipe:
    models = library("open_clip")
    if name not in models.list_models():
        raise UserError(f"open_clip has no model {name!r}{suggest(name, models.list_models())}")
    usual = partial(usual_inputs, models.get_model_config(name)["text_cfg"])
    return Recipe(partial(models.create_model, name), {"pretrained": None}, usual)


def usual_inputs(text: dict[str, Any], module: Any) -> list[Input]:
    size = module.visual.image_size
    height, width = (size, size) if isinstance(size, int) else size
    length = getattr(module, "context_length", None) or text.get("context_length", 77)
    return [
        Input((1, 3, height, width)),
        Input((1, length), "int64", text.get("vocab_size", 49408)),
    ]


PROVIDER = Provider(
    "open_clip", "open_clip", names, recipe, ("pretrained", "pretrained_image", "pretrained_text")
)
