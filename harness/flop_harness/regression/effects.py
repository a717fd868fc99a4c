"""What a counter does to the model that it counts, and to torch around it."""

from __future__ import annotations

import copy
import io
import pickle
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from flop_harness.counters import Counter, overlay
from flop_harness.run.answers import first_line, without_paths
from flop_harness.run.isolation import run_apart
from flop_harness.run.leftovers import few, leftovers, marks

Model = tuple[Any, tuple[Any, ...]]
"""A module and its positional inputs"""

LEFT = {
    "training mode changed": "mode",
    "hooks left": "hooks",
    "buffers added": "buffers",
    "attributes added": "attributes",
    "state_dict keys added": "state_dict keys",
    "tensors changed": "tensors",
}
"""How a leftover begins -> the column in which it is told"""

NO_ANSWER = "no answer"
COLUMNS = (
    *LEFT.values(), "RNG", "torch patched", "second call differs", "does not train",
    "does not pickle", "state_dict does not load", NO_ANSWER,
)  # fmt: skip

# -------------------------------------------------------------------------------------- models


def convolutions() -> Model:
    """Convolution, batch normalisation, ReLU and a linear layer."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    layers = {
        "conv": nn.Conv2d(3, 4, 3, padding=1), "norm": nn.BatchNorm2d(4), "relu": nn.ReLU(),
        "flatten": nn.Flatten(), "head": nn.Linear(4 * 8 * 8, 5),
    }  # fmt: skip
    return nn.Sequential(OrderedDict(layers)), (torch.rand(1, 3, 8, 8),)


def attention() -> Model:
    """A transformer layer; without dropout, which draws random numbers whoever counts."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
    return layer, (torch.rand(1, 5, 16),)


def recurrence() -> Model:
    """A model that is one recurrent layer, and gives a tuple."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    return nn.LSTM(6, 8, batch_first=True), (torch.rand(1, 4, 6),)


MODELS: Mapping[str, Callable[[], Model]] = {
    "convolutions": convolutions, "attention": attention, "recurrence": recurrence,
}  # fmt: skip


def on_every_model(counter: Counter) -> dict[str, dict[str, str]]:
    """Model -> column -> what happened."""
    return {name: effects(counter, make) for name, make in MODELS.items()}


# ------------------------------------------------------------------------------------- effects


def effects(counter: Counter, make: Callable[[], Model], timeout_s: float = 120) -> dict[str, str]:
    """Column -> what happened; nothing for what did not. Measured in a process of its own."""
    import torch._dynamo  # noqa: F401 - it wraps functions of torch when it is first imported

    outcome = run_apart(lambda: observed(counter, make), timeout_s=timeout_s)
    return (
        outcome.value
        if outcome.ending == "ok"
        else {NO_ANSWER: without_paths(first_line(outcome.message))}
    )


def observed(counter: Counter, make: Callable[[], Model]) -> dict[str, str]:
    import torch

    torch.set_num_threads(1)  # this is a fork, perhaps of what has computed on several
    if counter.overlay:
        overlay.put_first(overlay.ensure(counter.overlay), counter.distribution)
    model, args = make()
    model.train()
    before, patches, state = marks(model), patchable(), torch.get_rng_state()
    first = ask(counter, model, args)
    found = {column: told for told in leftovers(before, marks(model))
             for start, column in LEFT.items() if told.startswith(start)}  # fmt: skip
    changed = [name for name, value in patchable().items() if patches.get(name) is not value]
    if changed:
        found["torch patched"] = few(changed)
    if not torch.equal(state, torch.get_rng_state()):
        found["RNG"] = "the generator's state changed"
    return found | afterwards(counter, model, args, first, make)


def ask(counter: Counter, model: Any, args: tuple[Any, ...]) -> tuple[Any, Any]:
    import torch

    context = counter.contexts[0]
    with torch.set_grad_enabled(context.grad):
        answer = counter.read(model, *counter.inputs(model, args, {}), context)
    return answer.compute, answer.params


def afterwards(
    counter: Counter, model: Any, args: tuple[Any, ...], first: Any, make: Callable[[], Model]
) -> dict[str, str]:
    """What is the matter with the model once it has been counted."""
    tried: Mapping[str, Callable[[], str]] = {
        "does not pickle": lambda: pickled(model),
        "state_dict does not load": lambda: loaded(model, make()[0]),
        "does not train": lambda: trained(model, args),
        "second call differs": lambda: repeated(counter, model, args, first),
    }
    found = {column: attempt(work) for column, work in tried.items()}
    return {column: why for column, why in found.items() if why}


def attempt(work: Callable[[], str]) -> str:
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - whatever a counted model raises is what is told
        return first_line(without_paths(f"{type(error).__name__}: {error}"), 200)


def pickled(model: Any) -> str:
    pickle.loads(pickle.dumps(model))
    copy.deepcopy(model)
    return ""


def loaded(model: Any, fresh: Any) -> str:
    """Strictly, into a model that was not counted."""
    import torch

    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    fresh.load_state_dict(torch.load(file))
    return ""


def trained(model: Any, args: tuple[Any, ...]) -> str:
    """A step as its owner would go on: gradients for every parameter."""
    output = model(*args)
    (output[0] if isinstance(output, tuple) else output).sum().backward()
    lacking = [name for name, p in model.named_parameters() if p.grad is None]
    return f"no gradient for {few(lacking)}" if lacking else ""


def repeated(counter: Counter, model: Any, args: tuple[Any, ...], first: Any) -> str:
    second = ask(counter, model, args)
    return "" if second == first else f"{first} and then {second}"


def patchable() -> dict[str, Any]:
    """The functions of torch that a counter may replace, by name."""
    import torch
    from torch import nn

    places = (
        ("torch", torch), ("torch.nn.functional", nn.functional), ("torch.Tensor", torch.Tensor),
        ("torch.nn.Module", nn.Module), ("torch.nn.Linear", nn.Linear),
        ("torch.nn.Conv2d", nn.Conv2d), ("torch.nn.ReLU", nn.ReLU),
        ("torch.nn.BatchNorm2d", nn.BatchNorm2d), ("torch.nn.Sequential", nn.Sequential),
    )  # fmt: skip
    return {f"{where}.{name}": value for where, place in places
            for name, value in vars(place).items() if callable(value)}  # fmt: skip
