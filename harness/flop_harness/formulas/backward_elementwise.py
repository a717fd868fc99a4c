"""Gradients of activations, softmax, dropout and losses: so many operations for each element."""

from __future__ import annotations

from flop_harness.formulas.elementwise import elements, elementwise, per_element
from flop_harness.formulas.losses import MEAN
from flop_harness.formulas.registry import Formula, formula
from flop_harness.records import Call
from flop_harness.records.work import Work

# operations per element of the first result: additions, multiplications, comparisons, divisions, specials
ACTIVATIONS: dict[str, tuple[int, int, int, int, int]] = {
    # -3 < x < 3 ? dy / 6 : 0
    "hardsigmoid": (0, 0, 2, 1, 0),
    # x <= -3 ? 0 : x < 3 ? dy (x / 3 + 1 / 2) : dy
    "hardswish": (1, 1, 2, 1, 0),
    "hardtanh hardshrink softshrink": (0, 0, 2, 0, 0),
    "leaky_relu": (0, 1, 1, 0, 0),
    # b x > threshold ? dy : dy z / (z + 1), z = exp(b x)
    "softplus": (1, 2, 1, 1, 1),
    # dx = x > 0 ? dy : w dy; dw = x > 0 ? 0 : x dy
    "_prelu_kernel": (0, 2, 2, 0, 0),
}
for _names, _each in ACTIVATIONS.items():
    for _name in _names.split():
        formula(f"aten.{_name}_backward")(elementwise("activation", _each))


@formula("aten.elu_backward")
def elu(call: Call) -> Work:
    """x > 0 ? s dy : dy t (y + s a) of the result y, or dy t s a exp(t x), t s a as one factor."""
    _, _, scale, input_scale, of_result = call.args[:5]
    scaled, stretched = scale != 1, input_scale != 1
    if of_result is True:
        return per_element(call, "activation", (1, 1 + scaled + stretched, 1, 0, 0))
    return per_element(call, "activation", (0, 2 + scaled + stretched, 1, 0, 1))


@formula("aten.gelu_backward")
def gelu(call: Call) -> Work:
    """dy (P + x p): P as forward, p = exp(-x^2 / 2) / sqrt(2 pi); with tanh by its derivative."""
    if call.argument(2, "approximate", "none") == "tanh":
        return per_element(call, "activation", (5, 12, 0, 0, 1))
    return per_element(call, "activation", (2, 7, 0, 0, 2))


@formula("aten.log_sigmoid_backward")
def log_sigmoid(call: Call) -> Work:
    """dy ((x < 0) - sign(x) z / (1 + z)), z = exp(-|x|), which a CPU has kept."""
    kept = call.args[2].numel > 0
    return per_element(call, "activation", (2, 1, 1, 1, 0 if kept else 1))


@formula("aten.rrelu_with_noise_backward")
def rrelu(call: Call) -> Work:
    """dy noise, as it was drawn; a leaky ReLU when not in training."""
    training = call.argument(5, "training", False) is True
    return per_element(call, "activation", (0, 1, 0 if training else 1, 0, 0))


@formula("aten.glu_backward")
def glu(call: Call) -> Work:
    """da = dy s, db = da (1 - s) a, s = sigmoid(b): for each pair."""
    n = call.args[0].numel
    return Work((), "activation", 2 * n, 3 * n, 0, n, n)


@formula("aten.native_dropout_backward")
def dropout(call: Call) -> Work:
    return Work((), "dropout", multiplications=2 * call.args[0].numel)


@formula("aten._softmax_backward_data", "aten._masked_softmax_backward")
def softmax(call: Call) -> Work:
    """y (dy - the sum of y dy in the row)."""
    n, rows = rows_of(call)
    return Work((), "softmax", additions=2 * n - rows, multiplications=2 * n)


