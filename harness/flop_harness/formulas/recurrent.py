"""Kernels that run a recurrent layer whole."""

from __future__ import annotations

from flop_harness.formulas.products import product_of
from flop_harness.formulas.registry import formula
from flop_harness.records import Call
from flop_harness.records.work import Work

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


@formula("aten._thnn_fused_lstm_cell")
def fused_lstm_cell(call: Call) -> Work:
    """What follows the products: gates (n, 4 hidden) added up, three sigmoids, two tangents.

    Per hidden element c' = f c + i g and h = o tanh(c').
    """
    gates = call.args[0].numel
    hidden, biased = gates // 4, call.argument(3, "input_bias") is not None
    return Work(
        (),
        "activation",
        additions=gates * (3 if biased else 1) + 3 * hidden + hidden,
        multiplications=3 * hidden,
        divisions=3 * hidden,
        specials=5 * hidden,
    )


@formula("aten._thnn_fused_gru_cell")
def fused_gru_cell(call: Call) -> Work:
    """What follows the products: gates (n, 3 hidden) added up, two sigmoids, a tangent.

    Per hidden element n = tanh(a + r b) and h' = n + z (h - n).
    """
    gates = call.args[0].numel
    hidden, biased = gates // 3, call.argument(3, "input_bias") is not None
    return Work(
        (),
        "activation",
        additions=gates * (3 if biased else 1) + 2 * hidden + 2 * hidden,
        multiplications=2 * hidden,
        divisions=2 * hidden,
        specials=3 * hidden,
    )
