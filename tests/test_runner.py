"""A run: one counter's misfortune is its own, and what is finished is never done again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from random import Random
from types import SimpleNamespace

import psutil
import pytest

import faulty.counters
from commands import left_running
from flop_harness import counters as registry
from flop_harness.ask.compare import carry_out, save
from flop_harness.errors import UserError
from flop_harness.records import Case, Input, Policy, Reading, Run, Suite
from flop_harness.run import workers
from flop_harness.run.plan import Progress, Work
from flop_harness.run.planning import asking, make_plan
from flop_harness.store import load

LINEAR = Case(
    "linear", "torch.nn:Linear", (Input((2, 4)),), {"in_features": 4, "out_features": 3}
)  # fmt: skip
CONV = Case(
    "conv", "torch.nn:Conv2d", (Input((1, 3, 8, 8)),),
    {"in_channels": 3, "out_channels": 6, "kernel_size": 3},
)  # fmt: skip
# Multiplications: 2 rows of 4 x 3; 6 x 6 outputs of 6 channels, 3 x 3 x 3 each.
MACS = {"linear": 2 * 4 * 3, "conv": 6 * 6 * 6 * 3 * 3 * 3}
PARAMS = {"linear": 4 * 3 + 3, "conv": 6 * 3 * 3 * 3 + 6}

WELL_BEHAVED = ("analytic", "thop", "numel")

FAULTS = "faulty counters: one cell marked, all others exact"
NONSENSE = "returned {} ({}), which is no count"

# What each says in its cells, compute and params; None stands for "ok" and the right figure.
SAYS: dict[str, tuple[str, str] | None] = {
    "raises": ("failed", "ValueError: no rule for this layer"),
    "raises-own": ("failed", "Unheard: its message cannot be shown (RuntimeError)"),
    "raises-interrupt": ("failed", "KeyboardInterrupt"),
    "raises-lines": ("failed", "ValueError: " + ("line " * 6_000)[: 500 - 13] + "…"),
    "stops": ("timeout", "no result within 2 s"),
    "kills-parent": ("failed", "its process died of SIGKILL"),
    "closes-all": (
        "failed", "its process could not tell its result: it closed what it is told through"
    ),
    "exits": ("failed", "SystemExit: usage: counter MODEL"),
    "hangs": ("timeout", "no result within 2 s"),
    "segfaults": ("failed", "its process died of SIGSEGV"),
    "reads-nowhere": ("failed", "its process died of SIGSEGV"),
    "quits": ("failed", "its process ended without a result (exit code 0)"),
    "kills-group": ("failed", "its process died of SIGKILL"),
    "hoards": ("out_of_memory", "MemoryError"),
    "declines": ("unavailable", "it counts layers of clay only"),
    "missing": ("unavailable", "no-such-package-anywhere is not installed (pip install no-such-package-anywhere)"),
    "imports-missing": (
        "failed", "ModuleNotFoundError: No module named 'no_such_package_anywhere'"
    ),
    "prints": None,
    "floods": None,
    "warns": None,
    "closes-output": None,
    "leaves-child": None,
    "leaves-session": None,
    "patches-python": None,
    "changes-defaults": None,
    "litters": None,
    "patches-torch": None,
    "zeroes-weights": None,
    "wanders": None,
    "returns-junk": ("failed", "AttributeError: 'int' object has no attribute 'compute'"),
    "returns-nothing": ("failed", "AttributeError: 'NoneType' object has no attribute 'compute'"),
    "returns-junk-modules": ("failed", "AttributeError: 'list' object has no attribute 'items'"),
    "returns-unprintable": ("failed", "RuntimeError: cannot be shown"),
    "returns-numpy": None,
    "refuses-inputs": ("failed", "TypeError: it takes one tensor"),
    "good": None,
}  # fmt: skip

# The same where the two figures are refused for different reasons.
FIGURES = {
    "returns-nan": ("returned nan, which is no count", "returned inf, which is no count"),
    "returns-negative": ("returned -1, which is no count", "returned -0.5, which is no count"),
    "returns-string": (NONSENSE.format("'24 MMac'", "str"), NONSENSE.format(r"'1\n2'", "str")),
    "returns-tensor": (
        NONSENSE.format("tensor(24)", "Tensor"), NONSENSE.format("tensor([1., 1.])", "Tensor")
    ),
    "returns-none": (NONSENSE.format("None", "NoneType"),) * 2,
    "returns-bool": (NONSENSE.format("True", "bool"), NONSENSE.format("False", "bool")),
}  # fmt: skip


@pytest.fixture(scope="module")
def plugins(tmp_path_factory):
    """An environment in which the faulty counters are installed; ends as it was."""
    names = [
        name
        for name, found in vars(faulty.counters).items()
        if isinstance(found, registry.Counter) and name not in ("impostor", "nameless")
    ]
    folder = tmp_path_factory.mktemp("site")
    before = list(sys.path)
    sys.path[:0] = faulty.installed(folder, names)
    registry.counters.cache_clear()
    yield
    sys.path[:] = before
    registry.counters.cache_clear()


def suite_of(*cases: Case, **changes) -> Suite:
    plain = Suite(
        "tiny", 1, "two layers", cases, Policy(1, 2, 0.0), timeout_s=2.0, memory_gib=0.5,
        digest="0",
    )  # fmt: skip
    return replace(plain, **changes)


def run_of(folder: Path, *counters: str, cases=(LINEAR, CONV), suite=None, **options) -> Run:
    suite = suite or suite_of(*cases)
    options = {"device": "cpu"} | options
    return carry_out(make_plan(suite, folder, counters=counters, **options))


def steady(reading: Reading) -> Reading:
    """A reading without what differs from one undisturbed run to the next."""
    return replace(reading, seconds=None, peak_bytes=None)


def of(run: Run, *counters: str) -> list[Reading]:
    return [steady(r) for r in run.readings if r.counter in counters]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Run:
    return run_of(tmp_path_factory.mktemp("undisturbed"), *WELL_BEHAVED)


@pytest.fixture(scope="module")
def disturbed(tmp_path_factory, plugins) -> Run:
    """The well-behaved counters among all that misbehave, in the middle of them."""
    bad = sorted([*SAYS, *FIGURES])
    among = [*bad[::2], *WELL_BEHAVED, *bad[1::2]]
    return run_of(tmp_path_factory.mktemp("disturbed"), *among)


# ------------------------------------------------------------------------- without any disturbance


def test_figures_are_those_of_the_dimensions(undisturbed):
    for reading in undisturbed.readings:
        if reading.counter != "thop":  # which has its own ideas
            expected = MACS if reading.metric == "compute" else PARAMS
            assert (reading.status, reading.value) == ("ok", expected[reading.case]), reading


def test_every_reading_has_a_bridge_that_adds_up(undisturbed):
    assert len(undisturbed.bridges) == len(undisturbed.readings)
    for bridge in undisturbed.bridges:
        steps = sum(step.amount for step in bridge.steps)
        assert bridge.reference + steps + bridge.residual == bridge.reading
        assert bridge.explained


def test_a_second_run_elsewhere_gives_the_same(undisturbed, tmp_path):
    again = run_of(tmp_path, *WELL_BEHAVED, jobs=2)
    assert [steady(r) for r in again.readings] == [steady(r) for r in undisturbed.readings]
    assert again.bridges == undisturbed.bridges
    assert again.figures == undisturbed.figures
    assert again.traces == undisturbed.traces


def test_a_case_that_computes_on_all_cores_can_be_forked(tmp_path):
    """Its threads do not come along: a fork that waits for them would wait for ever."""
    (tmp_path / "net.py").write_text(
        "from torch import nn\n\n\n"
        "def net():\n    return nn.utils.parametrizations.weight_norm(nn.Linear(512, 512))\n"
    )
    case = Case("normed", "net.py:net", (Input((64, 512)),))
    suite = suite_of(case, folder=str(tmp_path), timeout_s=30.0)
    run = run_of(tmp_path / "out", "torch", "thop", suite=suite)
    assert {reading.status for reading in run.readings} == {"ok"}


# --------------------------------------------------------------------- one cell marked, others exact


@pytest.mark.parametrize("name", [name for name, said in SAYS.items() if said])
def test_a_counter_that_fails_is_a_status_and_a_message(disturbed, name, record_property):
    record_property(FAULTS, 1)
    status, message = SAYS[name]
    readings = of(disturbed, name)
    assert [(r.case, r.metric) for r in readings] == [
        (case, metric) for case in ("linear", "conv") for metric in ("compute", "params")
    ]
    for reading in readings:
        assert (reading.status, reading.message) == (status, message)
        assert reading.value is None
    assert not [b for b in disturbed.bridges if b.counter == name]


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_that_is_no_count_is_refused_and_shown(disturbed, name, record_property):
    record_property(FAULTS, 1)
    for reading in of(disturbed, name):
        message = FIGURES[name][("compute", "params").index(reading.metric)]
        assert (reading.status, reading.value, reading.message) == ("failed", None, message)
        assert reading.figure and "\n" not in reading.figure


@pytest.mark.parametrize("name", [name for name, said in SAYS.items() if not said])
def test_a_counter_that_is_only_untidy_is_read_all_the_same(disturbed, name, record_property):
    record_property(FAULTS, 1)
    readings = of(disturbed, name)
    assert len(readings) == 4
    for reading in readings:
        expected = MACS if reading.metric == "compute" else PARAMS
        assert (reading.status, reading.value) == ("ok", expected[reading.case]), reading.message
        assert type(reading.value) is int


@pytest.mark.parametrize("name", WELL_BEHAVED)
def test_every_other_cell_is_as_if_the_faulty_had_not_run(undisturbed, disturbed, name):
    assert of(disturbed, name) == of(undisturbed, name)
    theirs = [b for b in disturbed.bridges if b.counter == name]
    assert theirs == [b for b in undisturbed.bridges if b.counter == name]


def test_the_reference_is_as_if_the_faulty_had_not_run(undisturbed, disturbed):
    assert disturbed.figures == undisturbed.figures
    assert disturbed.unsupported == undisturbed.unsupported
    assert disturbed.failures == ()


def test_what_was_printed_belongs_to_who_printed_it(disturbed):
    for reading in of(disturbed, "prints"):
        assert reading.output == "[INFO] register count_conv()\nand to stderr\n"
    for reading in of(disturbed, "floods"):
        assert "bytes left out" in reading.output and len(reading.output) < 2**16
    for reading in of(disturbed, "warns"):
        assert reading.warnings == ("this rule is deprecated",)
    for reading in of(disturbed, "good", "litters"):
        assert (reading.output, reading.warnings) == ("", ())


def test_what_was_left_on_the_model_is_listed(disturbed):
    for reading in of(disturbed, "litters"):
        told = "; ".join(reading.leftovers)
        assert "training mode changed on the model" in told
        assert "hooks left on the model" in told
        assert "buffers added: total_ops" in told
        assert "state_dict keys added: total_ops" in told
        assert ".__flops__" in told
    for reading in of(disturbed, "good", "prints"):
        assert reading.leftovers == ()


def test_no_process_of_a_counter_is_left(disturbed):
    left = [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "3600"]]
    assert [p for p in left if p.status() != psutil.STATUS_ZOMBIE] == []


def test_a_run_with_faulty_counters_is_stored_and_reported(disturbed, tmp_path):
    import flop_harness

    save(disturbed, tmp_path)
    readings = flop_harness.load(tmp_path).readings
    assert len(readings) == len(disturbed.readings)
    assert set(readings.status) == {"ok", "unavailable", "failed", "timeout", "out_of_memory"}


def test_what_is_killed_for_memory_beside_another_is_asked_again_alone(plugins, tmp_path):
    run = run_of(tmp_path, "takes-all", suite=suite_of(LINEAR, CONV, timeout_s=60.0), jobs=2)
    said = {(r.case, r.metric): (r.status, r.value) for r in of(run, "takes-all")}
    right = {(case, "compute"): ("ok", macs) for case, macs in MACS.items()}
    assert said == right | {(case, "params"): ("ok", params) for case, params in PARAMS.items()}


@pytest.mark.slow  # as long as the next is not seen to
def test_a_counter_that_kills_who_waits_for_it_costs_only_its_own_cell(
    plugins, undisturbed, tmp_path
):
    run = run_of(tmp_path, "analytic", "kills-waiting", "thop", "numel")
    assert of(run, *WELL_BEHAVED) == of(undisturbed, *WELL_BEHAVED)
    assert [(f.case, f.stage) for f in run.failures] == [("linear", "process"), ("conv", "process")]
    assert of(run, "kills-waiting") == []


@pytest.mark.slow
def test_a_case_process_that_is_killed_is_missed_at_once_and_takes_its_fork_along(
    plugins, tmp_path
):
    before, started = sessions(), time.monotonic()
    run_of(tmp_path, "kills-waiting", cases=[LINEAR])
    took = time.monotonic() - started
    left = sessions() - before
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert (took < 20, left) == (True, set())


def sessions() -> set[int]:
    """Processes of ours whose parent is gone."""
    found = set()
    for process in psutil.process_iter(["ppid", "cmdline"]):
        words = " ".join(process.info["cmdline"] or ())
        if process.info["ppid"] == 1 and str(faulty.TESTS) in words and "forkserver" in words:
            found.add(process.pid)
    return found


@pytest.mark.parametrize("name", ["returns-numpy-fraction", "returns-units"])
def test_a_number_of_an_unusual_class_is_a_number(plugins, tmp_path, name):
    run = run_of(tmp_path, name, cases=[LINEAR])
    assert [r.status for r in run.readings] == ["ok", "ok"]
    assert run.readings[0].value == 1.5
    assert json.loads(json.dumps(run.readings[0].value)) == 1.5


def test_numbers_of_thousands_of_digits_harm_nobody(plugins, tmp_path):
    run = run_of(tmp_path, "returns-huge", "good", cases=[LINEAR])
    assert [r.status for r in of(run, "good")] == ["ok", "ok"]
    assert of(run, "returns-huge")[0].status == "failed"


def test_markup_in_a_message_stays_text(plugins, tmp_path):
    run = run_of(tmp_path, "returns-markup", cases=[LINEAR])
    save(run, tmp_path)
    assert "<script>alert" not in (tmp_path / "report.html").read_text()
    assert "\x1b" not in (tmp_path / "readings.csv").read_text()


# ------------------------------------------------------------------------- rules that do not hold


def test_a_rule_that_raises_is_our_failure_not_the_readings(plugins, tmp_path):
    run = run_of(tmp_path, "unpredictable", "good", cases=[LINEAR])
    assert [(r.status, r.value) for r in of(run, "unpredictable")] == [("ok", 24)]
    (failure,) = run.failures
    assert (failure.case, failure.stage) == ("linear", "unpredictable's rules for compute")
    assert failure.message == "KeyError: 'no rule'"
    assert len(run.bridges) == 2  # those of the good one


def test_a_rule_that_gives_junk_is_our_failure(plugins, tmp_path):
    run = run_of(tmp_path, "predicts-junk", "good", cases=[LINEAR])
    assert [f.stage for f in run.failures] == ["predicts-junk's rules for params"]
    assert len(run.bridges) == 2


def test_a_reading_off_by_one_is_a_residual_of_one(plugins, tmp_path):
    run = run_of(tmp_path, "off-by-one", cases=[CONV])
    compute, params = run.bridges
    assert (compute.residual, compute.explained) == (1, False)
    assert (params.residual, params.explained) == (0, True)


def test_a_device_that_is_not_there_is_a_failed_cell(plugins, tmp_path):
    run = run_of(tmp_path, "elsewhere", "good", cases=[LINEAR])
    assert [r.status for r in of(run, "good")] == ["ok", "ok"]
    assert {r.status for r in of(run, "elsewhere")} <= {"failed", "unavailable"}
    assert len(of(run, "elsewhere")) == 2


# --------------------------------------------------------------------------------- bad plugins


@pytest.fixture
def installing(tmp_path, monkeypatch):
    """Install further entry points for one test."""

    def install(*entries: str) -> None:
        for place in reversed(faulty.installed(tmp_path / "site", entries)):
            monkeypatch.syspath_prepend(place)
        registry.counters.cache_clear()

    yield install
    monkeypatch.undo()
    registry.counters.cache_clear()


def test_a_counter_outside_the_package_is_found_after_ours(installing):
    installing("good", "prints")
    known = list(registry.counters())
    assert known.index("numel") < known.index("good") < known.index("prints")
    assert registry.version_of(registry.counters()["good"]) == faulty.VERSION


def test_two_counters_of_one_name_are_refused(installing):
    installing("impostor")
    with pytest.raises(UserError, match="two counters are called 'thop'"):
        registry.counters()


@pytest.mark.parametrize(
    "entry",
    ["faulty.broken:COUNTER", "faulty.nowhere:COUNTER", "faulty.counters:no_such", "not_a_counter"],
)
def test_a_plugin_that_is_none_is_named_in_one_line(installing, entry):
    installing(entry)
    with pytest.raises(UserError, match=r"faulty|not_a_counter"):
        registry.find(["thop"])


def test_a_plugin_that_names_no_distribution_is_not_installed(installing, tmp_path):
    installing("nameless", "good")
    run = run_of(tmp_path / "out", "nameless", "good", cases=[LINEAR])
    assert [r.status for r in of(run, "good")] == ["ok", "ok"]
    assert {r.status for r in of(run, "nameless")} == {"unavailable"}


def test_what_cannot_start_is_reported_and_not_started_forever(installing, tmp_path, monkeypatch):
    installing("faulty.shy:COUNTER")
    started = []
    start = workers.Worker.__post_init__

    def counting(self) -> None:
        started.append(self.work.case.id)
        assert len(started) < 10, "the case's process is started again and again"
        start(self)

    monkeypatch.setattr(workers.Worker, "__post_init__", counting)
    run = run_of(tmp_path / "out", "good", cases=[LINEAR])
    assert {failure.stage for failure in run.failures} == {"process"}


# --------------------------------------------------------------------- models that cannot be used


MODELS = """
import os, sys, time
from torch import nn

