"""Executors: the same run on a cluster as on this machine, whatever dies meanwhile."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from commands import typed
from flop_harness import store
from flop_harness.ask.compare import carry_out
from flop_harness.errors import UserError
from flop_harness.run import executors
from flop_harness.run.executors import task
from flop_harness.run.executors.versions import difference, versions
from flop_harness.run.plan import Plan, Progress, Work
from flop_harness.run.planning import make_plan
from flop_harness.suite.files import load

COUNTERS = ("analytic", "thop", "numel")
ASKED = ("--no-timing", "--counters", ",".join(COUNTERS))

NETS = """
import os, time
from torch import nn

def slow(n):
    time.sleep(0.2)
    return nn.Linear(n, 3)

def deadly():
    import psutil
    for each in psutil.Process().parents():
        if "spawn_main" in " ".join(each.cmdline()):  # how dask starts a worker
            each.kill()
            time.sleep(60)
"""

CASE = """
[[case]]
id = "{id}"
model = "net.py:{factory}"
inputs = [[2, {n}]]
kwargs = {kwargs}
"""


def written(folder: Path, cases: int, deadly: bool = False) -> Path:
    """A suite of linear layers, each of a width of its own."""
    (folder / "net.py").write_text(NETS)
    text = 'name = "linear"\nversion = 1\ndescription = "linear layers"\n'
    for n in range(1, cases + 1):
        text += CASE.format(id=f"of-{n}", factory="slow", n=n, kwargs=f"{{n = {n}}}")
    if deadly:
        text += CASE.format(id="deadly", factory="deadly", n=1, kwargs="{}")
    (folder / "linear.toml").write_text(text)
    return folder / "linear.toml"


# ------------------------------------------------------------------------------------ names, versions


@pytest.mark.parametrize("name", ["dsk", "dask://", "local://here:1", "slurm://here:1", ""])
def test_what_no_executor_is_called_is_refused_with_what_is_known(name: str):
    with pytest.raises(UserError, match="local, dask, dask://host:port or slurm"):
        executors.check(name)


def test_versions_that_differ_are_told_by_name():
    here = versions(["thop", "numel"])
    assert difference(here, here) == ""
    told = difference({**here, "torch": "1.0", "thop": ""}, here)
    assert told == (
        f"torch is 1.0 there, {here['torch']} here; thop is not installed there, {here['thop']} here"
    )


def test_every_counter_that_is_asked_has_its_version_held():
    assert {"thop", "numel", "torch", "Python", "flop-harness"} <= versions(
        ["thop", "numel"]
    ).keys()


def test_a_task_takes_one_core_whatever_its_machine_has(tmp_path: Path, monkeypatch):
    """A second worker would bring nothing where the first one's task is spread over all cores."""
    suite = load(str(written(tmp_path, 1)))
    plan = make_plan(suite, tmp_path, counters=["numel"], device="cpu")
    work = Work(suite.cases[0], tuple(plan.cells(suite.cases[0])))
    taken: list[Plan] = []
    monkeypatch.setattr(task, "counted", lambda plan, *rest: iter(taken.append(plan) or ()))
    asked = task.Task(work, suite, "cpu", ("numel",), versions(["numel"]), "queue")
    assert list(task.cells_told(asked, tmp_path, lambda *message: None)) == []
    assert [(each.jobs, each.limits.threads) for each in taken] == [(1, 1)]


