"""Probes of kernels that run a whole layer: their products, as torch runs them one by one.

Between their products stand softmax, sigmoid and tanh: no sum of the output tells of them. The
same layer is recorded without the fused kernel, and each product of that trace is run on ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import nn

from flop_harness.conventions.products import products
from flop_harness.formulas.products import sequences
from flop_harness.proof.probe.measurement import Measured, NotProvable, measure, probe
from flop_harness.proof.replay import arguments
from flop_harness.records import Call, Phase, Tensor
from flop_harness.trace.recorder import record

CELLS = {0: (nn.RNN, {"nonlinearity": "relu"}), 1: (nn.RNN, {}), 2: (nn.LSTM, {}), 3: (nn.GRU, {})}
"""The layer that a kernel's ``mode`` stands for (ATen/native/RNN.h and cudnn/RNN.cpp)."""


@probe("aten._native_multi_head_attention")
def native_attention(call: Call) -> Measured:
    named = arguments(call)
    query, key = sequences(named["query"]), sequences(named["key"])
    layer = nn.MultiheadAttention(named["embed_dim"], named["num_head"], batch_first=True,
                                  device="meta")  # fmt: skip
    inputs = []
    for one, other in zip(query, key, strict=True):
        q = on_meta(one)
        k = q if one == other else on_meta(other)
        inputs.append((q, k, k))
    return by_products(layer, inputs)


@probe("aten._transformer_encoder_layer_fwd")
def encoder_layer(call: Call) -> Measured:
    named = arguments(call)
    layer = nn.TransformerEncoderLayer(named["embed_dim"], named["num_heads"],
                                       named["ffn_weight_1"].shape[0], batch_first=True,
                                       device="meta")  # fmt: skip
    return by_products(layer, [(on_meta(each),) for each in sequences(named["src"])])


@probe("aten.mkldnn_rnn_layer")
def mkldnn_rnn_layer(call: Call) -> Measured:
    """input (T, N, in); one layer, one direction."""
    named = arguments(call)
    kind, options = CELLS[named["mode"]]
    layer = kind(named["input"].shape[-1], named["hidden_size"], bias=named["has_biases"],
                 device="meta", **options)  # fmt: skip
    return by_products(layer, [(on_meta(named["input"]),)])


@probe("aten.mkldnn_rnn_layer_backward")
def mkldnn_rnn_layer_gradients(call: Call) -> Measured:
    """Of an input and a state that both want gradients, as the kernel computes all of them."""
    named = arguments(call)
    kind, options = CELLS[named["mode"]]
    layer = kind(named["input"].shape[-1], named["hidden_size"], bias=named["has_biases"],
                 device="meta", **options)  # fmt: skip
    states = [
        on_meta(named[name]).reshape(1, -1, named["hidden_size"]) for name in ("hx_", "cx_tmp")
    ]
    given = [each.requires_grad_() for each in (on_meta(named["input"]), *states)]
    state = (given[1], given[2]) if kind is nn.LSTM else given[1]
    return by_products(layer, [(given[0], state)], phase="backward")


@probe("aten._cudnn_rnn")
def cudnn_rnn(call: Call) -> Measured:
    named = arguments(call)
    if named["batch_sizes"]:
        raise NotProvable("a packed sequence does not tell how long each of its sequences is")
    kind, options = CELLS[named["mode"]]
    if named["proj_size"]:
        options = {**options, "proj_size": named["proj_size"]}
    matrices = [each for each in named["weight"] if len(each.shape) == 2]
    layer = kind(named["input"].shape[-1], named["hidden_size"], named["num_layers"],
                 bias=len(matrices) < len(named["weight"]), batch_first=named["batch_first"],
                 bidirectional=named["bidirectional"], device="meta", **options)  # fmt: skip
    return by_products(layer, [(on_meta(named["input"]),)])


def by_products(
    layer: nn.Module, inputs: Iterable[Sequence[Any]], phase: Phase = "forward"
) -> Measured:
    """The products of a layer's plain kernels in one phase, each by a probe of its own."""
    variant = "math" if phase == "forward" else "math training"
    traces = [record(layer.eval(), tuple(each), variant=variant) for each in inputs]
    visits = [visit for trace in traces for visit, _, _ in products(trace)]
    measured = [measure(visit.call) for visit in visits if visit.phase == phase]
    reached, whole = (
        sum(getattr(each, what) for each in measured) for what in ("reached", "whole")
    )
    return Measured(reached, whole, f"its {len(measured)} products on ones, one by one as its "
                    "plain kernels run them")  # fmt: skip


def on_meta(tensor: Tensor) -> torch.Tensor:
    return torch.empty(tensor.shape, device="meta")