class Good(nn.Linear):
    def __init__(self):
        super().__init__(4, 3)

class RaisesValue(nn.Module):
    def forward(self, x):
        raise ValueError("wrong\\nsize")

class RaisesKey(nn.Module):
    def forward(self, x):
        return {}["missing"]

class RaisesAssertion(nn.Module):
    def forward(self, x):
        assert x.shape[0] == 99, "a batch of 99 is needed"

class RaisesAttribute(nn.Module):
    def forward(self, x):
        return self.nothing

class Exits(nn.Module):
    def forward(self, x):
        sys.exit("forward says goodbye")

class Own(BaseException):
    pass

class RaisesOwn(nn.Module):
    def forward(self, x):
        raise Own("nobody expects it")

class Interrupts(nn.Module):
    def forward(self, x):
        raise KeyboardInterrupt

class InterruptsItsMaking(nn.Module):
    def __init__(self):
        raise KeyboardInterrupt

class OwnInItsMaking(nn.Module):
    def __init__(self):
        raise Own("not even built")

class Recurses(nn.Module):
    def forward(self, x):
        return self(x)

class Quits(nn.Module):
    def __init__(self):
        super().__init__()
        os._exit(7)

class QuitsLater(nn.Module):
    def forward(self, x):
        os._exit(7)
