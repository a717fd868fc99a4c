"""What of ours raises is a record of that case and stage; everything else is saved and shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import flop_harness
from flop_harness import report, store
from flop_harness.ask.compare import save
from flop_harness.conventions import catalogue
from flop_harness.report.sources import figure_code, results
from flop_harness.trace.modules import ModuleTable
from runs import small_run

pytestmark = pytest.mark.filterwarnings("ignore")


def refusing(*args, **kwargs):
    raise KeyError("no rule")


def test_a_convention_that_raises_costs_its_own_figure_alone(monkeypatch):
    broken = catalogue.Convention("broken", "MAC", "raises", "nobody", by_module=refusing)
    monkeypatch.setitem(catalogue.CONVENTIONS, "broken", broken)
    run = flop_harness.compare(nn.Linear(3, 4), torch.rand(2, 3), counters=("torch",)).run
    assert [(f.stage, f.message) for f in run.failures] == [
        ("convention broken", "KeyError: 'no rule'")
    ]
    assert {f.convention: f.value for f in run.figures}["macs"] == 2 * 3 * 4
    assert len(run.bridges) == 2


@pytest.mark.parametrize("name", ["readings.csv", "report.html", "report.md", "spread.svg"])
def test_a_file_that_cannot_be_rendered_costs_itself_alone(name, monkeypatch, tmp_path):
    if name in report.PAGES:
        page = "run_page" if name.endswith("html") else "run_markdown"
        monkeypatch.setattr(f"flop_harness.report.documents.{page}.render", refusing)
    else:
        monkeypatch.setitem(report.FORMATS, name, refusing)
    told = save(replace(small_run(), schema=store.RUN_SCHEMA), tmp_path)
    assert ("", name) in [(f.case, f.stage) for f in told.failures]
    assert {path.name for path in tmp_path.iterdir()} >= set(report.FORMATS) - {name}
    assert not (tmp_path / name).exists()
    assert store.load(tmp_path).failures == told.failures
    assert any(f"the whole run, {name}" in line for line in report.verdict_lines(told))


def test_code_that_cannot_be_written_is_a_failure_of_its_case(monkeypatch, tmp_path):
    monkeypatch.setattr(figure_code, "pieces_for", refusing)
    run = small_run()
    told = save(run, tmp_path)
    assert [(f.case, f.stage) for f in told.failures] == [
        (case.id, "sample code") for case in run.suite.cases
    ]
    assert "sample code" in (tmp_path / "report.html").read_text()


def test_what_lies_beside_a_run_is_left_out_where_it_cannot_be_read(monkeypatch, tmp_path):
    monkeypatch.setattr(results, "machines_in", refusing)
    told = save(replace(small_run(), schema=store.RUN_SCHEMA), tmp_path)
    assert len(told.failures) == 1
    assert (tmp_path / "report.html").exists()


def test_a_disk_that_is_full_is_no_fault_of_a_page(monkeypatch, tmp_path):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(report.FORMATS, "readings.csv", full)
    with pytest.raises(OSError, match="No space left"):
        save(small_run(), tmp_path)


# ------------------------------------------------------------------------ usual code


class Pair(nn.Conv2d):
    """As partial convolutions do it."""

    def forward(self, x):
        return super().forward(x), x.new_ones(1)


class First(nn.Module):
    def __init__(self, part):
        super().__init__()
        self.part = part

    def forward(self, x):
        return self.part(x)[0]


class ByName(nn.Module):
    def __init__(self):
        super().__init__()
        self.mha = nn.MultiheadAttention(4, 2)

    def forward(self, x):
        return self.mha(query=x, key=x, value=x)[0]


CONV = 4 * 3 * 9 * 6 * 6
USUAL = {
    "a convolution that gives a pair": (lambda: First(Pair(3, 4, 3)), (1, 3, 8, 8), CONV),
    "a kernel of numpy's": (lambda: nn.Conv2d(3, 4, np.int64(3)), (1, 3, 8, 8), CONV),
    "a kernel of numpy's in a tuple": (
        lambda: nn.Conv2d(3, 4, (np.int32(3), np.int64(3)), stride=np.int64(1)), (1, 3, 8, 8), CONV),
    "a width of numpy's": (lambda: nn.Linear(np.prod((2, 3)), np.int64(5)), (2, 6), 2 * 6 * 5),
    "a width of torch's": (
        lambda: nn.Linear(torch.tensor(6), torch.tensor(5)), (2, 6), 2 * 6 * 5),
    # four projections of 4 x 4 for each of 5 x 2 rows, two products of 5 x 5 x 4 for each of 2
    "attention by keywords": (ByName, (5, 2, 4), 10 * 4 * 16 + 2 * 2 * 25 * 4),
}  # fmt: skip


@pytest.mark.parametrize("name", USUAL)
def test_usual_code_is_explained_and_its_report_written(name, tmp_path):
    make, shape, macs = USUAL[name]
    run = flop_harness.compare(make().eval(), torch.rand(shape)).run
    assert [reference.compute for reference in run.references] and not run.failures
    assert sum(run.references[0].compute.values()) == macs
    assert all(bridge.explained for bridge in run.bridges)
    written = report.write(run, tmp_path, ["report.html", "bridges.csv"])
    assert written.failures == () and len(written.paths) == 2


def test_numbers_of_numpy_are_numbers_in_a_trace():
    modules, _ = ModuleTable(nn.AvgPool2d(np.int64(2), (np.int64(2), 2))).freeze()
    assert (modules[0].config["kernel_size"], modules[0].config["stride"]) == (2, (2, 2))
    assert type(modules[0].config["kernel_size"]) is int
