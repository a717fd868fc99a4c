"""What is stored comes back, whole or not at all."""

from __future__ import annotations

import json
import lzma
import math
import os
import resource
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flop_harness.errors import UserError
from flop_harness.records import (  # fmt: skip
    Bridge,
    Call,
    Case,
    Context,
    Dict,
    Failure,
    Figure,
    Input,
    List,
    Module,
    Opaque,
    Parameter,
    Reading,
    Reference,
    Run,
    Step,
    Suite,
    Tensor,
    Tool,
    Trace,
)
from flop_harness.store import (  # fmt: skip
    RUN_SCHEMA,
    TRACE_SCHEMA,
    Journal,
    dump_trace,
    dumps,
    load,
    load_trace,
    loads,
    save,
    write_atomically,
)
from flop_harness.store.documents import digest

RUN, MEASURED = "run.json.xz", "measured.json.xz"

# -------------------------------------------------------------------------------------- runs


def a_run(**changes) -> Run:
    case = Case(
        "net", "torchvision:alexnet", (Input((1, 3, 8, 8)), Input((2,), "int64", 9, "ids")),
        {"width": [1, 2], "deep": {"er": 0.5}}, counters=("thop",),
    )  # fmt: skip
    context = Context("cpu", True, "eval", "math")
    reading = Reading(
        "net", "thop", "0.1", context, "compute", "MAC", "ok", 12.0, "12.0",
        modules={"b": 7, "a": 5}, warnings=("é",),
    )  # fmt: skip
    missing = Reading("net", "fvcore", "", Context(), "params", "parameter", "unavailable")
    steps = (Step("bias", 2, {"fc": 2}), Step("pool not seen", -1, {"p": -1}, {"aten.pool": 1}))
    fields = {
        "schema": RUN_SCHEMA,
        "suite": Suite("s", 3, "d", (case,), folder="f"),
        "environment": {"gpus": [], "torch": {"threads": 2}, "git": None},
        "readings": (reading, missing),
        "bridges": (Bridge("net", "thop", context, "compute", "MAC", 11, steps, 0, 12),),
        "figures": (Figure("net", "reference", 10**30, "MAC"),),
        "unsupported": {"net": {"aten.sort": 2}},
        "failures": (Failure("gone", "model", "no such model"),),
        "references": (Reference("net", "m.Net", {"linear": 11}, {"Linear parameters": 4}),),
        "tools": (Tool("thop", "thop", "hooks", "thop/profile.py"),),
    }
    return Run(**fields | changes)


def test_a_run_comes_back_equal():
    assert loads(dumps(a_run())) == a_run()


def test_integers_stay_integers_and_floats_floats():
    back = loads(dumps(a_run()))
    assert type(back.readings[0].value) is float and type(back.bridges[0].reading) is int


def test_a_breakdown_keeps_the_order_of_its_layers():
    assert list(loads(dumps(a_run())).readings[0].modules) == ["b", "a"]


def test_what_json_does_not_have_comes_back_too():
    reading = Reading("net", "x", "", Context(), "compute", "MAC", "ok", math.inf, output="\udcff")
    assert loads(dumps(a_run(readings=(reading,)))).readings == (reading,)


def test_a_record_stands_on_a_line_without_what_is_as_ever():
    content = lzma.decompress(dumps(a_run())[RUN])
    lines = content.decode().splitlines()
    assert lines[1] == f'"schema": {RUN_SCHEMA},' and content.endswith(b"\n}\n")
    assert '{"id":"net","model":"torchvision:alexnet"' in lines[2] and '"mode"' not in lines[2]
    assert '["net","fvcore","",{},"params","parameter","unavailable"]' in lines


def test_what_two_runs_do_not_share_lies_in_a_file_of_its_own():
    """Another day, another machine, other seconds: the run is the same file."""
    first, again = (
        a_run(),
        a_run(
            environment={"date": "2026-11-26"},
            readings=tuple(replace(each, seconds=0.5, peak_bytes=7) for each in a_run().readings),
        ),
    )
    assert dumps(first)[RUN] == dumps(again)[RUN]
    assert dumps(first)[MEASURED] != dumps(again)[MEASURED]
    assert loads(dumps(again)) == again


def test_equal_runs_give_equal_files():
    assert dumps(a_run()) == dumps(a_run())


