"""What formulas say of a language model, and how work, memory and a machine's peak relate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from flop_harness.ask.count import count_case
from flop_harness.conventions.transformers import memory
from flop_harness.conventions.transformers import parameters as weights
from flop_harness.conventions.transformers.catalogue import PROJECTS, formula
from flop_harness.conventions.transformers.catalogue import versions as versions_of
from flop_harness.conventions.transformers.formula import reference
from flop_harness.conventions.transformers.recognition import shape_of as shape_of_trace
from flop_harness.conventions.transformers.runs import NotRecognised
from flop_harness.errors import UserError
from flop_harness.reconcile.transformers import bridge, bridges, over_trace
from flop_harness.records import Case, Trace
from flop_harness.records.transformer import FormulaBridge, Transformer
from flop_harness.records.utilisation import Bound, Held, Peak, Phase, Utilisation
from flop_harness.suite.build import build
from flop_harness.suite.configurations import with_windows
from flop_harness.suite.files import case_from_model
from flop_harness.suite.shapes import find

LONGEST = 10**8


def shape_of(model: str, length: int | None, extend: bool = False) -> tuple[Transformer, int]:
    """A shape and the length to count it at; its own context if none is given.

    UserError for a model that is not known, and for a length beyond its positions; ``extend`` allows
    that where positions are computed.
    """
    shape = find(model)
    if length is None:
        return shape, shape.context
    if not 1 <= length <= LONGEST:
        raise UserError(f"a length of {length:,}: give 1 to {LONGEST:,} tokens")
    if length > shape.context and shape.positions == "learned":
        raise UserError(f"{shape.id} has {shape.context:,} learned positions: a length of {length:,}"
                        " is beyond them")  # fmt: skip
    if length > shape.context and not extend:
        raise UserError(f"{shape.id} has {shape.context:,} positions: a length of {length:,} is beyond"
                        " them; --extend counts it all the same")  # fmt: skip
    return shape, length


def traced(
    model: str, length: int | None, extend: bool = False, kwargs: Mapping[str, Any] | None = None
) -> tuple[Transformer, int, Trace]:
    """(shape, length, training step) of a model made with ``kwargs``, by its products and parameters.

    ``length`` tokens are what it is called with, unless it comes with inputs of its own; with
    ``extend`` a model of transformers is built with as many positions. UserError for a model that
    is no transformer, with the reason.
    """
    shapes = [] if length is None else [f"1x{length}:int64"]
    made = dict(kwargs or {})
    if extend and length is not None and model.startswith("transformers:"):
        config = made.get("config", {})
        if isinstance(config, str):
            raise UserError(f"--extend changes a configuration: name it as transformers:{config}")
        made["config"] = {**config, "max_position_embeddings": length}
    case = case_from_model(model, shapes, mode="eval", kwargs=made)
    trace = count_case(case, variant="training").trace
    try:
        shape, at = shape_of_trace(trace, model)
    except NotRecognised as error:
        raise UserError(f"no formula covers {model}: {error}{read_instead(model)}") from error
    return with_windows(shape, configuration_of(case), at), at, trace


def configuration_of(case: Case) -> dict[str, Any]:
    """What a model of transformers says of itself; nothing of another."""
    module: Any = build(case, device="meta", folder="").module
    tell = getattr(getattr(module, "config", None), "to_dict", dict)
    told: object = tell()
    return told if isinstance(told, dict) else {}


def read_instead(model: str) -> str:
    """Where a configuration's file alone is a shape, a word about it."""
    file = model.removeprefix("transformers:")
    if file == model or not file.endswith(".json"):
        return ""
    try:
        find(file)
    except UserError:
        return ""
    return f"; {file} alone is read as a shape"


def chosen(
    shape: Transformer, length: int, names: Iterable[str], trace: Trace | None = None
) -> list[FormulaBridge]:
    """The bridges of these formulas, or of all; UserError for one that does not cover the shape.

    With a ``trace`` they begin at what it runs.
    """
    wanted = [formula(name) for name in names]
    for each in wanted:
        if reason := each.outside(shape):
            raise UserError(f"{each.id} does not cover {shape.id}: {reason}")
    found = [bridge(each, shape, length) for each in wanted] or bridges(shape, length)
    if trace is None:
        return found
    return [over_trace(each, trace, shape, length) for each in found]


def utilisation(
    found: Iterable[FormulaBridge], tokens_per_second: Fraction, devices: int, peak: Peak
) -> list[Utilisation]:
    """MFU and HFU of a rate by each formula of training; the rate is that of all devices together."""
    made = []
    for each in found:
        if each.reading is None or each.scope not in ("training", "hardware"):
            continue
        flops = each.reading * tokens_per_second / devices
        share = flops / peak.flops
        made.append(Utilisation(each.formula, each.scope, each.reading, flops, share, each.outside))
    if not made:
        raise UserError("a formula for prefill or decoding has no MFU of training: name another")
    return made


def phases(
    shape: Transformer, length: int, batch: int, dtype: str, peak: Peak | None = None,
    optimizer: str = "adam",
) -> list[Phase]:  # fmt: skip
    """A training step, a prompt and one step of decoding, each with the least it has to move."""
    size = memory.BYTES[dtype]
    cache = batch * memory.cache_elements(shape, length) * size
    parameters, state = weights.count(shape), memory.OPTIMIZERS[optimizer][0]
    master = 4 if size < 4 else 0
    step = parameters * (3 * size + 2 * (state + master))
    tokens = batch * length
    found = [
        Phase("training step", tokens, tokens * reference(shape, length, "training"), step),
        Phase("prefill", tokens, tokens * reference(shape, length, "prefill"),
              memory.touched(shape, tokens) * size + cache),
        Phase("decode, one step", batch, batch * reference(shape, length, "decode"),
              memory.touched(shape, batch) * size + cache),
    ]  # fmt: skip
    return [bounded(phase, peak) for phase in found]


def bounded(phase: Phase, peak: Peak | None) -> Phase:
    """What bounds a phase on one device: the arithmetic or the memory."""
    if peak is None or not peak.bandwidth:
        return phase
    arithmetic, traffic = phase.flop / peak.flops, phase.bytes / peak.bandwidth
    bound: Bound = "compute" if arithmetic >= traffic else "memory"
    return replace(phase, bound=bound, seconds=float(max(arithmetic, traffic)))


def memory_of(
    shape: Transformer, length: int, batch: int, dtype: str, optimizer: str
) -> list[Held]:
    """What the model takes in memory."""
    return list(memory.held(shape, length, batch, dtype, optimizer))


def versions(shape: Transformer, length: int) -> list[tuple[str, str, str, FormulaBridge]]:
    """(project, date, commit, bridge) of every dated formula, by project, the oldest first."""
    return [
        (project, each.date, each.commit, bridge(each, shape, length))
        for project in PROJECTS
        for each in versions_of(project)
    ]
