"""The lines by which each counter is asked print the figure that its reading holds."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from flop_harness import counters
from flop_harness.code.literals import CannotWrite
from flop_harness.code.usage import usage_code
from flop_harness.counters import overlay, protocol
from flop_harness.counters.protocol import Counter, Unavailable
from flop_harness.records import Call, Context
from flop_harness.run.isolation import run_apart
from flop_harness.trace.recorder import record
from flop_harness.trace.surroundings import settings
from layers import Factory, Sample, made, sequential
from networks import NETWORKS

pytestmark = pytest.mark.filterwarnings("ignore")

MODELS: dict[str, Factory] = {
    "convolutional": made(sequential(lambda: nn.Conv2d(3, 4, 3), nn.ReLU, lambda: nn.MaxPool2d(2),
                                     nn.Flatten, lambda: nn.Linear(24, 5)), (1, 3, 6, 8)),
    "of three dimensions": made(sequential(lambda: nn.LayerNorm(6), lambda: nn.Linear(6, 4), nn.GELU,
                                           lambda: nn.Linear(4, 2, bias=False)), (2, 3, 6)),
}  # fmt: skip
ONE_IMAGE = ("torchstat", "torchstat-madd")
"""Tools that take nothing else"""
COUNTERS = counters.counters()
ALL_NAMED = Call("module", "", (), (("input", None),), None)
PARTLY_NAMED = Call("module", "", (None,), (("mask", None),), None)


def printed(code: str, sample: Sample) -> float:
    """The number in the last line that the code prints."""
    out = io.StringIO()
    given = {"model": sample.module, "args": sample.args, "kwargs": sample.kwargs}
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        exec(compile(code, "usage", "exec"), given)
    return float(out.getvalue().splitlines()[-1].replace(",", ""))


def read(counter: Counter, context: Context, sample: Sample) -> dict[str, float]:
    with settings(context.grad, context.variant), contextlib.redirect_stdout(io.StringIO()):
        answer = counter.read(sample.module, sample.args, sample.kwargs, context)
    return {metric: float(getattr(answer, metric)) for metric in counter.quantities}


def apart(counter: Counter, work: Callable[[], Any]) -> Any:
    """In a process of its own, which has the counter's package first on its path."""
    if not (counter.overlay or counters.installed(counter.distribution)):
        pytest.skip(f"{counter.distribution} is not installed")
    try:
        folder = overlay.ensure(counter.overlay) if counter.overlay else None
    except overlay.NotInstallable as error:
        pytest.skip(str(error))

    def asked() -> Any:
        torch.set_num_threads(1)
        if folder is not None:
            overlay.put_first(folder, counter.distribution)
        return work()

    outcome = run_apart(asked, timeout_s=120)
    assert outcome.ending == "ok", f"{outcome.message}\n{outcome.output}"
    return outcome.value


@pytest.mark.parametrize("name", COUNTERS)
def test_a_usage_prints_what_is_read(name: str):
    counter = COUNTERS[name]
    context = counter.contexts[0]

    def both() -> list[tuple[dict, dict]]:
        return [
            ({m: printed(usage_code(counter, context, m), factory()) for m in counter.quantities},
             read(counter, context, factory()))
            for kind, factory in MODELS.items()
            if kind == "convolutional" or name not in ONE_IMAGE
        ]  # fmt: skip

    for told, said in apart(counter, both):
        assert told == said


@pytest.mark.parametrize("name", ["torch", "ptflops-aten", "fvcore"])
def test_grad_mode_and_variant_are_part_of_a_usage(name: str):
    """An encoder layer takes its fast path under no_grad, and a fused kernel unless told not to."""
    counter = COUNTERS[name]
    factory = NETWORKS["encoder layer batch first"]
    here = [c for c in (*counter.contexts, *counter.further) if c.device == "cpu"]

    def every() -> dict[Context, tuple[float, float]]:
        return {c: (printed(usage_code(counter, c, "compute"), factory()),
                    read(counter, c, factory())["compute"]) for c in here}  # fmt: skip

    said = apart(counter, every)
    assert all(told == figure for told, figure in said.values())
    assert len({figure for _, figure in said.values()}) > 1


