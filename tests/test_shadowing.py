"""A user's files may bear any name: Python's own modules are not taken from among them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flop_harness.suite.search_path import is_standard, on_path, standard_library_first

HOME = Path(__file__).parents[1] / "harness"
TAKEN = ("harness", "profile", "code", "records", "suite", "trace", "types", "random", "queue",
         "token", "select", "logging", "utils")  # fmt: skip
NET = """
from torch import nn
from models import WIDTH
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, WIDTH)
    def forward(self, x):
        return self.layer(x)
"""
SUITE = (
    'name = "mine"\nversion = 1\n[[case]]\nid = "net"\nmodel = "net.py:Net"\ninputs = [[1, 4]]\n'
)
CLAIM = ('[[claim]]\nid = "x"\nsource = "me"\nmodel = "net.py:Net"\ninputs = [[1, 4]]\n'
         'value = "8"\nunit = "MACs"\n')  # fmt: skip
TEST = """
from torch import nn
def test_it(flop_account):
    assert flop_account(nn.Linear(4, 2), (1, 4)).macs == 8
"""


@pytest.fixture
def folder(tmp_path):
    for name in TAKEN:
        (tmp_path / f"{name}.py").write_text(f"raise RuntimeError('the {name}.py of the user')")
    (tmp_path / "models.py").write_text("WIDTH = 2\n")
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "mine.toml").write_text(SUITE)
    (tmp_path / "claim.toml").write_text(CLAIM)
    return tmp_path


def ran(folder: Path, *command: str, code: int = 0) -> str:
    hidden = ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_CURRENT_TEST")
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(
        command, cwd=folder, env={**kept, "PYTHONPATH": str(HOME)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def harness(folder: Path, *words: str, code: int = 0) -> str:
    start = "from flop_harness.cli import main; main()"
    return ran(folder, sys.executable, "-P", "-c", start, *words, code=code)


def test_a_model_is_counted_and_compared_beside_files_of_any_name(folder):
    assert " 8 " in harness(folder, "count", "net.py:Net", "--input", "1x4")
    counters = ("--counters", "analytic,torch", "--no-timing")
    assert "0 failed" in harness(folder, "compare", "mine.toml", *counters)


@pytest.mark.slow
def test_every_command_works_beside_files_of_any_name(folder):
    harness(folder, "compare", "mine.toml", "--no-timing")
    assert "unchanged" in harness(folder, "check", "mine.toml")
    assert "1 reproduced" in harness(folder, "claims", "claim.toml")
    assert "proven" in harness(folder, "verify", "mine.toml")
    quick = ("--anyway", "--sessions", "1", "--budget", "0.1", "--no-details")
    assert "1 thread" in harness(folder, "time", "mine.toml", *quick)


@pytest.mark.parametrize("as_package", [False, True])
def test_a_user_s_harness_is_in_nobody_s_way(tmp_path, as_package):
    if as_package:
        (tmp_path / "harness").mkdir()
    name = "harness/__init__.py" if as_package else "harness.py"
    (tmp_path / name).write_text("raise RuntimeError")
    (tmp_path / "profile.py").write_text("raise RuntimeError")
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "models.py").write_text("WIDTH = 2\n")
    told = ran(tmp_path, sys.executable, "-m", "flop_harness", "count", "net.py:Net",
               "--input", "1x4")  # fmt: skip
    assert " 8 " in told


@pytest.mark.slow
@pytest.mark.parametrize("start", [("pytest",), (sys.executable, "-m", "pytest")])
def test_the_plugin_works_beside_such_files(tmp_path, start):
    for name in ("harness", "profile", "records", "suite", "trace", "utils"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError")
    (tmp_path / "test_it.py").write_text(TEST)
    assert "1 passed" in ran(tmp_path, *start, "-p", "no:cacheprovider", "test_it.py")


def test_a_file_that_python_s_own_module_hides_is_told(folder):
    (folder / "mine.py").write_text("from profile import Net")
    told = harness(folder, "count", "mine.py:Net", "--input", "1x4", code=2)
    assert "Python's own module 'profile' goes before" in told and "rename the file" in told
    assert len(told.strip().splitlines()) == 1


def test_the_order_is_python_s_own_the_user_s_then_what_is_installed(tmp_path):
    before = list(sys.path)
    with on_path([str(tmp_path)]):
        place = sys.path.index(str(tmp_path))
        assert all(is_standard(each) for each in sys.path[:place])
        assert not any(is_standard(each) for each in sys.path[place:])
    assert sys.path == before
    with standard_library_first():
        assert is_standard(sys.path[0])
    assert sys.path == before
