"""What tests share; what those that hurt the harness counted is told once at the end."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter

import pytest
import torch._dynamo  # noqa: F401 - `record` alone, which many tests call, leaves that to its caller
from hypothesis import settings

from flop_harness import errors
from flop_harness.run.autograd import start_engine

settings.register_profile("machine of any speed", deadline=None)
settings.load_profile("machine of any speed")
os.environ.pop("COLUMNS", None)  # which Python's readline sets where nobody did
start_engine()  # once a test has exported a program, the first gradient would start threads: no fork may take any
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # a shell starts so what runs in the background, and each command would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter) -> None:
    """Sums of the numbers that passed tests recorded, by name."""
    figures: Counter[str] = Counter()
    for report in terminalreporter.stats.get("passed", ()):
        for name, value in getattr(report, "user_properties", ()):
            if report.when == "call" and isinstance(value, int):
                figures[name] += value
    if figures:
        terminalreporter.section("robustness")
    for name, value in sorted(figures.items()):
        terminalreporter.write_line(f"{value:>6,}  {name}")


@pytest.fixture(autouse=True)
def nothing_told_yet():
    """What this process was warned of in one test it is warned of in the next."""
    errors.TOLD.clear()


@pytest.fixture
def another_thread():
    """A thread of this process that waits until the test has ended."""
    end = threading.Event()
    threading.Thread(target=end.wait).start()
    yield
    end.set()


@pytest.fixture
def four():
    """This process as the first of four that are not there."""
    import torch.distributed as dist
    from torch.distributed.device_mesh import init_device_mesh
    from torch.testing._internal.distributed.fake_pg import FakeStore

    dist.init_process_group("fake", store=FakeStore(), rank=0, world_size=4)
    yield init_device_mesh("cpu", (4,))
    dist.destroy_process_group()
