"""The shape of a transformer, read off a trace of it: formulas over shapes are formulas over traces.

Products tell it in the order in which they run: what makes queries, keys and values; attention;
its output; the MLP; at the end the logits. Whatever does not fit is said, and no shape is guessed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise, product
from math import prod
from typing import Any, NamedTuple, TypeAlias

from flop_harness.conventions.products import products, works
from flop_harness.conventions.transformers import parameters as weights
from flop_harness.conventions.transformers.forward import forward
from flop_harness.records import Call, Tensor, Trace
from flop_harness.records.transformer import Norm, Transformer
from flop_harness.trace.walk import visits


class NotRecognised(Exception):
    """The trace is of no transformer that a shape describes; the text says in what it is none."""


class Dense(NamedTuple):
    """A product with a weight of (inner, outer), met by so many rows."""

    rows: int
    inner: int
    outer: int


class Attention(NamedTuple):
    heads: int
    length: int
    size: int


class Blocks(NamedTuple):
    """The products of a decoder or an encoder: of one layer, how many layers there are, and the logits."""

    layers: int
    attention: Attention
    qkv: list[Dense]
    output: Dense
    mlp: list[Dense]
    logits: Dense


def shape_of(trace: Trace, name: str) -> tuple[Transformer, int]:
    """(shape, length of the sequences). NotRecognised with the reason."""
    batch, length = sequences(trace)
    found = blocks(list(runs(trace, batch)))
    plain = skeleton(found, name, length, is_causal(trace))
    shape = replace(with_parameters(trace, plain), family=family_of(trace.modules[0].type))
    if found.attention.length != length:
        raise NotRecognised(f"it attends to {found.attention.length} of {length} tokens")
    ran = sum(each.macs for visit, each, _ in products(trace) if visit.phase == "forward")
    if 2 * (ran - angles(trace)) != batch * length * sum(forward(shape, length).values()):
        raise NotRecognised("products run in it that are in no part of a transformer's layer")
    return shape, length


def sequences(trace: Trace) -> tuple[int, int]:
    """(batch, length) of the first input of whole numbers."""
    given = (*trace.root.args, *(value for _, value in trace.root.kwargs))
    for value in given:
        if isinstance(value, Tensor) and value.dtype.startswith("int") and len(value.shape) == 2:
            return value.shape[0], value.shape[1]
    raise NotRecognised("it is not called with the numbers of tokens, (batch, length)")


# ----------------------------------------------------------------------------------- products


def runs(trace: Trace, batch: int) -> Iterator[Dense | Attention]:
    """The products of the forward pass; the two of attention as one, none of rotary positions."""
    scores: Tensors | None = None
    for call in producers(trace):
        tensors = tuple(value for value in call.args if isinstance(value, Tensor))
        if call.packet in BATCHED:
            operands = tensors[-2:]
            if scores is not None and operands[0].shape == result(scores):
                x, y = scores
                yield Attention(x.shape[0] // batch, y.shape[2], x.shape[2])
                scores = None
                continue
            if scores is not None and not is_outer(scores):
                raise NotRecognised("a product of two tensors is no part of attention")
            scores = operands
        elif call.packet in ("aten.mm", "aten.addmm"):
            x, w = tensors[-2:]
            yield Dense(x.shape[0], *w.shape)
        elif "scaled_dot_product" in call.packet:
            query, key = tensors[:2]
            yield Attention(query.shape[1], key.shape[2], query.shape[3])
        else:
            raise NotRecognised(
                f"{call.packet} makes several products at once, as of experts: name the model's "
                "config.json, or a .toml with its shape, instead"
            )


BATCHED = ("aten.bmm", "aten.baddbmm")
Tensors: TypeAlias = tuple[Tensor, ...]


def producers(trace: Trace) -> Iterator[Call]:
    """The operators of the forward pass that have products."""
    for visit, work in works(trace):
        if work is not None and work.products and visit.phase == "forward":
            yield visit.call


def result(operands: Tensors) -> tuple[int, ...]:
    x, y = operands
    return (*x.shape[:2], y.shape[2])


def is_outer(operands: Tensors) -> bool:
    """Frequencies times places, the angles of rotary positions: nothing is summed."""
    return operands[0].shape[2] == 1


def angles(trace: Trace) -> int:
    """MACs of rotary positions, where their angles are a product: one that sums nothing."""
    found = [tuple(value for value in call.args if isinstance(value, Tensor))[-2:]
             for call in producers(trace) if call.packet in BATCHED]  # fmt: skip
    after = [*found[1:], None][: len(found)]
    return sum(
        prod(result(one))
        for one, then in zip(found, after, strict=True)
        if is_outer(one) and (then is None or then[0].shape != result(one))
        and not any(one[0].shape == result(other) for other in found)
    )  # fmt: skip


WITHOUT_LOGITS = (
    "it ends without logits, as a base model does: name a class that has them, as in"
    " transformers:LlamaForCausalLM --kwargs config=config.json"
)


def blocks(found: list[Dense | Attention]) -> Blocks:
    """The products taken apart at each attention."""
    places = [place for place, each in enumerate(found) if isinstance(each, Attention)]
    if not places:
        raise NotRecognised("it has no attention")
    kinds = {found[place] for place in places}
    if len(kinds) > 1:
        raise NotRecognised("its layers attend in different ways")
    cuts = [-1, *places, len(found)]
    parts = [[each for each in found[start + 1 : end] if isinstance(each, Dense)]
             for start, end in pairwise(cuts)]  # fmt: skip
    qkv, last = parts[0], parts[-1]
    if (
        qkv
        and len(last) >= 3
        and all(part == [*last, *qkv] for part in parts[1:-1])
        and last[-1].outer == qkv[0].inner
    ):
        raise NotRecognised(WITHOUT_LOGITS)
    if not qkv or len(last) < 4:
        raise NotRecognised("a layer lacks projections, an MLP, or logits follow none")
    layer = last[:-1]
    for part in parts[1:-1]:
        if part != [*layer, *qkv]:
            raise NotRecognised("its layers are not alike")
    (attention,) = kinds
    assert isinstance(attention, Attention)
    return Blocks(len(places), attention, qkv, layer[0], layer[1:], last[-1])


def family_of(kind: str) -> str:
    """The family that a class of the library transformers is of; empty of any other class."""
    library, _, inside = kind.partition(".models.")
    family = inside.partition(".")[0].removesuffix("_text")
    return family.replace("_", "-") if library == "transformers" else ""


def skeleton(found: Blocks, name: str, length: int, causal: bool) -> Transformer:
    """The shape without what parameters alone tell."""
    width = found.qkv[0].inner
    size, heads = found.attention.size, found.attention.heads
    made = sum(each.outer for each in found.qkv)
    groups, rest = divmod(made - heads * size, 2 * size)
    if rest or not 1 <= groups <= heads or any(each.inner != width for each in found.qkv):
        raise NotRecognised(f"{made:,} elements are no queries, keys and values of {heads} heads")
    if (found.output.inner, found.output.outer) != (heads * size, width):
        raise NotRecognised("what follows attention does not lead from its heads to the width")
    if found.logits.inner != width:
        raise NotRecognised("it does not end with logits")
    matrices, mlp_width = mlp_of(found.mlp, width)
    return Transformer(
        name, found.layers, width, heads, groups, size, mlp_width, matrices, found.logits.outer,
        length, causal=causal,
    )  # fmt: skip


def mlp_of(mlp: list[Dense], width: int) -> tuple[int, int]:
    """(matrices, width): two; three where the gate is one of its own, or half of the first."""
    *up, down = mlp
    sizes = [each.outer for each in up]
    if down.outer == width and all(each.inner == width for each in up):
        if sizes == [down.inner]:
            return 2, down.inner
        if sizes in ([down.inner] * 2, [2 * down.inner]):
            return 3, down.inner
    raise NotRecognised("its MLP has neither two matrices nor three")


def is_causal(trace: Trace) -> bool:
    """Whether a token meets those before it alone: by a switch, or by a square mask."""
    for visit in visits(trace):
        call = visit.call
        if call.packet.endswith(".scaled_dot_product_attention"):
            mask, switch = call.argument(3, "attn_mask"), call.argument(5, "is_causal", False)
            square = isinstance(mask, Tensor) and mask.shape[-1:] == mask.shape[-2:-1]
            return switch is True or (square and mask.shape[-1] > 1)
        if call.packet in ("aten.tril", "aten.triu"):
            return True
    return False


# --------------------------------------------------------------------------------- parameters


def with_parameters(trace: Trace, shape: Transformer) -> Transformer:
    """The shape with its head, norms, biases and positions; NotRecognised for parameters left over."""
    sizes = Counter(each.shape for each in trace.parameters)
    positions = position_table(trace, shape)
    shape = replace(
        shape,
        tied=sizes[shape.vocabulary, shape.width] == 1,
        norm=norm_of(trace),
        positions="learned" if positions else "rotary",
        context=positions or shape.context,
    )
    for biases, first, inner in product(biases_of(trace, shape), (False, True), (False, True)):
        around = 2 if first else norms_of_a_layer(trace, shape)
        whole = replace(shape, embedding_norm=first, head_norms=inner, layer_norms=around, **biases)
        if weights.count(whole) == held(trace):
            return whole
    left = held(trace) - weights.count(shape)
    raise NotRecognised(f"{left:+,} parameters are in no part of a transformer")


BIASES: tuple[Mapping[str, Any], ...] = (
    {"qkv_biases": True},
    {"mlp_biases": True},
    {"biases": True, "qkv_biases": True},
    {"qkv_biases": True, "output_bias": True},
)
"""Of queries, keys and values alone, of MLPs alone, of every product but the head, of attention."""


def biases_of(trace: Trace, shape: Transformer) -> Iterator[Mapping[str, Any]]:
    """What biases there may be: none where no parameter is called so; the head's where there is one so long."""
    sizes = {trace.parameters[number].shape for module in trace.modules
             for name, number in module.parameters if "bias" in name}  # fmt: skip
    head = {"head_bias": (shape.vocabulary,) in sizes}
    yield head
    if sizes:
        yield from ({**each, **head} for each in BIASES)


def norms_of_a_layer(trace: Trace, shape: Transformer) -> int:
    """By how many weights are as wide as the model; 2 where that tells nothing."""
    wide = {number for module in trace.modules for name, number in module.parameters
            if "bias" not in name and trace.parameters[number].shape == (shape.width,)}  # fmt: skip
    each, rest = divmod(len(wide) - 1, shape.layers)
    return each if each and not rest else 2


def held(trace: Trace) -> int:
    return sum(each.numel for each in trace.parameters)


def position_table(trace: Trace, shape: Transformer) -> int:
    """Rows of a table of positions: an embedding beside that of tokens, or (1, rows, width)."""
    for module in trace.modules:
        for _, number in module.parameters:
            *lead, width = trace.parameters[number].shape
            table = module.type_name == "Embedding" or (len(lead) == 2 and lead[0] == 1)
            if table and width == shape.width and lead[-1] != shape.vocabulary:
                return lead[-1]
    return 0


def norm_of(trace: Trace) -> Norm:
    """By what the first layer norm is given."""
    for visit in visits(trace):
        if visit.call.packet == "aten.native_layer_norm":
            return "layer" if isinstance(visit.call.args[3], Tensor) else "scale"
    return "rms"
