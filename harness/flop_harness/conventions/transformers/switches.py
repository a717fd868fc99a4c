"""The switches in which formulas for transformers differ from the reference.

A switch replaces what one part of the forward pass costs, in FLOP per token; applied one after
another they lead from the reference to what a formula charges.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from flop_harness.conventions.transformers import parameters as weights
from flop_harness.conventions.transformers.forward import Part, seen
from flop_harness.records.transformer import Transformer

Amount = Callable[[Transformer, int, Fraction], Fraction | int]
"""(shape, length, FLOP per token so far) -> FLOP per token of a part."""


@dataclass(frozen=True)
class Switch:
    """What a formula takes a part for, and how a bridge calls the difference."""

    part: Part
    term: str
    amount: Amount


@dataclass(frozen=True)
class Passes:
    """How often a formula counts the forward pass of some parts, backward pass included."""

    parts: tuple[Part, ...]
    count: Fraction
    term: str


LAYERS: tuple[Part, ...] = ("qkv", "output", "scores", "mlp", "router", "relative")


def nothing(shape: Transformer, length: int, so_far: Fraction) -> int:
    return 0


# ------------------------------------------------------------------------ embedding and logits


def padded(multiple: int) -> Amount:
    """A vocabulary filled up to a multiple."""

    def amount(shape: Transformer, length: int, so_far: Fraction) -> Fraction:
        filled = -(-shape.vocabulary // multiple) * multiple
        return so_far * filled / shape.vocabulary

    return amount


def fixed_vocabulary(sizes: Mapping[str, int]) -> Amount:
    """A vocabulary out of a table of families."""

    def amount(shape: Transformer, length: int, so_far: Fraction) -> int:
        return 2 * shape.width * sizes.get(shape.family, shape.vocabulary)

    return amount


def lookup(shape: Transformer, length: int, so_far: Fraction) -> int:
    """The embedding as if it were multiplied."""
    return 2 * shape.width * shape.vocabulary


def untied_lookup(shape: Transformer, length: int, so_far: Fraction) -> int:
    """The same where it is a matrix of its own, and so counts among the parameters."""
    return 0 if shape.tied else 2 * shape.width * shape.vocabulary


NO_LOGITS = Switch("logits", "no logits", nothing)
NO_TIED_HEAD = Switch(
    "logits", "a tied head is left out", lambda shape, t, so_far: 0 if shape.tied else so_far
)
LAST_LOGITS = Switch("logits", "logits of the last token alone", lambda s, t, so_far: so_far / t)
EMBEDDING = Switch("embedding", "the embedding counts as a product", lookup)
UNTIED_EMBEDDING = Switch("embedding", "the embedding counts as a product", untied_lookup)
EMBED_4H = Switch("embedding", "4 h for looking up a token", lambda shape, t, _: 4 * shape.width)

# ------------------------------------------------------- parameters that are no product's weight

NORMS = Switch("norms", "norms count as weights", lambda shape, t, _: 2 * weights.norms(shape))
BIASES = Switch(
    "biases", "biases count as weights",
    lambda shape, t, _: 2 * (weights.biases(shape) - weights.idle_biases(shape)),
)  # fmt: skip
POSITIONS = Switch(
    "positions", "position embeddings count as weights",
    lambda shape, t, _: 2 * weights.parameters(shape)["positions"],
)  # fmt: skip
SMALL = (NORMS, BIASES)
ALL_PARAMETERS = (UNTIED_EMBEDDING, POSITIONS, NORMS, BIASES)

# ------------------------------------------------------------------------------------ attention


def windows(shape: Transformer, length: int, so_far: Fraction) -> Fraction:
    """Windowed layers see a window, the others the full square."""
    if not shape.window:
        return so_far
    per_layer = so_far / shape.layers / length
    keys = shape.windowed * min(shape.window, length)
    return per_layer * (keys + (shape.layers - shape.windowed) * length)


def exact_pairs(shape: Transformer, length: int, so_far: Fraction) -> Fraction:
    """The pairs that count, in windows too."""
    per_layer = so_far / shape.layers / length
    apart = shape.windowed * seen(length, shape.window, shape.causal)
    return per_layer * (apart + (shape.layers - shape.windowed) * seen(length, 0, shape.causal))


def half_and_pairs(shape: Transformer, length: int, so_far: Fraction) -> Fraction:
    """Half of the square; in a window the pairs that count."""
    per_layer = so_far / shape.layers / length
    apart = shape.windowed * seen(length, shape.window)
    return per_layer * (apart + (shape.layers - shape.windowed) * Fraction(length, 2))


NO_SCORES = Switch("scores", "no attention scores", nothing)
CAUSAL_HALF = Switch("scores", "half of the square", lambda shape, t, so_far: so_far / 2)
CAUSAL_EXACT = Switch("scores", "the pairs that count, T (T + 1) / 2", exact_pairs)
CAUSAL_HALF_IF = Switch(
    "scores", "half of the square", lambda s, t, so_far: so_far / 2 if s.causal else so_far
)
FULL_SQUARE = Switch("scores", "the full square", lambda s, t, _: 4 * s.layers * s.query_width * t)
HALF_SQUARE = Switch(
    "scores", "half of the square", lambda s, t, _: 2 * s.layers * s.query_width * t
)
WINDOWS = Switch("scores", "sliding windows", windows)
HALF_WINDOWS = Switch(
    "scores", "half of the square, half of a window",
    lambda s, t, so_far: windows(s, t, so_far) / 2,
)  # fmt: skip
HALF_AND_PAIRS = Switch("scores", "half of the square, the pairs of a window", half_and_pairs)
QUERY_SIZED = Switch(
    "scores", "values as wide as queries",
    lambda s, t, so_far: 4 * s.layers * s.heads * (s.latent.plain + s.latent.rotary) * t
    if s.latent else so_far,
)  # fmt: skip


def softmax(each: int) -> Switch:
    """So many FLOP for each score."""
    return Switch(
        "softmax", f"softmax, {each} per score", lambda s, t, _: each * s.heads * s.layers * t
    )


SQUARE = (
    Switch("qkv", "queries, keys and values h wide", lambda s, t, _: 6 * s.layers * s.width**2),
    Switch("output", "heads together h wide", lambda s, t, _: 2 * s.layers * s.width**2),
    Switch("scores", "heads together h wide", lambda s, t, _: 4 * s.layers * s.width * t),
)
"""Every head h / H wide, with keys and values of its own."""

GROUPED_SQUARE = (
    Switch(
        "qkv", "heads together h wide",
        lambda s, t, _: 2 * s.layers * s.width**2 * (1 + Fraction(2 * s.kv_heads, s.heads)),
    ),
    *SQUARE[1:],
)  # fmt: skip
"""Every head h / H wide; groups of them share keys and values."""

INTEGER_GROUPS = (
    Switch(
        "qkv", "keys and values as 2 // (heads / groups)",
        lambda s, t, _: 2 * s.layers * s.width**2 * (1 + 2 // (s.heads // s.kv_heads)),
    ),
    SQUARE[1],
    Switch(
        "scores", "heads together h wide",
        lambda s, t, _: 4 * s.layers * (s.width // s.heads) * s.heads * t,
    ),
)  # fmt: skip
"""By integer division throughout, as in the source."""
NO_GATE = Switch(
    "qkv", "no gate of what attention gives",
    lambda s, t, so_far: so_far - 2 * s.layers * s.width * s.attention_gate,
)  # fmt: skip
OWN_KEYS = Switch(
    "qkv", "keys and values for every head", lambda s, t, _: 6 * s.layers * s.width * s.query_width
)

# ------------------------------------------------------------------------------ MLP and experts


def two_of(width: Callable[[Transformer], int]) -> Amount:
    return lambda shape, t, _: 4 * shape.layers * shape.width * width(shape)


NO_RELATIVE = Switch("relative", "no matrix for relative positions", nothing)
NO_ROUTER = Switch("router", "no router", nothing)
NO_SHARED_GATE = Switch(
    "router", "no gate of what all tokens share",
    lambda s, t, so_far: 2 * s.expert_layers * s.width * s.experts.routed if s.experts else 0,
)  # fmt: skip
ALL_EXPERTS = Switch(
    "mlp", "all experts", lambda shape, t, so_far: so_far + 2 * weights.idle_experts(shape)
)
ONE_MLP = Switch(
    "mlp", "one MLP, no experts",
    lambda s, t, _: 2 * s.layers * s.mlp_matrices * s.width * s.mlp_width,
)  # fmt: skip
TWO_MATRICES = Switch("mlp", "an MLP of two matrices", two_of(lambda shape: shape.mlp_width))
FOUR_H = Switch("mlp", "an MLP of two matrices, 4 h wide", two_of(lambda shape: 4 * shape.width))
THREE_MATRICES = Switch(
    "mlp", "an MLP of three matrices", lambda s, t, so_far: so_far * 3 / s.mlp_matrices
)

# -------------------------------------------------------------------------------------- passes

RECOMPUTED = Passes(LAYERS, Fraction(4), "recomputation of the layers")
RECOMPUTED_ALL = Passes(
    (*LAYERS, "logits", "embedding", "norms", "biases", "positions"), Fraction(4),
    "recomputation of everything",
)  # fmt: skip
ATTENTION_AGAIN = Passes(("scores",), Fraction(6), "attention once more, forward and backward")
FORWARD_LOGITS = (
    Passes(("logits",), Fraction(1), "the logits' backward pass left out"),
    Passes(("embedding",), Fraction(1), EMBED_4H.term),
)
THREE_QUARTERS = Passes(("logits",), Fraction(9, 4), "logits at three quarters")
FUSED = Passes(("scores",), Fraction(7, 2), "a fused backward, 2.5 forwards of attention")