@formula("aten._log_softmax_backward_data")
def log_softmax(call: Call) -> Work:
    """dy - exp(y) times the sum of dy in the row."""
    n, rows = rows_of(call)
    return Work((), "softmax", additions=2 * n - rows, multiplications=n, specials=n)


def rows_of(call: Call) -> tuple[int, int]:
    """(elements, rows)."""
    dy = call.args[0]
    dim = call.argument(3 if "masked" in call.packet else 2, "dim", -1)
    size = dy.shape[-1 if dim is None else dim] if dy.shape else 1
    return dy.numel, dy.numel // max(size, 1)


# per element; where the reduction stands. A mean divides the gradient that comes in, which is one
# number; factors that are numbers are one.
LOSSES: dict[str, tuple[tuple[int, int, int, int, int], int]] = {
    # 2 dy (x - y)
    "mse_loss": ((1, 2, 0, 0, 0), 3),
    # d < -b ? -dy : d > b ? dy : dy d / b
    "smooth_l1_loss": ((1, 1, 2, 1, 0), 3),
    # d < -b ? -b dy : d > b ? b dy : d dy
    "huber_loss": ((1, 2, 2, 0, 0), 3),
    # dy (x - y) / max(x (1 - x), 1e-12)
    "binary_cross_entropy": ((2, 2, 1, 1, 0), 4),
    # -dy y z / (1 + z), z = exp(-x y)
    "soft_margin_loss": ((1, 3, 0, 1, 1), 3),
}


def loss(name: str, each: tuple[int, int, int, int, int], at: int) -> Formula:
    def per_number(call: Call) -> Work:
        n = call.args[1].numel
        additions, multiplications, comparisons, divisions, specials = (n * one for one in each)
        weighted = "binary" in name and call.argument(3, "weight") is not None
        mean = call.argument(at, "reduction", MEAN) == MEAN
        return Work((), "loss", additions, multiplications + weighted * n, comparisons,
                    divisions + mean, specials)  # fmt: skip

    return per_number


for _name, (_each, _at) in LOSSES.items():
    formula(f"aten.{_name}_backward")(loss(_name, _each, _at))


@formula("aten.nll_loss_backward", "aten.nll_loss2d_backward")
def nll_loss(call: Call) -> Work:
    """-dy for each row, weighted; a mean divides by the sum of weights."""
    _, _, target, weight, reduction = call.args[:5]
    n = target.numel
    return Work(
        (),
        "loss",
        multiplications=n if weight is not None else 0,
        divisions=int(reduction == MEAN),
    )


# ------------------------------------------------------------------- of pools, pads and tables


ADDED_BACK = """max_pool2d_with_indices max_pool3d_with_indices adaptive_max_pool2d
    adaptive_max_pool3d fractional_max_pool2d fractional_max_pool3d upsample_nearest1d
    upsample_nearest2d upsample_nearest3d _upsample_nearest_exact1d _upsample_nearest_exact2d
    _upsample_nearest_exact3d reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d
    replication_pad2d replication_pad3d unfold embedding_dense""".split()


@formula("aten._embedding_bag_backward")
def bag_added_back(call: Call) -> Work:
    """The gradient of each bag at all of its rows; a mean divides it, a maximum has one row each."""
    dy, indices, mode, weights = (call.args[place] for place in (0, 1, 8, 10))
    each = dy.numel if mode == MOST else indices.numel * dy.shape[-1]
    return Work((), "reduction", additions=each, divisions=each if mode == AVERAGE else 0,
                multiplications=0 if weights is None else each)  # fmt: skip


AVERAGE, MOST = 1, 2
"""Modes of an embedding bag (ATen/native/EmbeddingBag.h)."""


@formula(*(f"aten.{name}_backward" for name in ADDED_BACK))
def added_back(call: Call) -> Work:
    """Each element of the gradient is added where its value came from."""
    scaled = call.packet == "aten.embedding_dense_backward" and call.args[4] is True
    n = elements(call.args[0])
    return Work((), "reduction", additions=n, divisions=scaled * n)
