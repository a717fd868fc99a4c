"""onnx-tool 1.0.1: nodes of the graph that torch.onnx.export makes, element-wise ones by their instructions.

Rules after onnx_tool/node.py and onnx_tool/graph.py of onnx-tool 1.0.1, over the graph of torch's own
exporter at its default operator set. A node that is not in its tables counts as nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import prod
from typing import Any, TypeAlias

from flop_harness.counters.pricing.matched import corrected
from flop_harness.counters.pricing.onnx_graph import Node, Shape, captured, nodes, observed
from flop_harness.counters.pricing.recurrent import GATE_COUNT, Charges
from flop_harness.counters.protocol import Answer, Counter, Quantity
from flop_harness.counters.usage import Usage
from flop_harness.formulas import PROJECTION, QUERY_KEY, RECURRENT
from flop_harness.records import Context, Trace
from flop_harness.records.account import Account

# The instructions that it takes each function for.
DIVISION, EXPONENTIAL, LOGARITHM, ROOT, SINE = 4, 32, 43, 24, 39
TANH = EXPONENTIAL + 2 + DIVISION
ARCTANGENT = ROOT + 4 + DIVISION

PER_OUTPUT: dict[str, tuple[str, int]] = {
    **dict.fromkeys(("Add", "Sum"), ("addition", 1)),
    "Sub": ("subtraction", 1),
    "Mul": ("multiplication", 1),
    "Div": ("division", DIVISION),
    "Reciprocal": ("division", DIVISION),
    "Neg": ("negation", 1),
    "Abs": ("absolute value", 1),
    "Sign": ("sign", 1),
    "Mod": ("remainder", 1),
    **dict.fromkeys(("Ceil", "Floor", "Round"), ("rounding", 1)),
    **dict.fromkeys(("Min", "Max", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal"),
                    ("comparison", 1)),
    **dict.fromkeys(("Not", "And", "Or", "Xor"), ("logic", 1)),
    "NonZero": ("comparison", 1),
    "CumSum": ("cumulative sum", 1),
    "Exp": ("exponential", EXPONENTIAL),
    "Log": ("logarithm", LOGARITHM),
    "Sqrt": ("square root", ROOT),
    "Pow": ("power", EXPONENTIAL),
    "Sin": ("sine", SINE),
    "Cos": ("cosine", SINE),
    "Tanh": ("tanh", 2 * TANH),
    "Atan": ("arctangent", 2 * ARCTANGENT),
    "Sigmoid": ("sigmoid", EXPONENTIAL),
    "Softmax": ("softmax", EXPONENTIAL + DIVISION),
    "LogSoftmax": ("log-softmax", EXPONENTIAL + DIVISION + 1 + LOGARITHM),
    "Softplus": ("softplus", EXPONENTIAL + 1 + LOGARITHM),
    "Relu": ("ReLU", 1),
    "Clip": ("clamping", 2),
    "LeakyRelu": ("LeakyReLU", 2),
    "PRelu": ("PReLU", 2),
    "Elu": ("ELU", 1 + EXPONENTIAL + 2),
    "Gelu": ("GELU", EXPONENTIAL + 2),
    "HardSigmoid": ("hard sigmoid", 4),
    "HardSwish": ("hard swish", 5),
    "BatchNormalization": ("batch normalisation", 1 + ROOT + DIVISION + 2),
    "InstanceNormalization": ("instance normalisation", 3 + DIVISION),
    "LpNormalization": ("normalisation", EXPONENTIAL + 1),
    **dict.fromkeys(("QuantizeLinear", "DequantizeLinear"), ("quantisation", 2)),
}  # fmt: skip
PER_INPUT: dict[str, tuple[str, int]] = {
    "ReduceMean": ("mean", 1),
    "ReduceSum": ("sum", 1),
    "ReduceProd": ("product of elements", 1),
    **dict.fromkeys(("ReduceMin", "ReduceMax"), ("comparison", 1)),
    "ReduceL2": ("norm", 1 + ROOT),
}
RESIZED = {"linear": 4, "cubic": 8}


def volume(shape: Shape | None) -> int:
    """Elements as the tool counts them: none of a tensor without dimensions."""
    return prod(shape) if shape else 0


# ------------------------------------------------------------------------------- products


def named(node: Node) -> str:
    """What the reference calls the product that a node is made of."""
    module = node.classes[-1].rpartition(".")[2] if node.classes else ""
    linear, attention = node.made_of.startswith("aten.linear"), module == "MultiheadAttention"
    if module in ("RNN", "LSTM", "GRU"):
        return RECURRENT
    if "scaled_dot_product_attention" in node.made_of or (attention and not linear):
        return QUERY_KEY
    if linear:
        return PROJECTION if attention else "linear"
    return "matrix product"


def convolution(node: Node) -> Charges:
    outputs = volume(node.outputs[0])
    return [("convolution", outputs * window(node)), ("convolution bias", outputs * biased(node))]


def transposed(node: Node) -> Charges:
    """Charged for each element of the output; the filters meet those of the input."""
    outputs, term = volume(node.outputs[0]), "transposed convolution"
    macs, charged = (each * window(node) for each in (volume(node.inputs[0]), outputs))
    return [
        *corrected({term: macs}, term, charged, f"{term} counted on its output"),
        (f"{term} bias", outputs * biased(node)),
    ]


def window(node: Node) -> int:
    """Elements of a filter."""
    return prod((node.inputs[1] or ())[1:])


def biased(node: Node) -> bool:
    return len(node.inputs) == 3


def general_product(node: Node) -> Charges:
    """``Gemm``: both matrices may be transposed; with a third input the bias is charged."""
    columns = (node.inputs[1] or ())[-1 if node.attribute("transB", 0) else -2]
    outputs, term = volume(node.outputs[0]), named(node)
    return [(term, outputs * columns), (f"{term} bias", outputs * biased(node))]


def larger(left: Shape, right: Shape) -> Shape:
    return max(left, right, key=volume)


def matrix_product(node: Node, batch_of: Callable[[Shape, Shape], Shape] = larger) -> Charges:
    """Batches that broadcast are taken for one of both; a vector on the right for one multiplication per output."""
    left, right = (each or () for each in node.inputs)
    outputs, term = prod(node.outputs[0] or ()), named(node)
    charged = volume(node.outputs[0])
    if len(left) > 1 and len(right) > 1:
        batch = batch_of(left[:-2], right[:-2])
        charged = prod((*batch, left[-2], right[-1])) * right[-2]
    return corrected({term: outputs * left[-1]}, term, charged)


def einsum(node: Node) -> Charges:
    """The product of all labels' sizes."""
    sizes: dict[str, int] = {}
    for labels, shape in zip(node.attribute("equation").split("->")[0].split(","), node.inputs,
                             strict=False):  # fmt: skip
        sizes |= zip(labels.replace(" ", ""), shape or (), strict=False)
    return [("einsum", prod(sizes.values()))]