class Gives(nn.Module):
    """A layer whose output stands in what ``put`` makes of it."""

    def __init__(self, put: Callable[[torch.Tensor], Any]) -> None:
        super().__init__()
        self.layer, self.put = nn.Linear(6, 4), put

    def forward(self, input: torch.Tensor) -> Any:
        return self.put(self.layer(input))


OUTPUTS: dict[str, Callable[[torch.Tensor], Any]] = {
    "a tensor": lambda y: y,
    "a tuple": lambda y: (y @ y.T, y, None),
    "a table": lambda y: {"y": y, "z": y @ y.T},
    "its own loss": lambda y: {"y": y @ y.T, "loss": y.mean()},
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_training_step_goes_back_from_what_the_reading_does(name: str):
    for factory in (made(lambda: Gives(OUTPUTS[name]), (3, 6)),
                    made(lambda: Gives(OUTPUTS[name]), input=(3, 6))):  # fmt: skip
        sample = factory()
        call = record(sample.module, sample.args, sample.kwargs).root
        for context in COUNTERS["torch"].training[:2]:
            code = usage_code(COUNTERS["torch"], context, "compute", call)
            figure = read(COUNTERS["torch"], context, factory())["compute"]
            assert printed(code, factory()) == figure
            forward_and_weights = 2 * 2 * 3 * 6 * 4
            assert figure >= forward_and_weights


@pytest.mark.parametrize("name", ["calflops", "deepspeed"])
def test_tools_with_a_factor_for_the_backward_pass(name: str):
    counter = COUNTERS[name]
    factory = made(lambda: Gives(OUTPUTS["a tensor"]), (3, 6))
    (context,) = counter.training

    def both() -> tuple[float, float]:
        sample = factory()
        call = record(sample.module, sample.args, sample.kwargs).root
        return (printed(usage_code(counter, context, "compute", call), factory()),
                read(counter, context, factory())["compute"])  # fmt: skip

    told, said = apart(counter, both)
    assert told == said


def test_outputs_within_outputs_are_not_written_down():
    call = record(Gives(lambda y: {"inner": [y]}), (torch.zeros(3, 6),)).root
    with pytest.raises(CannotWrite):
        usage_code(COUNTERS["torch"], COUNTERS["torch"].training[0], "compute", call)


def test_named_inputs_stand_in_a_dictionary():
    factory = made(nn.Identity, input=(2, 3))
    tied = made(lambda: nn.Bilinear(3, 4, 5), input1=(2, 3), input2=(2, 4))
    for name in ("torch", "torchinfo", "ptflops-pytorch", "analytic"):
        counter = COUNTERS[name]
        for each in (factory, tied):
            code = usage_code(counter, call=ALL_NAMED)
            figure = read(counter, counter.contexts[0], each())["compute"]
            assert printed(code, each()) == figure


def test_every_counter_here_tells_its_usage():
    for counter in COUNTERS.values():
        assert counter.usage is not None
        assert usage_code(counter).splitlines()[-1].startswith("print(")
        for context in (*counter.contexts, *counter.further):
            for call in (None, ALL_NAMED, PARTLY_NAMED):
                if call is None or counter.usage.takes(call):
                    compile(usage_code(counter, context, call=call), "usage", "exec")


def test_inputs_of_a_model_without_a_signature_have_no_names():
    """A function of torch's own, as the methods of a scripted module in Python 3.12, tells none."""
    model = torch.nn.Identity()
    model.forward = torch.neg
    with pytest.raises(Unavailable, match="no names"):
        protocol.named(model, (torch.ones(1),), {})
    assert protocol.positionally(model, (torch.ones(1),), {})[1] == {}
