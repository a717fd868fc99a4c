"""Shape functions of the backward pass: their answers are those of torch's meta kernels."""

from __future__ import annotations

from math import prod

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from flop_harness.trace.shapes import SHAPES, ordered
from test_trace_modules import blank, laid_out, quick

ACTIVATIONS = [name for name, f in SHAPES.items() if f.__name__ == "activation_gradient"]
WANTED = st.lists(st.booleans(), min_size=3, max_size=3)


def agrees(name: str, *args, **kwargs) -> bool:
    """Whether a shape function answers; every one of its results is then the meta kernel's."""
    spec = SHAPES[f"aten.{name}.default"](*args, **kwargs)
    if spec is None:
        return False
    made = getattr(torch.ops.aten, name).default(*args, **kwargs)
    specs, results = (spec[2], made) if spec[0] == "many" else ([spec], [made])
    for one, result in zip(specs, results, strict=True):
        there = ("value", None) if result is None else (
            "new", result.shape, result.stride(), result.dtype)  # fmt: skip
        assert one == there
    return True


def others(name: str) -> tuple:
    """What the operator takes beside the two tensors, by its schema."""
    given_by_schema = {"threshold": 0.0, "min_val": -1.0, "max_val": 1.0}
    schema = getattr(torch.ops.aten, name).default._schema
    return tuple(
        given_by_schema[each.name]
        for each in schema.arguments[2:]
        if not each.has_default_value()
    )  # fmt: skip


@quick
@given(laid_out(), laid_out(), st.sampled_from(ACTIVATIONS))
def test_gradients_of_activations(x, y, operator):
    name = operator.removeprefix("aten.").removesuffix(".default")
    agrees(name, x, x, *others(name))
    if x.shape == y.shape:
        agrees(name, x, y, *others(name))


@quick
@given(laid_out(rank=3), st.integers(-3, 2))
def test_gradients_of_softmax(x, dim):
    for name in ("_softmax_backward_data", "_log_softmax_backward_data"):
        agrees(name, x, x, dim, x.dtype)


@quick
@given(laid_out(rank=4, least=1), WANTED, st.booleans())
def test_gradients_of_batch_norm(x, wanted, training):
    channels = [blank(x.shape[1], dtype=x.dtype) for _ in range(5)]
    agrees("native_batch_norm_backward", x.clone(), x, *channels, training, 1e-5, wanted)


@quick
@given(laid_out(rank=3), st.integers(1, 2), WANTED)
def test_gradients_of_layer_norm(x, axes, wanted):
    shape = list(x.shape[-axes:])
    outer = [*x.shape[:-axes], *([1] * axes)]
    mean, rstd = blank(*outer, dtype=x.dtype), blank(*outer, dtype=x.dtype)
    pair = [blank(*shape, dtype=x.dtype) for _ in range(2)]
    agrees("native_layer_norm_backward", x, x, shape, mean, rstd, *pair, wanted)


@quick
@given(st.integers(1, 3), st.integers(1, 2), st.integers(1, 4), WANTED)
def test_gradients_of_group_norm(n, groups, side, wanted):
    x = blank(n, 4, side, side)
    statistics = [blank(n, groups) for _ in range(2)]
    sizes = (n, 4, prod(x.shape[2:]), groups)
    assert agrees("native_group_norm_backward", x, x, *statistics, blank(4), *sizes, wanted)


@quick
@given(st.data(), st.integers(1, 3), WANTED)
def test_gradients_of_convolutions(data, axes, wanted):
    kernel, side = data.draw(st.integers(1, 3)), data.draw(st.integers(3, 5))
    x, weight = blank(2, 4, *[side] * axes), blank(6, 2, *[kernel] * axes)
    out = blank(2, 6, *[side - kernel + 1] * axes)
    settings = ([1] * axes, [0] * axes, [1] * axes, False, [0] * axes, 2)
    assert agrees("convolution_backward", out, x, weight, [6], *settings, wanted)


@quick
@given(laid_out(rank=3, least=1))
def test_gradients_of_parts(x):
    """Of a slice of two in a dimension of four, and of one index of four."""
    assert agrees("slice_backward", blank(3, 2, 5, dtype=x.dtype), [3, 4, 5], 1, 0, 4, 2)
    assert agrees("select_backward", x, [x.shape[0], 4, *x.shape[1:]], 1, 3)


@pytest.mark.parametrize(
    ("strides", "expected"),
    [((20, 5, 1), True), ((40, 5, 1), True), ((20, 1, 4), False), ((0, 5, 1), False)],
)
def test_rows_with_gaps_stand_in_order(strides, expected):
    x = torch.empty_strided((3, 4, 5), strides, device="meta")
    assert ordered(x) is expected


@pytest.mark.parametrize("batch_first, packed, strides", [
    (False, (), (2 * 5, 5, 1)),
    (True, (), (5, 2 * 5, 1)),  # a step of the whole batch after the other
    (True, (2, 2, 1), (5, 1)),
], ids=["length first", "batch first", "packed"])  # fmt: skip
def test_gradients_of_recurrent_kernels_are_as_large_as_what_they_are_of(
    batch_first, packed, strides
):
    length, batch, width, hidden = 3, 2, 5, 4
    shape = (sum(packed), width) if packed else (length, batch, width)
    x = torch.empty((batch, length, width) if batch_first and not packed else shape)
    weights = [torch.empty(4 * hidden, width), torch.empty(4 * hidden, hidden)]
    state = torch.empty(1, batch, hidden)

    def spec(trained):
        settings = (2, hidden, 0, 1, batch_first, 0.0, trained, False, packed, None, None)
        between = (4, None, state, state, x, x, state, state)
        return SHAPES["aten._cudnn_rnn_backward.default"](
            x, weights, *between, *settings, (True,) * 4
        )

    first, *states, grown = spec(True)[2]
    assert first == ("new", x.shape, strides, x.dtype)
    assert [each[1] for each in states] == [state.shape] * 2
    assert [each[1] for each in grown[2]] == [weight.shape for weight in weights]
    assert spec(False) is None  # the kernel says what is wrong
