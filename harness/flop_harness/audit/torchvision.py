"""The figures that torchvision publishes with its weights, as a file of claims.

    python -m flop_harness.audit.torchvision > suites/claims/torchvision.toml

``num_params`` and ``_ops`` of every entry are taken as they stand in the installed package. The
inputs are those of torchvision's own count (test/common_extended_utils.py of pytorch/vision): an
image of 512 x 512, or 16 frames of it, through the transforms of the weights.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

IMAGE = 512
FRAMES = 16
HEAD = """# Made by python -m flop_harness.audit.torchvision; not to be edited.

source = "torchvision {version}, meta of its weights: num_params, _ops (documented as GFLOPS)"

[[table]]
id = "weights"
columns = ["id", "model", "kwargs", "inputs", "params", "FLOPs (G)"]
rows = [
"""


def lines() -> Iterator[str]:
    """The file, line by line."""
    import torchvision
    from torchvision import models

    yield HEAD.format(version=torchvision.__version__.partition("+")[0])
    for name in models.list_models():
        for weights in models.get_model_weights(name):
            yield f"  {row(name, weights)},\n"
    yield "]\n"


def row(name: str, weights: Any) -> str:
    """One entry; ``_ops`` with the three decimals to which it is rounded."""
    kind = module_of(name)
    frozen = kind == "detection" and is_frozen(name)
    shapes = "" if frozen else " ".join(inputs(kind, weights.transforms()))
    model = "models.py:frozen_detector" if frozen else f"torchvision:{name}"
    cells = [f"{name} {weights.name}", model, shapes]
    told = [f"{weights.meta['num_params']}", f"{weights.meta['_ops']:.3f}"]
    words = [json.dumps(cell) for cell in (*cells, *told)]
    frame = {"name": name, "size": IMAGE} if frozen else {}
    words.insert(2, table({**frame, **kwargs(name, kind, weights)}))
    return f"[{', '.join(words)}]"


def module_of(name: str) -> str:
    """``detection`` of ``torchvision.models.detection.faster_rcnn``; a classifier's own module."""
    from torchvision import models

    return models.get_model_builder(name).__module__.split(".")[2]  # type: ignore[no-any-return]


def is_frozen(name: str) -> bool:
    """Whether a detector's builder freezes batch normalisation where it is given weights."""
    return not name.startswith("ssd") and not name.endswith("_v2")


def inputs(kind: str, preset: Any) -> list[str]:
    """Shapes of what comes out of the transforms of a set of weights."""
    if kind == "detection":
        return [f"3x{IMAGE}x{IMAGE}"]
    size = getattr(preset, "crop_size", None) or getattr(preset, "resize_size", None) or [IMAGE]
    height, width = size[0], size[-1]
    if kind == "optical_flow":
        return [f"1x3x{height}x{width}"] * 2
    if kind == "video":
        return [f"1x3x{FRAMES}x{height}x{width}"]
    return [f"1x3x{height}x{width}"]


def kwargs(name: str, kind: str, weights: Any) -> dict[str, Any]:
    """What the builder of a model sets when it is given these weights."""
    if name.removeprefix("quantized_") == "googlenet":
        return {"aux_logits": False, "init_weights": False}
    if name.removeprefix("quantized_") == "inception_v3":
        return {"init_weights": False}
    if kind == "segmentation" and not name.startswith("lraspp"):
        return {"aux_loss": True}
    if name == "keypointrcnn_resnet50_fpn":
        return {"num_keypoints": len(weights.meta["keypoint_names"])}
    size = weights.meta["min_size"][0]
    return {"image_size": size} if name.startswith("vit_") and size != 224 else {}


def table(values: dict[str, Any]) -> str:
    """An inline table of TOML."""
    words = ", ".join(f"{key} = {json.dumps(value)}" for key, value in values.items())
    return f"{{ {words} }}" if words else "{}"


if __name__ == "__main__":
    print("".join(lines()), end="")
