"""A light install: what is missing is told in one line, with the command that brings it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from flop_harness.errors import EXTRAS, UserError, extras_named, install_command, require

ROOT = Path(__file__).resolve().parent.parent
DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
IMPORTED = {"vl_convert_python": "vl_convert", "open_clip_torch": "open_clip"}

LIGHT = """
import sys
HIDDEN = {hidden!r}
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HIDDEN:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hide())
from flop_harness.cli import main
sys.argv = ["flop-harness", *sys.argv[1:]]
main()
"""
"""The command line where the packages of every extra are missing"""


def package(requirement: str) -> str:
    name = re.split(r"[^\w.-]", requirement)[0].replace("-", "_")
    return IMPORTED.get(name, name)


def light(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    hidden = {name for packages in EXTRAS.values() for name in packages} - {"jinja2"}
    program = LIGHT.format(hidden=hidden)
    return subprocess.run(
        [sys.executable, "-c", program, *words], cwd=folder, capture_output=True, text=True
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "net.py").write_text("from torch import nn\nNet = lambda: nn.Linear(3, 5)\n")
    return tmp_path


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_brings_the_packages_that_are_said_to_come_with_it(extra: str):
    declared = {package(each) for each in DECLARED["optional-dependencies"][extra]}
    assert set(EXTRAS[extra]) == declared - {"setuptools"}


def test_all_brings_every_extra_that_the_harness_itself_uses():
    told = DECLARED["optional-dependencies"]["all"][0]
    brought = set(re.findall(r"\w+", told.partition("[")[2]))
    assert brought == {"counters", "report", "timing", "torchvision"}


def test_a_light_install_counts_and_converts(folder: Path):
    counted = light(folder, "count", "net.py:Net", "--input", "2x3")
    assert counted.returncode == 0 and f"{2 * 3 * 5} MAC" in counted.stdout
    asked = ("30MAC", "--model", "net.py:Net", "--input", "2x3", "--from", "macs", "--to", "flops")
    assert "60" in light(folder, "convert", *asked).stdout


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (("compare", "net.py:Net", "--input", "2x3", "--out", "here"), "report"),
        pytest.param(("compare", "seeds"), "report", marks=pytest.mark.slow),
        (("report", "here"), "report"),
        (("claims", "seeds"), "report"),
        (("drift", "thop"), "report"),
        (("verify", "seeds"), "report"),
        (("time", "seeds"), "report"),
    ],
)
def test_a_missing_extra_is_one_line_with_the_command_that_installs_it(folder, words, extra):
    ended = light(folder, *words)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert f"pip install 'flop-harness[{extra}]'" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1 and "Traceback" not in ended.stderr


def test_a_package_is_installed_by_its_extra_or_by_its_name():
    assert install_command("pytorch-model-summary") == "pip install 'flop-harness[counters]'"
    assert install_command("someones-counter") == "pip install someones-counter"


def test_only_packages_of_extras_are_explained(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(UserError, match=r"pandas is not installed \(pip install 'flop-harness\["):
        with extras_named():
            raise ModuleNotFoundError("No module named 'pandas'", name="pandas.core")
    with pytest.raises(ModuleNotFoundError):
        with extras_named():
            raise ModuleNotFoundError("No module named 'mine'", name="mine")
    monkeypatch.setitem(EXTRAS, "report", ("a_package_that_nobody_has",))
    with pytest.raises(UserError, match="a_package_that_nobody_has is not installed"):
        require("report")
