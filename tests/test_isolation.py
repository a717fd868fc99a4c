"""Work done apart harms nobody: whatever it does, its outcome is told and its traces are gone."""

from __future__ import annotations

import faulthandler
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from flop_harness.run.guard import fork
from flop_harness.run.isolation import KEPT_OUTPUT, Outcome, run_apart
from flop_harness.run.zygote import Zygote

GIB = 2**30
MIB = 2**20


def run_by_zygote(work, **options) -> Outcome:
    zygote = Zygote(lambda request: work())
    try:
        return zygote.run(None, **options)
    finally:
        if zygote.pid:
            zygote.end()


@pytest.fixture(autouse=True, params=[run_apart, run_by_zygote])
def way(request, monkeypatch):
    """Both ways to have work done apart keep every promise."""
    monkeypatch.setattr(sys.modules[__name__], "run_apart", request.param)


def apart(work, timeout_s: float = 20, **options) -> Outcome:
    return run_apart(work, timeout_s=timeout_s, **options)


def gone(pid: int, within_s: float = 3) -> bool:
    """Whether a process has ended, or does so in a moment."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


def written(path) -> int:
    """The number that somebody writes to a file, once it is there."""
    deadline = time.monotonic() + 5
    while not path.exists() or not path.read_text():
        assert time.monotonic() < deadline, f"{path.name} was never written"
        time.sleep(0.02)
    return int(path.read_text())


# ------------------------------------------------------------------------------------- results


def test_what_the_work_returns_comes_back():
    outcome = apart(lambda: {"macs": 12, "modules": ("conv", "fc")})
    assert outcome.ending == "ok"
    assert outcome.value == {"macs": 12, "modules": ("conv", "fc")}
    assert (outcome.message, outcome.error, outcome.output) == ("", "", "")


def test_a_result_larger_than_a_pipe_comes_back_whole():
    assert apart(lambda: bytes(range(256)) * 40_000).value == bytes(range(256)) * 40_000


def test_the_work_sees_what_stands_and_changes_none_of_it():
    numbers = [1, 2]
    outcome = apart(lambda: numbers.append(3) or list(numbers))
    assert outcome.value == [1, 2, 3]
    assert numbers == [1, 2]


def test_environment_and_folder_of_the_caller_stay(tmp_path):
    here = os.getcwd()

    def work() -> None:
        os.chdir(tmp_path)
        os.environ["FLOP_HARNESS_TEST"] = "changed"

    assert apart(work).ending == "ok"
    assert os.getcwd() == here
    assert "FLOP_HARNESS_TEST" not in os.environ


def fill_and_rest() -> None:
    kept = bytearray(64 * MIB)
    kept[::4096] = b"x" * len(kept[::4096])
    time.sleep(0.2)


def test_seconds_and_peak_memory_are_the_works_own():
    outcome = apart(fill_and_rest)
    assert 0.2 <= outcome.seconds < 5
    assert 60 * MIB < outcome.peak_bytes < 200 * MIB


def test_memory_that_this_process_no_longer_needs_hides_no_peak():
    """Blocks too small to be mapped one by one; the last of them keeps those below from the system."""
    blocks = [bytearray(MIB // 16) for _ in range(16 * 128)]
    last = blocks.pop()
    blocks.clear()
    assert 60 * MIB < apart(fill_and_rest).peak_bytes < 200 * MIB
    assert last


# ------------------------------------------------------------------------------------ failures


def raising(error: BaseException):
    def work() -> None:
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("no such layer"), "ValueError: no such layer"),
        (KeyError("features"), "KeyError: 'features'"),
        (RuntimeError("two\n  lines"), "RuntimeError: two lines"),
        (SystemExit(3), "SystemExit: 3"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
    ],
)
def test_an_exception_is_told_in_one_line_and_its_traceback_kept(error, message):
    outcome = apart(raising(error))
    assert outcome.ending == "raised"
    assert outcome.message == message
    assert outcome.error == type(error).__name__
    assert "Traceback" in outcome.output


def test_work_that_hangs_ends_at_its_time_limit():
    outcome = apart(lambda: time.sleep(60), timeout_s=0.3)
    assert outcome.ending == "timeout"
    assert outcome.message == "no result within 0.3 s"
    assert 0.3 <= outcome.seconds < 3


def test_work_that_ignores_signals_ends_too():
    def work() -> None:
        for ignored in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM):
            signal.signal(ignored, signal.SIG_IGN)
        while True:
            pass

    assert apart(work, timeout_s=0.3).ending == "timeout"


def crash() -> None:
    faulthandler.disable()  # pytest's, which would tell of it on our stderr
    os.kill(os.getpid(), signal.SIGSEGV)


def test_a_segmentation_fault_is_named():
    outcome = apart(crash)
    assert (outcome.ending, outcome.message) == ("died", "its process died of SIGSEGV")


@pytest.mark.parametrize("code", [0, 1, 77])
def test_an_exit_without_a_result_is_no_result(code):
    outcome = apart(lambda: os._exit(code))
    assert outcome.ending == "died"
    assert outcome.message == f"its process ended without a result (exit code {code})"


def test_more_memory_than_allowed_is_out_of_memory():
    outcome = apart(lambda: bytearray(2 * GIB), memory_bytes=256 * MIB)
    assert outcome.ending == "out_of_memory"
    assert "MemoryError" in outcome.message


def test_a_tensor_larger_than_allowed_is_out_of_memory():
    import torch

    outcome = apart(lambda: torch.ones(GIB).sum(), memory_bytes=256 * MIB)
    assert outcome.ending == "out_of_memory"


def test_memory_hoarded_piece_by_piece_is_out_of_memory():
    def work() -> None:
        hoard = []
        while True:
            hoard.append(bytearray(16 * MIB))

    assert apart(work, memory_bytes=256 * MIB).ending == "out_of_memory"


def test_what_fits_into_the_limit_is_fine():
    assert apart(lambda: len(bytearray(64 * MIB)), memory_bytes=256 * MIB).value == 64 * MIB


@pytest.mark.parametrize("value", [lambda: 1, (n for n in ()), sys.stdout], ids=type)
def test_a_result_that_cannot_be_sent_is_an_exception(value):
    outcome = apart(lambda: value)
    assert outcome.ending == "raised"
    assert "pickle" in outcome.message


class Poisoned:
    """Pickles well; reading it back raises."""

    def __reduce__(self):
        return int, ("not a number",)


def test_a_result_that_cannot_be_read_back_harms_only_itself():
    outcome = apart(Poisoned)
    assert outcome.ending == "raised"
    assert "ValueError" in outcome.message


# -------------------------------------------------------------------------------------- output


def test_prints_of_every_kind_are_kept_and_not_mixed_with_ours(capfd):
    def work() -> str:
        print("to stdout", flush=True)
        print("to stderr", file=sys.stderr, flush=True)
        os.write(1, b"to descriptor 1\n")
        subprocess.run(["echo", "from a program"], check=True)
        return "done"

    print("ours", flush=True)
    outcome = apart(work)
    assert outcome.value == "done"
    assert outcome.output.splitlines() == [
        "to stdout", "to stderr", "to descriptor 1", "from a program"
    ]  # fmt: skip
    assert capfd.readouterr() == ("ours\n", "")


def test_what_we_have_not_yet_written_is_written_once(capfd):
    print("ours", end="")
    apart(lambda: print("theirs"))
    assert capfd.readouterr() == ("ours", "")


def test_prints_before_a_failure_are_kept():
    def work() -> None:
        print("almost there")
        raise ValueError

    assert apart(work).output.startswith("almost there\n")


def test_prints_before_a_crash_are_kept():
    def work() -> None:
        print("almost there", flush=True)
        crash()

    assert apart(work).output == "almost there\n"


def test_of_megabytes_the_beginning_and_the_end_are_kept():
    def work() -> str:
        print("first")
        for _ in range(4):
            print("x" * MIB)
        print("last")
        return "done"

    outcome = apart(work)
    assert outcome.value == "done"
    assert outcome.output.startswith("first\n") and outcome.output.endswith("last\n")
    assert "bytes left out" in outcome.output
    assert len(outcome.output) < KEPT_OUTPUT + 100


def test_text_that_is_not_utf8_is_kept_as_far_as_it_can_be_read():
    assert apart(lambda: os.write(1, b"caf\xe9")).output == "caf\N{REPLACEMENT CHARACTER}"


def test_nobody_types_anything_in():
    assert apart(lambda: sys.stdin.read() if sys.stdin else "").value in ("", None)
    assert apart(lambda: os.read(0, 10)).value == b""


@pytest.mark.parametrize(
    "close",
    [
        lambda: (sys.stdout.close(), sys.stderr.close()),
        lambda: (os.close(1), os.close(2)),
        lambda: (sys.stdout.close(), os.close(1), os.close(2)),
    ],
    ids=["streams", "descriptors", "both"],
)
def test_closing_the_output_costs_nothing_but_the_output(close, capfd):
    outcome = apart(lambda: (close(), "done")[1])
    assert (outcome.ending, outcome.value) == ("ok", "done")
    print("ours still open")
    assert capfd.readouterr().out == "ours still open\n"


def test_an_exception_after_closing_the_output_is_told():
    def work() -> None:
        os.close(1)
        os.close(2)
        raise ValueError("unheard")

    assert apart(work).message == "ValueError: unheard"


# ------------------------------------------------------------------------------- what it leaves


def test_programs_left_running_are_killed(tmp_path):
    note = tmp_path / "pid"

    def work() -> str:
        note.write_text(str(subprocess.Popen(["sleep", "60"]).pid))
        return "done"

    assert apart(work).value == "done"
    assert gone(written(note))


def fork_a_sleeper(note) -> None:
    """A child that holds everything we have open, and stays."""
    pid = os.fork()
    if pid == 0:
        time.sleep(60)
        os._exit(0)
    note.write_text(str(pid))


@pytest.mark.usefixtures("another_thread")
def test_nothing_is_warned_of_where_other_threads_run(recwarn):
    """Python 3.12 and later warn of a fork there."""
    assert apart(lambda: "done").value == "done"
    assert not recwarn.list


def test_forks_left_running_are_killed(tmp_path):
    note = tmp_path / "pid"
    assert apart(lambda: (fork_a_sleeper(note), "done")[1]).value == "done"
    assert gone(written(note))


def test_a_process_that_left_a_fork_and_died_is_seen_to_have_died(tmp_path):
    def work() -> None:
        fork_a_sleeper(tmp_path / "pid")
        os._exit(5)

    outcome = apart(work, timeout_s=5)
    assert outcome.ending == "died"
    assert gone(written(tmp_path / "pid"))


def test_programs_that_left_the_session_are_killed(tmp_path):
    note = tmp_path / "pid"

    def work() -> str:
        sleeper = subprocess.Popen(["sleep", "30"], start_new_session=True)
        note.write_text(str(sleeper.pid))
        return "done"

    assert apart(work).value == "done"
    assert gone(written(note))


def test_children_of_work_that_ran_late_are_killed(tmp_path):
    note = tmp_path / "pid"

    def work() -> None:
        fork_a_sleeper(note)
        time.sleep(60)

    assert apart(work, timeout_s=0.5).ending == "timeout"
    assert gone(written(note))


def test_nothing_is_left_open_or_unwaited_for():
    me = psutil.Process()
    apart(lambda: 1)
    before = me.num_fds()
    for _ in range(5):
        apart(lambda: 1)
        apart(raising(ValueError()))
    assert me.num_fds() == before
    assert [p for p in me.children() if p.status() == psutil.STATUS_ZOMBIE] == []


# --------------------------------------------------------------------------- who waits for it


def test_work_that_nobody_waits_for_is_killed(tmp_path):
    note = tmp_path / "pid"

    def work() -> None:
        note.write_text(str(os.getpid()))
        time.sleep(60)

    started = time.monotonic()
    outcome = apart(work, abandoned=lambda: time.monotonic() > started + 0.3)
    assert outcome.ending == "died"
    assert time.monotonic() - started < 5
    assert gone(written(note))


def test_work_is_killed_when_the_wait_for_it_is_interrupted(tmp_path):
    note = tmp_path / "pid"

    def work() -> None:
        note.write_text(str(os.getpid()))
        time.sleep(30)

    def interrupted() -> bool:
        if note.exists() and note.read_text():
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt):
        apart(work, abandoned=interrupted)
    assert gone(written(note))


def test_work_dies_with_the_process_that_waits_for_it(tmp_path):
    """As when a runner is killed: there is nobody left who could clean up."""
    inner, outer = tmp_path / "inner", tmp_path / "outer"

    def hang() -> None:
        inner.write_text(str(os.getpid()))
        time.sleep(30)

    waiting = fork()
    if waiting == 0:
        outer.write_text(str(os.getpid()))
        apart(hang, timeout_s=30)
        os._exit(0)
    pid = written(inner)
    os.kill(waiting, signal.SIGKILL)
    os.waitpid(waiting, 0)
    assert gone(pid)


POOL = """
import os, sys, time
from flop_harness.proof.verification import processes

with processes(2) as mapper:
    print(*mapper(str, (0, 0)), file=sys.stderr)
    print("at work", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_a_pool_ends_with_the_process_that_asked_for_it_however_that_ends(number):
    owner = subprocess.Popen([sys.executable, "-c", POOL], stdout=subprocess.PIPE)
    assert owner.stdout.readline() == b"at work\n"
    at_work = psutil.Process(owner.pid).children(recursive=True)
    assert len(at_work) >= 3  # a server, and two at work
    owner.send_signal(number)
    owner.wait()
    _, left = psutil.wait_procs(at_work, timeout=20)
    assert not left
