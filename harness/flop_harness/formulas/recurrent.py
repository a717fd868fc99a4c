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


@formula("aten._cudnn_rnn", "aten.miopen_rnn")
def cudnn_rnn(call: Call) -> Work:
    """input (T, N, in) or packed (sum of lengths, in); every weight matrix meets every step."""
    x, weights = call.args[:2]
    steps = x.numel // max(x.shape[-1], 1)
    matrices = [weight for weight in weights if len(weight.shape) == 2]
    biased = len(matrices) < len(weights)
    return Work(
        tuple(product_of(steps, w.shape[1], w.shape[0], biased, RECURRENT) for w in matrices)
    )


@formula("aten.quantized_lstm", "aten.quantized_gru")
def quantised_layers(call: Call) -> Work | None:
    """input (T, N, in), or (N, T, in), and weights that are packed out of sight.

    How wide they are the last states (layers x directions, N, hidden) tell; packed sequences (sum
    of lengths, in) come with their batch sizes, which stand before the states.
    """
    packed = ".data" in call.name
    settings = call.args[4 if packed else 3 :]
    biased, layers, two_ways = settings[0] is True, settings[1], settings[4] is True
    x, hidden = call.args[0], call.output[1].shape[-1]
    gates, directions = 4 if "lstm" in call.packet else 3, 2 if two_ways else 1
    steps = x.numel // max(x.shape[-1], 1)
    widths = [x.shape[-1]] + [directions * hidden] * (layers - 1)
    return Work(
        tuple(
            product_of(steps, inner, gates * hidden, biased, RECURRENT)
            for width in widths
            for _ in range(directions)
            for inner in (width, hidden)
        )
    )


CELLS = {"lstm": 4, "gru": 3, "rnn_relu": 1, "rnn_tanh": 1}


@formula(*(f"quantized.quantized_{kind}_cell_dynamic" for kind in CELLS))
def quantised_cell(call: Call) -> Work:
    """input (N, in); the state's width by the result."""
    x = call.args[0]
    output = call.output[0] if isinstance(call.output, tuple) else call.output
    gates = next(gates for kind, gates in CELLS.items() if f"_{kind}_" in call.packet)
    rows, hidden = output.shape
    return Work(
        tuple(
            product_of(rows, inner, gates * hidden, True, RECURRENT)
            for inner in (x.shape[-1], hidden)
        )
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
