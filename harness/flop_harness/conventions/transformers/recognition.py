"""The shape of a transformer, read off a trace of it: formulas over shapes are formulas over traces.

Products tell it in the order in which they run: what makes queries, keys and values; attention;
its output; the MLP; at the end the logits. Whatever does not fit is said, and no shape is guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from math import prod
from typing import NamedTuple

from flop_harness.conventions.products import products
from flop_harness.conventions.transformers.forward import forward
from flop_harness.conventions.transformers.recognised_parameters import with_parameters
from flop_harness.conventions.transformers.runs import (
    Attention,
    Grouped,
    NotRecognised,
    Weighed,
    angles,
    runs,
    sequences,
    with_experts,
)
from flop_harness.records import Call, Tensor, Trace
from flop_harness.records.transformer import Experts, LatentAttention, Transformer
from flop_harness.trace.walk import visits


class Blocks(NamedTuple):
    """The products of a decoder or an encoder: of one layer, how many layers there are, and the logits.

    ``mlp`` is that of layers without ``experts``; empty where all have some.
    """

    layers: int
    attention: Attention
    qkv: list[Weighed]
    output: Weighed
    mlp: list[Weighed]
    logits: Weighed
    experts: list[Weighed]
    expert_layers: int


def shape_of(trace: Trace, name: str) -> tuple[Transformer, int]:
    """(shape, length of the sequences). NotRecognised with the reason."""
    batch, length = sequences(trace)
    found = blocks(list(with_experts(runs(trace, batch, length), batch * length)))
    plain = skeleton(found, name, (batch, length), is_causal(trace))
    shape = replace(with_parameters(trace, plain), family=family_of(trace.modules[0].type))
    if found.attention.length != length:
        raise NotRecognised(f"it attends to {found.attention.length} of {length} tokens")
    ran = sum(each.macs for visit, each, _ in products(trace) if visit.phase == "forward")
    if 2 * (ran - angles(trace)) != batch * length * sum(forward(shape, length).values()):
        raise NotRecognised("products run in it that are in no part of a transformer's layer")
    return shape, length


WITHOUT_LOGITS = (
    "it ends without logits, as a base model does: name a class that has them, as in"
    " transformers:LlamaForCausalLM --kwargs config=config.json"
)


def blocks(found: list[Weighed | Attention]) -> Blocks:
    """The products taken apart at each attention."""
    places = [place for place, each in enumerate(found) if isinstance(each, Attention)]
    if not places:
        raise NotRecognised("it has no attention")
    kinds = {each for each in found if isinstance(each, Attention)}
    if len(kinds) > 1:
        raise NotRecognised("its layers attend in different ways")
    cuts = [-1, *places, len(found)]
    parts = [[each for each in found[start + 1 : end] if not isinstance(each, Attention)]
             for start, end in pairwise(cuts)]  # fmt: skip
    qkv, last = parts[0], parts[-1]
    if (
        qkv
        and len(last) >= 3
        and all(part == [*last, *qkv] for part in parts[-2:0:-1][:1])
        and last[-1].outer == qkv[0].inner
    ):
        raise NotRecognised(WITHOUT_LOGITS)
    if not qkv or len(last) < 4:
        raise NotRecognised("a layer lacks projections, an MLP, or logits follow none")
    if any(part[-len(qkv) :] != qkv for part in parts[1:-1]):
        raise NotRecognised("its layers are not alike")
    layers = [*(part[: -len(qkv)] for part in parts[1:-1]), last[:-1]]
    outputs, mlps = [layer[0] for layer in layers], [layer[1:] for layer in layers]
    dense = [each for each in mlps if not any(isinstance(run, Grouped) for run in each)]
    sparse = [each for each in mlps if each not in dense]
    if any(each != same[0] for same in (outputs, dense, sparse) for each in same):
        raise NotRecognised("its layers are not alike")
    (attention,) = kinds
    return Blocks(len(places), attention, qkv, outputs[0], dense[0] if dense else [], last[-1],
                  sparse[0] if sparse else [], len(sparse))  # fmt: skip


def family_of(kind: str) -> str:
    """The family that a class of the library transformers is of; empty of any other class."""
    library, _, inside = kind.partition(".models.")
    family = inside.partition(".")[0].removesuffix("_text")
    return family.replace("_", "-") if library == "transformers" else ""


def skeleton(
    found: Blocks, name: str, sequences: tuple[int, int], causal: bool
) -> Transformer:  # fmt: skip
    """The shape without what parameters alone tell."""
    width = found.qkv[0].inner
    _, _, size, value = found.attention
    heads = found.attention.heads
    at_once = all(each.inner == width for each in found.qkv)
    latent = None if at_once else latent_of(found.qkv, width, found.attention)
    groups = heads if latent else groups_of(found.qkv, found.attention)
    if (found.output.inner, found.output.outer) != (heads * value, width):
        raise NotRecognised("what follows attention does not lead from its heads to the width")
    if found.logits.inner != width:
        raise NotRecognised("it does not end with logits")
    matrices, mlp_width = mlp_of(found.mlp, width) if found.mlp else (0, 0)
    experts = experts_of(found, width, prod(sequences))
    if experts is not None:
        of_experts, shape = experts
        if found.mlp and matrices != of_experts:
            raise NotRecognised("its experts have other matrices than its MLPs")
        matrices, mlp_width = of_experts, mlp_width or shape.width
    return Transformer(
        name, found.layers, width, heads, groups, size, mlp_width, matrices, found.logits.outer,
        sequences[1], causal=causal, experts=experts[1] if experts else None, latent=latent,
    )  # fmt: skip


def groups_of(qkv: Sequence[Weighed], attention: Attention) -> int:
    """How many heads have keys and values of their own."""
    heads, size = attention.heads, attention.size
    made = sum(each.outer for each in qkv)
    groups, rest = divmod(made - heads * size, 2 * size)
    if rest or not 1 <= groups <= heads or attention.value != size:
        raise NotRecognised(f"{made:,} elements are no queries, keys and values of {heads} heads")
    return groups


def latent_of(qkv: Sequence[Weighed], width: int, attention: Attention) -> LatentAttention:
    """Queries, at once or out of a compressed vector; then one for keys and values, with a rotary key beside."""
    heads, _, size, value = attention
    *queries, down, up = qkv
    plain, rest = divmod(up.outer - heads * value, heads)
    rotary = size - plain
    made = [(each.inner, each.outer) for each in queries]
    rank = made[0][1] if len(made) == 2 else 0
    wanted = [(width, rank), (rank, heads * size)] if rank else [(width, heads * size)]
    compressed = (down.inner, down.outer) == (width, up.inner + rotary)
    if rest or min(plain, rotary) < 0 or made != wanted or not compressed:
        raise NotRecognised("its queries, keys or values are made in several steps, and not as from a"
                            f" compressed cache: {INSTEAD}")  # fmt: skip
    return LatentAttention(rank, up.inner, plain, rotary, value)


INSTEAD = "name the model's config.json, or a .toml with its shape, instead"


def experts_of(found: Blocks, width: int, tokens: int) -> tuple[int, Experts] | None:
    """(matrices, experts): a router before them and, beside, an MLP that all tokens share, with its gate."""
    if not found.experts:
        return None
    routed = [each for each in found.experts if isinstance(each, Grouped)]
    router = found.experts.index(routed[0]) - 1
    beside = [each for place, each in enumerate(found.experts)
              if place != router and each not in routed]  # fmt: skip
    gates = [each for each in beside if each.outer == 1]
    shared = [each for each in beside if each not in gates]
    matrices, inner = mlp_of(routed, width)
    of_shared, shared_width = mlp_of(shared, width) if shared else (matrices, 0)
    active, rest = divmod(routed[0].rows, tokens)
    if router < 0 or rest or of_shared != matrices or len(gates) > 1:
        raise NotRecognised(f"its experts are not as a shape describes them: {INSTEAD}")
    several = 1 if gates else shared_width // inner or 1
    return matrices, Experts(
        found.experts[router].outer, active, inner, several if shared else 0, shared_width,
        found.layers - found.expert_layers, bool(gates),
    )  # fmt: skip


def mlp_of(mlp: Sequence[Weighed], width: int) -> tuple[int, int]:
    """(matrices, width): two; three where the gate is one of its own, or half of the first."""
    *up, down = mlp
    sizes = [each.outer for each in up]
    if down.outer == width and all(each.inner == width for each in up):
        if sizes == [down.inner]:
            return 2, down.inner
        if sizes in ([down.inner] * 2, [2 * down.inner]):
            return 3, down.inner
    if len(mlp) > 3:
        raise NotRecognised(f"it has more than one MLP in a layer: {INSTEAD}")
    raise NotRecognised("its MLP has neither two matrices nor three")


def is_causal(trace: Trace) -> bool:
    """Whether a token meets those before it alone: by a switch, or by a square mask."""
    if is_banded(trace):
        raise NotRecognised(f"its masks are bands, as where layers see a window: {INSTEAD}")
    for visit in visits(trace):
        call = visit.call
        if call.packet.endswith(".scaled_dot_product_attention"):
            mask, switch = call.argument(3, "attn_mask"), call.argument(5, "is_causal", False)
            square = isinstance(mask, Tensor) and mask.shape[-1:] == mask.shape[-2:-1]
            return switch is True or (square and mask.shape[-1] > 1)
        if call.packet in ("aten.tril", "aten.triu") or hides(call):
            return True
    return False


def is_banded(trace: Trace) -> bool:
    """Whether triangles are cut that are no causal mask's: away from the diagonal."""
    return any(
        visit.call.argument(1, "diagonal", 0) not in TRIANGLES[visit.call.packet]
        for visit in visits(trace)
        if visit.call.packet in TRIANGLES
    )


TRIANGLES = {"aten.tril": (0,), "aten.triu": (0, 1)}
"""Where causal masks are cut: what lies below is seen, what lies above is hidden"""


def hides(call: Call) -> bool:
    """Whether a call adds one square mask to the scores of all heads."""
    if call.packet != "aten.add" or len(call.args) < 2:
        return False
    scores, mask = call.args[:2]
    if not (isinstance(scores, Tensor) and isinstance(mask, Tensor) and len(scores.shape) == 4):
        return False
    rows, columns = scores.shape[-2:]
    return rows == columns > 1 and mask.shape[-3:] == (1, rows, columns) and scores.shape[1] > 1
