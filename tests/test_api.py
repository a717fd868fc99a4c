"""The harness in a script: live modules in, frames out, and the module as it was."""

from __future__ import annotations

import copy
import subprocess
import sys

import psutil
import pytest
import torch
from torch import nn

import flop_harness
from flop_harness.errors import UserError

READINGS = ["case", "input", "counter", "version", "context", "metric", "value", "unit", "label", "status",
            "message"]  # fmt: skip
BRIDGES = ["case", "counter", "context", "metric", "step", "term", "amount"]
TIMINGS = ["case", "device", "threads", "dtype", "median_s", "iqr_s", "samples"]

# A convolution to 6 channels of 6 x 6, batch normalisation, and a linear layer.
CONV = 6 * 6 * 6 * 3 * 3 * 3
FC = 6 * 5
PARAMS = (6 * 3 * 3 * 3 + 6) + (6 + 6) + (6 * 5 + 5)
COUNTERS = ("analytic", "thop", "torch", "numel")


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(6, 5),
    )  # fmt: skip


def image() -> torch.Tensor:
    return torch.rand(1, 3, 8, 8)


def everything(module: nn.Module) -> dict:
    """All that a caller could notice of a module."""
    modules = dict(module.named_modules())
    return {
        "values": {name: value.clone() for name, value in module.state_dict().items()},
        "identities": [id(p) for p in module.parameters()],
        "grads": [p.grad for p in module.parameters()],
        "wants": [p.requires_grad for p in module.parameters()],
        "training": {name: each.training for name, each in modules.items()},
        "attributes": {name: sorted(vars(each)) for name, each in modules.items()},
        "hooks": {
            (name, kind): len(getattr(each, kind))
            for name, each in modules.items()
            for kind in vars(each)
            if kind.endswith("_hooks")
        },
    }


def assert_same(module: nn.Module, before: dict) -> None:
    after = everything(module)
    values = before.pop("values"), after.pop("values")
    assert after == before
    assert values[0].keys() == values[1].keys()
    assert all(torch.equal(values[0][name], values[1][name]) for name in values[0])


# ------------------------------------------------------------------------------------------ count


def test_count_tells_macs_and_parameters():
    count = flop_harness.count(net().eval(), image())
    assert (count.macs, count.params, count.total) == (CONV + FC, PARAMS, CONV + FC)
    assert count.unsupported == {}


def test_count_gives_a_frame_of_modules_and_terms():
    frame = flop_harness.count(net().eval(), image()).frame
    assert list(frame.columns) == ["module", "term", "amount"]
    assert frame.set_index("module").amount.to_dict() == {"0": CONV, "5": FC}


@pytest.mark.parametrize("mode", [True, False])
def test_count_leaves_the_module_and_its_inputs_as_they_were(mode):
    module, x = net().train(mode), image()
    before, pixels = everything(module), x.clone()
    flop_harness.count(module, x)
    assert_same(module, before)
    assert torch.equal(x, pixels)


def test_count_leaves_random_numbers_and_settings_as_they_were():
    module, x = net(), image()
    state, grad, threads = torch.get_rng_state(), torch.is_grad_enabled(), torch.get_num_threads()
    flop_harness.count(module, x)
    assert torch.equal(torch.get_rng_state(), state)
    assert (torch.is_grad_enabled(), torch.get_num_threads()) == (grad, threads)


def test_count_takes_a_module_on_meta():
    with torch.device("meta"):
        assert flop_harness.count(net().eval(), image()).macs == CONV + FC


def test_count_takes_keyword_inputs():
    assert flop_harness.count(nn.Linear(4, 3), input=torch.rand(2, 4)).macs == 2 * 4 * 3


def test_count_takes_a_model_that_looks_at_values():
    class Looks(nn.Linear):
        def forward(self, x):
            return super().forward(x) if x.sum() > 0 else x

    assert flop_harness.count(Looks(4, 3), torch.ones(2, 4)).macs == 2 * 4 * 3


def test_count_under_another_convention():
    count = flop_harness.count(net().eval(), image(), convention="flops")
    assert count.total == 2 * (CONV + FC)


def test_count_names_an_unknown_convention():
    with pytest.raises(UserError, match="did you mean 'macs'"):
        flop_harness.count(net(), image(), convention="mac")


def test_count_lets_the_models_own_exception_through():
    with pytest.raises(RuntimeError, match="expected input"):
        flop_harness.count(net(), torch.rand(1, 4, 8, 8))


# ---------------------------------------------------------------------------------------- compare