# ------------------------------------------------------------------------------------- a cluster


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Cluster:
    """A scheduler and workers, each a process of its own on the loopback."""

    folder: Path
    port: int = field(default_factory=free_port)
    scheduler: subprocess.Popen | None = None
    workers: list[subprocess.Popen] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"dask://127.0.0.1:{self.port}"

    def start(self, workers: int) -> Cluster:
        self.scheduler = self.begun("dask_scheduler", "--port", self.port, "--no-dashboard")
        self.workers = [self.worker() for _ in range(workers)]
        return self

    def worker(self, **environment: str) -> subprocess.Popen:
        return self.begun(
            "dask_worker", f"tcp://127.0.0.1:{self.port}", "--nthreads", 1, "--no-nanny",
            "--no-dashboard", "--local-directory", self.folder, "--death-timeout", 120,
            **environment,
        )  # fmt: skip

    def begun(self, program: str, *words: object, **environment: str) -> subprocess.Popen:
        command = [sys.executable, "-m", f"distributed.cli.{program}", "--host", "127.0.0.1"]
        log = (self.folder / "log").open("ab")
        return subprocess.Popen(
            [*command, *map(str, words)], stdout=log, stderr=log, cwd=self.folder,
            env={**os.environ, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "2", **environment},
        )  # fmt: skip

    def mend(self) -> None:
        """Start again what has ended; workers end with their scheduler."""
        assert self.scheduler is not None
        if self.scheduler.poll() is not None:
            self.scheduler = self.begun("dask_scheduler", "--port", self.port, "--no-dashboard")
        self.workers = [each if each.poll() is None else self.worker() for each in self.workers]

    def end(self) -> None:
        for process in (*self.workers, self.scheduler):
            if process is not None:
                process.kill()
                process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    pytest.importorskip("distributed")
    folder = tmp_path / "cluster"
    folder.mkdir()
    found = Cluster(folder)
    yield found
    found.end()


def same_run(one: Path, other: Path) -> bool:
    return (one / store.RUN_FILE).read_bytes() == (other / store.RUN_FILE).read_bytes()


def traces(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (folder / "traces").glob("*")}


def ran(suite: Path, out: Path, executor: str) -> int:
    """How many cells were done; the run and its traces lie in ``out``."""
    done: list[object] = []
    plan = make_plan(load(str(suite)), out, counters=COUNTERS, device="cpu", executor=executor)
    run = carry_out(plan, Progress(finished=lambda cell, result: done.append(cell)))
    store.save(run, out)
    store.TraceStore(out).prune(file for trace in run.traces for file in trace.files)
    return len(done)


def test_a_cluster_of_our_own_gives_the_same_run_as_this_machine(tmp_path: Path):
    pytest.importorskip("distributed")
    suite, here, there = written(tmp_path, 2), tmp_path / "here", tmp_path / "there"
    ran(suite, here, "local")
    assert ran(suite, there, "dask") == 10
    assert same_run(here, there)
    assert traces(here) == traces(there) != {}
    assert ran(suite, there, "dask") == 0