def test_a_default_is_left_out_only_if_it_is_the_very_value():
    reading = replace(a_run().readings[0], value=0, seconds=0)
    bridge = replace(a_run().bridges[0], residual=0.0, modules=0)
    back = loads(dumps(a_run(readings=(reading,), bridges=(bridge,))))
    assert (back.readings[0].value, back.readings[0].seconds) == (0, 0) and type(
        back.bridges[0].residual
    ) is float


def test_equal_breakdowns_are_stored_once():
    """Twice a thousand layers cost hardly more than a thousand."""
    layers = {f"layer.{number}": 7 * number for number in range(1000)}
    reading = replace(a_run().readings[0], modules=layers)
    once, twice = (dumps(a_run(readings=(reading,) * times)) for times in (1, 2))
    assert len(lzma.decompress(twice[RUN])) < len(lzma.decompress(once[RUN])) + 500
    assert [each.modules for each in loads(twice).readings] == [layers, layers]


def test_a_folder_or_its_file_can_be_loaded(tmp_path):
    assert save(a_run(), tmp_path) == [tmp_path / RUN, tmp_path / MEASURED]
    assert load(tmp_path) == load(str(tmp_path / RUN)) == a_run()


def test_files_of_two_runs_are_not_mixed(tmp_path):
    save(a_run(), tmp_path)
    (tmp_path / MEASURED).write_bytes(dumps(a_run(readings=()))[MEASURED])
    with pytest.raises(UserError, match=r"run.json.xz is of another run than the measured.json.xz"):
        load(tmp_path)


def rewritten(path, change) -> None:
    """The document in a file with its text changed."""
    path.write_bytes(lzma.compress(change(lzma.decompress(path.read_bytes()))))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b'{"schema": 99}', f"run.json.xz has schema 99, .* reads schema {RUN_SCHEMA}"),
        (b"[]", f"run.json.xz has schema None, .* reads schema {RUN_SCHEMA}"),
        (b'{"schema"', "run.json.xz is damaged .JSONDecodeError"),
        (b'\xff\xfe{"', "run.json.xz is damaged .(UnicodeDecodeError|JSONDecodeError)"),
        (b"[" * 100_000, "run.json.xz is damaged .RecursionError"),
    ],
)
def test_anything_else_is_refused_with_a_word_about_why(tmp_path, content, complaint):
    save(a_run(), tmp_path)
    rewritten(tmp_path / RUN, lambda _: content)
    with pytest.raises(UserError, match=complaint):
        load(tmp_path)


@pytest.mark.parametrize("file", [RUN, MEASURED])
def test_no_damaged_byte_is_read(tmp_path, file):
    """Cut off anywhere, or with any byte changed: refused, by name."""
    save(a_run(), tmp_path)
    whole = (tmp_path / file).read_bytes()
    spoilt = [whole[:end] for end in range(0, len(whole), 97)]
    spoilt += [
        whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :] for at in range(0, len(whole), 97)
    ]
    for content in spoilt:
        (tmp_path / file).write_bytes(content)
        with pytest.raises(
            UserError, match=r"(run|measured)\.json\.xz is (damaged|of another run)"
        ):
            load(tmp_path)


@pytest.mark.parametrize(
    ("was", "becomes", "complaint"),
    [
        (b'"suite": {', b'"suite": 3, "was": {', r"`\$.suite`"),
        (b'"readings": {', b'"readings": 3, "was": {', "TypeError"),
        (b'"12.0",0,1]', b'"12.0",999,1]', "IndexError"),
    ],
)
def test_a_run_of_other_fields_is_refused(was, becomes, complaint):
    content = dumps(a_run())
    text = lzma.decompress(content[RUN])
    assert was in text
    run = lzma.compress(text.replace(was, becomes))
    measured = lzma.decompress(content[MEASURED]).replace(
        digest(content[RUN]).encode(), digest(run).encode()
    )
    with pytest.raises(UserError, match=f"run.json.xz is damaged .*{complaint}"):
        loads({RUN: run, MEASURED: lzma.compress(measured)})


def test_a_folder_without_a_run_is_named(tmp_path):
    with pytest.raises(UserError, match=r"cannot read .*run.json.xz: No such file"):
        load(tmp_path)


# ------------------------------------------------------------------------------------ traces

