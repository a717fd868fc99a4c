"""One cell in this process: what a counter says of a model, and what its rules predict."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import logging
import warnings
from functools import cache

import torch
from torch import nn

from flop_harness import counters
from flop_harness.counters.protocol import Counter, Unavailable
from flop_harness.reconcile import bridges as reconcile
from flop_harness.records import Bridge, Context, Reading, Trace
from flop_harness.run.answers import modules_of
from flop_harness.run.contexts import asked_with, observations, watched, with_calls
from flop_harness.suite.compiled import eagerly
from flop_harness.trace.attempts import recorded
from flop_harness.trace.copying import copied
from layers import Factory, Sample

# A counter from a folder of its own cannot be in this process beside the package it replaces.
HERE = [
    counter
    for counter in counters.counters().values()
    if counters.version_of(counter) and not counter.overlay
]
CELLS = [(counter.id, context) for counter in HERE for context in counter.contexts]


class Refusal(Exception):
    """The counter gave no figure; the text is what it raised and printed."""


def traced(module: nn.Module, args: tuple, kwargs: dict, **options) -> Trace:
    """A trace of a model that matters, with kernels or gradients where it asks for them."""
    return recorded(lambda: (module, args, kwargs), **options)


@cache
def canonical(factory: Factory) -> Trace:
    """The trace of the case itself, as its reference is priced on."""
    return traced(*factory())


def asked(counter: Counter, factory: Factory, context: Context) -> tuple[Sample, Trace]:
    """The sample as the counter passes it on, and its trace in the reading's own context."""
    module, args, kwargs = factory()
    if context.mode:
        module.train(context.mode == "train")
    try:
        args, kwargs = asked_with(counter, context, module, args, kwargs)
    except Unavailable as error:
        raise Refusal(f"unavailable: {error}") from error
    trace = traced(
        module, args, kwargs, **watched(counter, dataclasses.replace(context, variant=""))
    )
    trace = with_calls(
        trace, observations(counter, context, *copied((module, args, kwargs), real=True))
    )
    named = dataclasses.replace(trace.context, variant=context.variant)
    return Sample(module, args, kwargs), dataclasses.replace(trace, context=named)


def bridges(name: str, context: Context, factory: Factory) -> dict[str, Bridge]:
    """The bridge to each of a counter's figures."""
    counter = counters.counters()[name]
    sample, own = asked(counter, factory, context)
    with (
        quiet() as printed,
        torch.set_grad_enabled(context.grad),
        functions_restored(),
        eagerly(),
    ):
        try:
            answer = counter.read(sample.module, sample.args, sample.kwargs, own.context)
        except Exception as error:
            said = f"{type(error).__name__}: {error}\n{printed.getvalue()}"
            raise Refusal(said) from error
    made = {}
    for metric, quantity in counter.quantities.items():
        value = getattr(answer, metric)
        reading = Reading("", name, "", own.context, metric, quantity.unit, "ok", value)
        if metric == "compute":
            reading = dataclasses.replace(reading, modules=modules_of(answer)[0])
        made[metric] = reconcile.bridge(reading, counter, canonical(factory), own)
    return made


def figures_explained(factory: Factory) -> int:
    """How many figures of a sample are explained: all, module by module where the counter says so.

    A counter that raises has no figure.
    """
    explained = 0
    for counter, context in CELLS:
        try:
            made = bridges(counter, context, factory)
        except Refusal:
            continue
        for metric, bridge in made.items():
            assert bridge.explained, (counter, metric, bridge.reading, bridge.steps, bridge.off)
        explained += len(made)
    return explained


@contextlib.contextmanager
def functions_restored():
    """torch's functions as they were: ptflops leaves its own behind where the model raises.

    Methods that a tensor has from its base are no longer its own.
    """
    places = (torch, torch.nn.functional, torch.Tensor)
    before = [(place, dict(vars(place))) for place in places]
    try:
        yield
    finally:
        for name in vars(torch.Tensor).keys() - before[-1][1].keys():
            delattr(torch.Tensor, name)
        for place, functions in before:
            for name, function in functions.items():
                if callable(function) and vars(place).get(name) is not function:
                    setattr(place, name, function)


@contextlib.contextmanager
def quiet():
    """Without the prints, warnings and log lines of a counter."""
    sink = io.StringIO()
    logging.disable(logging.CRITICAL)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(sink),
            contextlib.redirect_stderr(sink),
        ):
            warnings.simplefilter("ignore")
            yield sink
    finally:
        logging.disable(logging.NOTSET)
