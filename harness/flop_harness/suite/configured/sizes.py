"""How large the inputs of a model of transformers are, as its configuration says."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

LENGTH = 128
"""Tokens of a sequence, or as many as the model has positions for"""


class Sizes:
    """What the inputs of a model are as large as: a configuration, its parts, and what was asked."""

    def __init__(self, module: Any, length: int | None, batch: int) -> None:
        self.module, self.config, self.batch = module, module.config, batch
        self.length = length or min(LENGTH, positions(module.config) or LENGTH)

    def first(self, *names: str, default: Any = None) -> Any:
        """The first of these keys that the configuration or one of its parts has."""
        for config in parts(self.config):
            for name in names:
                if (value := getattr(config, name, None)) is not None:
                    return value
        return default

    def takes(self, *names: str) -> bool:
        """Whether the model's forward pass names one of these inputs."""
        named = inspect.signature(self.module.forward).parameters
        return any(name in named for name in names)

    def entry(self, *kinds: str) -> Any:
        """The first layer of these classes, which tells what the model takes; None without one."""
        from torch import nn

        classes = tuple(getattr(nn, kind) for kind in kinds)
        return next((each for each in self.module.modules() if isinstance(each, classes)), None)

    def ordinary(self) -> int:
        """The first token that stands for nothing special."""
        special = {
            value
            for config in parts(self.config)
            for name, value in config.to_dict().items()
            if name.endswith(("_token_id", "_token_index", "_id")) and isinstance(value, int)
        }
        return next(token for token in range(3, 10_000) if token not in special)

    def image(self) -> tuple[int, int]:
        if ratios := self.first("scaled_images_ratios"):  # the smallest is one patch
            side = int(self.first("patch_size") / min(ratios))
            return side, side
        kept = (each.img_size for each in self.module.modules() if hasattr(each, "img_size"))
        size = self.first("image_size", "img_size", "input_size", "max_img_size", "crop_size")
        size = size or next(kept, 224)
        if isinstance(size, Mapping):
            size = (size["height"], size["width"])
        if isinstance(size, int):
            return size, size
        return tuple(size)[-2:]  # type: ignore[return-value]


def parts(config: Any) -> list[Any]:
    """A configuration and those within it, the outer before the inner."""
    found = [config]
    for each in found:
        found += [
            part for name in each.sub_configs if (part := getattr(each, name, None)) is not None
        ]
    return found


def positions(config: Any) -> int:
    """For how many positions a model is made; 0 where its configuration does not say."""
    text = config.get_text_config()
    found = getattr(text, "max_position_embeddings", None)
    return found if isinstance(found, int) and found > 0 else 0