def test_without_dask_the_command_that_installs_it_is_told(tmp_path: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    ended = typed("compare", written(tmp_path, 1), *ASKED, "--out", tmp_path / "out",
                  "--executor", "dask")  # fmt: skip
    assert ended.code == 2
    assert ended.err.endswith(
        "distributed is not installed (pip install 'flop-harness[cluster]')\n"
    )


@pytest.mark.slow
def test_a_scheduler_that_does_not_answer_is_told_in_one_line(tmp_path: Path):
    pytest.importorskip("distributed")
    port = free_port()
    ended = typed("compare", written(tmp_path, 1), *ASKED, "--out", tmp_path / "out",
                  "--executor", f"dask://127.0.0.1:{port}")  # fmt: skip
    assert ended.code == 2
    assert f"the dask scheduler at 127.0.0.1:{port} does not answer" in ended.err


@pytest.mark.slow
def test_a_worker_with_another_harness_is_refused(tmp_path: Path, cluster: Cluster):
    other = tmp_path / "other"
    subprocess.run(["cp", "-r", Path(executors.__file__).parents[3], other], check=True)
    with (other / "flop_harness" / "errors.py").open("a") as file:
        file.write("# another version\n")
    cluster.start(0)
    path = os.pathsep.join([str(other), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
    cluster.workers.append(cluster.worker(PYTHONPATH=path))
    ended = typed("compare", written(tmp_path, 1), *ASKED, "--out", tmp_path / "out",
                  "--executor", cluster.name)  # fmt: skip
    assert ended.code == 2
    assert "is not fit for this run: flop-harness is" in ended.err.splitlines()[-1]


@pytest.mark.slow
def test_a_case_that_kills_its_worker_thrice_is_a_failure_and_the_rest_goes_on(tmp_path: Path):
    pytest.importorskip("distributed")
    suite, out = written(tmp_path, 2, deadly=True), tmp_path / "out"
    ended = typed("compare", suite, *ASKED, "--out", out, "--executor", "dask", "--jobs", 2)
    run = store.load(out)
    assert ended.code == 3
    assert {failure.case for failure in run.failures} == {"deadly"}
    assert all("KilledWorker" in failure.message for failure in run.failures)
    assert {reading.case for reading in run.readings} == {"of-1", "of-2"}


SBATCH = """#!/bin/sh
cp "$1" "{log}.$$.sh"
nohup sh "{log}.$$.sh" >> "{log}" 2>&1 &
echo "Submitted batch job $!"
"""


@pytest.mark.slow
def test_workers_that_slurm_starts_give_the_same_run(tmp_path: Path):
    """With an sbatch that keeps the job's script, as slurm does, and runs it at once."""
    pytest.importorskip("dask_jobqueue")
    suite, here, there = written(tmp_path, 2), tmp_path / "here", tmp_path / "there"
    programs = {"sbatch": SBATCH.format(log=tmp_path / "log"), "scancel": '#!/bin/sh\nkill "$1"\n'}
    for name, text in programs.items():
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    slurm = {"CORES": "1", "MEMORY": "2GB", "INTERFACE": "lo", "LOCAL_DIRECTORY": str(tmp_path)}
    environment = {f"DASK_JOBQUEUE__SLURM__{key}": value for key, value in slurm.items()}
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    ran(suite, here, "local")
    client = begun_client(suite, there, "slurm", tmp_path / "client.log", PATH=path, **environment)
    assert client.wait(300) == 0, (tmp_path / "client.log").read_text()
    assert same_run(here, there)


# --------------------------------------------------------------------------------- kills at random

KILLS = 20


def cells_in(journal: Path) -> Counter[tuple[str, ...]]:
    """How often each cell stands in a journal; half a line at its end is none."""
    found: Counter[tuple[str, ...]] = Counter()
    for line in journal.read_bytes().split(b"\n")[1:-1] if journal.exists() else ():
        key = json.loads(line)["key"]
        if key[0] == "cell":
            found[tuple(key)] += 1
    return found


@pytest.mark.slow
def test_kills_of_worker_scheduler_and_client_lose_nothing(tmp_path: Path, cluster: Cluster):
    """A cell that is in the journal stays there, and is counted once."""
    suite, here, there = written(tmp_path, 60), tmp_path / "here", tmp_path / "there"
    ran(suite, here, "local")
    cluster.start(3)
    random, seen, killed = Random(0), Counter(), Counter()
    client = None
    deadline = time.monotonic() + 1500
    while client is None or client.poll() != 0:
        assert time.monotonic() < deadline, (killed, len(seen))
        if client is None or client.poll() is not None:
            client = begun_client(suite, there, cluster.name, tmp_path / "client.log")
        time.sleep(random.uniform(0.5, 6))
        if killed.total() < KILLS and client.poll() is None:
            which = random.choice(("worker", "scheduler", "client"))
            victim = {"worker": random.choice(cluster.workers), "scheduler": cluster.scheduler,
                      "client": client}[which]  # fmt: skip
            victim.send_signal(signal.SIGKILL)
            victim.wait()
            killed[which] += 1
        now = cells_in(there / "journal.jsonl")
        assert not seen - now, "a finished cell was lost"
        seen = now
        cluster.mend()
    print(f"kills: {dict(killed)}")
    assert set(cells_in(there / "journal.jsonl").values()) == {1}
    assert same_run(here, there)
    assert traces(here) == traces(there)


def begun_client(
    suite: Path, out: Path, executor: str, log: Path, **environment: str
) -> subprocess.Popen:
    command = [sys.executable, "-m", "flop_harness", "compare", suite, *ASKED, "--out", out]
    with log.open("ab") as file:
        return subprocess.Popen([*map(str, command), "--executor", executor], stdout=file,
                                stderr=file, cwd=suite.parent, env={**os.environ, **environment})  # fmt: skip