"""


@pytest.fixture
def models(tmp_path) -> Path:
    (tmp_path / "models.py").write_text(MODELS)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("RaisesValue", "ValueError: wrong size"),
        ("Recurses", "RecursionError"),
        ("RaisesKey", "KeyError: 'missing'"),
        ("RaisesAssertion", "a batch of 99 is needed"),
        ("RaisesAttribute", "AttributeError"),
        ("Exits", "SystemExit"),
        ("RaisesOwn", "Own: nobody expects it"),
        ("Interrupts", "KeyboardInterrupt"),
        ("InterruptsItsMaking", "KeyboardInterrupt"),
        ("OwnInItsMaking", "Own: not even built"),
    ],
)
def test_a_model_that_raises_is_the_users_and_spoils_no_other_case(models, name, reason, capfd):
    bad = Case("bad", f"models.py:{name}", (Input((2, 4)),))
    good = Case("good", "models.py:Good", (Input((2, 4)),))
    suite = suite_of(bad, good, folder=str(models))
    run = run_of(models / "out", "numel", suite=suite)
    (failure,) = run.failures
    assert (failure.case, failure.stage) == ("bad", "model")
    assert reason in failure.message
    assert "Traceback" not in capfd.readouterr().err
    assert [r.value for r in run.readings if r.case == "good"] == [4 * 3 + 3] * 2


@pytest.mark.parametrize("name", ["Quits", "QuitsLater"])
def test_a_model_that_ends_its_process_spoils_no_other_case(models, name):
    bad = Case("bad", f"models.py:{name}", (Input((2, 4)),))
    good = Case("good", "models.py:Good", (Input((2, 4)),))
    run = run_of(models / "out", "numel", suite=suite_of(bad, good, folder=str(models)))
    assert {failure.case for failure in run.failures} == {"bad"}
    assert [r.value for r in run.readings if r.case == "good"] == [4 * 3 + 3] * 2


def test_inputs_too_large_for_the_machine_are_the_users(models):
    huge = Case("huge", "torch.nn:ReLU", (Input((10**6, 10**6, 100)),))
    good = Case("good", "models.py:Good", (Input((2, 4)),))
    run = run_of(models / "out", "torch", suite=suite_of(huge, good, folder=str(models)))
    assert {(f.case, f.stage) for f in run.failures} <= {("huge", "model")}
    assert [r.status for r in run.readings if r.case == "good"] == ["ok", "ok"]


# ------------------------------------------------------------------------ what is finished is kept


def followed() -> tuple[Progress, list[str]]:
    done: list[str] = []
    watch = Progress(
        finished=lambda cell, result: done.append(f"{cell.case} {cell.counter} {cell.context}"),
    )
    return watch, done


def test_a_finished_run_asked_again_does_nothing_and_says_the_same(tmp_path):
    options = {"counters": WELL_BEHAVED, "device": "cpu"}
    first = carry_out(make_plan(suite_of(LINEAR), tmp_path, **options))
    watch, done = followed()
    second = carry_out(make_plan(suite_of(LINEAR), tmp_path, **options), watch)
    assert done == []
    assert second == first


def test_a_fresh_run_does_everything_anew(tmp_path):
    options = {"counters": ("numel",), "device": "cpu"}
    carry_out(make_plan(suite_of(LINEAR), tmp_path, **options))
    watch, done = followed()
    carry_out(make_plan(suite_of(LINEAR), tmp_path, fresh=True, **options), watch)
    assert len(done) == 3  # reference, total, trainable


def test_a_suite_that_was_changed_is_run_anew(tmp_path):
    options = {"counters": ("numel",), "device": "cpu"}
    carry_out(make_plan(suite_of(LINEAR), tmp_path, **options))
    watch, done = followed()
    carry_out(make_plan(suite_of(LINEAR, digest="1"), tmp_path, **options), watch)
    assert len(done) == 3


def test_a_model_file_that_was_changed_is_run_anew(models):
    case = Case("good", "models.py:Good", (Input((2, 4)),))
    suite = suite_of(case, folder=str(models))
    assert run_of(models / "out", "numel", suite=suite).readings[0].value == 4 * 3 + 3
    (models / "models.py").write_text(MODELS.replace("4, 3)", "4, 5)"))
    assert run_of(models / "out", "numel", suite=suite).readings[0].value == 4 * 5 + 5


def test_a_model_that_failed_is_tried_again_once_it_is_mended(models):
    case = Case("bad", "models.py:RaisesValue", (Input((2, 4)),))
    suite = suite_of(case, folder=str(models))
    assert run_of(models / "out", "numel", suite=suite).failures
    (models / "models.py").write_text(
        MODELS.replace('raise ValueError("wrong\\nsize")', "return x")
    )
    assert not run_of(models / "out", "numel", suite=suite).failures


def test_asking_fewer_counters_does_not_throw_away_the_others(tmp_path):
    run_of(tmp_path, "numel", "torch", cases=[LINEAR])
    run_of(tmp_path, "torch", cases=[LINEAR])
    watch, done = followed()
    options = {"counters": ("numel", "torch"), "device": "cpu"}
    carry_out(make_plan(suite_of(LINEAR), tmp_path, **options), watch)
    assert done == []


def test_lost_traces_are_made_again(tmp_path):
    first = run_of(tmp_path, "torch", cases=[LINEAR])
    for trace in (tmp_path / "traces").iterdir():
        trace.unlink()
    second = run_of(tmp_path, "torch", cases=[LINEAR])
    assert second.bridges == first.bridges


def test_traces_of_another_tracer_are_taken_anew_and_readings_kept(tmp_path, monkeypatch):
    first = run_of(tmp_path, "torch", cases=[LINEAR])
    monkeypatch.setattr("flop_harness.run.runner.tracer", lambda: "another")
    watch, done = followed()
    options = {"counters": ("torch",), "device": "cpu"}
    second = carry_out(make_plan(suite_of(LINEAR), tmp_path, **options), watch)
    assert len(done) == 3  # reference, no_grad, grad
    assert [r.seconds for r in second.readings] == [r.seconds for r in first.readings]


def test_a_counter_from_an_overlay_is_asked_where_a_case_names_it(tmp_path):
    case = replace(LINEAR, counters=("analytic", "torchprofile"))
    plan = make_plan(suite_of(case), tmp_path, device="cpu")
    assert {cell.counter for cell in plan.cells(case)} == {"", "analytic", "torchprofile"}
    assert "torchprofile" not in {
        each.id for each in make_plan(suite_of(LINEAR), tmp_path).counters
    }


def test_a_second_run_into_a_folder_in_use_is_refused(tmp_path):
    from flop_harness.store import Journal

    plan = make_plan(suite_of(LINEAR), tmp_path, counters=["numel"], device="cpu")
    with Journal.open(tmp_path, {}), pytest.raises(UserError, match="another run is writing"):
        carry_out(plan)


def test_a_counter_named_twice_is_asked_once(tmp_path):
    watch, done = followed()
    options = {"counters": ("torch", "torch"), "device": "cpu"}
    carry_out(make_plan(suite_of(LINEAR), tmp_path, **options), watch)
    assert len(done) == len(set(done))


# ----------------------------------------------------------------------------------- kill and resume


RUNNER = """
import sys
from pathlib import Path
from flop_harness.suite import files as suite
from flop_harness.ask.compare import carry_out, save
from flop_harness.run.planning import make_plan
from flop_harness.run.plan import Cell, Progress, Work