ATOMS = st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers() | st.text()
TENSORS = st.builds(
    Tensor, st.lists(st.integers(0, 2**40), max_size=5).map(tuple), st.sampled_from(["a", "bool"])
)
VALUES = st.recursive(
    ATOMS | TENSORS | st.builds(Opaque, st.text()),
    lambda inner: (
        st.lists(inner, max_size=4).map(tuple)
        | st.lists(inner, max_size=4).map(List)
        | st.dictionaries(st.text(), inner, max_size=3).map(
            lambda held: Dict(tuple(held), tuple(held.values()))
        )
    ),
)


def a_trace(root: Call, **fields) -> Trace:
    return Trace(Context(), **{"modules": (), "parameters": ()} | fields, root=root)


def a_call(name="f", children=(), **fields) -> Call:
    return Call("function", name, **{"args": (), "kwargs": (), "output": None} | fields,
                children=tuple(children))  # fmt: skip


def back(trace: Trace) -> Trace:
    return load_trace(dump_trace(trace))


def exact(value) -> object:
    """Equal only for values that are the same to the type and the bit."""
    if isinstance(value, tuple):
        return type(value), tuple(map(exact, value))
    if isinstance(value, Dict):
        return Dict, exact(value.keys), exact(value.values)
    return type(value), repr(value)


@given(VALUES)
def test_every_value_comes_back_exactly(value):
    assert exact(back(a_trace(a_call(output=value))).root.output) == exact(value)


def test_equal_values_of_different_types_are_kept_apart():
    values = (1, True, 1.0, (1 + 0j), "1", (1,), List((1,)), ((1,),), 0.0, -0.0, math.nan, "nan")
    assert exact(back(a_trace(a_call(args=values))).root.args) == exact(values)


def test_a_value_that_cannot_be_kept_is_named():
    with pytest.raises(TypeError, match="cannot keep a set"):
        dump_trace(a_trace(a_call(output={1})))


def test_modules_parameters_and_context_come_back():
    convolution = Module(
        "features.0", ("torch.nn.Conv2d", "torch.nn.Module"),
        {"stride": (2, 2), "padding": "same", "eps": 1e-5, "sizes": List((1, 2))},
        parameters=(("weight", 0), ("bias", 1)), training=True,
    )  # fmt: skip
    root = Module("", ("Net",), {}, children=(("features", 1), ("again", 1)))
    trace = Trace(
        Context("meta", True, "math"), (root, convolution),
        (Parameter((6, 3, 3, 3), "float32", True), Parameter((), "float16", False, lazy=True)),
        Call("module", "", (Tensor((1, 3)),), (("mask", None),), Tensor((1, 6)), (a_call(),), 0),
        executed=True,
    )  # fmt: skip
    assert back(trace) == trace


def test_calls_that_are_the_same_object_come_back_as_one():
    leaf = a_call("leaf", output=Tensor((2, 3)))
    first, second = back(a_trace(a_call("root", [leaf, leaf]))).root.children
    assert first is second and first == leaf


def test_calls_that_are_equal_come_back_as_one():
    twins = [a_call("block", [a_call("leaf", output=Tensor((2, 3)))]) for _ in range(2)]
    first, second = back(a_trace(a_call("root", twins))).root.children
    assert first is second and first == twins[0]


def test_a_trace_nested_far_deeper_than_the_recursion_limit_comes_back():
    depth = 5 * sys.getrecursionlimit()
    call = a_call("0")
    for level in range(1, depth):
        call = a_call(str(level), [call])
    found, names = back(a_trace(call)).root, []
    while found.children:
        names.append(found.name)
        found = found.children[0]
    assert names == [str(level) for level in range(depth - 1, 0, -1)]


def test_equal_traces_give_equal_bytes():
    twin = [a_trace(a_call(children=[a_call("g", output=Tensor((n,)))])) for n in (4, 4)]
    assert dump_trace(twin[0]) == dump_trace(twin[1])


