"""What earlier versions of fvcore, torchprofile and onnx-tool charged: handlers of the nodes of a graph."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from math import prod

from flop_harness.conventions.products import work_at
from flop_harness.counters import fvcore, onnx_tool, torchprofile
from flop_harness.counters.pricing.matched import corrected
from flop_harness.counters.pricing.onnx_graph import Node, Shape
from flop_harness.counters.pricing.recurrent import Charges
from flop_harness.formulas import RECURRENT
from flop_harness.records import Call
from flop_harness.trace.walk import Visit

# -------------------------------------------------------------------------------------- fvcore


def convolution_on_output(visit: Visit) -> Charges:
    """Output elements x the weight's second dimension x kernel, transposed or not."""
    y, weight = visit.call.output, visit.call.args[1]
    charged = y.numel * weight.shape[1] * prod(weight.shape[2:])
    transposed = visit.call.argument(6, "transposed", False) is True
    term = "transposed convolution" if transposed else "convolution"
    work = work_at(visit)
    true = work.macs if work else 0
    return [(term, true), ("transposed convolution counted on its output", charged - true)]


def matrix_product_of_rows(visit: Visit) -> Charges:
    """First dimension of the left side x both of the right, which must be a matrix."""
    x, y = visit.call.args[:2]
    if len(y.shape) != 2 or x.shape[-1] != y.shape[0]:
        raise ValueError("fvcore asserts a matrix on the right")
    term, true = fvcore.place(visit), x.numel * y.shape[-1]
    charged = x.shape[0] * y.numel
    return [(term, true), ("matrix product by its first dimension only", charged - true)]


def without(rules: fvcore.Rules, *names: str) -> fvcore.Rules:
    return {name: rule for name, rule in rules.items() if name.removeprefix("aten.") not in names}


def batch_norm_as_in_training(visit: Visit) -> Charges:
    return fvcore.norm("batch normalisation", 1)(visit)


def batch_norm_of_four(visit: Visit) -> Charges:
    return [("batch normalisation", 4 * visit.call.args[0].numel)]


ELEMENTWISE = ("batch_norm", "group_norm", "layer_norm", "instance_norm", "upsample_nearest2d",
               "upsample_bilinear2d", "adaptive_avg_pool2d", "grid_sampler")  # fmt: skip

FVCORE_2021_06 = {
    **without(fvcore.RULES, "mm"),
    **dict.fromkeys(("aten.convolution", "aten._convolution"), convolution_on_output),
}
FVCORE_2021_03 = {**FVCORE_2021_06, "aten.batch_norm": batch_norm_as_in_training}
FVCORE_2021_02_26 = without(FVCORE_2021_03, *ELEMENTWISE)
FVCORE_2021_02_24 = {**FVCORE_2021_02_26, "aten.matmul": matrix_product_of_rows}
FVCORE_2021_01 = without(FVCORE_2021_02_24, "linear")
FVCORE_2020_02_28 = without(FVCORE_2021_01, "bmm")
FVCORE_2020_02_10 = {**FVCORE_2020_02_28, "aten.batch_norm": batch_norm_of_four}

# -------------------------------------------------------------------------------- torchprofile


def one(call: Call) -> int:
    return 1


def chosen(table: Mapping, *names: str) -> dict:
    return {f"aten.{name}": table[f"aten.{name}"] for name in names}


def free_of(table: Mapping, *names: str) -> dict:
    return {name: rule for name, rule in table.items() if name.removeprefix("aten.") not in names}


PRODUCTS_0_0_4 = chosen(
    torchprofile.PRODUCTS, "convolution", "linear", "matmul", "addmm", "addmv", "bmm"
)
PRODUCTS_0_0_3 = free_of(PRODUCTS_0_0_4, "linear")
PER_OUTPUT_0_0_4 = free_of(torchprofile.PER_OUTPUT, "grid_sampler")
PER_OUTPUT_0_0_2 = {
    **free_of(PER_OUTPUT_0_0_4, "batch_norm", "group_norm", "upsample_bilinear2d"),
    "aten.instance_norm": ("instance normalisation", one),
    "aten.layer_norm": ("layer normalisation", one),
}


# ----------------------------------------------------------------------------------- onnx-tool


def of_more_dimensions(left: Shape, right: Shape) -> Shape:
    return left if len(left) > len(right) else right


def step_of_recurrent(node: Node) -> Charges:
    """The products and biases of one step, whatever the length; nothing for the gates."""
    x, weights, again, bias = (each or () for each in node.inputs[:4])
    products, steps, batch = prod(weights) + prod(again), x[0], x[1]
    return [
        *corrected({RECURRENT: products * steps * batch}, RECURRENT, products * batch,
                   f"{RECURRENT} of one step"),
        (f"{RECURRENT} bias", prod(bias) * batch),
    ]  # fmt: skip


ONNX_TOOL_0_8: onnx_tool.Rules = {
    **onnx_tool.RULES,
    "MatMul": partial(onnx_tool.matrix_product, batch_of=of_more_dimensions),
    **dict.fromkeys(("LSTM", "GRU"), step_of_recurrent),
}