if __name__ == "__main__":
    chosen, folder = suite.load(sys.argv[1]), Path(sys.argv[2])
    def done(cell, result):
        print(cell.case, cell.counter, cell.context, flush=True)
    plan = make_plan(chosen, folder, device="cpu", jobs=2)
    save(carry_out(plan, Progress(finished=done)), folder)
"""

SUITE = """
name = "kill"
version = 1
timeout_s = 60
counters = ["analytic", "thop", "torch", "numel"]
[[case]]
id = "linear"
model = "torch.nn:Linear"
kwargs = { in_features = 4, out_features = 3 }
inputs = [[2, 4]]
[[case]]
id = "conv"
model = "torch.nn:Conv2d"
kwargs = { in_channels = 3, out_channels = 6, kernel_size = 3 }
inputs = [[1, 3, 8, 8]]
[[case]]
id = "lstm"
model = "torch.nn:LSTM"
kwargs = { input_size = 3, hidden_size = 4 }
inputs = [[5, 2, 3]]
"""

CELLS = 3 * (1 + 1 + 1 + 2 + 2)  # cases x (reference, analytic, thop, torch twice, numel twice)


@pytest.fixture(scope="module")
def scripted(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("scripted")
    (folder / "runner.py").write_text(RUNNER)
    (folder / "kill.toml").write_text(SUITE)
    return folder


def start(scripted: Path, out: Path) -> subprocess.Popen:
    """A run on its way; what it says on stderr goes to a file beside its folder."""
    command = [sys.executable, str(scripted / "runner.py"), str(scripted / "kill.toml"), str(out)]
    with said(out).open("w") as stderr:
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=stderr, text=True, start_new_session=True
        )


def said(out: Path) -> Path:
    return out.with_name(f"{out.name}.stderr")


def kill(process: subprocess.Popen) -> list[psutil.Process]:
    """kill -9; returns the processes that it had around it."""
    family = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    return family


@pytest.fixture(scope="module")
def whole(scripted) -> Path:
    """The folder of a run that nobody killed, and for how many seconds it ran."""
    begun = time.monotonic()
    process = start(scripted, scripted / "whole")
    lines = process.stdout.read().splitlines()
    assert process.wait() == 0, "\n".join(lines[-40:])
    (scripted / "whole" / "seconds").write_text(str(time.monotonic() - begun))
    assert len(lines) == len(set(lines)) == CELLS
    return scripted / "whole"


def finished_cells(out: Path) -> set[str]:
    if not (out / "journal.jsonl").exists():
        return set()
    lines = (out / "journal.jsonl").read_bytes().split(b"\n")[:-1]
    keys = [json.loads(line).get("key", ["other"]) for line in lines]
    return {" ".join(key[1:]) for key in keys if key[0] == "cell"}


def measurements_aside(run: Run) -> Run:
    """Without what a second run of the same measures anew, and what a tool prints of it."""
    readings = (replace(r, seconds=None, peak_bytes=None, output="") for r in run.readings)
    return replace(run, readings=tuple(readings))


def assert_resumes(scripted: Path, whole: Path, out: Path) -> None:
    before = finished_cells(out)
    process = start(scripted, out)
    done = process.stdout.read().splitlines()
    assert process.wait() == 0, said(out).read_text()
    assert len(done) == len(set(done))
    assert set(done).isdisjoint(before)
    assert len(set(done) | before) == CELLS
    for name in ("bridges.csv", "table.tex"):
        assert (out / name).read_bytes() == (whole / name).read_bytes()
    ours, theirs = (measurements_aside(load(folder)) for folder in (out, whole))
    for key in ("suite", "readings", "bridges", "figures", "unsupported", "failures", "traces"):
        assert getattr(ours, key) == getattr(theirs, key), key
    ours, theirs = (
        {path.name: path.read_bytes() for path in (folder / "traces").iterdir()}
        for folder in (out, whole)
    )
    assert ours == theirs


@pytest.mark.parametrize(
    "cells",
    [9] + [pytest.param(n, marks=pytest.mark.slow) for n in (0, 1, 2, 3, 5, 7, 8, 11, 14, 18, 20)],
)
def test_a_run_that_was_killed_goes_on_where_it_stopped(scripted, whole, tmp_path, cells):
    process = start(scripted, tmp_path / "out")
    for _ in range(cells):
        process.stdout.readline()
    assert left_running(kill(process)) == []
    assert_resumes(scripted, whole, tmp_path / "out")


@pytest.mark.slow
@pytest.mark.parametrize("moment", range(20))
def test_a_run_may_be_killed_at_any_moment(scripted, whole, tmp_path, moment, record_property):
    share = Random(moment).random()
    process = start(scripted, tmp_path / "out")
    time.sleep(share * float((whole / "seconds").read_text()))
    assert left_running(kill(process)) == []
    kept = finished_cells(tmp_path / "out")
    assert_resumes(scripted, whole, tmp_path / "out")
    record_property("kills of a run at random moments, each resumed", 1)
    record_property("cells finished before the kills, none lost or run twice", len(kept))


HANGS = """
import os, sys, time
from torch import nn

