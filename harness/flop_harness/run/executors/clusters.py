"""Clusters by the name of an executor: one that stands, or one that is started for the run."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flop_harness.errors import UserError, raised
from flop_harness.run.processes import nameless_main, safe_path
from flop_harness.suite.search_path import standard_library_first

RETURN_S = 60.0
"""How long a scheduler that went may take to come back"""
DEATHS = 3
"""So many workers a task may cost, in a cluster of ours, before it is given up"""


@contextmanager
def connected(executor: str, jobs: int, before: bool = False) -> Iterator[Any]:
    """A client of the cluster. UserError where there is none; ``before``: there was one just now."""
    from distributed import Client

    _, _, address = executor.partition("://")
    if address:
        try:
            client = Client(f"tcp://{address}", timeout=RETURN_S if before else 10)
        except (OSError, TimeoutError) as error:
            what = "is gone: what is finished is kept, the same command goes on from there"
            told = what if before else f"does not answer: {raised(error)}"
            raise UserError(f"the dask scheduler at {address} {told}") from error
        with client:
            yield client
        return
    with started(executor, jobs) as cluster, Client(cluster) as client:
        yield client


def started(executor: str, jobs: int) -> Any:
    """A cluster of our own with so many workers, each with one core."""
    import dask

    dask.config.set({"distributed.scheduler.allowed-failures": DEATHS - 1})
    with nameless_main(), standard_library_first(), safe_path():
        return slurm(jobs) if executor == "slurm" else on_this_machine(jobs)


def on_this_machine(jobs: int) -> Any:
    from distributed import LocalCluster

    return LocalCluster(n_workers=jobs, threads_per_worker=1, memory_limit=0,
                        dashboard_address=None, silence_logs=logging.CRITICAL)  # fmt: skip


def slurm(jobs: int) -> Any:
    """``jobs`` workers by sbatch; queue, cores, memory and time are those of dask's jobqueue.yaml."""
    from dask_jobqueue import SLURMCluster

    try:
        cluster = SLURMCluster()
    except (ValueError, TypeError) as error:
        where = "~/.config/dask/jobqueue.yaml says what a job may take"
        raise UserError(f"no cluster by slurm: {raised(error)}; {where}") from error
    cluster.scale(jobs=jobs)
    return cluster
