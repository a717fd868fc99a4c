"""A zygote answers one request after another, each in a fork that no other has touched."""

from __future__ import annotations

import os
import signal
import time

import psutil
import pytest

from flop_harness.run.guard import fork
from flop_harness.run.zygote import Zygote


@pytest.fixture
def zygote():
    """Calls the function of this module that it is sent."""
    made = Zygote(lambda request: request())
    yield made
    if made.pid:
        made.end()


def asked(zygote: Zygote, work, timeout_s: float = 20.0, **options):
    return zygote.run(work, timeout_s=timeout_s, **options)


STATE = ["as it was"]


def spoil() -> list[str]:
    STATE.append("spoilt")
    return STATE


def test_each_work_finds_the_state_that_the_zygote_was_forked_from(zygote):
    assert [asked(zygote, spoil).value for _ in range(3)] == [["as it was", "spoilt"]] * 3
    assert STATE == ["as it was"]


def test_what_happens_after_it_was_forked_is_not_in_it(zygote):
    asked(zygote, os.getpid)
    STATE.append("later")
    try:
        assert asked(zygote, spoil).value == ["as it was", "spoilt"]
    finally:
        STATE.pop()


def test_works_have_processes_of_their_own_and_one_parent(zygote):
    assert len({asked(zygote, os.getpid).value for _ in range(3)}) == 3
    assert {asked(zygote, os.getppid).value for _ in range(3)} == {zygote.pid}


def raise_an_error() -> None:
    raise ValueError("no such layer")


def test_an_exception_costs_no_more_than_itself(zygote):
    first = asked(zygote, os.getppid).value
    assert asked(zygote, raise_an_error).message == "ValueError: no such layer"
    assert asked(zygote, os.getppid).value == first


def kill_the_parent() -> None:
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(20)


def die() -> None:
    os._exit(3)


def stop_the_parent() -> None:
    os.kill(os.getppid(), signal.SIGSTOP)
    time.sleep(20)


@pytest.mark.parametrize(
    ("harm", "ending", "message"),
    [
        (kill_the_parent, "died", "its process died of SIGKILL"),
        (die, "died", "its process ended without a result (exit code 3)"),
        (time.sleep, "raised", "TypeError"),
        (stop_the_parent, "timeout", "no result within 2 s"),
    ],
)
def test_after_any_misfortune_the_next_work_is_answered(zygote, harm, ending, message):
    assert asked(zygote, os.getpid).ending == "ok"
    outcome = asked(zygote, harm, timeout_s=2)
    assert outcome.ending == ending
    assert message in outcome.message
    assert asked(zygote, spoil).value == ["as it was", "spoilt"]


def test_one_that_was_ended_between_two_works_costs_the_second_alone(zygote):
    asked(zygote, os.getpid)
    os.kill(zygote.pid, signal.SIGKILL)
    assert asked(zygote, os.getpid).message == "its process died of SIGKILL"
    assert asked(zygote, os.getpid).ending == "ok"


def leave_a_child() -> int:
    pid = os.fork()
    if pid == 0:
        os.setsid()
        time.sleep(60)
        os._exit(0)
    return pid


def test_what_a_work_has_started_is_gone_before_the_next(zygote):
    left = asked(zygote, leave_a_child).value
    assert not psutil.pid_exists(left)
    assert zygote.pid  # it goes on


def open_descriptors() -> int:
    return psutil.Process().num_fds()


def test_no_work_holds_what_another_was_sent_through(zygote):
    assert len({asked(zygote, open_descriptors).value for _ in range(4)}) == 1


def test_it_leaves_nothing_open(zygote):
    before = psutil.Process().num_fds()
    pids = []
    for harm in (os.getpid, die, kill_the_parent):
        asked(zygote, harm)
        pids.append(zygote.pid)
    if zygote.pid:
        zygote.end()
    assert psutil.Process().num_fds() == before
    assert not any(psutil.pid_exists(pid) for pid in pids if pid)


def test_it_ends_with_the_process_that_made_it(tmp_path):
    note = tmp_path / "pid"
    owner = fork()
    if owner == 0:
        made = Zygote(lambda request: os.getpid())
        made.run(None, timeout_s=20)
        note.write_text(str(made.pid))
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(owner, 0)
    deadline = time.monotonic() + 5
    while psutil.pid_exists(int(note.read_text())) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not psutil.pid_exists(int(note.read_text()))
