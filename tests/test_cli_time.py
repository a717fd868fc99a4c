"""``flop-harness time`` as a user types it."""

from __future__ import annotations

import json

import pytest

from flop_harness import cli
from flop_harness.records.times import Load
from flop_harness.store import load_times
from flop_harness.timing import machine as timekeeping

SUITE = """
name = "tiny"
version = 1
timing = { warmup = 1, samples = 6, seconds = 0, budget_s = 0, sessions = 2, total_s = 0 }

[[case]]
id = "g1"
model = "torch.nn:Conv2d"
kwargs = { in_channels = 4, out_channels = 4, kernel_size = 3 }
inputs = [[1, 4, 8, 8]]

[[case]]
id = "g4"
model = "torch.nn:Conv2d"
kwargs = { in_channels = 4, out_channels = 4, kernel_size = 3, groups = 4 }
inputs = [[1, 4, 8, 8]]
"""


@pytest.fixture
def typed(tmp_path, monkeypatch, capsys):
    """(exit code, stdout, stderr) of a command typed where ``tiny.toml`` lies."""
    (tmp_path / "tiny.toml").write_text(SUITE)
    monkeypatch.chdir(tmp_path)

    def run(*words, command="time"):
        monkeypatch.setattr("sys.argv", ["flop-harness", command, *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr()
        return ended.value.code, told.out, told.err

    return run


@pytest.fixture
def compared(typed):
    """As ``typed``, of ``compare``."""
    return lambda *words: typed(*words, command="compare")


@pytest.fixture
def others(monkeypatch):
    """Say how many cores others keep busy."""

    def keep_busy(cores):
        monkeypatch.setattr(timekeeping, "load", lambda when: Load(when, cores, (3.0, 2.0, 1.0)))

    return keep_busy


@pytest.mark.slow
def test_a_suite_is_timed_into_a_folder_of_this_machine(typed, others, tmp_path, monkeypatch):
    monkeypatch.setattr("flop_harness.timing.processes.ceilings", lambda *_: [])
    others(0.0)
    code, out, err = typed("tiny.toml")
    assert code == 0, err
    (folder,) = [path for path in (tmp_path / "results" / "tiny").iterdir() if path.is_dir()]
    times = load_times(folder)
    assert folder.name == times.machine
    assert {(each.case, each.session) for each in times.forwards} == {
        (case, session) for case in ("g1", "g4") for session in (1, 2)
    }
    assert [theory.amount("macs") for theory in times.theory] == [4 * 4 * 9 * 36, 4 * 9 * 36]
    assert {path.name for path in folder.iterdir()} >= {"report.html", "report.md", "grouped.svg"}
    assert "Two sessions agree" in out or "too noisy" in out
    assert "Alone on the machine" in out and "session 2: round 1" in err


@pytest.mark.slow
def test_compare_counts_and_then_times_and_keeps_what_it_has(
    compared, others, tmp_path, monkeypatch
):
    monkeypatch.setattr("flop_harness.timing.processes.ceilings", lambda *_: [])
    others(1.5)
    words = ("tiny.toml", "--counters", "numel")
    code, out, err = compared(*words)
    assert code == 0, err
    assert "warning: others keep 1.50 cores" in err and "NOT alone on the machine" in out
    (file,) = (tmp_path / "results" / "tiny").glob("*/times.json.xz")
    before, machine = file.read_bytes(), file.parent.name
    assert f"report: results/tiny/{machine}/report.html" in out.splitlines()
    page = (tmp_path / "results" / "tiny" / "report.html").read_text()
    assert f'href="{machine}/report.html"' in page and "Time beside theory" in page

    code, again, err = compared(*words)
    assert code == 0 and again.startswith(out) and file.read_bytes() == before
    assert "identical to those published (the folder as it was)" in again[len(out) :]
    assert f"times of {machine}" in err and "--fresh times anew" in err
    code, part, _ = compared(*words, "--cases", "g4")
    assert code == 0 and file.read_bytes() == before
    assert "g1" not in part.split("Time beside theory")[1].split("series:")[0]
    compared(*words, "--fresh")
    assert file.read_bytes() != before


def test_a_failure_of_timing_is_told_and_exit_3(compared, others, monkeypatch):
    others(0.0)
    monkeypatch.setattr("flop_harness.timing.processes.ceilings", lambda *_: [])
    monkeypatch.setattr("flop_harness.timing.processes.serve", ends_at_once)
    code, out, _ = compared("tiny.toml", "--counters", "numel", "--cases", "g1")
    assert code == 3
    assert "explained with residual 0" in out and "g1: our timing failed: its process ended" in out


def ends_at_once(*_):
    """A case's process that is killed."""


def test_beside_others_it_refuses_and_says_the_load(typed, others):
    others(1.5)
    code, out, err = typed("tiny.toml")
    assert (code, out) == (2, "")
    assert "others keep 1.50 cores of this machine busy (load averages 3 2 1)" in err
    assert "--anyway" in err


def test_beside_others_it_goes_on_if_told_to_and_warns(typed, others, tmp_path):
    others(1.5)
    code, out, err = typed(
        "tiny.toml", "--anyway", "--no-details", "--sessions", 1, "--cases", "g1"
    )
    assert code == 0 and err.startswith("warning: others keep 1.50 cores")
    assert "NOT alone on the machine" in out
    assert not (tmp_path / "results").exists()  # a part of a suite is written where --out says


def test_a_model_that_cannot_run_is_told_and_fails(typed, others, tmp_path):
    others(0.0)
    bad = SUITE.replace("in_channels = 4, out_channels = 4, kernel_size = 3, groups",
                        "in_channels = 8, out_channels = 8, kernel_size = 3, groups")  # fmt: skip
    (tmp_path / "tiny.toml").write_text(bad)
    code, out, _ = typed("tiny.toml", "--no-details", "--sessions", 1)
    assert code == 3 and "RuntimeError" in out


FEW = ("--no-details", "--sessions", 1, "--warmup", 1, "--samples", 6, "--budget", 0)


def test_models_are_timed_beside_the_first(typed, others):
    """A ratio with its interval for each but the first, in each series."""
    others(0.0)
    code, out, err = typed("torch.nn:ReLU", "torch.nn:Tanh", "--input", "2x3", *FEW, "--json")
    assert code == 0, err
    told = json.loads(out)
    series = {row["series"] for row in told["rows"]}
    assert {(row["case"], row["input"]) for row in told["rows"]} == {
        ("torch.nn:ReLU", "2x3"), ("torch.nn:Tanh", "2x3")
    }  # fmt: skip
    assert {row["series"] for row in told["ratios"]} == series
    for row in told["ratios"]:
        assert (row["case"], row["against"]) == ("torch.nn:Tanh", "torch.nn:ReLU")
        assert row["from"] is None or row["from"] <= row["time"] <= row["to"]


def test_a_sweep_is_timed_size_by_size(typed, others):
    others(0.0)
    code, out, err = typed("torch.nn:ReLU", "--input", "2x3", "--sweep", "batch=1,64", *FEW)
    assert code == 0, err
    assert "One beside another" in out and "torch.nn:ReLU batch 64" in " ".join(out.split())
    assert "1x3" in out and "64x3" in out


@pytest.mark.parametrize(("words", "said"), [
    (("tiny.toml", "--sweep", "batch=1,2"), "--sweep changes the inputs of a model"),
    (("tiny.toml", "seeds"), "one suite, or several models"),
    (("tiny.toml", "--input", "1x3"), "--input gives the inputs of a model"),
    (("torch.nn:ReLU", "--input", "3", "--cases", "x"), "--cases chooses among the cases"),
    (("tiny.toml", "--device", "gpu"), "unknown device 'gpu'"),
    (("tiny.toml", "--device", "cpu", "--flushed"), "--flushed empties the cache of a CUDA device"),
    (("tinny.toml",), "tinny.toml: no such file"),
])  # fmt: skip
def test_mistakes_of_the_user_end_in_one_line(typed, words, said):
    code, out, err = typed(*words)
    assert (code, out) == (2, "") and said in err and err.count("\n") == 1