class Builds(nn.Module):
    def __init__(self):
        super().__init__()
        note()
        time.sleep(3600)

class Runs(nn.Linear):
    def __init__(self):
        super().__init__(4, 3)

    def forward(self, x):
        if not x.is_meta:
            note()
            time.sleep(3600)
        return super().forward(x)

def note():
    with open(os.path.join(os.path.dirname(__file__), "reached"), "w") as file:
        file.write(str(os.getpid()))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("Builds", signal.SIGKILL),
        ("Builds", signal.SIGINT),
        ("Runs", signal.SIGKILL),
        ("Runs", signal.SIGINT),
    ],
)
def test_no_process_outlives_a_run_that_was_stopped_while_a_model_hangs(tmp_path, name, number):
    (tmp_path / "hangs.py").write_text(HANGS)
    text = f'name = "h"\nversion = 1\n[[case]]\nid = "h"\nmodel = "hangs.py:{name}"\n'
    (tmp_path / "kill.toml").write_text(text + 'inputs = [[2, 4]]\ncounters = ["torch"]\n')
    (tmp_path / "runner.py").write_text(RUNNER)
    process = start(tmp_path, tmp_path / "out")
    deadline = time.monotonic() + 60
    while not (tmp_path / "reached").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    family = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, number)  # as a terminal or a CI service does it
    process.communicate(timeout=20)
    left = left_running(family)
    for orphan in left:
        orphan.kill()
    assert left == []


