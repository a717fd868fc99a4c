"""How processes are started: with torch imported already, and Python's own modules first.

The fork server is started as ``python -c``, which looks for modules in the working directory before
it looks among Python's own: there a user's ``random.py`` would end it. Nothing of ours is in the
script that was started, so that it is not run again in each process, as multiprocessing would.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.context import ForkServerContext, ForkServerProcess
from types import ModuleType
from typing import Any

from flop_harness.errors import warning_line
from flop_harness.run.guard import go_on_guarded
from flop_harness.run.isolation import stdout_to_stderr
from flop_harness.run.variables import HASH_SEED, LARGE_PAGES, OUR_SEED, OURS, SAFE_PATH
from flop_harness.suite.search_path import put_standard_library_first, standard_library_first

PRELOADED = ["flop_harness.run.server", "torch", "torchvision", "flop_harness.run.preloaded"]


MOMENT_S = 0.2


class ApartFromMain(ForkServerProcess):
    """A process that does not import the script that was started.

    Its variables and its working directory are those of who starts it, not those that the fork
    server began with.
    """

    surroundings: tuple[dict[str, str], str]

    def start(self) -> None:
        """Start; once more with another fork server where the first has died, of memory say."""
        self.surroundings = dict(os.environ), working_directory()
        try:
            super().start()
        except (EOFError, OSError):
            time.sleep(MOMENT_S)  # the kernel may not have told of its end yet
            super().start()

    def run(self) -> None:
        variables, folder = self.surroundings
        for name in os.environ.keys() - variables.keys():
            del os.environ[name]
        os.environ.update(variables)
        if folder:
            os.chdir(folder)
        super().run()

    @staticmethod
    def _Popen(process: Any) -> Any:  # noqa: N802 - the name that multiprocessing calls
        with nameless_main():
            return ForkServerProcess._Popen(process)  # type: ignore[attr-defined]


class Context(ForkServerContext):
    Process = ApartFromMain


def working_directory() -> str:
    """Where this process stands; empty where that folder is gone."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return ""


@contextmanager
def nameless_main() -> Iterator[None]:
    """Within, multiprocessing finds no script to import: one without a guard would run again."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def forkserver(large_pages: bool = False) -> Any:
    """Processes that start with torch already imported.

    With ``large_pages`` they, and what they fork, start sooner, if this is what starts the server.
    """
    from multiprocessing.forkserver import ensure_running

    context = Context()
    context.set_forkserver_preload(PRELOADED)
    with (
        standard_library_first(),
        safe_path(),
        told_to_server(large_pages),
        deaf_to_interrupts(),
    ):
        ensure_running()
    return context


def stop_forkserver() -> None:
    """What is timed starts from memory as everybody has it: from a server of its own."""
    from multiprocessing.forkserver import _forkserver

    _forkserver._stop()  # type: ignore[attr-defined]


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """A process that is started within ignores Ctrl-C from its first moment: it is ours to hear."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)


@contextmanager
def safe_path() -> Iterator[None]:
    """A Python that is started within does not look for modules in the working directory."""
    before = os.environ.setdefault(SAFE_PATH, OURS)
    try:
        yield
    finally:
        if before == OURS:
            del os.environ[SAFE_PATH]


@contextmanager
def told_to_server(large_pages: bool) -> Iterator[None]:
    """A server that is started within orders sets of texts alike in every run, as some tools tell
    theirs; with ``large_pages`` it moves what it has imported into such.
    """
    told = {HASH_SEED: OUR_SEED} if HASH_SEED not in os.environ else {}
    told |= {LARGE_PAGES: OURS} if large_pages else {}
    os.environ |= told
    try:
        yield
    finally:
        for name in told:
            del os.environ[name]


def begin_process() -> None:
    """First of all in a process of ours: all that it starts ends with it, and it with its parent.

    Its stdout is for data alone. A Ctrl-C is our parent's to hear: what raises KeyboardInterrupt
    here is somebody else's code.
    """
    go_on_guarded(os.getppid())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stdout_to_stderr()
    warnings.formatwarning = warning_line
    hide_deprecations()
    put_standard_library_first()


def hide_deprecations() -> None:
    """That a library deprecates what a model calls, each process would tell anew.

    Who asks Python for warnings, by ``-W`` or PYTHONWARNINGS, sees them all.
    """
    if not sys.warnoptions:
        warnings.simplefilter("ignore", FutureWarning)


def end_with(owner: int) -> None:
    """End this process as soon as another, not its parent, has ended."""
    import psutil

    try:
        watched = psutil.Process(owner)
    except psutil.NoSuchProcess:
        os._exit(1)

    def wait() -> None:
        watched.wait()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def end_process(process: Any, within_s: float = 10.0) -> None:
    """End a process that began with ``begin_process``, and all that it started."""
    process.terminate()
    process.join(within_s)
    if process.is_alive():
        process.kill()
        process.join()


def begin_worker(owner: int, begin: Callable[[], None] | None) -> None:
    """First of all in a process of a pool, which waits for tasks for ever.

    The fork server is its parent, and waits for it in turn: neither notices that ``owner`` is gone.
    """
    begin_process()
    end_with(owner)
    if begin is not None:
        begin()


@contextmanager
def pool(jobs: int, begin: Callable[[], None] | None = None) -> Iterator[ProcessPoolExecutor]:
    """So many processes at work, each of which begins with ``begin``; they end as we do.

    A Ctrl-C ends them: nobody waits any more for what they do.
    """
    executor = ProcessPoolExecutor(jobs, forkserver(), begin_worker, (os.getpid(), begin))
    try:
        yield executor
    except Exception:
        raise
    except BaseException:
        at_work = list((executor._processes or {}).values())
        executor.shutdown(wait=False, cancel_futures=True)
        for process in at_work:
            process.terminate()
        raise
    finally:
        executor.shutdown(cancel_futures=True)
