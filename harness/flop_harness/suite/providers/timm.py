"""``timm:NAME``: the models of timm, weights random.

Two keywords of a case are timm's own ways to another form of a model. ``fused_attn = false`` builds
one that multiplies queries and keys itself, as with ``TIMM_FUSED_ATTN=0`` in the environment;
``reparam = true`` merges parallel branches and normalisations into convolutions, as ``--reparam``
does in timm's scripts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
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


def create(name: str, fused_attn: bool | None = None, reparam: bool = False, **kwargs: Any) -> Any:
    """``timm.create_model``, under timm's switch for fused attention where ``fused_attn`` sets it."""
    timm = library("timm")
    with nullcontext() if fused_attn is None else fused_attention(fused_attn):
        model = timm.create_model(name, **kwargs)
    return library("timm.utils").reparameterize_model(model) if reparam else model


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
