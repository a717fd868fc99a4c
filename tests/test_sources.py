"""An earlier result is kept as long as all code that its model was built from stays as it is."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from contextlib import closing
from importlib.util import spec_from_file_location

import pytest
import torch

from flop_harness.ask.compare import carry_out
from flop_harness.records import Case, Input, Sources, Suite
from flop_harness.run.plan import Progress
from flop_harness.run.planning import make_plan
from flop_harness.suite import marks, opened, sources

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


def test_a_data_file_that_comes_is_seen(folder):
    (folder / "preset.py").write_text(
        "import pathlib\n"
        "try:\n"
        "    WIDTH = int((pathlib.Path(__file__).parent / 'width.txt').read_text())\n"
        f"except FileNotFoundError:\n    WIDTH = 3\n{CLASS}"
    )
    model = "preset.py:Net"
    assert asked(folder, model)[0] == {model: 4 * 3}
    assert asked(folder, model)[1] == []
    (folder / "width.txt").write_text("5")
    found, _, said = asked(folder, model)
    assert found == {model: 4 * 5} and said == [f"{model} is run anew: width.txt changed"]


LOOKS = {
    "exists": ("5 if (HERE / 'wide').exists() else 3", "wide", "wide changed"),
    "isfile": ("5 if os.path.isfile(HERE / 'wide') else 3", "wide", "wide changed"),
    "access": ("5 if os.access(HERE / 'wide', os.R_OK) else 3", "wide", "wide changed"),
    "is_dir": ("5 if (HERE / 'wide').is_dir() else 3", "wide/", "wide changed"),
    "glob": ("3 + 2 * len(list(HERE.glob('plug_*.py')))", "plug_a.py", "the names in ./ changed"),
    "listdir": ("3 + 2 * len(os.listdir(HERE / 'parts'))", "parts/a", "the names in parts/ changed"),
    "walk": ("3 + 2 * sum(len(each[2]) for each in os.walk(HERE / 'parts'))", "parts/a",
             "the names in parts/ changed"),
}  # fmt: skip


@pytest.mark.parametrize("way", LOOKS)
def test_what_was_only_looked_for_is_part_of_the_model(folder, way):
    looks, comes, why = LOOKS[way]
    (folder / "parts").mkdir()
    (folder / "looking.py").write_text(
        f"import os, pathlib\nHERE = pathlib.Path(__file__).parent\nWIDTH = {looks}\n{CLASS}"
    )
    model = "looking.py:Net"
    assert asked(folder, model)[0] == {model: 4 * 3}
    if way == "glob":
        asked(folder, model)  # the first run has put its own folder beside the file
    assert asked(folder, model)[1:] == ([], [])
    (folder / comes).mkdir() if comes.endswith("/") else (folder / comes).write_text("")
    found, _, said = asked(folder, model)
    assert (found, said) == ({model: 4 * 5}, [f"{model} is run anew: {why}"])


def test_a_file_beside_those_that_were_looked_for_is_none_of_the_model_s(folder):
    looks, _, _ = LOOKS["exists"]
    (folder / "looking.py").write_text(
        f"import os, pathlib\nHERE = pathlib.Path(__file__).parent\nWIDTH = {looks}\n{CLASS}"
    )
    asked(folder, "looking.py:Net")
    (folder / "beside").write_text("")
    assert asked(folder, "looking.py:Net")[1:] == ([], [])


def test_what_a_model_writes_for_itself_is_not_what_it_was_built_from(folder):
    (folder / "caching.py").write_text(
        "import pathlib, time\nCACHE = pathlib.Path(__file__).parent / 'cache'\n"
        "if not CACHE.exists():\n    CACHE.write_text('3')\n"
        "LOG = CACHE.with_name('log')\nLOG.exists() and LOG.unlink()\n"
        f"LOG.write_text(str(time.time()))\nWIDTH = 3\n{CLASS}"
    )
    asked(folder, "caching.py:Net")
    assert asked(folder, "caching.py:Net")[1:] == ([], [])


FORWARD = {
    "environ": ("int(os.environ.get('OF_A_PASS', '1'))", "the environment variable OF_A_PASS"),
    "file": ("int((pathlib.Path(__file__).parent / 'times').read_text())", "times"),
    "program": ("int(subprocess.check_output(['cat', pathlib.Path(__file__).parent / 'times']))", "times"),
    "mapped": ("int(bytes(torch.UntypedStorage.from_file(str(pathlib.Path(__file__).parent / 'times'),"
               " nbytes=1)))", "times"),
    "shell": ("int(subprocess.check_output(f'cat {pathlib.Path(__file__).parent}/times', shell=True))", "times"),
    "database": ("sqlite3.connect(pathlib.Path(__file__).parent / 'base').execute("
                 "'select times from t').fetchone()[0]", "base"),
}  # fmt: skip


@pytest.mark.parametrize("way", FORWARD)
def test_what_a_forward_pass_reads_is_part_of_the_model(folder, monkeypatch, way):
    times, what = FORWARD[way]
    body = f"return sum(self.layer(x) for _ in range({times}))"
    (folder / "passing.py").write_text(
        "import os, pathlib, sqlite3, subprocess, torch\n"
        + CLASS.replace("return self.layer(x)", body).replace("WIDTH", "3")
    )
    model = "passing.py:Net"
    for number in (1, 2):
        monkeypatch.setenv("OF_A_PASS", str(number))
        (folder / "times").write_text(str(number))
        with closing(sqlite3.connect(folder / "base")) as base:
            base.executescript(f"drop table if exists t; create table t as select {number} times")
        found, _, said = asked(folder, model)
        assert found == {model: number * 4 * 3}
        assert said == ([f"{model} is run anew: {what} changed"] if number == 2 else [])
        assert asked(folder, model)[1:] == ([], [])


@pytest.mark.parametrize(
    "asks",
    ["environ['NET_WIDTH']", "getenv('NET_WIDTH')", "environ.get('NET_WIDTH')",
     "environ.setdefault('NET_WIDTH', '9')"],
)  # fmt: skip
def test_a_variable_that_the_user_s_code_asks_for_is_part_of_the_model(folder, monkeypatch, asks):
    """By its digest: what it holds is nobody's business."""
    (folder / "varied.py").write_text(
        f"import os\nos.environ['OF_ITS_OWN'] = '1'\nassert os.environ['OF_ITS_OWN']\n"
        f"WIDTH = int(os.{asks})\n{CLASS}"
    )
    model = "varied.py:Net"
    monkeypatch.setenv("NET_WIDTH", "3")
    monkeypatch.delenv("OF_ITS_OWN", raising=False)
    assert asked(folder, model)[0] == {model: 4 * 3}
    assert asked(folder, model)[1] == []
    monkeypatch.setenv("NET_WIDTH", "5")
    found, _, said = asked(folder, model)
    assert found == {model: 4 * 5}
    assert said == [f"{model} is run anew: the environment variable NET_WIDTH changed"]


