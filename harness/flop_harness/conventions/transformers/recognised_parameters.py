"""What a recognised transformer has beside its products: head, norms, biases and positions, by its parameters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Any

from flop_harness.conventions.transformers import parameters as weights
from flop_harness.conventions.transformers.runs import NotRecognised
from flop_harness.records import Tensor, Trace
from flop_harness.records.transformer import Norm, Transformer
from flop_harness.trace.walk import visits


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
    for biases, norms in product(biases_of(trace, shape), norms_of(trace, shape)):
        whole = replace(shape, **norms, **biases)
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
    sizes = {name: trace.parameters[number].shape for module in trace.modules
             for name, number in module.parameters}  # fmt: skip
    named = {size for name, size in sizes.items() if "bias" in name}
    always = {"head_bias": (shape.vocabulary,) in named,
              "sinks": any("sink" in name for name in sizes)}  # fmt: skip
    yield always
    for each in BIASES if named else ():
        yield {**each, **always}
        if shape.experts:
            yield {**each, **always, "expert_biases": True}


def norms_of(trace: Trace, shape: Transformer) -> Iterator[Mapping[str, Any]]:
    """What norms there may be, by the vectors as wide as the model or one head: one behind the embedding,
    of each layer so many, of queries and keys, a last one.
    """
    vectors = {number: trace.parameters[number].shape for module in trace.modules
               for name, number in module.parameters if "bias" not in name}  # fmt: skip
    wide = sum(size == (shape.width,) for size in vectors.values())
    inner: list[tuple[dict[str, Any], int]] = [({}, 0)]
    if (shape.head_size,) in vectors.values():
        inner.append(({"head_norms": True}, 0))
    if {(shape.query_width,), (shape.kv_width,)} <= set(vectors.values()):
        as_wide = (shape.query_width, shape.kv_width).count(shape.width)
        inner.append(({"wide_norms": True}, as_wide))
    for (first, last), (more, beside) in product(((0, 1), (0, 0), (1, 1)), inner):
        each, rest = divmod(wide - first - last, shape.layers)
        if wide and (rest or each <= beside):
            continue
        yield {"embedding_norm": bool(first), "final_norm": bool(last),
               "layer_norms": each - beside if wide else 2, **more}  # fmt: skip


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
