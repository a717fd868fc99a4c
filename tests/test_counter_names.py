"""Counters by the names that people write, in every command that takes one."""

from __future__ import annotations

import csv
import json
import re
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands import typed
from flop_harness.counters import counters, find
from flop_harness.counters.names import CALLED, ids_called
from flop_harness.errors import UserError

BOTH = ["ptflops-pytorch", "ptflops-aten"]
WRITTEN = {
    "ptflops": BOTH, "PTFLOPS": BOTH, "ptflops[aten]": ["ptflops-aten"], "ptflops (pytorch)": BOTH[:1],
    "ptflops.get_model_complexity_info": BOTH, "get_model_complexity_info": BOTH,
    "FlopCounterMode": ["torch"], "flopcountermode": ["torch"], "flop_counter": ["torch"],
    "torch.utils.flop_counter.FlopCounterMode": ["torch"], "torch": ["torch"],
    "pytorch_model_summary": ["pytorch-model-summary"], "torchinfo.summary": ["torchinfo"],
    "fvcore.nn.FlopCountAnalysis": ["fvcore"], "FlopCountAnalysis": ["fvcore"],
    "thop.profile": ["thop"], "ultralytics": ["ultralytics-thop"], "calculate_flops": ["calflops"],
    "DeepSpeed": ["deepspeed"], "torchprofile.profile_macs": ["torchprofile"],
    "torch.profiler": ["torch-profiler"], "measure_flops": ["lightning"],
    "TorchFLOPsByFX": ["torch-flops"], "torchsummaryX": ["torchsummaryx"],
}  # fmt: skip
# A linear layer of 4 to 3 on two rows.
MODEL, MACS = "net.py:net", 2 * 4 * 3
NET = """
import torch

def net():
    return torch.nn.Linear(4, 3), (torch.rand(2, 4),)
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "net.py").write_text(NET)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", WRITTEN)
def test_a_counter_has_the_names_of_its_documentation(name: str):
    assert [counter.id for counter in find([name])] == WRITTEN[name]


def test_every_name_stands_for_counters_that_there_are():
    for name, ids in CALLED.items():
        assert set(ids) <= set(counters()), name
        assert ids_called(name, counters()), f"{name} is never written so"


@given(st.sampled_from(sorted(counters())), st.sampled_from(["_", " ", "-"]), st.booleans())
def test_case_and_what_joins_words_make_no_difference(id: str, joint: str, upper: bool):
    written = id.replace("-", joint)
    assert ids_called(written.upper() if upper else written, counters()) == (id,)


def test_a_counter_that_two_names_stand_for_is_asked_once():
    assert [each.id for each in find(["ptflops-aten", "ptflops", "PTFLOPS"])] == BOTH[::-1]


def test_a_release_of_a_tool_with_two_backends_is_that_of_both():
    assert [each.id for each in find(["ptflops@0.7.4"])] == [f"{each}@0.7.4" for each in BOTH]


def test_an_unknown_name_says_what_is_like_it():
    with pytest.raises(UserError, match=r"unknown counter 'ptflop' .did you mean 'ptflops'"):
        find(["ptflop"])


def test_compare_takes_them(here: Path):
    ended = typed("compare", MODEL, "--counters", "ptflops,FlopCounterMode", "--json")
    assert ended.code == 0, ended.err
    said = {each["counter"] for each in json.loads(ended.out)["readings"]}
    assert said == {*BOTH, "torch"}


def test_a_suite_takes_them_and_so_does_check(here: Path):
    (here / "mine.toml").write_text(
        f'name = "mine"\nversion = 1\n[[case]]\nid = "net"\nmodel = "{MODEL}"\n'
        'counters = ["FlopCounterMode", "pytorch_model_summary"]\n'
    )
    ended = typed("compare", "mine.toml", "--no-timing", "--json")
    assert ended.code == 0, ended.err
    said = {each["counter"] for each in json.loads(ended.out)["readings"]}
    assert said == {"torch", "pytorch-model-summary"}
    ended = typed("check", "mine.toml", "--counters", "FlopCounterMode", "--json")
    assert (ended.code, json.loads(ended.out)["moved"]) == (0, [])
    with_summary = typed("check", "mine.toml", "--json")
    whole, part = (json.loads(each.out)["unchanged"] for each in (with_summary, ended))
    assert whole > part  # the figures of the other counter are compared too


def test_explain_says_which_backend_it_took(here: Path):
    ended = typed("explain", MODEL, "ptflops")
    assert ended.code == 0, ended.err
    assert "ptflops is read as ptflops-pytorch; there is also ptflops-aten" in ended.err
    assert "ptflops-pytorch on net.py:net" in ended.out


def test_layers_and_count_take_them(here: Path):
    told = json.loads(typed("layers", MODEL, "--counters", "FlopCounterMode", "--json").out)
    assert told["layers"][0]["torch"] == 2 * MACS  # FLOPs, two for a MAC
    told = json.loads(typed("count", MODEL, "--convention", "FlopCounterMode", "--json").out)
    assert (told["convention"], told["total"]) == ("torch", 2 * MACS)


def test_drift_names_its_files_after_the_counter(here: Path, monkeypatch: pytest.MonkeyPatch):
    seen = []
    made = partial(SimpleNamespace, releases=())
    monkeypatch.setattr("flop_harness.regression.drift.drift", lambda name, *_: made(name=name))
    monkeypatch.setattr("flop_harness.cli.drift.tell", lambda timeline: seen.append(timeline.name))
    monkeypatch.setattr("flop_harness.cli.drift.save", lambda made, out: None)
    ended = typed("drift", "ptflops")
    assert seen == ["ptflops-pytorch"]
    assert re.search("there is also ptflops-aten", ended.err)


LISTED = """
name = "listed"
version = 1
counters = ["numel"]
[[case]]
id = "linear"
model = "torch.nn:Linear"
kwargs = { in_features = 4, out_features = 3 }
inputs = [[2, 4]]
"""


def test_a_suite_is_asked_by_a_counter_that_it_does_not_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    Path("listed.toml").write_text(LISTED)
    assert typed("compare", "listed.toml", "--counters", "torch", "--no-timing").code == 0
    with open("results/listed/readings.csv") as file:
        rows = list(csv.DictReader(file))
    assert {row["counter"] for row in rows} == {"torch"}
    assert {int(row["value"]) for row in rows if row["metric"] == "compute"} == {2 * 2 * 4 * 3}
    checked = typed("check", "listed.toml", "--counters", "torch")
    assert (checked.code, "new" in checked.out, "gone" in checked.out) == (0, False, False)


def test_a_counter_that_stored_results_lack_is_run_on_their_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    Path("listed.toml").write_text(LISTED)
    assert typed("compare", "listed.toml", "--no-timing").code == 0
    ended = typed("explain", "linear", "torch")
    assert (ended.code, ended.err) == (0, "no results of linear here: torch was run on it\n")
    assert f"{2 * 2 * 4 * 3} " in ended.out
    refused = typed("explain", "linear", "torch", "--dir", "results/listed")
    assert refused.code == 2
    assert "'torch' was not asked about compute of linear; known: none" in refused.err
