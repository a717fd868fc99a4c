"""The shape of a transformer, and what a formula says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

Norm = Literal["layer", "scale", "rms", "none"]
"""Weight and bias for each channel, the weight alone (a layer norm without bias, an RMS norm), or neither."""
Positions = Literal["learned", "rotary", "alibi", "relative", "sinusoidal"]
Scope = Literal["training", "hardware", "prefill", "decode"]
"""What a formula is about: model FLOPs of forward and backward, the same as a machine runs them
(with recomputation), the forward pass over a prompt, one token with a cache of the ones before."""


@dataclass(frozen=True, slots=True)
class Experts:
    """The experts of each layer but the first ``dense_layers``.

    A token meets ``active`` of ``routed`` experts of ``width``, and an MLP of ``shared_width`` that
    all tokens share; ``shared`` is how many experts that width is, as papers count. With a
    ``shared_gate`` the router weighs that MLP too (Qwen2-MoE); a ``score_bias`` is a parameter for each
    routed expert beside the router (ERNIE 4.5).
    """

    routed: int
    active: int
    width: int
    shared: int = 0
    shared_width: int = 0
    dense_layers: int = 0
    shared_gate: bool = False
    score_bias: bool = False


@dataclass(frozen=True, slots=True)
class LatentAttention:
    """Ranks and head sizes of attention over a compressed cache (DeepSeek's MLA).

    ``query_rank`` is 0 where queries are projected at once. A head's query and key have ``plain``
    and ``rotary`` elements, its value ``value``.
    """

    query_rank: int
    kv_rank: int
    plain: int
    rotary: int
    value: int


@dataclass(frozen=True, slots=True)
class Transformer:
    """The shape of a decoder or an encoder: everything that products and parameters follow from.

    ``mlp_matrices`` is 2, or 3 where the MLP is gated. ``context`` is the length it was trained on,
    and the most positions it has where they are learned. ``windowed`` layers see ``window``
    positions. ``layer_norms`` is 1 where attention and MLP run beside each other (GPT-J), 4 where each has
    a norm behind it too (Gemma 2). ``biases`` are in every product but the head, or they are in some: behind
    attention (``output_bias``), in dense MLPs and shared ones (``mlp_biases``), in routed experts and
    their router (``expert_biases``). Queries and keys may have norms of one head's size
    (``head_norms``, Qwen3) or of all heads together (``wide_norms``, OLMo 2), a layer a ``sinks``
    parameter for each head (GPT-OSS). A norm may stand behind the embedding (Bloom), and stands behind the last
    layer but in GPT-1; ``sub_norms`` stand before the projection of attention and that of the MLP (BitNet). What
    attention gives may be weighed by ``attention_gate`` numbers out of a matrix of their own, one for each head
    or element (Laguna, AFMoE). A layer's activation may have parameters (Apertus), a table of learned
    positions ``spare_positions`` rows beside the context's (OPT). ``predictions`` layers more predict a further token each in
    training (DeepSeek's MTP), each with logits of its own; they are none of ``layers`` and no part
    of the parameter count. ``printed`` is the parameter count that its source prints, ``family`` the
    name under which projects keep a formula of their own for it.
    """

    id: str
    layers: int
    width: int
    heads: int
    kv_heads: int
    head_size: int
    mlp_width: int
    mlp_matrices: int
    vocabulary: int
    context: int
    tied: bool = False
    norm: Norm = "rms"
    positions: Positions = "rotary"
    biases: bool = False
    qkv_biases: bool = False
    output_bias: bool = False
    mlp_biases: bool = False
    expert_biases: bool = False
    head_bias: bool = False
    layer_norms: int = 2
    head_norms: bool = False
    wide_norms: bool = False
    sub_norms: bool = False
    sinks: bool = False
    embedding_norm: bool = False
    final_norm: bool = True
    attention_gate: int = 0
    activation_parameters: int = 0
    spare_positions: int = 0
    causal: bool = True
    window: int = 0
    windowed: int = 0
    predictions: int = 0
    experts: Experts | None = None
    latent: LatentAttention | None = None
    family: str = ""
    source: str = ""
    note: str = ""
    printed: str = ""

    @property
    def query_width(self) -> int:
        """Heads x head size; not always the width."""
        return self.heads * self.head_size

    @property
    def kv_width(self) -> int:
        return self.kv_heads * self.head_size

    @property
    def expert_layers(self) -> int:
        return self.layers - self.experts.dense_layers if self.experts else 0

    @property
    def dense_layers(self) -> int:
        return self.layers - self.expert_layers


@dataclass(frozen=True, slots=True)
class FormulaBridge:
    """From the reference to what a formula says, in FLOP per token: one term for each switch.

    ``outside`` says why the formula does not cover the model, if it does not; without a
    ``reading`` it says nothing of it at all.
    """

    formula: str
    scope: Scope
    reference: Fraction
    terms: Mapping[str, Fraction] = field(default_factory=dict)
    reading: Fraction | None = None
    outside: str = ""

    @property
    def residual(self) -> Fraction:
        """What the terms leave over; other than zero, the formula is not understood."""
        if self.reading is None:
            return Fraction(0)
        return self.reading - self.reference - sum(self.terms.values())

    @property
    def ratio(self) -> float | None:
        return float(self.reading / self.reference) if self.reading is not None else None
