"""An earlier result is kept as long as all code that its model was built from stays as it is."""

from __future__ import annotations

import sys

import pytest

from flop_harness.ask.compare import carry_out
from flop_harness.records import Case, Input, Sources, Suite
from flop_harness.run.plan import Progress
from flop_harness.run.planning import make_plan
from flop_harness.suite import sources

CLASS = """
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, WIDTH)
    def forward(self, x):
        return self.layer(x)
"""


@pytest.fixture
def folder(tmp_path):
    """A package and a file; each takes its width from another file."""
    package = tmp_path / "my_package"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "deep" / "__init__.py").write_text("")
    (package / "models.py").write_text(f"from my_package.deep.sizes import WIDTH\n{CLASS}")
    (package / "deep" / "sizes.py").write_text("WIDTH = 3\n")
    (tmp_path / "net.py").write_text(f"from sizes_of_mine import WIDTH\n{CLASS}")
    (tmp_path / "sizes_of_mine.py").write_text("WIDTH = 3\n")
    (tmp_path / "settled.py").write_text(
        "import json, pathlib\n"
        "WIDTH = json.loads((pathlib.Path(__file__).parent / 'width.json').read_text())\n" + CLASS
    )
    (tmp_path / "width.json").write_text("3")
    (tmp_path / "optional.py").write_text(
        f"try:\n    from added_later import WIDTH\nexcept ImportError:\n    WIDTH = 3\n{CLASS}"
    )
    (tmp_path / "late.py").write_text(
        CLASS.replace("WIDTH", "3").replace(
            "return self.layer(x)",
            "import often_of_mine\n        for _ in range(often_of_mine.TIMES):\n"
            "            y = self.layer(x)\n        return y",
        )
    )
    (tmp_path / "often_of_mine.py").write_text("TIMES = 3\n")
    return tmp_path


def asked(folder, *models: str) -> tuple[dict[str, int], list[str], list[str]]:
    """(MACs by case, cells that were carried out, what was said) of a run in ``folder``/out."""
    cases = tuple(Case(model, model, (Input((1, 4)),)) for model in models)
    done: list[str] = []
    said: list[str] = []
    progress = Progress(finished=lambda cell, _: done.append(cell.case), note=said.append)
    suite = Suite("mine", 1, "", cases, folder=str(folder))
    plan = make_plan(suite, folder / "out", counters=("analytic",), device="cpu")
    run = carry_out(plan, progress)
    assert not run.failures
    return {r.case: r.value for r in run.readings if r.metric == "compute"}, done, said


@pytest.mark.parametrize(
    ("model", "file", "was", "becomes", "macs"),
    [
        ("my_package.models:Net", "my_package/deep/sizes.py", "3", "5", 4 * 5),
        ("my_package.models:Net", "my_package/models.py", "WIDTH)", "WIDTH + 1)", 4 * 4),
        ("my_package/models.py:Net", "my_package/deep/sizes.py", "3", "7", 4 * 7),
        ("net.py:Net", "sizes_of_mine.py", "3", "5", 4 * 5),
        ("net.py:Net", "net.py", "WIDTH)", "WIDTH + 1)", 4 * 4),
        ("settled.py:Net", "width.json", "3", "6", 4 * 6),
        ("late.py:Net", "often_of_mine.py", "3", "2", 2 * 4 * 3),
    ],
)
def test_a_change_of_any_file_that_a_model_was_built_from_is_seen(
    folder, model, file, was, becomes, macs
):
    before = 3 * 4 * 3 if model.startswith("late") else 4 * 3
    assert asked(folder, model)[0] == {model: before}
    assert asked(folder, model)[:2] == ({model: before}, [])
    path = folder / file
    path.write_text(path.read_text().replace(was, becomes))
    found, done, said = asked(folder, model)
    assert found == {model: macs} and len(done) == 2
    assert said == [f"{model} is run anew: {file} changed"]


def test_only_the_model_that_changed_is_run_anew(folder):
    models = ("net.py:Net", "my_package.models:Net")
    asked(folder, *models)
    (folder / "sizes_of_mine.py").write_text("WIDTH = 9\n")
    found, done, _ = asked(folder, *models)
    assert found == {"net.py:Net": 4 * 9, "my_package.models:Net": 4 * 3}
    assert set(done) == {"net.py:Net"}


def test_a_file_that_an_import_finds_from_now_on_is_seen(folder):
    assert asked(folder, "optional.py:Net")[0] == {"optional.py:Net": 4 * 3}
    assert asked(folder, "optional.py:Net")[1] == []
    (folder / "added_later.py").write_text("WIDTH = 8\n")
    found, _, said = asked(folder, "optional.py:Net")
    assert found == {"optional.py:Net": 4 * 8}
    assert said == ["optional.py:Net is run anew: there is a module added_later now"]


def test_a_package_that_goes_before_a_module_is_seen(folder):
    asked(folder, "net.py:Net")
    (folder / "sizes_of_mine").mkdir()
    (folder / "sizes_of_mine" / "__init__.py").write_text("WIDTH = 2\n")
    found, _, said = asked(folder, "net.py:Net")
    assert found == {"net.py:Net": 4 * 2}
    assert said == [
        "net.py:Net is run anew: sizes_of_mine is no longer imported from sizes_of_mine.py"
    ]


def test_an_installed_package_counts_by_its_version(folder, monkeypatch):
    taken = Sources(versions={"torch": sources.installed_version("torch")})
    assert taken.versions["torch"].startswith("torch 2")
    assert sources.changed(taken, "torchvision:alexnet", "") == ""
    another = Sources(versions={"torch": "torch 1.0"})
    assert sources.changed(another, "torchvision:alexnet", "").startswith("torch was torch 1.0, is")


def test_what_python_and_installed_packages_bring_is_not_the_user_s(folder):
    import json

    import torch

    assert not sources.is_own(json.__file__) and not sources.is_own(torch.__file__)
    assert not sources.is_own(sources.__file__)
    assert sources.is_own(str(folder / "net.py"))
    assert not sources.is_own(str(folder / "absent.py"))


def test_a_large_file_counts_by_its_size_and_date(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "LARGE", 3)
    path = tmp_path / "weights.bin"
    path.write_bytes(b"1234")
    first = sources.mark(str(path))
    path.write_bytes(b"12345")
    assert first.startswith("4 bytes") and sources.mark(str(path)).startswith("5 bytes")
    assert sources.mark(str(tmp_path / "absent")) == ""


def test_sources_are_told_from_the_folder_of_the_suite(folder):
    asked(folder, "net.py:Net")
    text = (folder / "out" / "journal.jsonl").read_text()
    assert str(folder) not in text and '"net.py"' in text
    assert sys.prefix not in text
