"""Formulas of backward operators: carried out number by number, and by arithmetic."""

from __future__ import annotations

import pytest
import torch

from flop_harness.conventions.products import works
from flop_harness.proof.operation import Operation, prove
from flop_harness.trace.recorder import record
from programs import Program
from test_formulas import priced, some

aten = torch.ops.aten


def proofs_of(function, *tensors):
    trace = record(Program(function), tensors, execute=True)
    return {visit.call.packet: prove(Operation(visit.call._replace(children=())))
            for visit, work in works(trace) if work is not None and work.kind != "movement"}  # fmt: skip


def some_signed(*shape: int) -> torch.Tensor:
    torch.manual_seed(sum(shape))
    return torch.randn(shape)


# ------------------------------------------------------------------------ one number at a time

ACTIVATIONS = {
    "hardsigmoid": aten.hardsigmoid_backward,
    "hardswish": aten.hardswish_backward,
    "hardtanh": lambda dy, x: aten.hardtanh_backward(dy, x, -0.5, 0.5),
    "hardshrink": lambda dy, x: aten.hardshrink_backward(dy, x, 0.5),
    "softshrink": lambda dy, x: aten.softshrink_backward(dy, x, 0.5),
    "leaky_relu": lambda dy, x: aten.leaky_relu_backward(dy, x, 0.1, False),
    "softplus": lambda dy, x: aten.softplus_backward(dy, x, 1.5, 20),
    "elu": lambda dy, x: aten.elu_backward(dy, 1.0, 1.0, 1.0, False, x),
    "elu, scaled": lambda dy, x: aten.elu_backward(dy, 1.6, 1.05, 1.0, False, x),
    "elu, stretched": lambda dy, x: aten.elu_backward(dy, 2.0, 1.0, 0.5, False, x),
    "elu of its result": lambda dy, y: aten.elu_backward(dy, 1.0, 1.3, 1.0, True, y),
    "gelu": aten.gelu_backward,
    "gelu, tanh": lambda dy, x: aten.gelu_backward(dy, x, approximate="tanh"),
    "log_sigmoid": lambda dy, x: aten.log_sigmoid_backward(dy, x, aten.log_sigmoid_forward(x)[1]),
    "rrelu": lambda dy, x: aten.rrelu_with_noise_backward(dy, x, dy, 0.1, 0.3, True, False),
    "rrelu, eval": lambda dy, x: aten.rrelu_with_noise_backward(dy, x, dy, 0.1, 0.3, False, False),
    "prelu": lambda dy, x: aten._prelu_kernel_backward(dy, x, dy)[0],
    "dropout": lambda dy, x: aten.native_dropout_backward(dy, x > 0, 2.0),
    "glu": lambda dy, x: aten.glu_backward(dy, torch.cat([x, x], 1), 1),
    "softmax": lambda dy, y: aten._softmax_backward_data(dy, y, 1, torch.float32),
    "softmax of columns": lambda dy, y: aten._softmax_backward_data(dy, y, 0, torch.float32),
    "log_softmax": lambda dy, y: aten._log_softmax_backward_data(dy, y, 1, torch.float32),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation(name):
    proofs = proofs_of(ACTIVATIONS[name], some_signed(2, 3), some_signed(2, 3) * 2)
    (proof,) = [proof for packet, proof in proofs.items() if "backward" in packet]
    assert (proof.standing, proof.reason) == ("oracle", "")


LOSSES = {
    "mse_loss": lambda *x: aten.mse_loss_backward(*x, REDUCTION),
    "smooth_l1_loss": lambda *x: aten.smooth_l1_loss_backward(*x, REDUCTION, 0.5),
    "huber_loss": lambda *x: aten.huber_loss_backward(*x, REDUCTION, 0.5),
    "binary_cross_entropy": lambda *x: aten.binary_cross_entropy_backward(*x, None, REDUCTION),
    "binary_cross_entropy, weighted":
        lambda *x: aten.binary_cross_entropy_backward(*x, x[1], REDUCTION),
    "soft_margin_loss": lambda *x: aten.soft_margin_loss_backward(*x, REDUCTION),
}  # fmt: skip
NONE, MEAN, SUM = 0, 1, 2
REDUCTION = MEAN


@pytest.mark.parametrize("reduction", [NONE, MEAN, SUM])
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss(name, reduction, monkeypatch):
    monkeypatch.setitem(globals(), "REDUCTION", reduction)
    dy = some(2, 3) if reduction == NONE else some(1).squeeze()
    (proof,) = proofs_of(LOSSES[name], dy, some(2, 3), some(2, 3) * 0.5).values()
    assert (proof.standing, proof.reason) == ("oracle", "")


# ------------------------------------------------------------------------------ normalisation

MASKS = [(True, True, True), (True, False, False), (False, True, True), (False, False, True),
         (False, True, False)]  # fmt: skip


def first(results):
    return next(each for each in results if each is not None)


def layer_norm(dy, x, weight, mask, affine):
    held = weight if affine else None
    _, mean, rstd = aten.native_layer_norm(x, [6], held, held, 1e-5)
    return aten.native_layer_norm_backward(dy, x, [6], mean, rstd, held, held, mask)


def batch_norm(dy, x, weight, mask, affine, training=True):
    mean, variance = weight, weight.abs() + 0.1
    _, *saved = aten.native_batch_norm(x, weight, weight, mean, variance, training, 0.1, 1e-5)
    held = weight if affine else None
    return aten.native_batch_norm_backward(
        dy, x, held, mean, variance, *saved, training, 1e-5, mask
    )


def group_norm(dy, x, weight, mask, affine):
    size = (2, 6, 9, 2)
    _, *saved = aten.native_group_norm(x, weight, weight, *size, 1e-5)
    held = weight if affine else None
    return aten.native_group_norm_backward(dy, x, *saved, held, *size, mask)


NORMS = {
    "layer": (layer_norm, (2, 5, 6)),
    "batch": (batch_norm, (2, 6, 3, 3)),
    "batch, kept": (lambda *x: batch_norm(*x, training=False), (2, 6, 3, 3)),
    "group": (group_norm, (2, 6, 3, 3)),
}


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("name", NORMS)
def test_a_normalisation_for_what_is_asked(name, mask, affine):
    if not affine and any(mask[1:]):
        pytest.skip("without a weight there is no gradient of it")
    function, shape = NORMS[name]
    gradients = lambda dy, x, w: first(function(dy, x, w, list(mask), affine))  # noqa: E731
    proofs = proofs_of(gradients, some_signed(*shape), some_signed(*shape) * 2, some_signed(6))
    (proof,) = [proof for packet, proof in proofs.items() if "backward" in packet]
    assert (proof.standing, proof.reason) == ("oracle", "")


def test_the_weight_of_a_normalised_weight():
    function = lambda dy, v, g: aten._weight_norm_interface_backward(dy, v, g, g, 0)[0]  # noqa: E731
    (proof,) = proofs_of(function, some(4, 3, 2), some(4, 3, 2), some(4, 1, 1)).values()
    assert proof.standing == "oracle"


# -------------------------------------------------------------------------------------- pools

POOLS = {
    "avg": (lambda dy, x: aten.avg_pool2d_backward(dy, x, [3, 2], [2, 2], [1, 0], False, True, None),
            (2, 3, 3, 3), (2, 3, 6, 6)),
    "avg of data alone": (lambda dy, x: aten.avg_pool2d_backward(dy, x, [3, 3], [2, 2], [1, 1],
                                                                 False, False, None),
                          (2, 3, 3, 3), (2, 3, 6, 6)),
    "avg 3d": (lambda dy, x: aten.avg_pool3d_backward(dy, x, [2] * 3, [2] * 3, [0] * 3, False, True,
                                                      None),
               (2, 3, 2, 2, 2), (2, 3, 4, 4, 4)),
    "adaptive": (aten._adaptive_avg_pool2d_backward, (2, 3, 3, 2), (2, 3, 7, 5)),
    "adaptive 3d": (aten._adaptive_avg_pool3d_backward, (1, 2, 2, 2, 1), (1, 2, 3, 4, 2)),
}  # fmt: skip


@pytest.mark.parametrize("name", POOLS)
def test_a_pool(name):
    function, *shapes = POOLS[name]
    (proof,) = proofs_of(function, *(some_signed(*shape) for shape in shapes)).values()
    assert (proof.standing, proof.reason) == ("oracle", "")


ADDED = {
    "max pool": lambda dy: aten.max_pool2d_with_indices_backward(
        dy, torch.ones(1, 2, 8, 6), [2, 2], [2, 2], [0, 0], [1, 1], False,
        aten.max_pool2d_with_indices(torch.ones(1, 2, 8, 6), [2, 2])[1],
    ),
    "nearest": lambda dy: aten.upsample_nearest2d_backward(dy, [4, 3], [1, 2, 2, 3]),
}  # fmt: skip


@pytest.mark.parametrize("name", ADDED)
def test_each_element_is_added_where_it_came_from(name):
    said, _ = priced(ADDED[name], some(1, 2, 4, 3))
    assert said.additions == 2 * 4 * 3


def test_what_is_put_by_index_is_added_only_if_asked():
    at = torch.tensor([0, 1, 1])
    put = lambda add: lambda x, v: aten.index_put(x, [at], v, add)  # noqa: E731
    assert priced(put(True), some(4, 3), some(3, 3))[0].additions == 9
    assert priced(put(False), some(4, 3), some(3, 3))[0].additions == 0


# ----------------------------------------------------------------------------------- products

CONVOLUTIONS = {
    "plain": ((2, 3, 8, 8), (4, 3, 3, 3), [2, 2], [1, 1], [1, 1], False, [0, 0], 1),
    "grouped and dilated": ((2, 4, 9, 8), (4, 2, 3, 3), [1, 1], [0, 1], [2, 1], False, [0, 0], 2),
    "transposed": ((2, 4, 5, 5), (4, 3, 3, 3), [2, 2], [1, 1], [1, 1], True, [1, 1], 2),
    "of one axis": ((2, 4, 9), (6, 4, 3), [3], [0], [1], False, [0], 1),
    "depthwise": ((1, 4, 6, 6), (4, 1, 3, 3), [1, 1], [1, 1], [1, 1], False, [0, 0], 4),
}


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_a_convolution_for_what_is_asked(name, mask):
    """As many products for each gradient as forward, and a sum for the bias."""
    x, weight, *rest = CONVOLUTIONS[name]
    x, weight = some(*x), some(*weight)
    forward = lambda x, w: aten.convolution(x, w, None, *rest)  # noqa: E731
    dy = torch.rand_like(forward(x, weight))
    backward = lambda dy, x, w: first(  # noqa: E731
        aten.convolution_backward(dy, x, w, [dy.shape[1]], *rest, list(mask))
    )
    (proof,) = proofs_of(backward, dy, x, weight).values()
    (once,) = priced(forward, x, weight)[1]
    assert proof.standing in ("proven", "oracle") and proof.reason == ""
    assert proof.macs == sum(mask[:2]) * once.macs
    assert proof.operations == mask[2] * (dy.numel() - dy.shape[1])


def attention_gradient(dy, q, k, v):
    out, sums = aten._scaled_dot_product_flash_attention_for_cpu(q, k, v)
    backward = aten._scaled_dot_product_flash_attention_for_cpu_backward
    return backward(dy, q, k, v, out, sums, 0.0, False)[0]


def test_gradients_of_attention():
    """Five products where forward has two: 2 x 3 heads, 5 rows, 7 columns, 8 and 8 wide."""
    tensors = some(2, 3, 5, 8), some(2, 3, 5, 8), some(2, 3, 7, 8), some(2, 3, 7, 8)
    proofs = proofs_of(attention_gradient, *tensors)
    backward = proofs["aten._scaled_dot_product_flash_attention_for_cpu_backward"]
    assert backward.standing == "oracle"
    assert backward.macs == 5 * (2 * 3 * 5 * 7 * 8)
    assert proofs["aten._scaled_dot_product_flash_attention_for_cpu"].macs == 2 * (
        2 * 3 * 5 * 7 * 8
    )


def test_gradients_of_a_linear_layer_in_one_kernel():
    """x (4, 6), dy (4, 5): two products of 4 x 5 x 6 and four rows added up."""
    call = lambda x, dy, w: aten.linear_backward(x, dy, w, [True] * 3)[0]  # noqa: E731
    tensors = (torch.empty(shape, device="meta") for shape in ((4, 6), (4, 5), (5, 6)))
    trace = record(Program(call), tuple(tensors))
    ((_, work),) = works(trace)
    assert [product.macs for product in work.products] == [4 * 5 * 6] * 2
    assert work.additions == 4 * 5 - 5


def test_gradients_of_a_bilinear_layer():
    """Each a sum of three tensors of its own, carried out."""

    def gradients(x1, x2, weight):
        out = torch.nn.functional.bilinear(x1, x2, weight)
        return torch.autograd.grad(out.sum(), (x1, x2, weight))[0]

    tensors = [some(*shape).requires_grad_() for shape in ((3, 5), (3, 4), (2, 5, 4))]
    trace = record(Program(gradients), tuple(tensors), grad=True, gradients=True)
    calls = [visit.call for visit, _ in works(trace) if visit.call.packet == "aten._trilinear"]
    proofs = [prove(Operation(call._replace(children=()))) for call in calls]
    assert len(proofs) == 4 and {proof.standing for proof in proofs} == {"oracle"}


def test_lists_of_tensors():
    """(2, 3) twice: one product each, then a sum."""
    said, _ = priced(lambda x, y: aten._foreach_addcmul([x, x], [y, y], [x, x], value=1)[0],
                     some(2, 3), some(2, 3))  # fmt: skip
    once, _ = priced(torch.addcmul, some(2, 3), some(2, 3), some(2, 3))
    assert said.multiplications == 2 * once.multiplications
    assert said.additions == 2 * once.additions == 2 * 6