def recurrent(gates: Charges, kind: str) -> Callable[[Node], Charges]:
    """Products of both directions at each step; gates and their functions of one."""

    def charges(node: Node) -> Charges:
        x, weights, again, bias = (each or () for each in node.inputs[:4])
        steps, hidden = x[0] * x[1], weights[1] // GATE_COUNT[kind]
        return [
            (RECURRENT, (prod(weights) + prod(again)) * steps),
            (f"{RECURRENT} bias", volume(bias) * steps),
            *((name, amount * steps * hidden) for name, amount in gates),
        ]

    return charges


LSTM = [("recurrent cell arithmetic", 4 + 3 * EXPONENTIAL + 2 * TANH + 4)]
GRU = [("recurrent cell arithmetic", 3 + 2 * EXPONENTIAL + TANH + 5)]


# ----------------------------------------------------------------------------- all the rest


def layer_norm(node: Node) -> Charges:
    """Seven for each element, and a root and a division for each row of one dimension."""
    shape = list(node.inputs[0] or ())
    elements = prod(shape)
    shape[node.attribute("axis", -1)] = 1
    return [("layer normalisation", 7 * elements + (1 + ROOT + DIVISION) * prod(shape))]


def pooled(term: str) -> Callable[[Node], Charges]:
    """A window of three dimensions is taken for its first."""

    def charges(node: Node) -> Charges:
        window = node.attribute("kernel_shape")
        return [(term, volume(node.outputs[0]) * (window[0] if len(window) == 3 else prod(window)))]

    return charges


