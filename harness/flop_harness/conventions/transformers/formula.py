"""A published formula: what it says of a shape, and the switches that lead there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

from flop_harness.conventions.transformers import parameters as weights
from flop_harness.conventions.transformers.forward import Charges, deeper, forward, seen
from flop_harness.conventions.transformers.switches import Passes, Switch
from flop_harness.records.transformer import Scope, Transformer

PASSES: dict[Scope, Fraction] = {
    "training": Fraction(3), "hardware": Fraction(3), "prefill": Fraction(1), "decode": Fraction(1),
}  # fmt: skip
"""How often the reference counts the forward pass: the backward pass is twice the forward."""


@dataclass(frozen=True, slots=True)
class Symbols:
    """A shape in the letters of the papers; T is the length of the context."""

    shape: Transformer
    T: int

    L = property(lambda self: self.shape.layers)
    h = property(lambda self: self.shape.width)
    H = property(lambda self: self.shape.heads)
    kv = property(lambda self: self.shape.kv_heads)
    Q = property(lambda self: self.shape.head_size)
    d = property(lambda self: self.shape.query_width)
    ff = property(lambda self: self.shape.mlp_width)
    m = property(lambda self: self.shape.mlp_matrices)
    V = property(lambda self: self.shape.vocabulary)
    N_all = property(lambda self: weights.count(self.shape))
    N_act = property(lambda self: weights.active(self.shape))

    @property
    def attention(self) -> int:
        """Weights of one layer's attention, without a gate of what it gives."""
        plain = replace(self.shape, attention_gate=0)
        return weights.query_key_value(plain) + weights.output(plain)

    @property
    def gates(self) -> int:
        """Weights of all gates of what attention gives."""
        return self.L * self.h * self.shape.attention_gate

    @property
    def pair(self) -> int:
        """Elements of a query and of a value, all heads together."""
        latent = self.shape.latent
        size = latent.plain + latent.rotary + latent.value if latent else 2 * self.Q
        return self.H * size

    def ffn(self, matrices: int) -> int:
        """Weights that a token meets in all MLPs, each of so many matrices."""
        s = self.shape
        if s.experts is None:
            return s.layers * matrices * self.h * self.ff
        routed = s.experts.active * s.experts.width + s.experts.shared_width
        dense = s.experts.dense_layers * self.ff
        return matrices * self.h * (dense + (s.layers - s.experts.dense_layers) * routed)

    @property
    def gate(self) -> int:
        """Weights of all routers, and of gates of what all tokens share."""
        return weights.router(self.shape)

    @property
    def routers(self) -> int:
        """Weights of all routers alone."""
        s = self.shape
        return s.expert_layers * self.h * s.experts.routed if s.experts else 0

    @property
    def predicted(self) -> int:
        """Weights behind the layers that predict further tokens: their projections, their logits."""
        return self.shape.predictions * (2 * self.h**2 + self.h * self.V)

    @property
    def positions(self) -> int:
        """Weights for positions: learned ones, and a matrix in each layer for relative ones."""
        return self.L * weights.relative(self.shape)


NO_PREDICTION = "no further tokens predicted"

Value = Callable[[Symbols], Fraction | int]
"""FLOP per token, as the source writes it."""

Coverage = Callable[[Transformer], str]
"""Why a formula does not cover a shape; nothing if it does."""


@dataclass(frozen=True)
class Formula:
    """A formula with its source; ``value`` as it is published, ``switches`` as we understand it.

    Versions of one ``project`` differ in ``commit``; ``date`` says since or until when, as far as known. Without ``latent`` a formula says
    nothing of attention over a compressed cache, and a ``strict`` one nothing of what it does not
    cover; others give a figure all the same. One that ``predicts`` has the layers that predict further
    tokens among its layers; to others there are none.
    """

    id: str
    label: str
    source: str
    value: Value
    switches: tuple[Switch, ...] = ()
    passes: tuple[Passes, ...] = ()
    scope: Scope = "training"
    covers: tuple[Coverage, ...] = ()
    latent: bool = False
    strict: bool = False
    predicts: bool = False
    project: str = ""
    date: str = ""
    commit: str = ""

    def outside(self, shape: Transformer) -> str:
        """Why the formula does not cover a shape, or nothing."""
        if shape.latent is not None and not self.latent:
            return "it knows no attention over a compressed cache"
        return next(filter(None, (covered(shape) for covered in self.covers)), "")

    def reading(self, shape: Transformer, length: int) -> Fraction | None:
        """FLOP per token as published; None where the formula has no symbol for the shape."""
        if (shape.latent and not self.latent) or (self.strict and self.outside(shape)):
            return None
        return Fraction(self.value(Symbols(self.sees(shape), length)))

    def sees(self, shape: Transformer) -> Transformer:
        """The shape with the layers that it knows."""
        return deeper(shape) if self.predicts else replace(shape, predictions=0)

    def terms(self, shape: Transformer, length: int) -> dict[str, Fraction]:
        """What each switch adds to the reference, in FLOP per token; zeros are left out."""
        usual = PASSES[self.scope]
        now = start(shape, length, self.scope)
        found: dict[str, Fraction] = defaultdict(Fraction)
        if not self.predicts:
            whole, now = sum(now.values()), start(self.sees(shape), length, self.scope)
            found[NO_PREDICTION] = usual * (sum(now.values()) - whole)
        for switch in self.switches:
            before = now.get(switch.part, Fraction(0))
            now[switch.part] = Fraction(switch.amount(self.sees(shape), length, before))
            found[switch.term] += usual * (now[switch.part] - before)
        for passes in self.passes:
            for part in passes.parts:
                found[passes.term] += (passes.count - usual) * now.get(part, 0)
        return {term: amount for term, amount in found.items() if amount}


def start(shape: Transformer, length: int, scope: Scope) -> Charges:
    """The reference's forward pass, FLOP per token: a prompt is attended causally, exactly.

    Further tokens are predicted in training alone.
    """
    trains = scope in ("training", "hardware")
    charges = forward(shape if trains else replace(shape, predictions=0), length)
    if scope == "prefill":
        charges["scores"] *= seen(length, causal=shape.causal) / length
    return charges


def reference(shape: Transformer, length: int, scope: Scope) -> Fraction:
    """FLOP per token of the reference: every product that runs, all its passes."""
    return PASSES[scope] * sum(start(shape, length, scope).values())
