"""``timm:NAME``: the models of timm, weights random."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from flop_harness.errors import UserError, suggest
from flop_harness.records import Input
from flop_harness.suite.providers.provider import Provider, library
from flop_harness.suite.recipe import Recipe


def names() -> list[str]:
    return library("timm").list_models()  # type: ignore[no-any-return]


def recipe(name: str, roots: Sequence[str] = ()) -> Recipe:
    timm = library("timm")
    if not timm.is_model(name):
        raise UserError(f"timm has no model {name!r}{suggest(name, timm.list_models())}")
    return Recipe(
        partial(timm.create_model, name),
        {"pretrained": False},
        lambda module: [Input((1, *module.default_cfg["input_size"]))],
    )


PROVIDER = Provider("timm", "timm", names, recipe, ("pretrained", "pretrained_backbone"))
