"""What is stored and told of measurements."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import hypothesis
import pytest
from hypothesis import strategies as st

from clocks import ONE, TWO, a_forward, a_theory, ceilings, grouped_times, some_times, zoo_times
from flop_harness.api import load
from flop_harness.errors import UserError
from flop_harness.records import Case, Failure, Input, Run, Suite
from flop_harness.records.times import Ceiling, LayerTimes, LayerWork, Load
from flop_harness.report import PAGES, write
from flop_harness.report.analysis import contexts as contexts_analysis
from flop_harness.report.analysis import memory as memory_analysis
from flop_harness.report.analysis import predictors as predictors_analysis
from flop_harness.report.analysis import sweep_statements, time_sentences
from flop_harness.report.analysis import sweeps as sweeps_analysis
from flop_harness.report.analysis.layers import Layer, bound_statement
from flop_harness.report.analysis.timings import MachineTimings
from flop_harness.report.charts import grouped, roofline
from flop_harness.report.documents import files, timed
from flop_harness.report.documents import times as times_documents
from flop_harness.report.sources import times as times_sources
from flop_harness.report.tables import contexts as contexts_tables
from flop_harness.report.tables import layers
from flop_harness.report.tables import memory as memory_tables
from flop_harness.report.tables import predictors as predictors_tables
from flop_harness.report.tables import sweeps as sweeps_tables
from flop_harness.report.tables import times as times_tables
from flop_harness.store import RUN_SCHEMA, TIMES_SCHEMA, dump_times, load_times, save
from flop_harness.store.documents import lean, packed

NET = Case("net", "torchvision:net", (Input((1, 3, 8, 8)),))


def row_of(table, *first):
    """The row that begins so, as a mapping."""
    (row,) = [row for row in table.rows if row[: len(first)] == first]
    return dict(zip(table.names, row, strict=True))


# -------------------------------------------------------------------------------- the store


def test_measurements_come_back_as_they_were(tmp_path):
    times = zoo_times()  # their seconds are whole microseconds, or thousandths of one
    path = tmp_path / "times.json.xz"
    path.write_bytes(dump_times(times))
    found = load_times(path)
    assert found == load_times(tmp_path)
    assert dump_times(found) == path.read_bytes()
    blank = {"forwards": (), "layers": (), "hooks": (), "ceilings": ()}
    assert replace(found, **blank) == replace(times, **blank, schema=found.schema)
    for before, after in zip(times.forwards, found.forwards, strict=True):
        assert after.samples == pytest.approx(before.samples, rel=1e-12)
    for before, after in zip(times.hooks, found.hooks, strict=True):
        assert (after.hooked, after.bare) == (before.hooked, before.bare)


@hypothesis.given(
    st.lists(st.lists(st.floats(1e-7, 100.0), min_size=1, max_size=9), min_size=1, max_size=9)
)
def test_medians_are_kept_to_the_nanosecond_and_turns_in_their_order(turns):
    forward = replace(a_forward("net", 1.0), turns=tuple(map(tuple, turns)))
    with TemporaryDirectory() as folder:
        (Path(folder) / "times.json.xz").write_bytes(dump_times(some_times([NET], [forward])))
        (found,) = load_times(folder).forwards
    for before, after in zip(turns, found.turns, strict=True):
        assert after == pytest.approx(sorted(before), abs=0.51e-9)
        assert median(after) == pytest.approx(median(before), abs=0.51e-9)


def test_a_file_whose_seconds_are_none_is_damaged(tmp_path):
    document = {"schema": TIMES_SCHEMA, "forwards": [{"case": "net", "turns": [["x"]]}]}
    (tmp_path / "times.json.xz").write_bytes(packed(document))
    with pytest.raises(UserError, match="damaged"):
        load_times(tmp_path)


def test_the_committed_times_of_a_suite_are_small():
    found = list((Path(__file__).parents[1] / "results").glob("*/*/times.json.xz"))
    assert found and all(path.stat().st_size < 350_000 for path in found)


def test_another_schema_or_no_file_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"cannot read .*times.json.xz"):
        load_times(tmp_path)
    document = lean(replace(zoo_times(), schema=99), {})
    (tmp_path / "times.json.xz").write_bytes(packed(document))
    with pytest.raises(UserError, match="schema 99"):
        load_times(tmp_path)


# ----------------------------------------------------------------------------------- a case


def test_a_case_shows_its_interval_beside_what_counts_let_one_expect():
    work = (LayerWork("a", "Conv2d", 1000, 10), LayerWork("b", "ReLU", 0, 100))
    times = some_times([NET], [a_forward("net", 4.0)], [a_theory("net", 500, layers=work)],
                       ceilings=ceilings(flop_per_s=1000.0, bytes_per_s=100.0))  # fmt: skip
    row = row_of(times_tables.case_table(times), "net", str(ONE))
    assert row["median"] == pytest.approx(4002)  # halfway between 4.000 and 4.004 s
    assert (row["from"], row["to"]) == (pytest.approx(4000), pytest.approx(4004))
    assert row["MAC"] == 500 and row["achieved"] == pytest.approx(500 / 4.002 / 1e9)
    assert row["bound"] == pytest.approx(2000)  # 1 s for 1000 FLOP, 1 s for 100 bytes
    assert row["share"] == pytest.approx(100 * 2 / 4.002)
    assert (row["samples"], row["verdict"], row["ended"]) == (24, "stable", "precise")


def test_without_theory_or_samples_nothing_is_made_up():
    failed = a_forward("net", 1.0, turns=0, status="failed", message="boom", ended="")
    row = row_of(times_tables.case_table(some_times([NET], [failed])), "net")
    assert (row["verdict"], row["samples"]) == ("boom", 0)
    assert [row[name] for name in ("median", "from", "MAC", "achieved", "bound", "share")] == [
        None
    ] * 6


def test_two_sessions_that_overlap_agree():
    times = some_times([NET], [a_forward("net", 1.0), a_forward("net", 1.0005, session=2)])
    assert time_sentences.repeat_sentence(MachineTimings(times)) == (
        "Two sessions agree, by intervals that overlap, on 1 of 1 median."
    )
    assert row_of(times_tables.repeat_table(MachineTimings(times)), "net")["overlap"] == "yes"


def test_a_machine_whose_sessions_do_not_overlap_is_called_too_noisy_and_by_how_much():
    cases = [replace(NET, id=f"net{place}") for place in range(10)]
    first = [a_forward(case.id, 1.0) for case in cases]
    second = [a_forward(case.id, 1.1 if place < 2 else 1.0, session=2)
              for place, case in enumerate(cases)]  # fmt: skip
    said = time_sentences.repeat_sentence(MachineTimings(some_times(cases, first + second)))
    assert said.startswith("This machine is too noisy: two sessions agree")
    assert "on 8 of 10 medians" in said and "10.0 % at most" in said


def test_one_session_tells_nothing_of_repeating():
    said = time_sentences.repeat_sentence(
        MachineTimings(some_times([NET], [a_forward("net", 1.0)]))
    )
    assert said.startswith("Measured once")


def test_a_load_beside_us_is_told():
    quiet = MachineTimings(some_times([NET], []))
    assert time_sentences.load_sentence(quiet).startswith("Alone on the machine")
    busy = MachineTimings(some_times([NET], [], load=(Load("before", 1.5, (3.0,)),)))
    assert time_sentences.load_sentence(busy).startswith(
        "NOT alone on the machine: others kept busy 1.50"
    )


def test_what_a_hypervisor_took_is_told_and_the_least_samples_are_shown():
    load = (Load("before", 0.0, (0.1,)), Load("session 1", steal=0.034, pressure=0.5, throttled=0))
    times = some_times([NET], [a_forward("net", 1.0)], load=load)
    (said,) = [line for line in time_sentences.sentences(times) if "hypervisor" in line]
    assert said == (
        "While it was timed, session 1: a hypervisor took 3.40 % of the cores, a task waited for a "
        "core 50.0 % of the time, cores were slowed down 0 times."
    )
    row = row_of(times_tables.least_table(MachineTimings(times)), "net")
    assert (row["least"], row["lower quartile"], row["median"]) == pytest.approx(
        (1000, 1000, 1000.5)
    )
    assert not times_tables.least_table(MachineTimings(some_times([NET], []))).rows


def test_seconds_are_corrected_where_a_fixed_loop_took_now_longer_now_shorter():
    slow = tuple(1.0 + place % 2 for place in range(12))  # half the turns on a machine half as fast
    turns = tuple((4.0 * pace,) for pace in slow)
    times = some_times([NET], [replace(a_forward("net", 1.0), turns=turns, spins=slow)])
    timing = MachineTimings(times).clocked["net", ONE]
    assert timing.median == pytest.approx(4.0 * 1.5) and timing.half_width == 0  # at the usual 1.5
    assert any("did not keep its speed" in line for line in time_sentences.sentences(times))
    steady = replace(times, forwards=(replace(times.forwards[0], spins=(1.0,) * 12),))
    assert not MachineTimings(steady).pace


def test_what_would_be_needed_is_told_by_the_root_of_the_turns():
    turns = tuple((1.0 + 0.08 * (place % 2),) for place in range(12))  # from 1.00 to 1.08
    times = some_times([NET], [replace(a_forward("net", 1.0), turns=turns)])
    factor = ((1.08 - 1.00) / 2 / 1.04 / 0.02) ** 2
    said = time_sentences.needs_sentence(MachineTimings(times))
    assert f"about {factor:.2f} times as many turns" in said
    assert f"{12 * 1.04 * factor / 60:.3f} minutes" in said


def test_what_could_not_be_timed_is_told_once():
    failure = Failure("net", "timing", "RuntimeError: no")
    times = some_times([NET], [a_forward("net", 1.0)], failures=(failure, failure))
    said = [line for line in time_sentences.sentences(times) if "failed" in line]
    assert said == ["net: our timing failed: RuntimeError: no"]


# ----------------------------------------------------------------------- in the suite's report


def beside(folder, times, name="here"):
    """The run of a suite beside which these times lie, in a folder of that name."""
    (folder / name).mkdir()
    (folder / name / "times.json.xz").write_bytes(dump_times(times))
    return Run(RUN_SCHEMA, Suite(times.suite, times.version, "", times.cases[:1]), {})


def test_the_report_of_a_suite_tells_of_each_machine_and_leads_to_its_report(tmp_path):
    run = beside(tmp_path, zoo_times(), "one")
    beside(tmp_path, replace(zoo_times(), machine="gpu-another"), "two & more")
    page, text = (path.read_text() for path in write(run, tmp_path, PAGES).paths)
    for words in ("cpu-2-core-some-processor", "gpu-another", "Alone on the machine"):
        assert words in page and words in text
    assert 'href="one/report.html"' in page and 'href="two%20%26%20more/report.html"' in page
    assert "(one/report.md)" in text and "Nothing" not in text.split("## Time and memory")[1][:20]


def test_only_cases_of_the_run_are_shown(tmp_path):
    run = beside(tmp_path, zoo_times())
    (part,) = timed.timed(times_sources.machines_in(tmp_path, run.suite), run.suite)
    assert [row[0] for row in part.table.rows] == ["m0"]


@pytest.mark.parametrize("change", [{"suite": "another"}, {"version": 2}])
def test_what_is_of_something_else_is_left_out(tmp_path, change):
    run = beside(tmp_path, zoo_times())
    (tmp_path / "here" / "times.json.xz").write_bytes(dump_times(replace(zoo_times(), **change)))
    page, text = (path.read_text() for path in write(run, tmp_path, PAGES).paths)
    command = "flop-harness time torchvision:m0 --input 1x3x8x8"
    assert command in page and command in text


def test_timings_are_a_frame_in_seconds(tmp_path):
    save(beside(tmp_path, zoo_times()), tmp_path)
    frame = load(tmp_path).timings
    assert len(frame) == 12 and set(frame.machine) == {"cpu-2-core-some-processor"}
    first = frame.iloc[0]  # 1000 MACs at a microsecond each, give or take a thousandth
    assert (first.case, first.device, first.threads, first["dtype"]) == ("m0", "cpu", 1, "float32")
    assert (first.low_s, first.high_s) == (pytest.approx(1e-3), pytest.approx(1.001e-3))
    assert first.median_s == pytest.approx(1.0005e-3) and (first.samples, first.status) == (
        24,
        "ok",
    )
    assert first.bound_s == pytest.approx(2.0)  # 2000 FLOP at 1000 a second


# ------------------------------------------------------------------------------- the sweeps


def test_a_grouped_convolution_is_held_against_the_same_in_one_group():
    found = {each.groups: each for each in sweeps_analysis.grouped(MachineTimings(grouped_times()))
             if each.series == ONE}  # fmt: skip
    assert [each.theory for each in found.values()] == [1, 2, 4, 8]
    assert [each.speedup for each in found.values()] == pytest.approx([1, 2, 2, 0.8])
    assert [each.against.verdict for each in found.values()] == [
        "no difference shown", "faster", "faster", "slower",
    ]  # fmt: skip
    assert [each.depthwise for each in found.values()] == [False, False, False, True]


def test_what_groups_bring_is_told_in_a_sentence():
    first, reached, depthwise = list(
        sweep_statements.grouped_statements(MachineTimings(grouped_times()))
    )[:3]
    assert "of 3 grouped convolutions 2 are shown to be faster" in first.text
    assert "1 slower" in first.text and first.shown
    assert not reached.shown  # the middle of 100 %, 50 % and 10 %: of three there is no interval
    assert "reach 50.0 %" in reached.text
    assert "8.00 times cheaper in theory, are 0.800 (95 %: 0.800 to 0.800)" in depthwise.text


def test_convolutions_whose_work_takes_less_than_a_launch_are_not_told_of():
    times = grouped_times()
    launch = tuple(each for series in (ONE, TWO) for each in (
        Ceiling("product", series, 1000, (1e-6,)), Ceiling("copy", series, 1000, (5.0,)),
    ))  # fmt: skip
    clock = MachineTimings(replace(times, ceilings=launch))  # 1600 FLOP take 1.6 us, a launch 5 s
    assert clock.launch(ONE) == 5.0 and clock.only_overhead("g1", ONE)
    assert list(sweep_statements.grouped_statements(clock)) == []
    slow = tuple(replace(each, samples=(1e-9,)) if each.kind == "copy" else each for each in launch)
    assert not MachineTimings(replace(times, ceilings=slow)).only_overhead("g1", ONE)


@pytest.mark.parametrize(("model", "shape", "told"), [
    ("torch.nn:Conv2d", (1, 3, 6, 6), "3 channels, 6 × 6"),
    ("torch.nn:Conv2d", (8, 3, 6, 6), "3 channels, 6 × 6, batch 8"),
    ("torch.nn:Conv2d", (3, 6, 6), "3 channels, 6 × 6, unbatched"),
    ("torch.nn:Conv1d", (3, 6), "3 channels, 6, unbatched"),
    ("torch.nn:Conv3d", (3, 2, 6, 6), "3 channels, 2 × 6 × 6, unbatched"),
    ("torch.nn:ConvTranspose1d", (2, 3, 6), "3 channels, 6, batch 2"),
    ("mine.py:Grouped", (2, 3, 6, 6), "3 channels, 6 × 6, batch 2"),
])  # fmt: skip
def test_a_sweep_is_named_by_channels_sizes_and_batch(model, shape, told):
    case = Case("conv", model, (Input(shape),), {"in_channels": 3, "out_channels": 3})
    assert sweeps_analysis.sweep_name(case) == told


def test_other_channels_or_sizes_are_other_sweeps():
    from clocks import a_conv

    cases = [a_conv("a", 1), a_conv("b", 2, size=12), a_conv("c", 2, channels=16)]
    forwards = [a_forward(case.id, 1.0) for case in cases]
    theory = [a_theory(case.id, 100) for case in cases]
    assert sweeps_analysis.grouped(MachineTimings(some_times(cases, forwards, theory))) == []


def test_larger_inputs_are_held_against_the_smallest_of_the_same_model():
    big = replace(NET, id="net-big", inputs=(Input((4, 3, 8, 8)),))
    times = some_times([big, NET], [a_forward("net-big", 3.0), a_forward("net", 1.0)],
                       [a_theory("net-big", 400), a_theory("net", 100)])  # fmt: skip
    row = row_of(sweeps_tables.input_table(MachineTimings(times)), "net-big", "net")
    assert (row["MAC"], row["parameters"]) == (4, 1)
    assert row["time"] == pytest.approx(3) and row["time per MAC"] == pytest.approx(0.75)
    (said,) = sweep_statements.input_statements(MachineTimings(times))
    assert said.shown and said.text.endswith("; the parameters stay the same.")
    assert "4x3x8x8 takes 3.00 (95 %: 3.00 to 3.00) times the time of 1x3x8x8 for 4.00" in said.text


def test_a_growth_that_is_not_shown_is_counted_and_not_told():
    big = replace(NET, id="net-big", inputs=(Input((4, 3, 8, 8)),))
    times = some_times([big, NET], [a_forward("net-big", 1.0), a_forward("net", 1.0)],
                       [a_theory("net-big", 400), a_theory("net", 100)])  # fmt: skip
    told = time_sentences.sentences(times)
    assert not any("times the time of" in line for line in told)
    assert any(line.startswith("1 statement about time is not shown") for line in told)
    assert "not known to differ" in times_documents.markdown(times).decode()


# ----------------------------------------------------------------------- in other contexts


def test_another_layout_is_held_against_the_plain_series_of_as_many_threads():
    last = replace(ONE, channels_last=True)
    cases = [replace(NET, id=f"net{place}") for place in range(6)]
    forwards = [a_forward(case.id, seconds, series) for case in cases
                for series, seconds in ((ONE, 2.0), (last, 1.0), (TWO, 5.0))]  # fmt: skip
    clock = MachineTimings(some_times(cases, forwards))
    rows = contexts_tables.context_table(clock).rows
    assert {row[1] for row in rows} == {str(last)} and {row[2] for row in rows} == {0.5}
    (said,) = contexts_analysis.statements(clock)
    assert said.shown and "takes 0.500 (95 %: 0.500 to 0.500) times as long" in said.text


def test_a_context_that_brings_nothing_for_sure_is_not_told():
    last = replace(ONE, channels_last=True)
    cases = [replace(NET, id=f"net{place}") for place in range(6)]
    forwards = [a_forward(case.id, seconds, series) for place, case in enumerate(cases)
                for series, seconds in ((ONE, 2.0), (last, 1.0 + place))]  # fmt: skip
    (said,) = contexts_analysis.statements(MachineTimings(some_times(cases, forwards)))
    assert not said.shown


def test_a_case_that_names_no_dtype_is_held_against_its_model_s_own():
    half, last = replace(ONE, dtype="float16"), replace(ONE, dtype="float16", channels_last=True)
    forwards = [a_forward("net", 2.0, half), a_forward("net", 3.0, last)]
    clock = MachineTimings(some_times([replace(NET, dtype="")], forwards))
    (row,) = contexts_tables.context_table(clock).rows
    assert (row[1], row[2]) == (str(last), 1.5)


# --------------------------------------------------------------------------- the predictors


def test_the_count_that_time_follows_is_the_best():
    clock = MachineTimings(zoo_times())
    best = predictors_analysis.predictors(clock, ONE)[0]
    assert "macs" in (best.name, *best.same) and "flops" in (best.name, *best.same)
    assert best.prediction.factor == pytest.approx(1, abs=0.01)


def test_parameters_that_run_another_way_are_worse_and_that_is_shown():
    clock = MachineTimings(replace(zoo_times(), layers=()))
    row = row_of(predictors_tables.predictor_table(clock, ONE), "params")
    assert row["off by"] > 3 and row["against MACs"] == "worse"
    near, *_, lost = predictors_analysis.statements(clock)
    assert "over 12 models of 4 families, the time that MACs predict" in near.text
    assert lost.shown and "parameters are off by" in lost.text and "95 %" in lost.text


def test_of_counts_whose_errors_overlap_none_is_named_best():
    clock = MachineTimings(zoo_times(law=lambda macs, place: 1.0 + (place * 5) % 12))
    near, best = list(predictors_analysis.statements(clock))[:2]
    assert "no count is shown to be better" in near.text
    assert not best.shown and "which of" in best.text


def test_few_models_predict_nothing():
    assert list(predictors_analysis.statements(MachineTimings(grouped_times()))) == []


# ------------------------------------------------------------------------- layers and memory


def test_layers_stand_beside_their_work():
    row = row_of(layers.layer_table(MachineTimings(zoo_times())), "m0", "conv")
    assert (row["flop"], row["bytes"], row["flop_per_byte"]) == (2000, 100, 20)
    assert row["least_s"] == 2.0 and row["bound"] == "compute"  # 2000 FLOP at 1000 a second
    assert row["median_s"] == pytest.approx(1e-3)


def test_the_time_in_memory_bound_layers_has_an_interval_over_the_cases():
    """A product of 90 FLOP and a copy of 10 FLOP and 1,000 bytes: only the copy is bound by the
    100 byte/s. It takes 1 to 8 of the 10 seconds of its case: 45 % in the middle. Eight samples
    lie on one side of their median once in 128 times: lowest and highest hold it."""
    roof = MachineTimings(zoo_times()).roofs[ONE]

    def a_layer(case, path, seconds, work):
        return Layer(LayerTimes(case, ONE, path, "Conv2d", (seconds,)), work, roof)

    found = []
    for k in range(1, 9):
        found += [a_layer(f"m{k}", "product", 10.0 - k, LayerWork("product", "Linear", 90, 1)),
                  a_layer(f"m{k}", "copy", float(k), LayerWork("copy", "ReLU", 10, 1000))]  # fmt: skip

    told = bound_statement(ONE, found)

    assert told.shown
    assert "8 of 16 timed layers are memory-bound" in told.text
    assert "10.0 % of all MACs and 45.0 % (95 %: 10.0 % to 80.0 %) of the time" in told.text
    assert not bound_statement(ONE, found[:4]).shown


def test_the_slowest_layers_that_make_up_nine_tenths_of_the_time_are_drawn():
    def layer(seconds, series=ONE):
        return Layer(LayerTimes("m", series, str(seconds), "Conv2d", (seconds,)), None, None)

    found = [layer(5.0), layer(1.0), layer(70.0), layer(24.0), layer(2.0, TWO)]
    drawn = [(each.times.series, each.median) for each in roofline.slowest(found)]
    assert drawn == [(ONE, 70.0), (ONE, 24.0), (TWO, 2.0)]  # 94 of 100, and all of the other


def test_the_inputs_of_a_case_are_those_that_its_model_was_called_with():
    times = zoo_times()
    called = "1x1 + 1x4x64x16 + 1x4x64x16 + 1x4x64x16 + 1x4x64x16"
    times = replace(times, theory=tuple(replace(each, inputs=called) for each in times.theory))
    table = times_tables.case_table(times)
    assert {row[table.names.index("input")] for row in table.rows} == {"1x1 + 4 of 1x4x64x16"}


def test_the_cost_of_hooks_is_told():
    row = row_of(layers.hook_table(MachineTimings(zoo_times())), "m0")
    assert row["cost"] == pytest.approx(0.1) and row["layers"] == 1


def test_memory_is_told_in_both_units():
    net = a_theory("alexnet", 100, 61_100_840)
    clock = MachineTimings(some_times([replace(NET, id="alexnet")], [], [net]))
    row = row_of(memory_tables.table(clock), "alexnet")
    assert row["parameters"] == 4 * 61_100_840
    assert row["in MB"] == pytest.approx(244.40336) and row["in MiB"] == pytest.approx(
        233.08, abs=0.01
    )
    (said,) = memory_analysis.sentences(clock)
    assert "244.4 MB or 233.1 MiB" in said and "228.9" in said


# -------------------------------------------------------------------------------- the files


@pytest.mark.parametrize("times", [zoo_times(), grouped_times(), some_times([NET], [])])
@pytest.mark.parametrize("name", files.TIMES)
def test_every_file_can_be_written_of_anything(name, times):
    assert files.TIMES[name](times)


def test_the_page_needs_no_network_and_shows_each_chart_with_its_table():
    page = times_documents.html(zoo_times()).decode()
    assert "http://" not in page.replace("http://www.w3.org", "") and "https://" not in page
    for heading in ("Cases", "What predicts time", "Roofline", "Layers", "Memory"):
        section = page[page.index(f">{heading}</h2>") :]
        assert "<table" in section[: section.index("</section>")]
    assert page.count("<svg") == 2  # what predicts, and the roofline


def test_names_cannot_break_the_page():
    bad = replace(NET, id="<script>alert(1)</script>")
    page = times_documents.html(some_times([bad], [a_forward(bad.id, 1.0)])).decode()
    assert "<script>alert" not in page


def test_charts_hold_the_figures_of_their_tables():
    clock = MachineTimings(grouped_times())
    dots = [dot for dot in grouped.grouped_dots(clock) if dot["series"] == str(TWO)]
    assert [(dot["groups"], dot["measured"]) for dot in dots] == [
        (1, 1.0), (2, pytest.approx(2)), (4, pytest.approx(2)), (8, pytest.approx(0.8)),
    ]  # fmt: skip
    cases = [
        dot for dot in roofline.roof_dots(MachineTimings(zoo_times())) if dot["what"] == "case"
    ]
    assert cases[0]["intensity"] == 20 and len(cases) == 12
