"""The traces of a run: a file for each case, which holds its distinct passes."""

from __future__ import annotations

import lzma
import multiprocessing
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flop_harness.errors import UserError
from flop_harness.records import Call, Context, Tensor, Trace
from flop_harness.store import TraceStore
from runs import HOSTILE

NAMES = st.text(st.characters()) | st.sampled_from(
    [*HOSTILE, "", ".", "..", "a/b", "~", "Net", "net", "NET", "é", "\ud800", "x" * 300]
)


def a_pass(width: int = 4, calls: int = 1) -> Trace:
    """As many calls, the last of which gives a tensor of that width."""
    *before, last = (
        Call("operator", f"aten.op{index * index}", (Tensor((1, index)),), (), Tensor((3, index)))
        for index in range(calls)
    )
    children = (*before, last._replace(output=Tensor((width,))))
    return Trace(Context(), (), (), Call("module", "", (), (), None, children, 0))


def files(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "traces").iterdir()}


def test_a_trace_comes_back_by_its_name_under_no_context_in_particular(tmp_path):
    name = TraceStore(tmp_path).keep("vgg16", replace(a_pass(), context=Context("meta", grad=True)))
    stem, digest = name.split("/")
    assert stem == "vgg16" and len(digest) == 16
    assert TraceStore(tmp_path).load(name) == a_pass()


def packed(folder, case: str, *passes: Trace) -> list[str]:
    """The names of a case's passes, in its file."""
    traces = TraceStore(folder)
    names = [traces.keep(case, each) for each in passes]
    traces.pack(case)
    return names


def test_equal_passes_of_a_case_have_one_name_and_different_ones_another(tmp_path):
    first, again, other = packed(tmp_path, "net", *(a_pass(width) for width in (4, 4, 5)))
    assert first == again != other
    assert list(files(tmp_path)) == ["net.xz"]
    lines = lzma.decompress((tmp_path / "traces/net.xz").read_bytes()).splitlines()
    assert len(lines) == 2


def test_whoever_starts_again_keeps_what_is_there(tmp_path):
    widths = (4, 5, 6)
    names = [TraceStore(tmp_path).keep("net", a_pass(width)) for width in widths]
    traces = TraceStore(tmp_path)
    assert [traces.load(name) for name in names] == [a_pass(width) for width in widths]


def test_the_order_of_the_passes_leaves_no_mark(tmp_path):
    for folder, widths in (("one", (4, 5, 6)), ("other", (6, 4, 5, 4))):
        for width in widths:
            packed(tmp_path / folder, "net", a_pass(width))
    packed(tmp_path / "all", "net", *map(a_pass, (5, 6, 4)))
    assert files(tmp_path / "all") == files(tmp_path / "one")
    assert files(tmp_path / "one") == files(tmp_path / "other")


def keep_some(folder, first: int) -> None:
    """Packed on the way too, while others add to the case."""
    for half in (first, first + 5):
        packed(folder, "net", *map(a_pass, range(half, half + 5)))


def test_what_several_processes_keep_of_one_case_is_all_there(tmp_path):
    context = multiprocessing.get_context("fork")
    at_work = [context.Process(target=keep_some, args=(tmp_path, 10 * n)) for n in range(1, 5)]
    for process in at_work:
        process.start()
    for process in at_work:
        process.join()
    lines = lzma.decompress((tmp_path / "traces/net.xz").read_bytes()).splitlines()
    assert len(lines) == 4 * 10
    assert list(files(tmp_path)) == ["net.xz"]


def test_what_was_added_is_there_before_it_is_packed_and_after(tmp_path):
    (before,) = packed(tmp_path, "net", a_pass(4))
    added = TraceStore(tmp_path).keep("net", a_pass(5))
    assert set(files(tmp_path)) == {"net.xz", "net.lines"}
    reader = TraceStore(tmp_path)
    assert [reader.load(name) for name in (before, added)] == [a_pass(4), a_pass(5)]
    reader.pack("net")
    assert set(files(tmp_path)) == {"net.xz"}
    assert TraceStore(tmp_path).load(added) == a_pass(5)


