"""The plugin for other people's tests, used as they use it: in a project and a process of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flop_harness.conventions.catalogue import VERSION
from flop_harness.errors import UserError
from flop_harness.regression import snapshots
from flop_harness.regression.snapshots import Change, Snapshot

EXAMPLE = Path(__file__).parent / "example"
PLUGIN = "[pytest11]\nflop-harness = flop_harness.regression.pytest_plugin\n"


class Project:
    """A copy of the example, with the plugin installed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        shutil.copytree(EXAMPLE, self.folder, ignore=shutil.ignore_patterns("__pycache__"))
        self.site = folder / "site"
        if not any(each.name == "flop-harness" for each in entry_points(group="pytest11")):
            home = self.site / "flop_plugin-0.1.dist-info"
            home.mkdir(parents=True)
            (home / "METADATA").write_text("Metadata-Version: 2.1\nName: flop-plugin\nVersion: 0\n")
            (home / "entry_points.txt").write_text(PLUGIN)

    @property
    def snapshots(self) -> Path:
        return self.folder / "tests" / snapshots.FOLDER

    def change(self, file: str, was: str, becomes: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert was in text
        path.write_text(text.replace(was, becomes))

    def pytest(self, *arguments: str, code: int = 0) -> str:
        home = Path(snapshots.__file__).parent.parent
        path = os.pathsep.join([str(self.site), str(home), os.environ.get("PYTHONPATH", "")])
        hidden = ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_CURRENT_TEST")
        kept = {name: value for name, value in os.environ.items() if name not in hidden}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
            cwd=self.folder, env={**kept, "PYTHONPATH": path}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def project(tmp_path) -> Project:
    return Project(tmp_path)


# ------------------------------------------------------------------------------ as users run it


def test_the_example_passes_and_writes_nothing(project):
    before = {path.name: path.read_bytes() for path in project.snapshots.iterdir()}
    assert "5 passed" in project.pytest()
    assert {path.name: path.read_bytes() for path in project.snapshots.iterdir()} == before


def test_a_failure_shows_the_modules_and_terms_that_changed(project):
    project.change("models.py", "width: int = 16", "width: int = 24")
    project.change("tests/test_budget.py", '.by_module()["1"] == 16', '.by_module()["1"] == 24')
    told = project.pytest("-k", "operations or tagger", code=1)
    table = told[told.index("\nmodule ") :].splitlines()
    rows = [re.split(r"  +", line.strip()) for line in table if line.strip()]
    assert rows[0] == ["module", "term", "snapshot", "now", "change"]
    # 32 x 32 outputs for each of 8 more channels: 2 x 27 operations each, one in the ReLU.
    added = 32 * 32 * 8
    exact = 32 * 32 * 16 * (2 * 27)
    assert ["0", "convolution", f"{exact:,}", f"{exact * 3 // 2:,}", f"+{added * 54:,}"] in rows
    assert ["1", "activation", "16,384", "24,576", f"+{added:,}"] in rows
    assert ["0", "Conv2d parameters", "448", "672", "+224"] in rows
    assert ["4", "Linear parameters", "170", "250", "+80"] in rows
    assert "classifier-operations" in told
    assert "Traceback" not in told
    assert "2 passed" in told  # the tagger is as it was


def test_an_update_rewrites_and_the_next_run_passes(project):
    project.change("models.py", "nn.Linear(12, 5)", "nn.Linear(12, 7)")
    project.pytest("-k", "tagger", code=1)
    untouched = (project.snapshots / "classifier.toml").read_bytes()
    project.pytest("-k", "tagger", "--flop-update")
    project.pytest("-k", "tagger")
    # 2 x 4 rows of 12 x 7.
    assert '"out" = { "linear" = 672 }' in (project.snapshots / "tagger-4.toml").read_text()
    assert (project.snapshots / "classifier.toml").read_bytes() == untouched


def test_a_snapshot_that_is_not_there_is_no_pass(project):
    (project.snapshots / "classifier.toml").unlink()
    told = project.pytest("-k", "budget", code=1)
    assert "there is no snapshot" in told
    assert "pytest --flop-update writes it" in told
    assert not (project.snapshots / "classifier.toml").exists()


@pytest.mark.slow
def test_it_works_in_several_processes(project):
    shutil.rmtree(project.snapshots)
    project.pytest("-n", "2", "--flop-update")
    assert "5 passed" in project.pytest("-n", "2", "--strict-markers")
    for path in (EXAMPLE / "tests" / snapshots.FOLDER).iterdir():
        assert (project.snapshots / path.name).read_bytes() == path.read_bytes()


def test_a_test_that_does_not_count_imports_nothing(project):
    """Neither torch nor a module of the harness beside the plugin itself."""
    code = "import sys\n\ndef test_it():\n    loaded = {m for m in sys.modules if m.startswith('flop_harness')}\n"
    code += "    assert loaded == {'flop_harness', 'flop_harness.version', 'flop_harness.regression', 'flop_harness.regression.pytest_plugin'}\n"
    code += "    assert 'torch' not in sys.modules\n"
    (project.folder / "test_bare.py").write_text(code)
    project.pytest("test_bare.py")


USES = """
{marker}
def test_{number}(flop_account):
    account = flop_account({arguments})
    {then}
"""
LINEAR = "nn.Linear(4, 3), (2, 4)"
MISTAKES = {
    "hostile name": ("", LINEAR, "account.matches_snapshot('../x')", "cannot name a snapshot"),
    "long name": ("", LINEAR, "account.matches_snapshot('a' * 300)", "300 characters, 100 are the most"),
    "convention": ("", f"{LINEAR}, convention='mcas'", "", "did you mean 'macs'"),
    "marker": ("@pytest.mark.flops('mcas')", LINEAR, "", "did you mean 'macs'"),
    "keyword": ("@pytest.mark.flops(by='x')", LINEAR, "", "the marker is flops("),
    "bare marker": ("@pytest.mark.flops", LINEAR, "", "the marker is flops("),
    "shape": ("", "nn.Linear(4, 3), (2, 5)", "", "cannot be multiplied"),
    "another kind": ("@pytest.mark.flops('flops')", LINEAR, "account.matches_snapshot('macs')",
                     "it counts by 'macs', the test by 'flops'"),
    "assertion": ("@pytest.mark.flops('flops')", f"{LINEAR}",
                  "assert (account.macs, account.total, account.by_term()) == (24, 48, {})",
                  "(24, 48, {'linear': 48})"),
}  # fmt: skip


@pytest.fixture(scope="module")
def mistaken(tmp_path_factory) -> dict[str, str]:
    """What pytest says of each mistake, all made in one run."""
    project = Project(tmp_path_factory.mktemp("mistaken"))
    file = project.folder / "tests" / "test_mistakes.py"
    file.write_text("import pytest\nfrom torch import nn\n" + "".join(
        USES.format(marker=marker, number=number, arguments=arguments, then=then)
        for number, (marker, arguments, then, _) in enumerate(MISTAKES.values())
    ))  # fmt: skip
    kept = Snapshot("Linear", "macs", "MAC", 24, 15, {"": {"linear": 24}}, {"": {"Linear parameters": 15}},
                    conventions=VERSION)  # fmt: skip
    (project.snapshots / "macs.toml").write_text(snapshots.dumps(kept))
    told = project.pytest(str(file), code=1)
    _, *parts = re.split(r"_+ (?:ERROR at setup of )?test_(\d+) _+\n", told)
    said = dict(zip(map(int, parts[::2]), parts[1::2], strict=True))
    return {name: said[number] for number, name in enumerate(MISTAKES)}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_told(mistaken, name):
    assert MISTAKES[name][-1] in mistaken[name]


@pytest.mark.slow
def test_the_model_stays_as_it_is(project):
    code = """
import torch
from torch import nn

def test_it(flop_account):
    model = nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 3)).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    account = flop_account(model, torch.rand(2, 4).requires_grad_())
    assert account.macs == 24
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert model.training and all(p.grad is None for p in model.parameters())
    assert not any(m._forward_hooks for m in model.modules())
"""
    (project.folder / "test_same.py").write_text(code)
    project.pytest("test_same.py")


# -------------------------------------------------------------------------------- the files

paths = st.text(max_size=20)
amounts = st.dictionaries(paths, st.dictionaries(paths, st.integers(0, 2**60), min_size=1))


@given(amounts, amounts, st.text(), st.dictionaries(paths, st.integers(1, 9)))
def test_a_snapshot_comes_back_equal(charges, parameters, model, unsupported):
    total = sum(sum(terms.values()) for terms in charges.values())
    params = sum(sum(terms.values()) for terms in parameters.values())
    snapshot = Snapshot(model, "macs", "MAC", total, params, charges, parameters, unsupported)
    text = snapshots.dumps(snapshot).encode("utf-8", "replace").decode()
    assert snapshots.loads(text, "x.toml") == snapshot


def test_a_snapshot_is_readable():
    snapshot = Snapshot("Net", "macs", "MAC", 5832, 174, {"conv": {"convolution": 5832}},
                        {"conv": {"Conv2d parameters": 174}}, {"aten.mystery": 2})  # fmt: skip
    assert snapshots.dumps(snapshot).splitlines()[1:] == [
        "schema = 1",
        "conventions = 1",
        'model = "Net"',
        'convention = "macs"',
        'unit = "MAC"',
        "total = 5_832",
        "params = 174",
        "",
        "[charges]",
        '"conv" = { "convolution" = 5_832 }',
        "",
        "[parameters]",
        '"conv" = { "Conv2d parameters" = 174 }',
        "",
        "[unsupported]",
        '"aten.mystery" = 2',
    ]


def test_changes_are_listed_in_the_order_of_the_model():
    def snapshot(charges, total):
        return Snapshot("Net", "macs", "MAC", total, 9, charges)

    before = snapshot({"a": {"linear": 5}, "gone": {"linear": 1}, "same": {"linear": 2}}, 8)
    after = snapshot({"new": {"bias": 3}, "a": {"linear": 6}, "same": {"linear": 2}}, 11)
    assert snapshots.changes(before, after) == [
        Change("new", "bias", 0, 3), Change("a", "linear", 5, 6), Change("gone", "linear", 1, 0),
    ]  # fmt: skip
    assert snapshots.difference("net", before, after).splitlines() == [
        "Net is not as in snapshot 'net': 8 -> 11 MAC, 9 parameters",
        "",
        "module  term    snapshot  now  change",
        "new     bias           0    3      +3",
        "a       linear         5    6      +1",
        "gone    linear         1    0      -1",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = ", "x.toml is not TOML"),
        ("schema = 7", "of another version of flop-harness"),
        ("schema = 1\nmodel = 3", "x.toml is damaged"),
        ("schema = 1", "x.toml is damaged"),
    ],
)
def test_a_file_that_is_none_is_refused(text, told):
    with pytest.raises(UserError, match=told):
        snapshots.loads(text, "x.toml")


@pytest.mark.parametrize(
    ("change", "told"), [({"conventions": 2}, "version 2 of the conv"), ({"convention": "flops"}, "by 'flops'")]
)  # fmt: skip
def test_snapshots_of_two_kinds_are_not_compared(change, told):
    from dataclasses import replace

    snapshot = Snapshot("Net", "macs", "MAC", 1, 1)
    assert told in snapshots.why_not(replace(snapshot, **change), snapshot)
