"""Installing beside the environment: whatever pip does, one line, and whole on the next run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flop_harness.counters import overlay
from flop_harness.counters.overlay import NotInstallable, ensure, folder_of, missing
from flop_harness.regression.drift import drift
from flop_harness.run.planning import of_models
from flop_harness.suite.files import case_from_model

WANTED = ("counts==1.2",)
PIP = """
import os, sys, time
from pathlib import Path

mode = os.environ["FAKE_PIP"]
target = Path(sys.argv[sys.argv.index("--target") + 1])
with open(os.environ["FAKE_PIP_CALLS"], "a") as calls:
    calls.write("x")
if mode == "hangs":
    time.sleep(60)
if mode == "no index":
    print("WARNING: Retrying after connection broken", file=sys.stderr)
    print("ERROR: No matching distribution found for counts==1.2", file=sys.stderr)
    sys.exit(1)
if mode == "dies":
    target.mkdir(parents=True)
    (target / "counts.py").write_text("half")
    os.kill(os.getppid(), 9)
    os.kill(os.getpid(), 9)
if mode == "full":
    sys.stderr.buffer.write(b"ERROR: Could not install packages due to an OSError: \\xff [Errno 28] No space left on device\\n")
    sys.exit(1)
version = "1.3" if mode == "another version" else "1.2"
home = target / f"counts-{version}.dist-info"
home.mkdir(parents=True)
(home / "METADATA").write_text(f"Metadata-Version: 2.1\\nName: counts\\nVersion: {version}\\n")
(home / "RECORD").write_text(f"counts/__init__.py,,\\ncounts/rules.py,,\\n../../bin/counts.py,,\\n")
(target / "counts").mkdir()
for name in ("__init__.py", "rules.py"):
    if (mode, name) != ("half", "rules.py"):
        (target / "counts" / name).write_text("")