def global_pool(node: Node) -> Charges:
    elements, outputs = volume(node.inputs[0]), volume(node.outputs[0])
    return [("adaptive average pooling", elements + DIVISION * outputs)]


def resized(node: Node) -> Charges:
    each = RESIZED.get(node.attribute("mode", "nearest"), 0)
    return [("upsampling", each * volume(node.outputs[0]))]


Rule: TypeAlias = Callable[[Node], Charges]
Rules: TypeAlias = Mapping[str, Rule]
RULES: Rules = {
    "Conv": convolution,
    "ConvTranspose": transposed,
    "Gemm": general_product,
    "MatMul": matrix_product,
    "Einsum": einsum,
    "LSTM": recurrent(LSTM, "LSTM"),
    "GRU": recurrent(GRU, "GRU"),
    "LayerNormalization": layer_norm,
    "MaxPool": pooled("max pooling"),
    "AveragePool": pooled("average pooling"),
    "GlobalAveragePool": global_pool,
    "Resize": resized,
}


def charged(node: Node, rules: Rules) -> Charges:
    if node.kind in rules:
        return rules[node.kind](node)
    if node.kind in PER_OUTPUT:
        term, each = PER_OUTPUT[node.kind]
        return [(term, each * volume(node.outputs[0]))]
    if node.kind in PER_INPUT:
        term, each = PER_INPUT[node.kind]
        return [(term, each * volume(node.inputs[0]))]
    return []


def charges(trace: Trace, rules: Rules) -> Iterator[tuple[str, str, int]]:
    for node in nodes(trace):
        yield from ((node.path, *charge) for charge in charged(node, rules))


def price_compute(trace: Trace, rules: Rules = RULES) -> Account:
    return Account.of(charges(trace, rules))


def read(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
    """The model exported, ``onnx_tool.Model`` of that, its graph's ``macs`` as its guide shows."""
    import onnx_tool
    import torch

    graph = onnx_tool.Model(torch.onnx.export(model, args, kwargs=kwargs).model_proto).graph
    graph.graph_reorder_nodes()
    graph.shape_infer()
    graph.profile()
    return Answer(compute=int(graph.macs[0]))


ASKED = """program = torch.onnx.export(model, {})
graph = onnx_tool.Model(program.model_proto).graph
graph.graph_reorder_nodes()
graph.shape_infer()
graph.profile()"""

COUNTER = Counter(
    id="onnx-tool",
    distribution="onnx-tool",
    description="nodes of the model's ONNX graph; element-wise ones by instructions",
    source="onnx_tool/node.py, onnx_tool/graph.py (1.0.1)",
    quantities={"compute": Quantity("MACs", "MAC", price_compute)},
    read=read,
    usage=Usage(
        imports="import onnx_tool\nimport torch",
        call=ASKED.format("args"),
        named=ASKED.format("args, kwargs=kwargs"),
        figures={"compute": "int(graph.macs[0])"},
    ),
    contexts=(Context(grad=False, mode="eval"),),
    fast_path=False,
    observe=observed,
    capture=captured,
    overlay=("onnx-tool==1.0.1", "onnx==1.23.2", "onnxscript==0.7.2", "onnx-ir==1.1.0",
             "ml-dtypes==0.6.0", "protobuf==7.36.2", "tabulate==0.10.0"),
    by_operator=True,
    optional=True,
)  # fmt: skip