@pytest.fixture(scope="module")
def compared():
    return flop_harness.compare(net().eval(), image(), counters=COUNTERS)


def test_compare_gives_frames_with_the_columns_of_the_files(compared):
    assert list(compared.readings.columns)[: len(READINGS)] == READINGS
    assert list(compared.bridges.columns)[: len(BRIDGES)] == BRIDGES
    assert list(compared.timings.columns)[: len(TIMINGS)] == TIMINGS
    assert len(compared.timings) == 0


def test_compare_reads_every_counter(compared):
    readings = compared.readings
    assert set(readings.counter) == set(COUNTERS)
    assert set(readings.status) == {"ok"}
    params = readings[(readings.metric == "params") & (readings.context.str.contains("trainable"))]
    assert list(params.value) == [PARAMS]
    ours = readings[(readings.counter == "analytic") & (readings.metric == "compute")]
    assert list(ours.value) == [CONV + FC]


def test_compare_explains_every_reading(compared):
    same = ["case", "counter", "context", "metric"]
    for key, steps in compared.bridges.groupby(same):
        reading = compared.readings.set_index(same).loc[key]
        assert steps.amount.sum() == reading.value
        assert steps.term.iloc[0] == "reference" and steps.term.iloc[-1] == "residual"
        assert steps.amount.iloc[-1] == 0


def test_results_show_themselves(compared):
    assert "explained with residual 0" in repr(compared)
    assert "<table" in compared._repr_html_()


@pytest.mark.parametrize("mode", [True, False])
def test_compare_leaves_the_module_as_it_was(mode):
    module, x = net().train(mode), image()
    before = everything(module)
    flop_harness.compare(module, x, counters=COUNTERS)
    assert_same(module, before)


def test_compare_leaves_torch_as_it_was():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        flop_harness.compare(net().eval(), image(), counters=("numel",))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_compare_takes_a_module_that_cannot_be_copied_or_pickled():
    module = net().eval()
    module.lock = __import__("threading").Lock()
    with pytest.raises(TypeError):
        copy.deepcopy(module)
    readings = flop_harness.compare(module, image(), counters=("torch", "numel")).readings
    assert set(readings.status) == {"ok"}


def test_compare_blames_a_model_that_raises():
    with pytest.raises(UserError, match="the model raises on these inputs: RuntimeError"):
        flop_harness.compare(net().eval(), torch.rand(1, 4, 8, 8), counters=("numel",))


def test_compare_names_an_unknown_counter():
    with pytest.raises(UserError, match="did you mean 'thop'"):
        flop_harness.compare(net(), image(), counters=("tho",))


BUSY = """
import torch, flop_harness
from torch import nn
torch.set_num_threads(2)
module = nn.Sequential(nn.Conv2d(3, 64, 3), nn.Conv2d(64, 64, 3)).eval()
images = torch.rand(8, 3, 64, 64)
with torch.no_grad():
    module(images)  # which starts threads that a fork does not have
readings = flop_harness.compare(module, images, counters=("thop",)).readings
print(*readings.status)
"""


def test_compare_works_after_the_module_was_used():
    process = subprocess.Popen(
        [sys.executable, "-c", BUSY], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        out, err = process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        for hanging in [*psutil.Process(process.pid).children(recursive=True), process]:
            hanging.kill()
        pytest.fail("it hangs")
    assert out.split() == ["ok", "ok"], err


def test_compare_prints_nothing(capfd):
    flop_harness.compare(net().eval(), image(), counters=("thop", "numel"))
    assert capfd.readouterr() == ("", "")


# ------------------------------------------------------------------------------------------- load


def test_load_gives_back_what_was_saved(compared, tmp_path):
    from flop_harness.ask.compare import save

    save(compared.run, tmp_path)
    for place in (tmp_path, str(tmp_path), tmp_path / "run.json.xz"):
        loaded = flop_harness.load(place)
        assert loaded.run == compared.run
        assert loaded.readings.equals(compared.readings)
        assert loaded.bridges.equals(compared.bridges)


def test_load_needs_no_torch(compared, tmp_path):
    from flop_harness.ask.compare import save

    save(compared.run, tmp_path)
    code = "import sys, flop_harness; len(flop_harness.load(sys.argv[1]).bridges); print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_load_of_nothing_is_one_line(tmp_path):
    with pytest.raises(UserError, match="cannot read"):
        flop_harness.load(tmp_path / "nowhere")


def test_importing_the_harness_imports_no_torch():
    code = "import sys, flop_harness; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
