"""``flop-harness time`` as a user types it."""

from __future__ import annotations

import pytest

from harness import cli, timekeeping
from harness.store import load_times
from harness.times import Load

SUITE = """
name = "tiny"
version = 1
timing = { warmup = 1, samples = 6, seconds = 0, budget_s = 0, sessions = 2 }

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

    def run(*words):
        monkeypatch.setattr("sys.argv", ["flop-harness", "time", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr()
        return ended.value.code, told.out, told.err

    return run


@pytest.fixture
def others(monkeypatch):
    """Say how many cores others keep busy."""

    def keep_busy(cores):
        monkeypatch.setattr(timekeeping, "load", lambda when: Load(when, cores, (3.0, 2.0, 1.0)))

    return keep_busy


@pytest.mark.slow
def test_a_suite_is_timed_into_a_folder_of_this_machine(typed, others, tmp_path, monkeypatch):
    monkeypatch.setattr("harness.measuring.ceilings", lambda *_: [])
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


@pytest.mark.parametrize(("words", "said"), [
    (("tiny.toml", "--input", "1x3"), "--input gives the inputs of a model"),
    (("torch.nn:ReLU", "--input", "3", "--cases", "x"), "--cases chooses among the cases"),
    (("tiny.toml", "--device", "gpu"), "unknown device 'gpu'"),
    (("tiny.toml", "--device", "cpu", "--flushed"), "--flushed empties the cache of a CUDA device"),
    (("tinny.toml",), "tinny.toml: no such file"),
])  # fmt: skip
def test_mistakes_of_the_user_end_in_one_line(typed, words, said):
    code, out, err = typed(*words)
    assert (code, out) == (2, "") and said in err and err.count("\n") == 1
