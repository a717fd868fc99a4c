"""On a CUDA device: clocks, graphs, memory and counts, by arithmetic. Skipped where there is none."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import flop_harness
from flop_harness.records.times import Series
from flop_harness.timing import cuda
from flop_harness.timing.memory import cuda_peak
from test_refusals import REFUSED, WRONG

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")

MIB = 1 << 20


class Attention(nn.Module):
    """Attention alone; which kernel does it is the device's choice."""

    def __init__(self, causal):
        super().__init__()
        self.causal = causal

    def forward(self, query, key, value):
        return F.scaled_dot_product_attention(query, key, value, is_causal=self.causal)


class Using(nn.Module):
    """A function of a layer and an input."""

    def __init__(self, layer, function):
        super().__init__()
        self.layer = layer
        self.function = function

    def forward(self, x):
        return self.function(self.layer, x)


def seconds(cycles):
    clock = cuda.clock()
    before = clock()
    torch.cuda._sleep(cycles)
    return clock() - before


def test_four_times_the_cycles_take_four_times_as_long():
    seconds(10_000_000)
    assert seconds(80_000_000) / seconds(20_000_000) == pytest.approx(4, rel=0.1)


def test_a_replayed_graph_computes_what_its_kernels_compute():
    layer, x = nn.Linear(8, 4).cuda(), torch.ones(2, 8, device="cuda")
    made = []
    replay = cuda.captured(lambda: made.append(layer(x)), torch.cuda)
    with torch.no_grad():
        layer.weight.fill_(1)
        layer.bias.fill_(2)
    replay()
    assert made[-1].tolist() == [[8 * 1 + 2] * 4] * 2


def test_the_peak_is_all_that_stands_at_once():
    a = torch.zeros(MIB, device="cuda")  # 4 MiB

    def run():
        first = a + 1
        second = first + 1
        del first
        return second + 1

    assert cuda_peak(run) == 2 * 4 * MIB


@pytest.mark.parametrize("graph", ["eager", "graph"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_every_series_runs_a_model(dtype, graph):
    series = Series("cuda", 1, dtype, graph)
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(8 * 6 * 6, 5)).cuda().eval()
    with cuda.settings(series):
        cuda.ready(model, (torch.ones(2, 3, 8, 8, device="cuda"),), {}, series)()
    torch.cuda.synchronize()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("causal", [False, True])
def test_fused_attention_is_two_products_on_any_kernel(dtype, causal):
    batch, heads, length, width = 2, 4, 128, 64
    qkv = [torch.ones(batch, heads, length, width, dtype=dtype, device="cuda") for _ in range(3)]
    found = flop_harness.count(Attention(causal), *qkv)
    assert found.total == 2 * batch * heads * length * length * width


@pytest.mark.parametrize(
    "layer, gates", [(nn.RNN, 1), (nn.GRU, 3), (nn.LSTM, 4)], ids=["RNN", "GRU", "LSTM"]
)
def test_recurrent_kernels_multiply_inputs_and_states(layer, gates):
    steps, batch, width, hidden = 7, 3, 16, 32
    model = layer(width, hidden).cuda()
    found = flop_harness.count(model, torch.ones(steps, batch, width, device="cuda"))
    products = steps * batch * gates * hidden * (width + hidden)
    assert found.macs == products


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize(
    "layer, gates", [(nn.RNN, 1), (nn.GRU, 3), (nn.LSTM, 4)], ids=["RNN", "GRU", "LSTM"]
)
def test_recurrent_kernels_go_back_to_their_input_too(layer, gates, batch_first, dtype):
    """That it needs no gradient, cuDNN does not ask: two products for each one of the way there."""
    steps, batch, width, hidden = 7, 3, 16, 32
    model = layer(width, hidden, batch_first=batch_first).to("cuda", dtype)
    shape = (batch, steps, width) if batch_first else (steps, batch, width)
    found = flop_harness.count(model, torch.ones(shape, device="cuda", dtype=dtype), training=True)
    assert found.macs == 3 * steps * batch * gates * hidden * (width + hidden)


def test_a_recurrent_layer_goes_back_in_training_alone():
    model = nn.GRU(16, 32).cuda().eval()
    with pytest.raises(RuntimeError, match="training mode"):
        flop_harness.count(model, torch.ones(7, 3, 16, device="cuda"), training=True, mode="eval")


class Sampled(nn.Module):
    """A grid that is made on the way, for a kernel that nothing but the device has."""

    def forward(self, x):
        line = torch.linspace(-1, 1, 4, device=x.device)
        grid = torch.stack(torch.meshgrid(line, line, indexing="ij"), -1)[None]
        return F.conv2d(F.grid_sample(x, grid, align_corners=True), torch.ones_like(x))


def normalised():
    return nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU())


LENGTHS, HEADS, WIDTH = (3, 5), 2, 8


class Jagged(nn.Module):
    def forward(self, *parts):
        nested = torch.nested.nested_tensor([*parts], layout=torch.jagged)
        heads = nested.unflatten(-1, (HEADS, WIDTH)).transpose(1, 2)
        return F.scaled_dot_product_attention(heads, heads, heads).values()


