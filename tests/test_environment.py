"""The environment says what was measured on, and nothing about whose machine it is."""

from __future__ import annotations

import json
import platform
import subprocess
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

import flop_harness
from flop_harness import counters
from flop_harness.report.site.timed import machine_in_words
from flop_harness.run.environment import (
    describe,
    describe_checkout,
    kind_of_machine,
    machine_name,
    processor_model,
)


@pytest.fixture(scope="module")
def description():
    return describe(["torch", "msgspec", "no-such-distribution"])


def test_everything_that_matters_and_nothing_else(description):
    assert list(description) == [
        "date", "machine", "os", "python", "torch", "gpus", "versions", "harness", "git",
    ]  # fmt: skip
    machine = description["machine"]
    assert machine["logical_cores"] >= 1 and machine["memory_bytes"] > 2**28
    assert description["torch"]["version"] == torch.__version__
    assert description["torch"]["threads"] == torch.get_num_threads()


def test_the_date_is_utc(description):
    assert datetime.fromisoformat(description["date"]).utcoffset() == timedelta(0)


def test_a_missing_distribution_has_no_version(description):
    versions = description["versions"]
    assert versions["no-such-distribution"] is None
    assert versions["torch"].split("+")[0] == torch.__version__.split("+")[0]


def test_it_is_plain_data(description):
    assert json.loads(json.dumps(description)) == description


def test_neither_host_nor_user_nor_path(description):
    words = json.dumps(description).replace('"', " ").split()
    assert platform.node() not in words
    assert Path.home().name not in words
    assert not any(word.startswith("/") for word in words)


# ----------------------------------------------------------------------------- machine name


def named(processor="", gpus=(), physical=2, logical=4):
    cores = {"physical_cores": physical, "logical_cores": logical}
    return kind_of_machine({"gpus": list(gpus), "machine": {"processor": processor, **cores}})


def test_the_name_of_a_machine_ends_with_its_id(description):
    alone = description | {"gpus": []}
    assert machine_name(alone) == f"{kind_of_machine(alone)}-{description['machine']['id']}"


@pytest.mark.parametrize(
    ("processor", "name"),
    [
        ("AMD EPYC", "cpu-2-core-amd-epyc"),
        ("Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz", "cpu-2-core-intel-xeon-platinum-8481c"),
        ("AMD Ryzen 7 5800X 8-Core Processor", "cpu-2-core-amd-ryzen-7-5800x"),
        ("Apple M2", "cpu-2-core-apple-m2"),
    ],
)
def test_a_processor_gives_its_name(processor, name):
    assert named(processor) == name


def test_logical_cores_where_the_physical_are_unknown():
    assert named("AMD EPYC", physical=None) == "cpu-4-core-amd-epyc"


def test_a_gpu_gives_its_name_to_the_machine():
    assert named("any", ["NVIDIA H100 80GB HBM3"]) == "gpu-nvidia-h100-80gb-hbm3"
    assert named("any", ["NVIDIA A100"] * 4) == "gpu-4-nvidia-a100"


def test_the_processor_is_read_as_linux_names_it(tmp_path):
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Some CPU\n\nprocessor\t: 1\n")
    assert processor_model(tmp_path / "cpuinfo") == "Some CPU"
    (tmp_path / "nameless").write_text("CPU part\t: 0xd0c\n")
    assert processor_model(tmp_path / "nameless") == platform.processor() or platform.machine()


# ---------------------------------------------------------------------------------- checkout


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A repository that tracks a package and results."""
    for variable in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(variable, raising=False)
    for path in ("package/__init__.py", "results/run.json"):
        (tmp_path / path).parent.mkdir()
        (tmp_path / path).write_text("")
    author = ["-c", "user.name=A", "-c", "user.email=a@b", "-c", "core.hooksPath=/dev/null"]
    for command in (["init", "-q"], ["add", "."], [*author, "commit", "-qm", "first"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return tmp_path


def test_a_clean_checkout(checkout):
    state = describe_checkout(checkout / "package")
    assert len(state["commit"]) == 40 and state["dirty"] is False


def test_new_results_do_not_make_it_dirty_but_other_changes_do(checkout):
    (checkout / "results/run.json").write_text("new")
    assert describe_checkout(checkout / "package")["dirty"] is False
    (checkout / "suite.toml").write_text("new")
    assert describe_checkout(checkout / "package")["dirty"] is True


def test_a_package_installed_inside_somebody_elses_repository_has_no_commit(checkout):
    installed = checkout / "venv" / "package"
    installed.mkdir(parents=True)
    (installed / "__init__.py").touch()
    assert describe_checkout(installed) is None


def test_the_package_counts_not_the_working_directory(checkout, tmp_path_factory, monkeypatch):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(checkout)
    assert describe_checkout(elsewhere) is None


def test_a_hooks_git_variables_are_not_believed(checkout, monkeypatch):
    expected = describe_checkout(checkout / "package")
    monkeypatch.setenv("GIT_DIR", str(Path("nowhere")))
    assert describe_checkout(checkout / "package") == expected


def test_no_git_no_commit(checkout, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert describe_checkout(checkout / "package") is None


def test_our_own_version_needs_no_installed_package(monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(counters, "version", missing)
    installed = counters.installed.__wrapped__
    assert installed("flop-harness") == flop_harness.__version__
    assert installed("thop") == ""


@pytest.mark.parametrize("gpus, words", [
    (["NVIDIA H100"], "NVIDIA H100"), (["NVIDIA H100"] * 2, "2 x NVIDIA H100"),
    ([], "2 cores (Xeon)")])  # fmt: skip
def test_a_machine_in_words(gpus, words):
    told = {"gpus": gpus, "machine": {"processor": "Xeon(R)", "physical_cores": 2}}
    assert machine_in_words(SimpleNamespace(environment=told, machine="its-name")) == words
