"""What a shared machine took from us while we timed, as the kernel tells it. Linux alone tells."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flop_harness.records.times import Load
from flop_harness.timing.load import averages

CORE_TIMES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
"""The first fields of the line ``cpu`` of ``/proc/stat`` (proc_stat(5)); guests are in ``user``"""


@dataclass(frozen=True, slots=True)
class Counters:
    """What has been added up since the start; None where the kernel does not tell.

    ``core`` and ``steal`` are ticks of all cores, ``waiting`` are microseconds in which some task
    waited for a core, ``throttled`` counts the times that a core or our group was slowed down.
    """

    core: int | None = None
    steal: int | None = None
    waiting: int | None = None
    throttled: int | None = None


def counters(root: Path = Path("/")) -> Counters:
    ticks = core_times(root)
    return Counters(
        sum(ticks.values()) if ticks else None, ticks.get("steal"), waiting(root), throttled(root)
    )


def core_times(root: Path) -> dict[str, int]:
    found = re.search(r"^cpu +(.+)$", text_of(root / "proc/stat"), re.MULTILINE)
    return dict(zip(CORE_TIMES, map(int, found[1].split()), strict=False)) if found else {}


def waiting(root: Path) -> int | None:
    found = re.search(r"^some .*\btotal=(\d+)", text_of(root / "proc/pressure/cpu"), re.MULTILINE)
    return int(found[1]) if found else None


def throttled(root: Path) -> int | None:
    """By heat, core by core, and by the quota of the group of processes (cgroup v2)."""
    heat = (root / "sys/devices/system/cpu").glob("cpu[0-9]*/thermal_throttle/core_throttle_count")
    quota = re.search(
        r"^nr_throttled (\d+)", text_of(root / "sys/fs/cgroup/cpu.stat"), re.MULTILINE
    )
    told = [*map(text_of, heat), *([quota[1]] if quota else [])]
    return sum(int(each) for each in told if each.isdigit()) if told else None


def text_of(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def disturbance(when: str, before: Counters, after: Counters, seconds: float) -> Load:
    """What came between two readings, ``seconds`` apart; of others' cores nothing is known."""
    core, steal = gone(before.core, after.core), gone(before.steal, after.steal)
    pressed = gone(before.waiting, after.waiting)
    return Load(
        when, None, averages(),
        steal=round(steal / core, 5) if steal is not None and core else None,
        pressure=round(pressed / 1e6 / seconds, 4) if pressed is not None and seconds else None,
        throttled=gone(before.throttled, after.throttled),
    )  # fmt: skip


def gone(before: int | None, after: int | None) -> int | None:
    return None if before is None or after is None else after - before


class Watch:
    """Reads the counters when it is made, and again when asked what came between."""

    def __init__(
        self,
        read: Callable[[], Counters] = counters,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.read, self.clock = read, clock
        self.began, self.before = clock(), read()

    def load(self, when: str) -> Load:
        return disturbance(when, self.before, self.read(), self.clock() - self.began)
