"""What a formula asks of a shape; each condition says why a shape does not meet it."""

from __future__ import annotations

from flop_harness.conventions.transformers.formula import Coverage
from flop_harness.records.transformer import Transformer


def two_matrices(shape: Transformer) -> str:
    return (
        "" if shape.mlp_matrices == 2 else "it is for an MLP of two matrices; the model's has three"
    )


def three_matrices(shape: Transformer) -> str:
    return (
        "" if shape.mlp_matrices == 3 else "it is for an MLP of three matrices; the model's has two"
    )


def four_wide(shape: Transformer) -> str:
    fits = shape.mlp_width == 4 * shape.width
    return "" if fits else f"its MLP is 4 h wide, this one {shape.mlp_width / shape.width:.4g} h"


def own_keys(shape: Transformer) -> str:
    if shape.kv_heads == shape.heads:
        return ""
    return "each of its heads has keys and values of its own, here groups share them"


def square(shape: Transformer) -> str:
    if shape.query_width == shape.width:
        return ""
    return f"its heads are h wide together, here {shape.query_width} of {shape.width}"


def no_experts(shape: Transformer) -> str:
    return "it knows no experts" if shape.experts else ""


def like_grouped_products(shape: Transformer) -> str:
    if not shape.experts:
        return ""
    return "what it counts of experts hangs on how they are run: a grouped product is nothing to it"


def all_layers_alike(shape: Transformer) -> str:
    mixed = shape.experts and (shape.experts.dense_layers or shape.experts.shared)
    return "it knows no dense layers before the experts, and no shared experts" if mixed else ""


def learned_positions(shape: Transformer) -> str:
    return "" if shape.positions == "learned" else "its positions are learned"


def tied(shape: Transformer) -> str:
    return "" if shape.tied else "its head is the embedding, here they are two matrices"


def decoder(shape: Transformer) -> str:
    return "" if shape.causal else "it is about decoders, this is an encoder"


def plain_positions(shape: Transformer) -> str:
    relative = shape.positions == "relative"
    return "it knows no matrix for relative positions" if relative else ""


def family(*names: str) -> Coverage:
    """One of the families that a project has a function or a model for."""

    def covered(shape: Transformer) -> str:
        if shape.family in names:
            return ""
        return f"it is for {', '.join(names)}; the model's family is {shape.family or 'not known'}"

    return covered
