"""``timm:NAME``: the models of timm, weights random.

``fused_attn = false`` among a case's keywords builds a model that multiplies queries and keys
itself, as with ``TIMM_FUSED_ATTN=0`` in the environment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

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
        partial(create, name),
        {"pretrained": False},
        lambda module: [Input((1, *module.default_cfg["input_size"]))],
    )


def create(name: str, fused_attn: bool | None = None, **kwargs: Any) -> Any:
    """``timm.create_model``, under timm's switch for fused attention where ``fused_attn`` sets it."""
    timm = library("timm")
    if fused_attn is None:
        return timm.create_model(name, **kwargs)
    with fused_attention(fused_attn):
        return timm.create_model(name, **kwargs)


@contextmanager
def fused_attention(enabled: bool) -> Iterator[None]:
    """timm's switch, which its layers ask while they are built, as it was before afterwards."""
    layers = library("timm.layers")
    before = layers.use_fused_attn(), layers.use_fused_attn(experimental=True)
    layers.set_fused_attn(enabled)
    try:
        yield
    finally:
        layers.set_fused_attn(*before)


PROVIDER = Provider("timm", "timm", names, recipe, ("pretrained", "pretrained_backbone"))