def test_a_line_that_a_kill_cut_off_spoils_no_other(tmp_path):
    names = [TraceStore(tmp_path).keep("net", a_pass(4))]
    with (tmp_path / "traces/net.lines").open("ab") as file:
        file.write(b'{"schema": 1, "he')
    names.append(TraceStore(tmp_path).keep("net", a_pass(5)))
    assert [TraceStore(tmp_path).load(name) for name in names] == [a_pass(4), a_pass(5)]
    TraceStore(tmp_path).prune(names)
    packed(tmp_path / "whole", "net", a_pass(4), a_pass(5))
    assert files(tmp_path) == files(tmp_path / "whole")


def test_passes_that_are_nearly_equal_take_little_more_room_than_one(tmp_path):
    packed(tmp_path, "ten", *(a_pass(width, calls=500) for width in range(10)))
    packed(tmp_path, "one", a_pass(0, calls=500))
    sizes = {name: len(content) for name, content in files(tmp_path).items()}
    assert sizes["ten.xz"] < 1.5 * sizes["one.xz"]


def test_the_file_of_a_case_is_read_once_for_all_its_passes(tmp_path, monkeypatch):
    names = [name for case in "ab" for name in packed(tmp_path, case, *map(a_pass, range(5)))]
    opened = []
    decompress = lzma.decompress
    monkeypatch.setattr(lzma, "decompress", lambda text: opened.append(1) or decompress(text))
    traces = TraceStore(tmp_path)
    assert all(name in traces and traces.load(name) for name in names)
    assert len(opened) == 2


@given(st.lists(NAMES, min_size=2, max_size=2, unique=True))
def test_every_case_has_a_file_of_its_own_whatever_it_is_called(tmp_path_factory, cases):
    folder = tmp_path_factory.mktemp("hostile")
    names = [TraceStore(folder).keep(case, a_pass(w)) for w, case in enumerate(cases)]
    assert [TraceStore(folder).load(name) for name in names] == [a_pass(0), a_pass(1)]
    assert len({name.casefold() for name in files(folder)}) == 2
    assert all(name.isascii() and not name.startswith(".") for name in files(folder))


def test_a_name_that_is_not_there_is_told(tmp_path):
    name = TraceStore(tmp_path).keep("net", a_pass())
    traces = TraceStore(tmp_path)
    for lost in ("net/0123456789abcdef", name.replace("net", "other"), name[4:], ""):
        assert lost not in traces
        with pytest.raises(UserError, match=f"lacks the trace {lost}: run the suite again"):
            traces.load(lost)


@pytest.mark.parametrize("damage", [lambda content: content[:-9], lambda content: b"text"])
def test_a_damaged_file_is_named(tmp_path, damage):
    (name,) = packed(tmp_path, "net", a_pass())
    (tmp_path / "traces/net.xz").write_bytes(damage((tmp_path / "traces/net.xz").read_bytes()))
    with pytest.raises(UserError, match=r"traces/net\.xz is damaged"):
        TraceStore(tmp_path).load(name)


def test_what_no_run_refers_to_is_cleared_away(tmp_path):
    traces = TraceStore(tmp_path)
    kept, stale = (traces.keep("net", a_pass(width)) for width in (4, 5))
    gone = traces.keep("gone", a_pass())
    (tmp_path / "traces/.net.xz.77.draft").write_bytes(b"half a fi")
    assert set(files(tmp_path)) == {"net.lines", "gone.lines", ".net.xz.77.draft"}
    traces.prune([kept])
    assert list(files(tmp_path)) == ["net.xz"]
    traces = TraceStore(tmp_path)
    assert kept in traces and stale not in traces and gone not in traces
    before = (tmp_path / "traces/net.xz").stat().st_mtime_ns
    traces.prune([kept])
    assert (tmp_path / "traces/net.xz").stat().st_mtime_ns == before


def test_traces_are_taken_over_beside_those_that_are_there(tmp_path):
    here, there = TraceStore(tmp_path / "here"), TraceStore(tmp_path / "there")
    names = [here.keep("net", a_pass(4))]
    names += [there.keep("net", a_pass(5)), there.keep("other", a_pass(6))]
    here.take_over(names[1:], there)
    assert [here.load(name).root.children[0].output.shape for name in names] == [(4,), (5,), (6,)]
