"""The GitHub Action: the shell of its steps, run in a repository of its own as a runner runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from test_plugin import Project

yaml = pytest.importorskip("yaml")
ROOT = Path(__file__).parents[1]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
STEPS = {
    step["name"].split()[0] + " " + step["name"].split()[1]: step
    for step in ACTION["runs"]["steps"]
}


def with_this_python() -> str:
    """The search path of commands with this environment's python first."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


class Runner:
    """What a runner does of a composite action: inputs go into the environment, bash runs a step."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.summary = project.folder / "summary.md"

    def step(self, name: str, **inputs: str) -> subprocess.CompletedProcess:
        step = STEPS[name]
        given = {key: value["default"] for key, value in ACTION["inputs"].items()} | inputs
        named = {
            key: given[value.removeprefix("${{ inputs.").removesuffix(" }}")]
            for key, value in step["env"].items()
        }
        hidden = ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_CURRENT_TEST")
        kept = {name: value for name, value in os.environ.items() if name not in hidden}
        path = os.pathsep.join([str(self.project.site), os.environ.get("PYTHONPATH", "")])
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.project.folder,
            env={**kept, **named, "PYTHONPATH": path, "PATH": with_this_python(), "GITHUB_STEP_SUMMARY": str(self.summary),
                 "GITHUB_ACTION_PATH": str(ROOT)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip


@pytest.fixture
def runner(tmp_path) -> Runner:
    return Runner(Project(tmp_path))


def test_every_step_is_bash_and_takes_its_inputs_from_the_environment():
    for step in ACTION["runs"]["steps"]:
        assert step["shell"] == "bash" and "${{" not in step["run"]
        for value in step["env"].values():
            assert value.removeprefix("${{ inputs.").removesuffix(" }}") in ACTION["inputs"]


def test_models_that_are_as_they_were_pass_and_are_listed(runner):
    done = runner.step("Hold models")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed, 1 deselected" in done.stdout
    said = runner.summary.read_text()
    assert "**4 tests, 0 failed.**" in said
    macs = 32 * 32 * 16 * 27 + 16 * 10
    [row] = [line for line in said.splitlines() if "within" in line]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1:] == [
        "Sequential",
        "1x3x32x32",
        "macs",
        f"{macs:,}",
        "MAC",
        f"{macs:,}",
        "618",
        "",
    ]


def test_a_model_that_changed_fails_the_step_and_the_summary_says_how(runner):
    runner.project.change("models.py", "nn.Linear(12, 5)", "nn.Linear(12, 7)")
    done = runner.step("Hold models", tests="tests")
    assert done.returncode == 1
    said = runner.summary.read_text()
    assert "**4 tests, 2 failed.**" in said
    assert f"out     linear                  {2 * 4 * 60}  {2 * 4 * 84}    +{2 * 4 * 24}" in said


def test_a_repository_without_such_tests_is_told(runner):
    for file in (runner.project.folder / "tests").glob("test_*.py"):
        file.write_text("def test_nothing():\n    pass\n")
    done = runner.step("Hold models")
    assert done.returncode != 0
    assert "No test uses `flop_account`" in runner.summary.read_text()


def test_a_name_of_a_test_is_no_shell(runner):
    done = runner.step("Hold models", tests="$(touch hacked) ; touch hacked")
    assert done.returncode != 0 and not (runner.project.folder / "hacked").exists()


def test_suites_are_held_against_their_results(runner):
    done = runner.step("Hold suites", suites="nowhere.toml other.toml")
    assert done.returncode == 1 and done.stderr.count("flop-harness:") == 2


def test_a_plain_message_is_fenced_by_more_than_it_holds():
    from flop_harness.regression.step_summary import Outcome, markdown

    said = markdown([Outcome("t", "failed", told="````\n# head")])
    assert "`````text\n````\n# head\n`````" in said


def test_values_are_plain_enough_for_several_processes(runner: Any):
    done = runner.project.pytest("-n", "2", "--flop-only", "--flop-summary", str(runner.summary))
    assert "4 passed" in done and "**4 tests, 0 failed.**" in runner.summary.read_text()
