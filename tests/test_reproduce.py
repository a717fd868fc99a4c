"""Published results beside what this machine finds: counts, ratios of times, conclusions."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest

from clocks import ONE, TWO, a_forward, a_theory, grouped_times, some_times, zoo_times
from flop_harness import cli, store
from flop_harness.conventions.catalogue import VERSION
from flop_harness.errors import UserError
from flop_harness.records import Case
from flop_harness.regression.reproduce import COMMITTED, FOUND, published_in, reproduction
from flop_harness.report.analysis.reproduction import Reproduction, times_held
from flop_harness.report.tables import reproduction as tables
from runs import a_run, a_suite, explained, small_run

A, B, C = (Case(name, f"m:{name}") for name in "abc")


def timed(**seconds):
    """Cases a, b, c on one thread, each steady at so many seconds."""
    forwards = [a_forward(case, each) for case, each in seconds.items()]
    return some_times([case for case in (A, B, C) if case.id in seconds], forwards)


def scaled(times, factor, series=None):
    """As timed by a machine that takes ``factor`` times as long, in all series or in one."""
    return replace(times, forwards=tuple(
        replace(each, turns=tuple(tuple(s * factor for s in turn) for turn in each.turns))
        if series in (None, each.series) else each for each in times.forwards),
        layers=tuple(replace(each, seconds=tuple(s * factor for s in each.seconds))
                     for each in times.layers))  # fmt: skip


# ---------------------------------------------------------------------------------------- times


def test_a_ratio_is_here_over_published_with_the_quotients_of_both_intervals():
    (held,) = times_held(timed(a=2.0), timed(a=3.0)).ratios
    # turns alternate by a thousandth: either interval goes from its seconds to 1.001 times them
    assert held.ratio == pytest.approx(1.5)
    assert held.interval == (pytest.approx(1.5 / 1.001), pytest.approx(1.5 * 1.001))
    assert held.verdict == "slower here"


@pytest.mark.parametrize(("here", "verdict"), [
    (1.9, "faster here"), (2.0, "no difference shown"), (2.1, "slower here"),
])  # fmt: skip
def test_a_difference_is_shown_where_the_interval_leaves_one_out(here, verdict):
    (held,) = times_held(timed(a=2.0), timed(a=here)).ratios
    assert held.verdict == verdict


def test_of_few_turns_no_interval_is_made_up():
    short = some_times([A], [a_forward("a", 1.0, turns=3)])
    (held,) = times_held(short, timed(a=3.0)).ratios
    assert held.interval is None and held.verdict == "too few turns"


def test_the_speed_of_a_machine_is_the_middle_ratio_of_a_series():
    held = times_held(timed(a=1.0, b=2.0, c=4.0), timed(a=2.0, b=6.0, c=16.0))
    (speed,) = held.speeds
    assert speed.middle == pytest.approx(3) and speed.interval is None  # of three cases
    assert "3.00 times as long here (too few cases for an interval)" in tables.speed_line(speed)


def test_only_cases_that_are_the_same_in_both_are_compared():
    other = some_times([replace(A, dtype="float64"), B], [a_forward("a", 1.0), a_forward("b", 1.0)])
    assert [each.case for each in times_held(timed(a=1.0, b=1.0), other).ratios] == ["b"]


# ---------------------------------------------------------------------------------- conclusions


def concluded(published, here, about):
    return [each for each in times_held(published, here).conclusions if about in each.about]


def test_the_order_of_models_holds_on_a_machine_twice_as_slow():
    published = timed(a=1.0, b=2.0, c=4.0)
    (order,) = concluded(published, scaled(published, 2), "takes longer")
    assert order.holding == "holds" and order.published == "shown for 3 pairs"
    assert order.here == "the same for 3, reversed for 0, not shown for 0"


def test_a_reversed_pair_is_named():
    (order,) = concluded(timed(a=1.0, b=2.0), timed(a=2.0, b=1.0), "takes longer")
    assert (order.holding, order.apart) == ("does not hold", ("a and b",))


def test_what_was_not_shown_is_no_conclusion():
    assert concluded(timed(a=1.0, b=1.0), timed(a=1.0, b=2.0), "takes longer") == []


def test_a_pair_that_shows_nothing_here_is_open():
    (order,) = concluded(timed(a=1.0, b=2.0), timed(a=1.0, b=1.0), "takes longer")
    assert order.holding == "not shown here" and order.here.endswith("not shown for 1")


def test_a_predictor_holds_where_the_intervals_of_its_error_overlap():
    published = zoo_times()
    found = {
        each.about: each for each in concluded(published, scaled(published, 3), "measure of time")
    }
    assert {each.holding for each in found.values()} == {"holds"}
    random = zoo_times(law=lambda macs, place: 1.0 + (place * 5) % 12)
    macs = concluded(published, random, "MACs as a measure")
    assert [each.holding for each in macs] == ["does not hold"]


def test_grouped_convolutions_that_gain_less_than_promised_do_so_here_too():
    published = grouped_times()  # 4 groups gain 2, 8 groups gain 0.8
    for each in concluded(published, scaled(published, 5), "gain less"):
        assert (each.holding, each.published) == ("holds", "shown for 2 of 3")
    promised = {1: 8.0, 2: 4.0, 4: 2.0, 8: 1.0}
    kept = replace(published, forwards=tuple(
        a_forward(f"g{groups}", seconds * 0.9 if groups > 1 else seconds, series)
        for groups, seconds in promised.items() for series in (ONE, TWO)))  # fmt: skip
    for each in concluded(published, kept, "gain less"):
        assert (each.holding, each.apart) == ("does not hold", ("g4", "g8"))


def test_series_of_one_machine_alone_are_left_out():
    published = grouped_times()
    alone = replace(published, forwards=tuple(f for f in published.forwards if f.series == ONE))
    told = [each.about for each in times_held(published, alone).conclusions]
    assert told and not any("2 threads" in about for about in told)


# --------------------------------------------------------------------------------------- counts


def of_now(run):
    return replace(run, conventions=VERSION)


def held(published, here):
    return reproduction(replace(published_none(), run=of_now(published)), of_now(here), None)


def published_none():
    from flop_harness.regression.reproduce import Published

    return Published(FOUND)


def test_equal_counts_are_told_by_number():
    found = held(small_run(), small_run())
    assert not found.differs
    assert list(tables.count_lines(found)) == [
        "Counts: 15 of 15 are identical to those published (the folder as it was)."
    ]


def test_counts_of_another_torch_are_said_to_be_that():
    of = [
        replace(small_run(), environment={"torch": {"version": each}})
        for each in ("2.14.1", "2.11.0")
    ]
    assert list(tables.count_lines(held(*of)))[1:] == [
        "Those are of torch 2.14.1; here it is 2.11.0."
    ]


def test_a_count_that_differs_is_named_with_its_terms():
    suite = a_suite("net", "other")
    before = a_run([explained("net", "thop", 100), explained("other", "thop", 7)], suite=suite)
    now = a_run([explained("net", "thop", 100, {"bias": 8}), explained("other", "thop", 7)],
                suite=suite)  # fmt: skip
    found = held(before, now)
    first, second = tables.count_lines(found)
    assert found.differs and first.startswith("Counts: 1 of 2 are identical")
    assert "thop 1.0: net" in second and "bias" in second


def test_cases_and_counters_that_were_not_run_are_no_difference():
    suite = a_suite("net", "other")
    before = a_run([explained("net", "thop", 100), explained("net", "fvcore", 100),
                    explained("other", "thop", 7)], suite=suite)  # fmt: skip
    now = a_run([explained("net", "thop", 100)], suite=a_suite("net"))
    assert not held(before, now).differs


def test_another_version_of_the_suite_is_not_compared():
    with pytest.raises(UserError, match="version 2"):
        held(replace(small_run(), suite=replace(small_run().suite, version=2)), small_run())


# -------------------------------------------------------------------- what counts as published


@pytest.fixture
def results(tmp_path):
    """A folder of results with a run, and times of a machine beside it."""
    folder = tmp_path / "results" / "small"
    store.save(of_now(small_run()), folder)
    times = some_times([A], [a_forward("a", 1.0)], suite="small")
    store.write_atomically(folder / "there" / store.TIMES_FILE, store.dump_times(times))
    return folder


def commit(folder):
    author = ["-c", "user.name=A", "-c", "user.email=a@b", "-c", "core.hooksPath=/dev/null"]
    for command in (["init", "-q"], ["add", "."], [*author, "commit", "-qm", "first"]):
        subprocess.run(["git", *command], cwd=folder, check=True)


def test_a_folder_that_was_never_committed_is_published_as_it_is(results):
    found = published_in(results)
    assert found.source == FOUND and found.run == store.load(results)
    assert list(found.machines) == ["there"]


def test_a_committed_folder_is_published_as_committed(results):
    commit(results)
    before = store.load(results)
    store.save(replace(before, unsupported={}), results)
    (results / "there" / store.TIMES_FILE).unlink()
    found = published_in(results)
    assert (found.source, found.run) == (COMMITTED, before) and list(found.machines) == ["there"]


def test_nothing_is_published_by_an_empty_folder(tmp_path):
    assert not published_in(tmp_path).anything and not published_in(tmp_path / "no").anything


# ------------------------------------------------------------------------------- the command

SUITE = """
name = "tiny"
version = 1
timing = { warmup = 1, samples = 6, seconds = 0, budget_s = 0, sessions = 1 }

