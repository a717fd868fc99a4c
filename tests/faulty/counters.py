"""One counter for each way to misbehave; ``faulty.counters:NAME`` is the counter of that name."""

from __future__ import annotations

import ctypes
import fcntl
import importlib
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from faulty import DISTRIBUTION
from flop_harness.conventions.reference import parameters, reference
from flop_harness.counters.protocol import Answer, Counter, Quantity, Unavailable
from flop_harness.records import Context

QUANTITIES = {
    "compute": Quantity("MACs", "MAC", reference),
    "params": Quantity("parameters", "parameter", parameters),
}


def counter(description: str, **changes: Any) -> Callable[[Callable], Counter]:
    """A counter that reads by the decorated function and is named after it."""

    def made(read: Callable) -> Counter:
        name = read.__name__.replace("_", "-")
        plain = Counter(name, DISTRIBUTION, description, "tests/faulty", QUANTITIES, read)
        return replace(plain, **changes)

    return made


def right(model: Any, args: tuple, kwargs: dict) -> Answer:
    """What a counter says that does its work."""
    from flop_harness.trace.recorder import record

    trace = record(model, args, kwargs)
    return Answer(reference(trace).total, parameters(trace).total)


# ---------------------------------------------------------------------------------- it ends badly


@counter("raises")
def raises(model, args, kwargs, context):
    raise ValueError("no rule for\n  this layer")


@counter("raises what is no Exception")
def exits(model, args, kwargs, context):
    sys.exit("usage: counter MODEL")


class Unheard(BaseException):
    """Neither an Exception nor one that can be shown."""

    def __str__(self) -> str:
        raise RuntimeError("cannot be shown")


@counter("raises what nobody expects")
def raises_own(model, args, kwargs, context):
    raise Unheard


@counter("raises what a user's Ctrl-C raises")
def raises_interrupt(model, args, kwargs, context):
    raise KeyboardInterrupt


@counter("raises thousands of lines")
def raises_lines(model, args, kwargs, context):
    raise ValueError("line\n" * 6_000)


@counter("stops its process")
def stops(model, args, kwargs, context):
    os.kill(os.getpid(), signal.SIGSTOP)


@counter("hangs")
def hangs(model, args, kwargs, context):
    time.sleep(3600)


@counter("dies of a signal")
def segfaults(model, args, kwargs, context):
    os.kill(os.getpid(), signal.SIGSEGV)


@counter("reads where nothing is")
def reads_nowhere(model, args, kwargs, context):
    ctypes.string_at(0)


@counter("ends its process")
def quits(model, args, kwargs, context):
    os._exit(0)


@counter("kills every process of its group")
def kills_group(model, args, kwargs, context):
    os.killpg(0, signal.SIGKILL)


@counter("takes so much memory that one of two is killed")
def takes_all(model, args, kwargs, context):
    with open(__file__) as memory:
        try:
            fcntl.flock(memory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(2.0)
        return right(model, args, kwargs)


@counter("kills the process that guards it")
def kills_parent(model, args, kwargs, context):
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(3600)


@counter("kills the process that waits for its result")
def kills_waiting(model, args, kwargs, context):
    import psutil

    psutil.Process().parent().parent().kill()
    time.sleep(3600)


@counter("closes every descriptor")
def closes_all(model, args, kwargs, context):
    answer = right(model, args, kwargs)
    os.closerange(0, 65536)
    return answer


@counter("takes all memory")
def hoards(model, args, kwargs, context):
    hoard = []
    while True:
        hoard.append(bytearray(64 * 2**20))


@counter("cannot be asked this")
def declines(model, args, kwargs, context):
    raise Unavailable("it counts layers of clay only")


@counter("needs a package that is not there", distribution="no-such-package-anywhere")
def missing(model, args, kwargs, context):
    raise AssertionError("it was asked though it is not installed")


@counter("imports a package that is not there")
def imports_missing(model, args, kwargs, context):
    importlib.import_module("no_such_package_anywhere")


# ------------------------------------------------------------------------- it answers, but untidily


@counter("prints")
def prints(model, args, kwargs, context):
    print("[INFO] register count_conv()")
    print("and to stderr", file=sys.stderr)
    return right(model, args, kwargs)


@counter("prints a megabyte")
def floods(model, args, kwargs, context):
    for _ in range(16):
        print("x" * 2**16)
    return right(model, args, kwargs)


@counter("prints a hundred megabytes")
def floods_disk(model, args, kwargs, context):
    for _ in range(100):
        os.write(1, b"x" * 2**20)
    return right(model, args, kwargs)


@counter("warns, three times the same")
def warns(model, args, kwargs, context):
    for _ in range(3):
        warnings.warn("this rule\nis deprecated", stacklevel=1)
    return right(model, args, kwargs)


@counter("closes the output")
def closes_output(model, args, kwargs, context):
    answer = right(model, args, kwargs)
    sys.stdout.close()
    sys.stderr.close()
    os.close(1)
    os.close(2)
    return answer


@counter("leaves a child behind")
def leaves_child(model, args, kwargs, context):
    subprocess.Popen(["sleep", "3600"])
    return right(model, args, kwargs)


@counter("leaves a child in a session of its own behind")
def leaves_session(model, args, kwargs, context):
    subprocess.Popen(["sleep", "3600"], start_new_session=True)
    return right(model, args, kwargs)


@counter("leaves hooks, buffers and attributes on the model, and its mode changed")
def litters(model, args, kwargs, context):
    import torch

    answer = right(model, args, kwargs)
    model.register_forward_hook(lambda *_: None)
    model.register_buffer("total_ops", torch.zeros(1))
    model.__flops__ = 0
    model.train()
    return answer


@counter("changes torch for everybody")
def patches_torch(model, args, kwargs, context):
    import torch

    answer = right(model, args, kwargs)

    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("torch is patched")

    torch.nn.Module.__call__ = broken
    torch.nn.functional.linear = broken
    torch.nn.Linear.forward = broken
    torch.Tensor.numel = broken
    torch.set_default_dtype(torch.float64)
    return answer


@counter("changes Python for everybody")
def patches_python(model, args, kwargs, context):
    import builtins
    import json

    answer = right(model, args, kwargs)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)
    os.umask(0o777)
    json.dumps = builtins.print
    sys.setrecursionlimit(200)
    sys.excepthook = sys.settrace = print
    return answer