def test_who_copies_the_whole_environment_asks_for_no_variable(folder, monkeypatch):
    (folder / "copies.py").write_text(
        f"import os\nHERE = os.environ.copy()\n{CLASS.replace('WIDTH', '3')}"
    )
    monkeypatch.setenv("ANYTHING", "at all")
    asked(folder, "copies.py:Net")
    monkeypatch.setenv("ANYTHING", "else")
    assert asked(folder, "copies.py:Net")[1] == []


def test_workers_stand_where_the_caller_stands(folder, monkeypatch):
    """All are forked from one server, which began elsewhere."""
    (folder / "near.py").write_text(f"WIDTH = int(open('here.txt').read())\n{CLASS}")
    for width in ("3", "5"):
        (folder / width).mkdir()
        (folder / width / "here.txt").write_text(width)
        monkeypatch.chdir(folder / width)
        assert asked(folder, "near.py:Net")[0] == {"near.py:Net": 4 * int(width)}
        shutil.rmtree(folder / "out")


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


def test_folders_without_init_are_packages_too(folder):
    inner = folder / "outer_of_mine" / "inner"
    inner.mkdir(parents=True)
    (inner / "models.py").write_text(f"from .sizes import WIDTH\n{CLASS}")
    (inner / "sizes.py").write_text("WIDTH = 3\n")
    model = "outer_of_mine.inner.models:Net"
    assert asked(folder, model)[0] == {model: 4 * 3}
    assert asked(folder, model)[:2] == ({model: 4 * 3}, [])
    (inner / "sizes.py").write_text("WIDTH = 5\n")
    assert asked(folder, model)[0] == {model: 4 * 5}
    (folder / "outer_of_mine" / "__init__.py").write_text(
        "from outer_of_mine.inner import sizes\nsizes.WIDTH = 6\n"
    )
    found, _, said = asked(folder, model)
    assert found == {model: 4 * 6}
    assert said == [f"{model} is run anew: outer_of_mine has an __init__.py now"]