# ------------------------------------------------------------------- more processes than cases


def untold(*cells: str) -> SimpleNamespace:
    """A process with cells that it was not told of yet."""
    process = SimpleNamespace(untold=list(cells), work=Work(LINEAR, ()))
    process.share = lambda: workers.Worker.share(process)
    return process


def test_a_free_process_takes_the_next_case_that_waits():
    waiting = [Work(LINEAR, ("a",)), Work(LINEAR, ("b",))]
    assert workers.next_work(waiting, [untold(*"cdef")]).cells == ("a",)
    assert [work.cells for work in waiting] == [("b",)]


def test_where_no_case_waits_it_takes_half_of_the_longest_that_is_left():
    few, many = untold(*"abc"), untold(*"defghi")
    assert workers.next_work([], [few, many]).cells == ("e", "g", "i")
    assert (few.untold, many.untold) == (list("abc"), list("dfh"))


@pytest.mark.parametrize("cells", ["", "a", "ab"])
def test_few_cells_are_not_worth_a_process(cells):
    process = untold(*cells)
    assert workers.next_work([], [process]) is None
    assert process.untold == list(cells)
    assert workers.next_work([], []) is None


def test_two_processes_for_one_case_say_what_one_says(tmp_path):
    said = []
    for jobs in (1, 2):
        plan = make_plan(suite_of(LINEAR), tmp_path / str(jobs), counters=["thop", "torch", "numel"],
                         device="cpu", jobs=jobs)  # fmt: skip
        run = carry_out(plan)
        said.append([(r.counter, r.context, r.metric, r.value) for r in run.readings])
    assert said[0] == said[1] and len(said[0]) > 4


def test_a_counter_that_is_named_is_asked_of_cases_that_do_not_list_it(tmp_path):
    case = replace(LINEAR, counters=("analytic",))
    named = asking(suite_of(case), ("numel",))
    plan = make_plan(named, tmp_path, counters=("numel",), device="cpu")
    assert {cell.counter for cell in plan.cells(named.cases[0])} == {"", "numel"}
    assert asking(suite_of(case), ()) == suite_of(case)