@pytest.mark.parametrize("made, shape, macs", [
    (lambda: nn.GRUCell(16, 32), (3, 16), 3 * 3 * 32 * (16 + 32)),
    (lambda: nn.LSTMCell(16, 32, bias=False), (3, 16), 3 * 4 * 32 * (16 + 32)),
    (Sampled, (1, 2, 4, 4), 2 * 4 * 4),
    (normalised, (2, 3, 8, 8), 2 * 8 * 6 * 6 * 3 * 3 * 3),
], ids=["state made on the way", "no biases", "grid made on the way", "normalised"])  # fmt: skip
def test_models_that_make_tensors_on_the_way(made, shape, macs):
    assert flop_harness.count(made().cuda(), torch.ones(shape, device="cuda")).macs == macs


def test_a_step_goes_back_in_the_thread_that_is_traced():
    """The input has no gradient: one product each way."""
    found = flop_harness.count(
        normalised().cuda().train(), torch.ones(2, 3, 8, 8, device="cuda"), training=True
    )
    assert found.macs == 2 * (2 * 8 * 6 * 6 * 3 * 3 * 3)


def test_packed_sequences_are_as_long_as_they_are():
    parts = [torch.ones(n, HEADS * WIDTH, device="cuda", dtype=torch.float16) for n in LENGTHS]
    found = flop_harness.count(Jagged(), *parts)
    assert found.macs == 2 * HEADS * WIDTH * sum(n**2 for n in LENGTHS)


@pytest.mark.parametrize("name", sorted(set(REFUSED) - {"gates of a bias"}))  # cannot be moved
@pytest.mark.filterwarnings("ignore")
def test_what_the_device_refuses_has_no_figure(name):
    model, args, _ = REFUSED[name]
    model, args = copy.deepcopy(model).cuda(), [x.cuda() for x in args]
    with torch.no_grad(), pytest.raises(WRONG):
        model(*args)
    with pytest.raises(WRONG):
        flop_harness.count(model, *args)


APART = {
    "input": (nn.Linear(4, 5), lambda layer, x: layer(x.cpu())),
    "sum": (nn.Linear(4, 5), lambda layer, x: layer(x) + torch.ones(5)),
    "concatenated": (nn.Linear(4, 5), lambda layer, x: torch.cat([layer(x), torch.ones(2, 5)])),
    "positions": (nn.Embedding(4, 5), lambda layer, x: layer(torch.tensor([0, 1]))),
    "rows": (nn.Linear(4, 5), lambda layer, x: layer(x).index_select(0, torch.tensor([0, 1]))),
    "mask": (nn.Linear(4, 5), lambda layer, x: torch.where(torch.ones(5) > 0, layer(x), layer(x))),
    "loss": (nn.Linear(4, 5), lambda layer, x: F.mse_loss(layer(x), torch.ones(3, 5))),
}  # fmt: skip


@pytest.mark.parametrize("name", APART)
def test_tensors_on_two_devices_have_no_figure(name):
    layer, function = APART[name]
    model, x = Using(layer.cuda(), function), torch.ones(3, 4, device="cuda")
    with pytest.raises(RuntimeError, match="same device"):
        model(x)
    with pytest.raises(RuntimeError, match="same device"):
        flop_harness.count(model, x)


TOGETHER = {
    "a number": lambda layer, x: layer(x) * torch.tensor(2.0),
    "moved": lambda layer, x: layer(x) + torch.ones(5).cuda(),
    "taken by an index": lambda layer, x: layer(x)[torch.tensor([0, 1])],
    "written at an index": lambda layer, x: layer(x).index_put((torch.tensor([0]),), x[0, 0]),
    "copied": lambda layer, x: layer(x).copy_(torch.ones(3, 5)),
}


@pytest.mark.parametrize("name", TOGETHER)
def test_what_goes_from_device_to_device_counts(name):
    model, x = Using(nn.Linear(4, 5).cuda(), TOGETHER[name]), torch.ones(3, 4, device="cuda")
    with torch.no_grad():
        model(x)
        assert flop_harness.count(model, x).macs == 3 * 4 * 5


def test_single_precision_beside_half_is_refused_on_the_device_alone():
    norm, x = nn.LayerNorm(4), torch.ones(2, 4, dtype=torch.bfloat16)
    assert flop_harness.count(norm, x).macs == 0
    with pytest.raises(RuntimeError, match="BFloat16"):
        flop_harness.count(norm.cuda(), x.cuda())


def test_counters_on_the_device_are_explained():
    layers = (nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 5))
    model = nn.Sequential(*layers).cuda().eval()
    results = flop_harness.compare(model, torch.ones(2, 3, 8, 8, device="cuda"))
    assert (results.readings.status == "ok").all()
    residuals = results.bridges[results.bridges.term == "residual"]
    assert len(residuals) >= len(results.readings) // 2
    assert (residuals.amount == 0).all()
