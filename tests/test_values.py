"""Values that a model looks at: known where they follow from shapes, marked where they do not."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
import torch
import torchvision
from torch import nn

import flop_harness as harness
from commands import typed
from flop_harness import report, store
from flop_harness.conventions.reference import reference
from flop_harness.counters import counters
from flop_harness.records import Case, Context, Input, Trace
from flop_harness.run.cells import CaseRunner, Limits
from flop_harness.store.traces import dump_trace, load_trace
from flop_harness.suite.build import build
from flop_harness.trace.attempts import recorded
from flop_harness.trace.copying import copied
from flop_harness.trace.differences import differences

pytestmark = pytest.mark.filterwarnings("ignore")


class Steps(nn.Module):
    """Calls its layer as often as ``times`` says."""

    def __init__(self, times) -> None:
        super().__init__()
        self.body, self.times = nn.Linear(4, 4), times

    def forward(self, x, *more):
        for _ in range(int(self.times(x, *more))):
            x = self.body(x)
        return x


def traced(times, *inputs: torch.Tensor, **options) -> Trace:
    return recorded(lambda: (Steps(times), inputs, {}), **options)


def steps(trace: Trace) -> int:
    return sum(call.name == "body" for call in trace.root.children)


SHAPED = {
    "a range": (lambda x: torch.arange(x.shape[0]).sum().item(), 3),  # 0 + 1 + 2
    "ones": (lambda x: torch.ones(5).cumsum(0)[-1].item(), 5),
    "a comparison": (lambda x: (torch.arange(6) >= x.shape[1]).sum(), 2),
    "written out": (lambda x: max(torch.tensor([1, 4, 2]).tolist()), 4),
    "a list as index": (lambda x: torch.arange(9)[[2, 1]].sum(), 3),
    "written into": (lambda x: torch.zeros(3).fill_(2).sum().item(), 6),
    "a view written into": (lambda x: (lambda t: (t[1:].add_(1), t.sum())[1])(torch.zeros(4)), 3),
    "a mask": (lambda x: torch.arange(8)[torch.arange(8) > 4].shape[0], 3),
    "a count of what is not zero": (lambda x: torch.eye(4).nonzero().shape[0], 4),
    "written out on the model's device": (
        lambda x: sum(torch.tensor([1, 2], device=x.device).tolist()),
        3,
    ),
    "on the cpu, again": (
        lambda x: sum(torch.arange(i, 3 + i, device=x.device).cpu().sum() for i in (0, 1)),
        9,
    ),
    "spaced": (lambda x: torch.linspace(0, 6, 3)[1].item(), 3),
}


@pytest.mark.parametrize("name", SHAPED)
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_values_that_follow_from_shapes_are_known(name, device):
    times, expected = SHAPED[name]
    trace = recorded(lambda: (Steps(times).to(device), (torch.ones(3, 4, device=device),), {}))
    assert steps(trace) == expected
    assert not trace.executed and not trace.looks


def test_a_small_input_is_known_and_the_look_at_it_marked():
    trace = traced(lambda x, mask: mask.sum(), torch.ones(3, 4), torch.tensor([1, 0, 1]))
    assert steps(trace) == 2 and not trace.executed
    [line] = trace.looks
    assert line.startswith("test_values.py:")
    assert load_trace(dump_trace(trace)) == trace


def test_an_input_that_was_written_into_is_no_longer_known():
    def times(x, mask):
        mask.mul_(x[0, 0].abs().long() * 0 + 2)
        return mask.sum()

    trace = traced(times, torch.ones(30, 4), torch.tensor([1, 0, 1]))
    assert steps(trace) == 4 and trace.executed


def test_a_look_at_what_was_computed_needs_execution_and_is_marked():
    trace = traced(lambda x: x.sum() / 40, torch.ones(30, 4))
    assert steps(trace) == 3 and trace.executed
    assert len(trace.looks) == 1


def test_a_model_that_catches_everything_is_not_believed():
    """It would go on without the value that it was refused."""

    def times(x):
        try:
            return x.sum().item() / 40
        except Exception:  # noqa: BLE001 - as models do
            return 1

    assert steps(traced(times, torch.ones(30, 4))) == 3


def test_each_pass_draws_the_same():
    def times(x):
        return 1 + torch.rand(1000).argmax() % 5 + random.randrange(5)

    given = Steps(times), (torch.ones(3, 4),), {}
    state = torch.get_rng_state(), random.getstate()
    drawn = {steps(recorded(lambda: given, grad=grad)) for grad in (False, True, False)}
    assert len(drawn) == 1
    assert torch.equal(torch.get_rng_state(), state[0]) and random.getstate() == state[1]


def test_a_generator_without_a_seed_draws_the_same():
    def times(x):
        return int(np.random.default_rng().integers(1000))

    given = Steps(times), (torch.ones(3, 4),), {}
    assert len({steps(recorded(lambda: given, grad=grad)) for grad in (False, True, False)}) == 1
    assert len({int(np.random.default_rng().integers(2**60)) for _ in range(2)}) == 2


def test_a_mask_of_infinities_is_no_pruning():
    model = nn.Sequential(nn.Linear(4, 5))
    model[0].register_buffer("attn_mask", torch.full((3, 3), float("-inf")).triu(1))
    counted = harness.count(model, torch.ones(3, 4))
    assert counted.macs == 3 * 4 * 5
    assert "attn_mask.sum" not in counted.trace.modules[1].config


def test_packed_weights_are_parameters():
    model = nn.Sequential(nn.Linear(8, 16), nn.LSTM(16, 4))
    packed = torch.ao.quantization.quantize_dynamic(model, {nn.Linear, nn.LSTM}, dtype=torch.qint8)
    counted = harness.count(packed, torch.ones(3, 2, 8))
    assert counted.params == 8 * 16 + 16 + 4 * 4 * (16 + 4) + 2 * 4 * 4


def quantised(layer: nn.Module, *shape: int) -> nn.Module:
    """A layer that computes in eight bits, as ``torch.ao.quantization`` makes it in three steps."""
    parts = torch.ao.quantization
    model = nn.Sequential(parts.QuantStub(), layer, parts.DeQuantStub()).eval()
    model.qconfig = parts.get_default_qconfig(torch.backends.quantized.engine)
    prepared = parts.prepare(model)
    prepared(torch.rand(shape))
    return parts.convert(prepared)


def test_a_second_call_of_quantised_layers_is_traced():
    """Their packed weights are objects of C++ that cannot be compared."""
    model = nn.Sequential(nn.LSTM(4, 8))
    packed = torch.ao.quantization.quantize_dynamic(model.eval(), {nn.LSTM})
    given = packed, (torch.ones(5, 3, 4),), {}
    trace = recorded(lambda: given, warm_up=True)
    assert reference(trace).total == 5 * 3 * 4 * 8 * (4 + 8)


def test_a_quantised_model_is_copied_and_counted_on_real_tensors():
    """Its layers have a copy of their own for what C++ holds, of which nothing else hangs."""
    model = quantised(nn.Conv2d(3, 5, 2), 2, 3, 7, 7)
    assert differences(model, copied(model)) == []
    images = torch.rand(2, 3, 7, 7)
    before = model(images)
    answer = counters()["analytic"].read(model, (images,), {}, Context("cpu", False))
    assert answer.compute == 2 * 5 * 6 * 6 * 3 * 2 * 2
    assert answer.params == 5 * 3 * 2 * 2 + 5
    assert torch.equal(model(images), before)


def test_a_model_of_torch_alone_looks_at_values_in_torch():
    """Not in the script or the command that has it counted."""
    trace = recorded(lambda: (quantised(nn.Linear(4, 3), 2, 4), (torch.rand(2, 4),), {}))
    assert {line.partition("/")[0] for line in trace.looks} == {"torch"}


def test_a_package_whose_name_begins_with_torch_is_not_torch():
    model = torchvision.models.quantization.mobilenet_v2(weights=None, quantize=True).eval()
    trace = recorded(lambda: (model, (torch.rand(1, 3, 32, 32),), {}))
    assert {line.partition(":")[0] for line in trace.looks} == {
        "torchvision/models/quantization/mobilenetv2.py"
    }


class Unique(nn.Linear):
    """Refuses to be copied, and looks at a value."""

    def __deepcopy__(self, memo):
        raise RuntimeError("there is only one of me")

    def forward(self, x):
        return super().forward(x) if x.sum() > 0 else x


def test_what_refuses_to_be_copied_may_look_at_values_on_real_tensors_too():
    rows = torch.ones(3, 4)
    answer = counters()["analytic"].read(Unique(4, 5), (rows,), {}, Context("cpu", False))
    assert answer.compute == harness.count(Unique(4, 5), rows).macs == 3 * 4 * 5


LOOKS_AT_ITS_MASK = """
from torch import nn
class Masked(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(4, 4)
    def forward(self, x, mask):
        for _ in range(int(mask.sum())):
            x = self.body(x)
        return x
"""


def test_a_case_on_meta_looks_at_the_integers_that_it_would_draw_on_the_cpu(tmp_path):
    (tmp_path / "masked.py").write_text(LOOKS_AT_ITS_MASK)
    inputs = (Input((3, 4)), Input((5,), dtype="int64", high=4))
    case = Case("masked", "masked.py:Masked", inputs=inputs)
    runner = CaseRunner(case, str(tmp_path), Limits(60, 0, 1))
    on_meta, real = runner.canonical(), runner.trace(None, Context("cpu"))
    mask = build(case, folder=str(tmp_path)).args[1]
    assert steps(on_meta) == steps(real) == int(mask.sum()) > 0
    assert (on_meta.context.device, on_meta.executed) == ("meta", False)
    assert on_meta.looks == real.looks == ("masked.py:8",)


MASKED = """
from torch import nn

class Masked(nn.Linear):
    def __init__(self):
        super().__init__(4, 3)

    def forward(self, x):
        return super().forward(x[x.sum(1) > 2])
"""


@pytest.mark.parametrize("given", ["terminal", "--json"])
@pytest.mark.parametrize("command", ["compare", "explain", "convert", "layers", "count"])
def test_figures_that_hang_on_values_say_so_wherever_they_are_shown(tmp_path, command, given):
    """The line of the model, and the seed with which the values are drawn."""
    (tmp_path / "masked.py").write_text(MASKED)
    model = f"{tmp_path}/masked.py:Masked"
    macs = harness.count(model, (8, 4)).macs
    words = {
        "explain": (model, "torch"),
        "convert": (f"{macs} MACs", "--model", model, "--from", "macs", "--to", "flops"),
        "compare": (model, "--counters", "torch"),
    }
    more = ("--json",) if given == "--json" else ()
    ended = typed(command, *words.get(command, (model,)), "--input", "8x4", *more)
    assert ended.code == 0
    assert "masked.py:9" in ended.out
    assert ("hangs_on_values" if more else "hangs on") in ended.out


def test_reports_and_readings_of_a_model_that_looks_at_values_say_so(tmp_path):
    (tmp_path / "masked.py").write_text(MASKED)
    run = harness.compare(f"{tmp_path}/masked.py:Masked", (8, 4), counters=("torch",)).run
    assert [*run.looks.values()] == [("masked.py:9",)]
    store.save(replace(run, schema=store.RUN_SCHEMA), tmp_path)
    assert store.load(tmp_path).looks == run.looks
    report.write(run, tmp_path, ["report.md", "report.html"])
    for name in ("report.md", "report.html"):
        assert "hangs on values at masked.py:9" in (tmp_path / name).read_text()


def listed(x) -> int:
    """A number through a list that holds a tensor, which torch reads where no mode sees it."""
    return torch.tensor([0, torch.zeros(3, device=x.device).sum() + 3]).sum()


def elsewhere(x) -> int:
    """A number that the model asks for on the CPU."""
    return torch.arange(3, device=x.device).cpu().mul(torch.tensor([1, 1, 1])).sum()


def written_out(x) -> int:
    """A mask filled with a number that stands in the code as a tensor of its own."""
    filled = x.masked_fill(torch.ones_like(x, dtype=torch.bool), torch.tensor(-1.0))
    return filled.shape[0] + 1


@pytest.mark.parametrize("times", [listed, elsewhere, written_out])
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_numbers_in_lists_and_tensors_in_the_code_are_read_as_they_are(times, device):
    traced_by = recorded(lambda: (Steps(times).to(device), (torch.ones(2, 4, device=device),), {}))
    assert not traced_by.executed
    assert reference(traced_by).total == 3 * 2 * 4 * 4


def test_a_list_of_what_is_not_known_needs_execution():
    trace = traced(lambda x: torch.tensor([x.sum().long() * 0, 2]).sum(), torch.rand(40, 4))
    assert trace.executed
    assert reference(trace).total == 2 * 40 * 4 * 4


def test_the_batch_sizes_of_what_is_packed_are_those_that_are_there():
    """Kernels read them in memory: that of a few numbers, which are known, holds nothing."""

    class Cells(nn.RNN):
        def forward(self, x):
            packed = nn.utils.rnn.pack_padded_sequence(x, [2, 1], batch_first=True)
            return super().forward(packed)[0].data

    trace = recorded(lambda: (Cells(4, 3, batch_first=True), (torch.rand(2, 2, 4),), {}))
    assert trace.executed
    assert reference(trace).total == 3 * (3 * 4 + 3 * 3)


def test_a_kernel_that_looks_for_a_range_finds_one_in_memory_that_nobody_wrote():
    """A dynamically quantised layer looks for the least and the greatest input; 3 rows, 8 to 16."""
    model = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(8, 16)), {nn.Linear})
    unwritten = torch.full((3, 8), float("nan"))
    trace = recorded(lambda: (model, (unwritten,), {}))
    assert reference(trace).total == 3 * 8 * 16