def test_a_module_that_comes_first_on_a_path_of_the_model_s_own_is_seen(folder):
    for name in ("first", "second"):
        (folder / name).mkdir()
    (folder / "second" / "width_of_mine.py").write_text("WIDTH = 3\n")
    (folder / "search.py").write_text(
        "import pathlib, sys\nhere = pathlib.Path(__file__).parent\n"
        "sys.path[:0] = [str(here / 'first'), str(here / 'second')]\n"
        f"from width_of_mine import WIDTH\n{CLASS}"
    )
    assert asked(folder, "search.py:Net")[0] == {"search.py:Net": 4 * 3}
    assert asked(folder, "search.py:Net")[1] == []
    (folder / "first" / "width_of_mine.py").write_text("WIDTH = 7\n")
    found, _, said = asked(folder, "search.py:Net")
    assert found == {"search.py:Net": 4 * 7}
    assert said == [
        "search.py:Net is run anew: width_of_mine is no longer imported from second/width_of_mine.py"
    ]


def test_a_part_of_a_package_that_is_a_link_is_followed(folder):
    link = folder / "my_package" / "linked.py"
    for name, width in (("old", 3), ("new", 8)):
        (folder / f"{name}.py").write_text(f"WIDTH = {width}\n")
    link.symlink_to(folder / "old.py")
    (folder / "my_package" / "models.py").write_text(f"from .linked import WIDTH\n{CLASS}")
    assert asked(folder, "my_package.models:Net")[0] == {"my_package.models:Net": 4 * 3}
    assert asked(folder, "my_package.models:Net")[1] == []
    link.unlink()
    link.symlink_to(folder / "new.py")
    assert asked(folder, "my_package.models:Net")[0] == {"my_package.models:Net": 4 * 8}


def test_a_module_beside_a_file_with_relative_imports_may_become_a_package(
    folder, tmp_path_factory
):
    """The file's package lies on no path: neither its suite nor the user stands there."""
    package = tmp_path_factory.mktemp("elsewhere") / "far_from_here"
    package.mkdir()
    (package / "net.py").write_text(f"from .sizes import WIDTH\n{CLASS}")
    (package / "sizes.py").write_text("WIDTH = 3\n")
    model = f"{package}/net.py:Net"
    assert asked(folder, model)[0] == {model: 4 * 3}
    assert asked(folder, model)[1] == []
    (package / "sizes").mkdir()
    (package / "sizes" / "__init__.py").write_text("WIDTH = 9\n")
    assert asked(folder, model)[0] == {model: 4 * 9}


def test_a_folder_that_bears_the_name_of_a_library_is_no_module(folder):
    asked(folder, "net.py:Net")
    for name in ("torch", "torchvision"):
        (folder / name).mkdir()
    assert asked(folder, "net.py:Net")[1:] == ([], [])


class Editable:
    """Finds modules where an editable install says they are: by no path of Python's."""

    def __init__(self, places):
        self.places = places

    def find_spec(self, name, path=None, target=None):
        place = self.places.get(name)
        return spec_from_file_location(name, place) if place else None


def test_an_editable_install_that_leads_elsewhere_is_seen(folder, monkeypatch):
    old, new = folder / "sizes_of_mine.py", folder / "net.py"
    taken = Sources({str(old): marks.mark(str(old))}, {"installed_so": str(old)})
    finder = Editable({"installed_so": old})
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, finder])
    assert sources.changed(taken, "installed_so:Net", "") == ""
    assert sources.named("installed_so:Net", "").files == taken.files
    finder.places["installed_so"] = new
    assert sources.changed(taken, "installed_so:Net", "") == (
        f"installed_so is no longer imported from {old}"
    )


def test_a_library_that_a_model_loads_is_part_of_it(folder, monkeypatch):
    """As torch.ops.load_library does; what it cannot load is told as the model's failure."""
    (folder / "kernels.so").write_bytes(b"no library")
    opened.read.discard(str(folder / "kernels.so"))
    with opened.noting(), pytest.raises(OSError, match="kernels"):
        torch.ops.load_library(str(folder / "kernels.so"))
    assert "kernels.so" in sources.taken(str(folder)).files


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
    monkeypatch.setattr(marks, "LARGE", 3)
    path = tmp_path / "weights.bin"
    path.write_bytes(b"1234")
    first = marks.mark(str(path))
    path.write_bytes(b"12345")
    assert first.startswith("4 bytes") and marks.mark(str(path)).startswith("5 bytes")
    assert marks.mark(str(tmp_path / "absent")) == ""


def test_sources_are_told_from_the_folder_of_the_suite(folder):
    asked(folder, "net.py:Net")
    text = (folder / "out" / "journal.jsonl").read_text()
    assert str(folder) not in text and '"net.py"' in text
    assert sys.prefix not in text