[[case]]
id = "linear"
model = "torch.nn:Linear"
kwargs = { in_features = 4, out_features = 2 }
inputs = [[1, 4]]
counters = ["numel"]
"""


@pytest.fixture
def typed(tmp_path, monkeypatch, capsys):
    """(exit code, stdout, stderr) of a command typed where ``tiny.toml`` lies."""
    (tmp_path / "tiny.toml").write_text(SUITE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("flop_harness.timing.processes.ceilings", lambda *_: [])

    def run(*words):
        monkeypatch.setattr("sys.argv", ["flop-harness", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr()
        return ended.value.code, told.out, told.err

    return run


def test_a_suite_is_reproduced_and_nothing_is_written(typed, tmp_path):
    typed("compare", "tiny.toml", "--counters", "numel")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    code, out, err = typed("reproduce", "results/tiny", "--suite", "tiny.toml")
    assert code == 0, err
    assert "identical to those published" in out and "here / published" in out
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


def test_a_count_that_differs_ends_in_exit_1(typed, tmp_path):
    typed("compare", "tiny.toml", "--counters", "numel", "--no-timing")
    run = store.load(tmp_path / "results" / "tiny")
    wrong = tuple(replace(each, value=11) if each.value == 10 else each for each in run.readings)
    assert wrong != run.readings
    store.save(replace(run, readings=wrong), tmp_path / "results" / "tiny")
    code, out, _ = typed("reproduce", "results/tiny", "--suite", "tiny.toml", "--no-timing")
    assert code == 1 and "numel" in out and "11" in out and "10" in out  # 4 x 2 weights, 2 biases


@pytest.mark.parametrize(("words", "said"), [
    (("nowhere",), "nowhere holds no results"),
    (("results/tiny",), "'tiny' is no suite of flop-harness: name its file with --suite"),
])  # fmt: skip
def test_mistakes_are_told_in_one_line(typed, words, said):
    typed("compare", "tiny.toml", "--counters", "numel", "--no-timing")
    code, _, err = typed("reproduce", *words)
    assert code == 2 and said in err.splitlines()[-1]


def test_compare_ends_with_what_was_published(typed, tmp_path):
    typed("compare", "tiny.toml", "--counters", "numel", "--no-timing")
    commit(tmp_path)
    code, out, _ = typed("compare", "tiny.toml", "--counters", "numel", "--no-timing")
    last = out.splitlines()[-1]
    assert code == 0 and "are identical to those published (the last commit)." in last


def test_of_a_first_run_there_is_nothing_to_reproduce(typed):
    _, out, _ = typed("compare", "tiny.toml", "--counters", "numel", "--no-timing")
    assert "published (" not in out
    assert Reproduction(FOUND, None).differs is False


def test_committed_times_are_not_taken_for_this_machines(typed, tmp_path):
    words = ("compare", "tiny.toml", "--counters", "numel")
    typed(*words)
    (file,) = (tmp_path / "results" / "tiny").glob("*/times.json.xz")
    before = file.read_bytes()
    code, _, err = typed(*words)
    assert "are kept" in err and file.read_bytes() == before
    commit(tmp_path)
    code, out, err = typed(*words)
    assert code == 0 and "are kept" not in err and file.read_bytes() != before
    assert "Times, published and here" in out
    assert "Published: cpu-" in out


def test_theory_is_of_the_shared_cases(tmp_path):
    times = some_times([A, B], [a_forward("a", 1.0)], [a_theory("a", 1), a_theory("b", 2)])
    found = times_held(times, replace(times, cases=(A,)))
    assert [each.case for each in found.ratios] == ["a"]
