"""Files of results that were cut off or overwritten: one line names the file, no figure is read."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from commands import Ended, typed
from flop_harness import load, store
from flop_harness.errors import UserError
from flop_harness.records import Audit
from flop_harness.regression.snapshots import Snapshot, dumps, loads
from flop_harness.store import Journal, TraceStore
from flop_harness.store import finished as finished_in
from flop_harness.store.journal import JOURNAL_FILE

SUITE = """
name = "d"
version = 1
counters = ["numel", "analytic"]
[[case]]
id = "linear"
model = "torch.nn:Linear"
kwargs = { in_features = 4, out_features = 3 }
inputs = [[2, 4]]
"""
TIMES = 50


def cut(content: bytes, random: Random) -> bytes:
    return content[: random.randrange(len(content))]


def overwrite(content: bytes, random: Random) -> bytes:
    """Random bytes in one place, or in place of all."""
    length = random.choice([1, 1, 4, 64, len(content)])
    start = random.randrange(max(1, len(content) - length + 1))
    return content[:start] + random.randbytes(length) + content[start + length :]


def damaged(content: bytes, number: int) -> bytes:
    """The content with a damage of its own for each number, never as it was."""
    random = Random(number)
    spoilt = content
    while spoilt == content:
        spoilt = (cut, overwrite)[number % 2](content, random)
    return spoilt


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A folder with a suite and the results of its run."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "d.toml").write_text(SUITE)
    out = folder / "results" / "d"
    assert typed("compare", folder / "d.toml", "--no-timing", "--out", out).code == 0
    return folder


@pytest.fixture
def place(finished, tmp_path, monkeypatch) -> Path:
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def loaded(folder: Path) -> Ended:
    try:
        load(folder)
    except UserError as error:
        return Ended(2, "", f"flop-harness: {error}\n")
    return Ended(0, "", "")


READERS: dict[str, Callable[[Path], Ended]] = {
    "load": lambda out: loaded(out),
    "report": lambda out: typed("report", out),
    "explain": lambda out: typed("explain", "linear", "numel", "--dir", out),
    "convert": lambda out: typed("convert", "24 MACs", "--model", "linear", "--dir", out,
                                 "--from", "macs"),
    "check": lambda out: typed("check", "d.toml", "--golden", out),
    "check --traces": lambda out: typed("check", "d.toml", "--golden", out, "--traces"),
    "reproduce": lambda out: typed("reproduce", out),
}  # fmt: skip


@pytest.mark.parametrize("reader", [*list(READERS)[:1], *(
    pytest.param(name, marks=pytest.mark.slow) for name in list(READERS)[1:])])  # fmt: skip
@pytest.mark.parametrize("name", ["run.json.xz", "measured.json.xz"])
def test_a_damaged_run_is_named_in_one_line(place, name, reader, record_property):
    out = place / "results" / "d"
    whole = (out / name).read_bytes()
    for number in range(TIMES):
        (out / name).write_bytes(damaged(whole, number))
        ended = READERS[reader](out)
        assert (ended.code, ended.out) == (2, ""), number
        (line,) = ended.err.splitlines()
        assert name in line or "run.json.xz" in line
        assert len(line) < 1_000
    record_property("damaged files: named in one line, no figure read", TIMES)


def test_of_a_damaged_journal_what_is_whole_is_taken_over_and_nothing_else(
    place, tmp_path, record_property
):
    """A line more or less, and never one that says something else."""
    path = place / "results" / "d" / JOURNAL_FILE
    whole = path.read_bytes()
    identity = json.loads(whole.split(b"\n")[0])["identity"]
    cells = finished_in(path.parent, identity)
    assert len(cells) > 3
    for number in range(10 * TIMES):
        path.write_bytes(damaged(whole, number))
        with Journal.open(path.parent, identity) as journal:
            kept = len(journal)
            assert all(journal.done(key) in (None, record) for key, record in cells.items())
            assert kept == sum(journal.done(key) is not None for key in cells)
    record_property("damaged journals: whole lines taken over, no other", 10 * TIMES)


def test_a_damaged_line_costs_its_own_cell_alone(place):
    path = place / "results" / "d" / JOURNAL_FILE
    head, first, *rest = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([head, first.replace(b"1", b"2", 1), *rest]))
    with Journal.open(path.parent, json.loads(head)["identity"]) as journal:
        assert len(journal) == len(rest) - 1  # the last is what follows the last newline


def test_a_damaged_trace_is_named_in_one_line(place, record_property):
    folder = place / "results" / "d"
    (path,) = (folder / "traces").iterdir()
    names = store.load(folder).traces
    whole = path.read_bytes()
    for number in range(TIMES):
        path.write_bytes(damaged(whole, number))
        with pytest.raises(UserError, match=r"linear\.xz is damaged"):
            TraceStore(folder).load(a_name(names))
    record_property("damaged files: named in one line, no figure read", TIMES)


def test_figures_are_not_priced_on_a_damaged_trace(place, record_property):
    folder = place / "results" / "d"
    (path,) = (folder / "traces").iterdir()
    whole = path.read_bytes()
    for number in range(TIMES):
        path.write_bytes(damaged(whole, number))
        ended = typed("check", "d.toml", "--golden", folder, "--traces")
        assert (ended.code, ended.out) == (2, ""), number
        (line,) = ended.err.splitlines()
        assert "linear.xz is damaged" in line
    record_property("damaged files: named in one line, no figure read", TIMES)


RESULTS = Path(__file__).parents[1] / "results"
STORED: dict[str, tuple[Path, Callable[[Path], object]]] = {
    "times": (next(RESULTS.rglob(store.TIMES_FILE)), store.load_times),
    "timeline": (RESULTS / "drift" / "torchprofile.json.xz", store.load_timeline),
    "proofs": (RESULTS / "seeds" / store.PROOFS_FILE, store.load_proofs),
    "effects": (RESULTS / "effects" / "effects.json", store.load_effects),
}


@pytest.mark.parametrize("kind", [*STORED, "verdicts"])
def test_other_records_that_are_damaged_are_named_in_one_line(kind, tmp_path, record_property):
    if kind == "verdicts":
        path, load = tmp_path / store.AUDIT_FILE, store.load_audit
        whole = store.dump_audit(Audit(store.SCHEMA, {"torch": "2"}, (), ()))
    else:
        stored, load = STORED[kind]
        path, whole = tmp_path / stored.name, stored.read_bytes()
    for number in range(TIMES):
        path.write_bytes(damaged(whole, number))
        with pytest.raises(UserError) as refusal:
            load(path)
        assert path.name in str(refusal.value) and "\n" not in str(refusal.value), number
    record_property("damaged files: named in one line, no figure read", TIMES)


CLAIMS = """
source = "here"
[[claim]]
id = "c"
model = "torch.nn:Linear"
kwargs = { in_features = 4, out_features = 3 }
inputs = [[2, 4]]
value = "24"
unit = "MACs"
"""


@pytest.fixture(scope="module")
def audited(tmp_path_factory) -> Path:
    """A folder with a file of claims, and their audit."""
    folder = tmp_path_factory.mktemp("audited")
    (folder / "c.toml").write_text(CLAIMS)
    assert typed("claims", folder / "c.toml", "--out", folder / "out", "--jobs", "1").code == 0
    return folder


@pytest.mark.parametrize(
    "name", [store.AUDIT_FILE, pytest.param(JOURNAL_FILE, marks=pytest.mark.slow)]
)
def test_claims_are_judged_anew_whatever_the_last_audit_left(
    name, audited, tmp_path, record_property
):
    """2 x 4 x 3 products; what is damaged is said, or counted again, and no figure comes from it."""
    shutil.copytree(audited, tmp_path, dirs_exist_ok=True)
    whole = (tmp_path / "out" / name).read_bytes()
    verdicts = store.load_audit(audited / "out").verdicts
    for number in range(TIMES):
        (tmp_path / "out" / name).write_bytes(damaged(whole, number))
        ended = typed("claims", tmp_path / "c.toml", "--out", tmp_path / "out", "--jobs", "1")
        assert ended.code == 0 and "Traceback" not in ended.err, (number, ended.err)
        assert store.load_audit(tmp_path / "out").verdicts == verdicts, number
        if name == store.AUDIT_FILE:
            assert name in ended.err, number
    record_property("damaged files: named in one line, no figure read", TIMES)


def test_a_damaged_timeline_is_asked_anew(tmp_path, monkeypatch, record_property):
    """Its releases are not taken over, and the one that is installed answers again."""
    monkeypatch.setattr("flop_harness.regression.drift.released", lambda name: ("1.0",))
    (tmp_path / "d.toml").write_text(SUITE)
    words = ("drift", "torch", "--cases", tmp_path / "d.toml", "--out", tmp_path / "out")
    assert typed(*words).code == 0
    path = tmp_path / "out" / f"torch{store.TIMELINE_SUFFIX}"
    whole = path.read_bytes()
    readings = store.load_timeline(path).releases[0].readings
    for number in range(TIMES // 10):
        path.write_bytes(damaged(whole, number))
        ended = typed(*words)
        assert ended.code == 0 and f"torch{store.TIMELINE_SUFFIX}" in ended.err, ended.err
        assert [r.value for r in store.load_timeline(path).releases[0].readings] == [
            r.value for r in readings
        ]
    record_property("damaged files: named in one line, no figure read", TIMES // 10)


def a_name(traces: object) -> str:
    """The name of a trace, such as ``linear/0123456789abcdef``, in what a run says of its traces."""
    return re.findall(r"linear/[0-9a-f]{16}", repr(traces))[0]


def test_a_damaged_snapshot_gives_no_other_figures(record_property):
    """4 x 3 weights and 3 biases; 2 x 4 x 3 products."""
    right = Snapshot("m", "macs", "MAC", 24, 15, {"": {"linear": 24}}, {"": {"Linear": 15}})
    text = dumps(right).encode()
    refused = 0
    for number in range(10 * TIMES):
        try:
            read = loads(damaged(text, number).decode("utf-8", "replace"), "m.toml")
        except UserError as error:
            refused += 1
            assert str(error).startswith("m.toml ") and "\n" not in str(error)
        else:
            assert (read.total, read.params) == (24, 15)
    assert refused > TIMES
    record_property("damaged snapshots: no other figure read", 10 * TIMES)
