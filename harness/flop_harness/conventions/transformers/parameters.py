"""Parameters of a transformer, by what they are, from its shape alone."""

from __future__ import annotations

from flop_harness.records.transformer import Experts, Transformer


def parameters(shape: Transformer) -> dict[str, int]:
    """Elements by part; their sum is the model's parameter count."""
    head = 0 if shape.tied else shape.vocabulary * shape.width
    return {
        "embedding": shape.vocabulary * shape.width,
        "positions": shape.context * shape.width if shape.positions == "learned" else 0,
        **matrices(shape),
        "norms": norms(shape),
        "biases": biases(shape),
        "head": head,
    }


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
        "router": shape.expert_layers * shape.width * experts.routed if experts else 0,
    }


def query_key_value(shape: Transformer) -> int:
    """Weights of one layer that make queries, keys and values."""
    latent = shape.latent
    if latent is None:
        return shape.width * (shape.query_width + 2 * shape.kv_width)
    size = latent.plain + latent.rotary
    rank = latent.query_rank
    queries = rank * (shape.width + shape.heads * size) if rank else (
        shape.width * shape.heads * size
    )  # fmt: skip
    compressed = shape.width * (latent.kv_rank + latent.rotary)
    return queries + compressed + latent.kv_rank * shape.heads * (latent.plain + latent.value)


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
    if experts is None or not shape.biases:
        return 0
    return shape.expert_layers * (experts.routed - experts.active) * bias_of(shape, experts.width)


def norms(shape: Transformer) -> int:
    """Those of each layer and a last one, one after the embedding; of single heads, of compressed vectors."""
    per_norm = 2 if shape.norm == "layer" else 1
    inner = 2 * shape.head_size if shape.head_norms else 0
    if shape.latent:
        inner += shape.latent.query_rank + shape.latent.kv_rank
    count = shape.layer_norms * shape.layers + 1 + shape.embedding_norm
    return per_norm * shape.width * count + shape.layers * inner


def biases(shape: Transformer) -> int:
    """Of every product, or of queries, keys and values, of MLPs, of the head alone."""
    qkv = shape.layers * (shape.query_width + 2 * shape.kv_width)
    dense = shape.dense_layers * bias_of(shape, shape.mlp_width)
    head = shape.vocabulary if shape.head_bias else 0
    if not shape.biases:
        return head + shape.qkv_biases * qkv + shape.mlp_biases * dense
    attention = qkv + shape.layers * shape.width
    return head + attention + dense + expert_biases(shape, shape.experts)


def bias_of(shape: Transformer, mlp_width: int) -> int:
    """Biases of one MLP of this width."""
    return (shape.mlp_matrices - 1) * mlp_width + shape.width


def expert_biases(shape: Transformer, experts: Experts | None) -> int:
    """Of a layer's experts and of its router, in all layers."""
    if experts is None:
        return 0
    return shape.expert_layers * experts.routed * (bias_of(shape, experts.width) + 1)