def test_three_thousand_calls_are_quick_and_small():
    def layer(index):
        x = Tensor((1, 64, 56, index))
        call = Call("operator", "aten.convolution.default", (x, x, None, List((1, 1))), (), x)
        for level, name in (("function", "conv2d"), ("module", f"layer.{index}")):
            call = Call(level, name, (x,), (("stride", (1, 1)),), x, (call,))
        return call

    trace = a_trace(a_call("", [layer(index) for index in range(1000)]))
    start = time.process_time()
    content = dump_trace(trace)
    assert load_trace(content) == trace
    assert time.process_time() - start < 1  # 0.08 on an idle core
    assert len(lzma.compress(content)) < 60_000


@pytest.mark.parametrize("content", [b"", b"text", dump_trace(a_trace(a_call()))[:-9]])
def test_something_else_is_not_a_trace(content):
    with pytest.raises(UserError, match="not a stored trace"):
        load_trace(content)


def test_a_trace_of_another_schema_is_refused():
    content = dump_trace(a_trace(a_call()))
    content = content.replace(b'"schema":%d' % TRACE_SCHEMA, b'"schema":99')
    with pytest.raises(UserError, match=f"has schema 99, .* reads schema {TRACE_SCHEMA}"):
        load_trace(content)


# ----------------------------------------------------------------------------------- journal

IDENTITY = {"suite": "seeds", "schema": 1, "versions": {"torch": "2.14.1", "thop": None}}
KEY = ("vgg16", "thop", "cpu")


def test_what_was_added_is_done_in_the_next_run(tmp_path):
    with Journal.open(tmp_path, IDENTITY) as journal:
        assert journal.done(KEY) is None
        journal.add(KEY, {"value": 3})
        assert journal.done(KEY) == {"value": 3}
    with Journal.open(tmp_path, IDENTITY) as journal:
        assert journal.done(KEY) == {"value": 3}
        assert len(journal) == 1 and journal.restarted == ""


def test_records_come_back_as_records(tmp_path):
    readings = a_run().readings
    with Journal.open(tmp_path, IDENTITY) as journal:
        journal.add(KEY, readings)
        assert journal.done(KEY, tuple[Reading, ...]) == readings
    with Journal.open(tmp_path, IDENTITY) as journal:
        assert journal.done(KEY, tuple[Reading, ...]) == readings


def test_the_last_record_of_a_cell_holds(tmp_path):
    with Journal.open(tmp_path, IDENTITY) as journal:
        journal.add(KEY, 1)
        journal.add(KEY, 2)
    with Journal.open(tmp_path, IDENTITY) as journal:
        assert journal.done(KEY) == 2


@pytest.mark.parametrize("lost", [1, 2, 12])
def test_a_line_cut_off_is_dropped_and_writing_goes_on_after_the_one_before(tmp_path, lost):
    with Journal.open(tmp_path, IDENTITY) as journal:
        journal.add(["a"], 1)
        journal.add(["b"], 22)
    file = tmp_path / "journal.jsonl"
    os.truncate(file, file.stat().st_size - lost)
    with Journal.open(tmp_path, IDENTITY) as journal:
        assert (journal.done(["a"]), journal.done(["b"])) == (1, None)
        assert journal.restarted == ""
        journal.add(["c"], 3)
    with Journal.open(tmp_path, IDENTITY) as journal:
        assert [journal.done([key]) for key in "abc"] == [1, None, 3]


def test_a_journal_cut_off_in_its_first_line_is_begun_anew(tmp_path):
    (tmp_path / "journal.jsonl").write_text('{"identity": {"sui')
    with Journal.open(tmp_path, IDENTITY) as journal:
        assert journal.restarted == "the journal has no whole first line"
        journal.add(KEY, 1)
    with Journal.open(tmp_path, IDENTITY) as journal:
        assert journal.done(KEY) == 1


@pytest.mark.parametrize(
    ("identity", "fresh", "reason"),
    [
        (IDENTITY, True, "a fresh start was asked for"),
        (IDENTITY | {"suite": "zoo"}, False, "suite was seeds, is zoo"),
        (IDENTITY | {"versions": {"torch": "3", "thop": None}}, False,
         "versions.torch was 2.14.1, is 3"),
        (IDENTITY | {"digest": "ab"}, False, "digest was None, is ab"),
    ],
)  # fmt: skip
def test_cells_of_another_run_are_not_taken_over(tmp_path, identity, fresh, reason):
    with Journal.open(tmp_path, IDENTITY) as journal:
        journal.add(KEY, 1)
    with Journal.open(tmp_path, identity, fresh) as journal:
        assert journal.done(KEY) is None and journal.restarted == reason
    with Journal.open(tmp_path, identity) as journal:
        assert len(journal) == 0 and journal.restarted == ""