time.sleep(0.3 if mode == "slow" else 0)
"""


@pytest.fixture
def pip(tmp_path, monkeypatch):
    """Tells pip what to do; gives the number of times that it was called."""
    place = tmp_path / "fake" / "pip"
    place.mkdir(parents=True)
    (place / "__init__.py").write_text("")
    (place / "__main__.py").write_text(PIP)
    calls = tmp_path / "calls"
    monkeypatch.setenv("FLOP_HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("FAKE_PIP_CALLS", str(calls))
    path = os.pathsep.join(filter(None, (str(place.parent), os.environ.get("PYTHONPATH"))))
    monkeypatch.setenv("PYTHONPATH", path)

    def told(mode: str) -> None:
        monkeypatch.setenv("FAKE_PIP", mode)
        if mode == "missing":
            (place / "__main__.py").unlink()

    told.calls = lambda: len(calls.read_text()) if calls.exists() else 0
    return told


def refusal() -> str:
    with pytest.raises(NotInstallable) as caught:
        ensure(WANTED)
    text = str(caught.value)
    assert "\n" not in text and text.startswith("counts==1.2 cannot be installed")
    return text


def assert_mended(pip) -> None:
    """The next run has it, in the version that was asked for, and nothing half done beside it."""
    pip("well")
    (Path(os.environ["FAKE_PIP_CALLS"]).parent / "fake/pip/__main__.py").write_text(PIP)
    folder = ensure(WANTED)
    assert overlay.version_in(folder, "counts") == "1.2"
    assert missing(WANTED) == ""
    assert sorted(each.name for each in folder.parent.iterdir()) == [
        folder.name, f"{folder.name}.lock"
    ]  # fmt: skip


REASONS = {
    "missing": "this Python has no pip",
    "no index": "ERROR: No matching distribution found for counts==1.2",
    "full": "No space left on device",
    "another version": "pip installed something else",
    "half": "pip installed something else",
    "hangs": "pip was not done within 0.5 s",
}


@pytest.mark.parametrize("mode", REASONS)
def test_what_pip_cannot_do_is_one_line_and_mended_on_the_next_run(
    pip, mode, monkeypatch, record_property
):
    with monkeypatch.context() as hurried:
        hurried.setattr(overlay, "PATIENCE_S", 0.5 if mode == "hangs" else 60)
        pip(mode)
        assert REASONS[mode] in refusal()
    assert missing(WANTED) == "counts==1.2"
    assert_mended(pip)
    record_property("overlays that could not be installed: one line, mended on the next run", 1)


def test_what_an_installation_that_was_killed_has_left_is_cleared_away(pip):
    pip("dies")
    code = "from flop_harness.counters.overlay import ensure; ensure(('counts==1.2',))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    assert [each for each in folder_of(WANTED).parent.iterdir() if each.is_dir()]
    assert missing(WANTED)
    assert_mended(pip)


def spoilt_version(folder: Path) -> None:
    (folder / "counts-1.2.dist-info" / "METADATA").write_text("Name: counts\nVersion: 1.1\n")


DAMAGES = {
    "a module gone": lambda folder: (folder / "counts" / "rules.py").unlink(),
    "another version": spoilt_version,
    "no metadata": lambda folder: (folder / "counts-1.2.dist-info" / "METADATA").unlink(),
    "not finished": lambda folder: (folder / overlay.COMPLETE).unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_overlay_is_installed_anew(pip, damage):
    pip("well")
    folder = ensure(WANTED)
    DAMAGES[damage](folder)
    overlay._whole.clear()  # as in another process
    assert missing(WANTED) == "counts==1.2"
    assert_mended(pip)
    assert pip.calls() == 2


def test_an_overlay_that_another_process_found_whole_is_not_looked_through_again(pip, monkeypatch):
    pip("well")
    folder = ensure(WANTED)
    assert not missing(WANTED)
    found = overlay.found_whole()
    assert folder in found
    overlay._whole.clear()  # as in another process
    overlay.take_as_whole(found)
    monkeypatch.setattr(overlay, "holds", lambda *given: pytest.fail("looked through again"))
    assert ensure(WANTED) == folder


def test_two_that_want_the_same_install_it_once(pip):
    pip("slow")
    code = "from flop_harness.counters.overlay import ensure; print(ensure(('counts==1.2',)))"

    def run(number: int) -> str:
        return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True,
                              text=True).stdout.strip()  # fmt: skip

    with ThreadPoolExecutor(3) as pool:
        assert set(pool.map(run, range(3))) == {str(folder_of(WANTED))}
    assert pip.calls() == 1


def test_a_cache_that_cannot_be_written_is_named_with_a_remedy(pip, tmp_path, monkeypatch):
    pip("well")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FLOP_HARNESS_CACHE", str(tmp_path / "file" / "cache"))
    text = refusal()
    assert str(tmp_path / "file" / "cache") in text and "FLOP_HARNESS_CACHE" in text


def test_an_installed_overlay_costs_nothing_to_find(pip):
    pip("well")
    ensure(WANTED)
    begun = time.perf_counter()
    for _ in range(100):
        ensure(WANTED)
    assert time.perf_counter() - begun < 0.1
    assert pip.calls() == 1


@pytest.mark.slow
@pytest.mark.parametrize("words", [
    ("compare", "torch.nn:Identity", "--input", "2x4", "--counters", "numel,flopth"),
    ("explain", "torch.nn:Identity", "flopth", "--input", "2x4"),
])  # fmt: skip
def test_what_is_installed_is_said_and_what_cannot_be_is_one_line(pip, tmp_path, words):
    pip("no index")
    command = [sys.executable, "-m", "flop_harness", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0 and "Traceback" not in done.stderr
    assert "flopth: installing flopth==0.1.6 for it, once" in done.stderr.splitlines()
    said = " ".join(f"{done.stdout} {done.stderr}".split())
    assert "flopth==0.1.6 cannot be installed: ERROR: No matching distribution" in said


def test_drift_says_what_it_is_about_to_install_before_it_asks_a_release(pip, monkeypatch):
    pip("no index")
    monkeypatch.setattr("flop_harness.regression.drift.released", lambda distribution: ("0.1.6",))
    case = case_from_model("torch.nn:Identity", ["2x4"])
    told: list[str] = []
    drift("flopth", of_models([case]), note=told.append,
          progress=lambda _, release: told.append(release.error))  # fmt: skip
    assert told[0] == "flopth: installing flopth==0.1.6 for it, once"
    assert len(told) == 2 and told[1].startswith("flopth==0.1.6 cannot be installed")


class Foreign:
    """What importlib_metadata puts in the place of Python's own finder."""

    @staticmethod
    def find_spec(*names):
        return None

    @staticmethod
    def find_distributions(context):
        raise AssertionError("asked")


def test_overlays_are_read_by_pythons_own_finder(tmp_path, monkeypatch):
    folder = tmp_path / "counts-1.2.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: counts\nVersion: 1.2\n")
    monkeypatch.setattr(sys, "meta_path", [Foreign, *sys.meta_path])
    assert overlay.version_found(tmp_path, "counts") == "1.2"