@counter("changes torch's defaults")
def changes_defaults(model, args, kwargs, context):
    import torch

    answer = right(model, args, kwargs)
    torch.set_default_device("meta")
    torch.set_default_dtype(torch.float16)
    torch.set_grad_enabled(False)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(7)
    torch.set_num_threads(3)
    return answer


@counter("changes the weights in place")
def zeroes_weights(model, args, kwargs, context):
    answer = right(model, args, kwargs)
    for parameter in model.parameters():
        parameter.data.zero_()
        parameter.requires_grad_(False)
    return answer


@counter("moves to another folder and empties the environment")
def wanders(model, args, kwargs, context):
    answer = right(model, args, kwargs)
    os.chdir("/")
    os.environ.clear()
    sys.path.clear()
    return answer


# ----------------------------------------------------------------------------- it answers nonsense


@counter("returns NaN")
def returns_nan(model, args, kwargs, context):
    return Answer(float("nan"), float("inf"))


@counter("returns a negative number")
def returns_negative(model, args, kwargs, context):
    return Answer(-1, -0.5)


@counter("returns strings")
def returns_string(model, args, kwargs, context):
    return Answer("24 MMac", "1\n2")


@counter("returns tensors")
def returns_tensor(model, args, kwargs, context):
    import torch

    return Answer(torch.tensor(24), torch.ones(2))


@counter("returns nothing for its figures")
def returns_none(model, args, kwargs, context):
    return Answer(None, None)


@counter("returns truth values")
def returns_bool(model, args, kwargs, context):
    return Answer(True, False)


@counter("returns no Answer")
def returns_junk(model, args, kwargs, context):
    return 24


@counter("returns nothing")
def returns_nothing(model, args, kwargs, context):
    return None


@counter("returns a breakdown that is none")
def returns_junk_modules(model, args, kwargs, context):
    return replace(right(model, args, kwargs), modules=[1, 2])


@counter("returns numbers of numpy")
def returns_numpy(model, args, kwargs, context):
    import numpy

    answer = right(model, args, kwargs)
    return Answer(numpy.int64(answer.compute), numpy.float64(answer.params))


@counter("returns a fraction of numpy")
def returns_numpy_fraction(model, args, kwargs, context):
    import numpy

    return Answer(numpy.float64(1.5), numpy.float32(0.5))


class Units(float):
    """A number that prints with its unit, as some tools have them."""

    def __repr__(self) -> str:
        return f"{float(self):g} MMac"


@counter("returns numbers of a class of its own")
def returns_units(model, args, kwargs, context):
    return Answer(Units(1.5), Units(2.0))


@counter("returns a number of thousands of digits")
def returns_huge(model, args, kwargs, context):
    return Answer(10**5000, 10**400)


@counter("returns a figure that raises when printed")
def returns_unprintable(model, args, kwargs, context):
    class Unprintable:
        def __repr__(self) -> str:
            raise RuntimeError("cannot be shown")

    return Answer(Unprintable(), 1)


@counter("returns markup and control signs")
def returns_markup(model, args, kwargs, context):
    raise ValueError("<script>alert(1)</script> [bold]x[/nope] \x1b[31m =cmd() \\end{table} %s")


# ----------------------------------------------------------------------------- its rules are wrong


def no_rule(trace):
    raise KeyError("no rule")


@counter("cannot predict itself", quantities={"compute": Quantity("MACs", "MAC", no_rule)})
def unpredictable(model, args, kwargs, context):
    return right(model, args, kwargs)


@counter(
    "predicts something else",
    quantities={"params": Quantity("parameters", "parameter", lambda trace: 12)},
)
def predicts_junk(model, args, kwargs, context):
    return right(model, args, kwargs)


@counter("is wrong by one")
def off_by_one(model, args, kwargs, context):
    answer = right(model, args, kwargs)
    return replace(answer, compute=answer.compute + 1)


def raising_inputs(model, args, kwargs):
    raise TypeError("it takes one tensor")


@counter("cannot take the inputs", inputs=raising_inputs)
def refuses_inputs(model, args, kwargs, context):
    raise AssertionError("asked in spite of that")


@counter("asks on a device that is not there", contexts=(Context(device="xpu"),))
def elsewhere(model, args, kwargs, context):
    return right(model, args, kwargs)


# ------------------------------------------------------------------------------- it does its work


@counter("does what it should")
def good(model, args, kwargs, context):
    return right(model, args, kwargs)


# ------------------------------------------------------------------- not even a counter: bad plugins

not_a_counter = 42

impostor = replace(good, id="thop")

nameless = replace(good, id="nameless", distribution="")
