"""``diffusers:UNet2DConditionModel``: models of diffusers, their configuration's keys as kwargs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

from flop_harness.errors import UserError, suggest
from flop_harness.suite.providers.provider import Provider, library
from flop_harness.suite.recipe import Recipe

WORDS = 77
"""Tokens of a prompt, as CLIP's text tower has them"""


@cache
def names() -> list[str]:
    structure = library("diffusers.models")._import_structure
    found = (name for each in structure.values() for name in each)
    return sorted(name for name in found if name[:1].isupper() and "Flax" not in name)


def recipe(name: str, roots: Sequence[str] = ()) -> Recipe:
    models = library("diffusers")
    if "/" in name:
        raise UserError(f"{name!r} is a place on the net, and nothing is downloaded: name a class, as "
                        "in diffusers:UNet2DConditionModel")  # fmt: skip
    found = getattr(models, name, None)
    if not isinstance(found, type) or not hasattr(found, "load_config") or name not in names():
        raise UserError(f"diffusers has no model {name!r}{suggest(name, names())}")
    return Recipe(partial(made, found))


def made(model: Any, **config: Any) -> tuple[Any, tuple, dict[str, Any]]:
    """(model, (), inputs); UserError where its configuration does not tell of an input."""
    module = model(**config)
    takes = inspect.signature(module.forward).parameters
    needed = [name for name, each in takes.items() if each.default is each.empty
              and each.kind is not each.VAR_KEYWORD]  # fmt: skip
    told = [name for name, key in ASKED.items() if name in takes and module.config.get(key)]
    inputs = {}
    for name in dict.fromkeys([*needed, *told]):
        if name not in INPUTS:
            raise UserError(f"{model.__name__} takes {name}, and no configuration tells of it: give "
                            "the inputs")  # fmt: skip
        inputs[name] = INPUTS[name](module.config)
    return module, (), inputs


# ------------------------------------------------------------------------------------- inputs


def drawn(*shape: int) -> Any:
    import torch

    return torch.rand(shape, device="cpu")


def whole(*shape: int) -> Any:
    import torch

    return torch.ones(shape, dtype=torch.int64, device="cpu")


def image(config: Any) -> Any:
    """Channels x side x side; of one that takes them in a row, so many tokens."""
    size = config.get("sample_size") or 64
    sides = (size, size) if isinstance(size, int) else tuple(size)
    if "axes_dims_rope" in config:  # FLUX takes patches as tokens
        return drawn(1, TOKENS, config["in_channels"])
    return drawn(1, config["in_channels"], *sides)


TOKENS = 256


def words(config: Any) -> Any:
    keys = ("cross_attention_dim", "joint_attention_dim", "caption_channels", "text_embed_dim")
    size = next(config[key] for key in keys if config.get(key))
    return drawn(1, WORDS, size if isinstance(size, int) else size[0])


def added(config: Any) -> Any:
    """Of SDXL: six sizes beside an embedding of the text, together as wide as it projects."""
    sizes = 6 * (config.get("addition_time_embed_dim") or 0)
    return {"text_embeds": drawn(1, config["projection_class_embeddings_input_dim"] - sizes),
            "time_ids": drawn(1, 6)}  # fmt: skip


ASKED = {
    "added_cond_kwargs": "addition_embed_type", "guidance": "guidance_embeds",
    "encoder_hidden_states": "joint_attention_dim", "pooled_projections": "pooled_projection_dim",
    "img_ids": "axes_dims_rope", "txt_ids": "axes_dims_rope", "class_labels": "num_embeds_ada_norm",
    "timestep": "in_channels",
}  # fmt: skip
"""Inputs that have a default, and the key of the configuration that says they are needed"""

INPUTS: dict[str, Callable[[Any], Any]] = {
    "sample": image, "hidden_states": image, "x": image, "encoder_hidden_states": words,
    "timestep": lambda config: whole(1), "class_labels": lambda config: whole(1),
    "pooled_projections": lambda config: drawn(1, config["pooled_projection_dim"]),
    "guidance": lambda config: drawn(1), "added_cond_kwargs": added,
    "img_ids": lambda config: drawn(TOKENS, 3), "txt_ids": lambda config: drawn(WORDS, 3),
}  # fmt: skip


PROVIDER = Provider("diffusers", "diffusers", names, recipe)
