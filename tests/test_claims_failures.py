"""Claims whose model raises, ends its process or does not take a size: the others are judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands import typed
from flop_harness.audit import audit
from flop_harness.audit.claims import load
from flop_harness.records import EVERY
from flop_harness.report.sources.published import verdicts_in
from flop_harness.store import AUDIT_FILE, dump_audit, load_audit, write_atomically

NETS = """
import os
from torch import nn

class Net(nn.Linear):
    def __init__(self):
        super().__init__(4, 3)

class RaisesAsItIsMade(nn.Linear):
    def __init__(self):
        raise RuntimeError("no weights today")

class Raises(Net):
    def forward(self, x):
        raise ValueError("not like this")

class Ends(Net):
    def forward(self, x):
        os._exit(7)

class OfOneSize(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(3, 2, 1), nn.Flatten(), nn.Linear(2 * 8 * 8, 1))
"""
CLAIM = """
[[claim]]
id = "{0}"
model = "nets.py:{0}"
inputs = [[2, 4]]
value = "24"
unit = "MACs"
"""
MACS = 2 * 4 * 3


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    (tmp_path / "nets.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(folder: Path, *names: str) -> Path:
    claims = "".join(CLAIM.format(name) for name in names)
    (folder / "mine.toml").write_text(f'source = "planted"\n{claims}')
    return folder / "mine.toml"


def test_a_model_that_raises_costs_its_own_claim_alone(place):
    done = audit([load(written(place, "Raises", "Net", "RaisesAsItIsMade"))], place / "out")
    broken, whole, unmade = done.verdicts
    assert (whole.ruling, whole.own) == ("reproduced", MACS)
    assert (broken.ruling, unmade.ruling) == ("unexplained", "unexplained")
    assert "the model raises on these inputs: ValueError: not like this" in broken.reason
    assert "raised RuntimeError: no weights today" in unmade.reason
    assert {model for model, why in done.silent.items() if EVERY in why} == {
        "nets.py:Raises", "nets.py:RaisesAsItIsMade",
    }  # fmt: skip


def test_the_command_saves_the_rest_and_says_which_model_failed(place):
    ended = typed("claims", written(place, "Net", "Raises"), "--jobs", "1")
    assert ended.code == 2
    assert ended.err.splitlines()[-1].startswith("nets.py:Raises: ")
    stored = load_audit(place / "results" / "claims" / "mine")
    assert [verdict.ruling for verdict in stored.verdicts] == ["reproduced", "unexplained"]


def test_a_model_that_ends_its_process_costs_its_own_claim_alone(place):
    done = audit([load(written(place, "Ends", "Net"))], place / "out", workers=2)
    broken, whole = done.verdicts
    assert (whole.ruling, whole.own) == ("reproduced", MACS)
    assert (broken.ruling, broken.own) == ("unexplained", None)
    assert "process" in broken.reason


def test_a_statement_about_a_model_that_raises_is_not_judged(place):
    (place / "mine.toml").write_text(
        'source = "planted"\n[[claim]]\nid = "x"\nholds = "b.params == a.params"\n'
        'models = { a = { model = "nets.py:Net", inputs = [[2, 4]] }, '
        'b = { model = "nets.py:Raises", inputs = [[2, 4]] } }\n'
    )
    (verdict,) = audit([load(place / "mine.toml")], place / "out").verdicts
    assert verdict.ruling == "unexplained" and "not like this" in verdict.reason


def test_sizes_that_a_model_does_not_take_are_told(place):
    """Its linear layer takes images of 8 x 8 alone: of 31 other sides and no batch, none."""
    (place / "mine.toml").write_text(
        'source = "planted"\n[[claim]]\nid = "x"\nmodel = "nets.py:OfOneSize"\n'
        'inputs = [[1, 3, 8, 8]]\nvalue = "987654321"\nunit = "MACs"\n'
    )
    done = audit([load(place / "mine.toml")], place / "out")
    (told,) = done.silent["nets.py:OfOneSize"].keys() & {
        name for name in done.silent["nets.py:OfOneSize"] if name.startswith("other inputs")
    }
    assert "Error" in done.silent["nets.py:OfOneSize"][told]


def test_of_all_files_those_whose_library_is_not_installed_are_left_out(place, monkeypatch):
    monkeypatch.setattr("flop_harness.suite.providers.provider.Provider.installed", lambda _: False)
    libraries = place / "libraries.toml"
    libraries.write_text(
        'source = "s"\n' + CLAIM.format("Net").replace("nets.py:Net", "timm:resnet18")
    )
    files = {"libraries": libraries, "mine": written(place, "Net")}
    monkeypatch.setattr("flop_harness.audit.claims.names", lambda: list(files))
    monkeypatch.setattr("flop_harness.audit.claims._find", lambda name: Path(files[name]))
    ended = typed("claims", "--jobs", "1")
    assert ended.code == 0
    assert "libraries: left out, its models are not installed (pip install" in ended.err
    assert [claim.file for claim in load_audit(place / "results" / "claims").claims] == ["mine"]


def test_what_was_audited_of_one_file_alone_stands_for_it_among_all(place):
    """Of two files, both are audited; then one of them again, whose figure has changed since."""
    home = place / "results" / "claims"
    files = [load(written(place, "Net")), load(other_file(place, "18"))]
    for found, folder in ((audit(files, home), home), (audit(files[1:], home), home / "other")):
        write_atomically(folder / AUDIT_FILE, dump_audit(found))
    assert [(each["file"], each["value"]) for each in verdicts_in(home)] == [
        ("other", "18"),
        ("mine", "24"),
    ]
    write_atomically(
        home / "other" / AUDIT_FILE, dump_audit(audit([load(other_file(place, "24"))], home))
    )
    assert [(each["file"], each["value"]) for each in verdicts_in(home)] == [
        ("mine", "24"),
        ("other", "24"),
    ]
    assert verdicts_in(place / "nowhere") == []


def other_file(place: Path, value: str) -> Path:
    text = written(place, "Net").read_text().replace('"24"', f'"{value}"')
    (place / "other.toml").write_text(text)
    return place / "other.toml"


def test_a_model_that_ended_its_process_is_tried_again(place):
    """What it was built from nobody could say: a module that it imports may be another now."""
    (place / "ending_of_mine.py").write_text("import os\n\ndef end():\n    os._exit(7)\n")
    (place / "fragile_of_mine.py").write_text(
        "from torch import nn\nfrom ending_of_mine import end\n\nclass Net(nn.Linear):\n"
        "    def __init__(self):\n        super().__init__(4, 3)\n"
        "    def forward(self, x):\n        end()\n        return super().forward(x)\n"
    )
    claim = CLAIM.replace("nets.py:{0}", "fragile_of_mine:Net").format("fragile")
    (place / "mine.toml").write_text(f'source = "planted"\n{claim}')
    (before,) = audit([load("mine.toml")], place / "out", workers=2).verdicts
    assert before.ruling == "unexplained" and "ends its process" in before.reason
    (place / "ending_of_mine.py").write_text("def end():\n    pass\n")
    (after,) = audit([load("mine.toml")], place / "out", workers=2).verdicts
    assert (after.ruling, after.own) == ("reproduced", MACS)
