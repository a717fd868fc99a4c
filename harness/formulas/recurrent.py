"""Kernels that run a recurrent layer whole."""

from __future__ import annotations

from harness.formulas.products import product_of
from harness.formulas.registry import formula
from harness.records import Call
from harness.work import Work

RECURRENT = "recurrent product"


@formula("aten.mkldnn_rnn_layer")
def mkldnn_rnn_layer(call: Call) -> Work:
    """input (T, N, in), weights (gates x hidden, in) and (gates x hidden, hidden), one direction."""
    x, input_weight, hidden_weight = call.args[:3]
    steps, biased = x.shape[0] * x.shape[1], call.argument(12, "has_biases") is True
    return Work(
        tuple(
            product_of(steps, weight.shape[1], weight.shape[0], biased, RECURRENT)
            for weight in (input_weight, hidden_weight)
        )
    )


@formula("aten._cudnn_rnn")
def cudnn_rnn(call: Call) -> Work:
    """input (T, N, in) or packed (sum of lengths, in); every weight matrix meets every step."""
    x, weights = call.args[:2]
    steps = x.numel // max(x.shape[-1], 1)
    matrices = [weight for weight in weights if len(weight.shape) == 2]
    biased = len(matrices) < len(weights)
    return Work(
        tuple(product_of(steps, w.shape[1], w.shape[0], biased, RECURRENT) for w in matrices)
    )
