"""Parameters of a transformer, by what they are, from its shape alone."""

from __future__ import annotations

from flop_harness.records.transformer import Transformer


def parameters(shape: Transformer) -> dict[str, int]:
    """Elements by part; their sum is the model's parameter count."""
    head = 0 if shape.tied else shape.vocabulary * shape.width
    return {
        "embedding": shape.vocabulary * shape.width,
        "positions": positions(shape),
        **matrices(shape),
        "norms": norms(shape),
        "biases": biases(shape),
        "head": head,
    }


def positions(shape: Transformer) -> int:
    """A table of learned ones."""
    rows = shape.context + shape.spare_positions
    return rows * shape.width if shape.positions == "learned" else 0


def count(shape: Transformer) -> int:
    """All distinct parameter elements."""
    return sum(parameters(shape).values())


def active(shape: Transformer) -> int:
    """Those that a token meets: of the routed experts only the active ones."""
    return count(shape) - idle_experts(shape)


def matrices(shape: Transformer) -> dict[str, int]:
    """Weights of products, without embedding and head."""
    dense = shape.mlp_matrices * shape.width * shape.mlp_width
    experts = shape.experts
    return {
        "attention": shape.layers * (query_key_value(shape) + output(shape)),
        "relative positions": shape.layers * relative(shape),
        "mlp": shape.dense_layers * dense,
        "experts": shape.expert_layers * expert_weights(shape, experts.routed) if experts else 0,
        "router": router(shape),
    }


def query_key_value(shape: Transformer) -> int:
    """Weights of one layer that make queries, keys and values, and a gate of what attention gives."""
    latent, gate = shape.latent, shape.width * shape.attention_gate
    if latent is None:
        return shape.width * (shape.query_width + 2 * shape.kv_width) + gate
    size = latent.plain + latent.rotary
    rank = latent.query_rank
    queries = rank * (shape.width + shape.heads * size) if rank else (
        shape.width * shape.heads * size
    )  # fmt: skip
    compressed = shape.width * (latent.kv_rank + latent.rotary)
    return (
        gate + queries + compressed + latent.kv_rank * shape.heads * (latent.plain + latent.value)
    )


def output(shape: Transformer) -> int:
    """Weights of one layer's projection out of attention."""
    size = shape.latent.value if shape.latent else shape.head_size
    return shape.heads * size * shape.width


def relative(shape: Transformer) -> int:
    """One layer's matrix for relative positions (Transformer-XL, Gopher)."""
    return shape.width * shape.query_width if shape.positions == "relative" else 0


def expert_weights(shape: Transformer, experts: int) -> int:
    """Weights of so many of one layer's experts and of what all tokens share."""
    assert shape.experts is not None
    width = experts * shape.experts.width + shape.experts.shared_width
    return shape.mlp_matrices * shape.width * width


def router(shape: Transformer) -> int:
    """Weights of all routers, with the gate of a shared MLP."""
    experts = shape.experts
    if experts is None:
        return 0
    return shape.expert_layers * shape.width * (experts.routed + experts.shared_gate)


def idle_experts(shape: Transformer) -> int:
    """Parameters of the experts that a token does not meet."""
    experts = shape.experts
    if experts is None:
        return 0
    idle = expert_weights(shape, experts.routed) - expert_weights(shape, experts.active)
    return shape.expert_layers * idle + idle_biases(shape)


def idle_biases(shape: Transformer) -> int:
    """Biases of the experts that a token does not meet."""
    experts = shape.experts
    if experts is None or not (shape.biases or shape.expert_biases):
        return 0
    return shape.expert_layers * (experts.routed - experts.active) * bias_of(shape, experts.width)


WEIGHTS_OF_A_NORM = {"layer": 2, "scale": 1, "rms": 1, "none": 0}
"""For each channel."""


def norms(shape: Transformer) -> int:
    """Those of each layer and a last one, one after the embedding; of single heads, of compressed vectors."""
    per_norm = WEIGHTS_OF_A_NORM[shape.norm]
    inner = per_norm * 2 * shape.head_size if shape.head_norms else 0
    if shape.wide_norms:
        inner += shape.query_width + shape.kv_width
    if shape.sub_norms:
        inner += shape.query_width + shape.mlp_width
    if shape.latent:
        inner += shape.latent.query_rank + shape.latent.kv_rank
    count = shape.layer_norms * shape.layers + shape.embedding_norm + shape.final_norm
    return per_norm * shape.width * count + shape.layers * inner


def biases(shape: Transformer) -> int:
    """Of every product, or of some of them; sinks, scores and activations too, whose parameters are no weights."""
    every = shape.biases
    qkv = query_key_value_biases(shape) if every or shape.qkv_biases else 0
    output = shape.width if every or shape.output_bias else 0
    sinks = shape.heads if shape.sinks else 0
    scores = (
        shape.expert_layers * shape.experts.routed * shape.experts.score_bias
        if shape.experts
        else 0
    )
    return (
        shape.layers * (qkv + output + sinks + shape.activation_parameters)
        + scores
        + (mlp_biases(shape) if every or shape.mlp_biases else 0)
        + (expert_biases(shape) if every or shape.expert_biases else 0)
        + (shape.vocabulary if shape.head_bias else 0)
    )


def query_key_value_biases(shape: Transformer) -> int:
    """Of one layer; attention over a compressed cache has them where it compresses."""
    latent = shape.latent
    if latent is None:
        return shape.query_width + 2 * shape.kv_width
    return latent.query_rank + latent.kv_rank + latent.rotary


def mlp_biases(shape: Transformer) -> int:
    """Of the MLPs that all tokens meet, in all layers."""
    shared = shape.experts.shared_width if shape.experts else 0
    together = shape.expert_layers * bias_of(shape, shared) if shared else 0
    return shape.dense_layers * bias_of(shape, shape.mlp_width) + together


def bias_of(shape: Transformer, mlp_width: int) -> int:
    """Biases of one MLP of this width."""
    return (shape.mlp_matrices - 1) * mlp_width + shape.width


def expert_biases(shape: Transformer) -> int:
    """Of the routed experts and of their router, in all layers."""
    experts = shape.experts
    if experts is None:
        return 0
    return shape.expert_layers * experts.routed * (bias_of(shape, experts.width) + 1)
