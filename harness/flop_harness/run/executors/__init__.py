"""Where the cells of a run are carried out: on this machine, or on a cluster by its own engine.

An executor is given works (a case with its cells) and yields (cell, result) as they come, each cell
once. What it needs is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from flop_harness.errors import UserError, suggest
from flop_harness.run.plan import Cell, Keep, Plan, Progress, Result, Work

Executor: TypeAlias = Callable[
    [Plan, Sequence[Work], Progress, Keep], Iterator[tuple[Cell, Result]]
]

KINDS = ("local", "dask", "slurm")


def find(name: str) -> Executor:
    """``local``, ``dask``, ``dask://host:port`` or ``slurm``; UserError for another name."""
    check(name)
    if name == "local":
        from flop_harness.run.workers import counted

        return counted
    from flop_harness.run.executors.dask import counted as spread

    return spread


def check(name: str) -> None:
    """UserError for what no executor is called."""
    kind, slashes, address = name.partition("://")
    if kind not in KINDS or (slashes and (kind != "dask" or not address)):
        raise UserError(
            f"unknown executor {name!r}{suggest(kind, KINDS)}: "
            "local, dask, dask://host:port or slurm"
        )