def test_a_first_run_is_no_restart(tmp_path):
    with Journal.open(tmp_path / "new" / "folder", IDENTITY, fresh=True) as journal:
        assert journal.restarted == ""


def test_a_second_run_into_the_same_folder_is_refused_while_the_first_is_at_it(tmp_path):
    with Journal.open(tmp_path, IDENTITY) as journal:
        journal.add(KEY, 1)
        with pytest.raises(UserError, match="another run is writing to"):
            Journal.open(tmp_path, IDENTITY, fresh=True)
    with Journal.open(tmp_path, IDENTITY) as journal:
        assert journal.done(KEY) == 1


def test_a_killed_run_leaves_its_cells_and_no_lock(tmp_path):
    code = (
        "import sys, itertools\n"
        "from flop_harness.store import Journal\n"
        f"journal = Journal.open(sys.argv[1], {IDENTITY!r})\n"
        "for cell in itertools.count():\n"
        "    journal.add([str(cell)], 'x' * 10_000)\n"
        "    print(cell, flush=True)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        reported = [int(process.stdout.readline()) for _ in range(5)]
        process.send_signal(signal.SIGKILL)
    with Journal.open(tmp_path, IDENTITY) as journal:
        assert all(journal.done([str(cell)]) == "x" * 10_000 for cell in reported)


def test_a_full_disk_costs_only_the_cell_that_did_not_fit(tmp_path):
    with Journal.open(tmp_path, IDENTITY) as journal:
        journal.add(["a"], 1)
        with largest_file(1000), pytest.raises(UserError, match=r"journal.jsonl: File too large"):
            journal.add(["b"], "x" * 2000)
        journal.add(["c"], 3)
    with Journal.open(tmp_path, IDENTITY) as journal:
        assert [journal.done([key]) for key in "abc"] == [1, None, 3]


@contextmanager
def largest_file(size):
    """Within, the system writes half of what does not fit, and refuses the rest."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_every_line_is_json(tmp_path):
    with Journal.open(tmp_path, IDENTITY) as journal:
        journal.add(KEY, "two\nlines")
    lines = (tmp_path / "journal.jsonl").read_text().splitlines()
    head, cell = map(json.loads, lines)
    assert (head.pop("digest"), cell.pop("digest")) != ("", "")
    assert head == {"identity": IDENTITY}
    assert cell == {"key": list(KEY), "record": "two\nlines"}


# ------------------------------------------------------------------------------------- files


def test_a_file_is_replaced_and_its_folder_made(tmp_path):
    path = tmp_path / "results" / "seeds" / "report.md"
    for content in (b"one", b"two"):
        write_atomically(path, content)
        assert path.read_bytes() == content
    assert [file.name for file in path.parent.iterdir()] == ["report.md"]


def test_a_full_disk_leaves_the_earlier_content_and_no_litter(tmp_path):
    path = tmp_path / "report.md"
    write_atomically(path, b"earlier")
    with largest_file(1000), pytest.raises(UserError, match=r"write .*report.md: File too large"):
        write_atomically(path, b"later" * 1000)
    assert path.read_bytes() == b"earlier"
    assert [file.name for file in tmp_path.iterdir()] == ["report.md"]


def test_a_folder_that_cannot_be_is_the_users_mistake(tmp_path):
    (tmp_path / "file").touch()
    told = f"{tmp_path / 'file'} is a file; name a folder that can be written"
    with pytest.raises(UserError, match=rf"cannot write .*run.json: {told}"):
        write_atomically(tmp_path / "file" / "run.json", b"")
    with pytest.raises(UserError, match=rf"cannot write .*deep/run.json: {told}"):
        write_atomically(tmp_path / "file" / "deep" / "run.json", b"")
    with pytest.raises(UserError, match=rf"cannot write .*l: {told}"):
        Journal.open(tmp_path / "file", IDENTITY)


def test_others_may_read_what_was_written(tmp_path):
    write_atomically(tmp_path / "run.json", b"")
    mask = os.umask(0)
    os.umask(mask)
    assert (tmp_path / "run.json").stat().st_mode & 0o777 == 0o666 & ~mask
