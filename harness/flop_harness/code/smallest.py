"""The smallest code that shows a term of a bridge: one module of the model, called alone."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from flop_harness.code.constructors import ATTENTION, constructed, shared_inputs
from flop_harness.code.excerpt import Place
from flop_harness.code.figure import asked, pieces_of
from flop_harness.code.literals import CannotWrite
from flop_harness.code.module_pass import Part, TracedFigure, Unlike, bridge_of, part_of
from flop_harness.code.text import WIDTH, block, built, inputs_of, joined, model_lines
from flop_harness.reconcile.bridges import whole
from flop_harness.records import Bridge, Call, Tensor
from flop_harness.records.account import lineage

PATIENCE = 60
"""So many different calls are tried before the whole model is taken"""
MOST = 4
"""So many terms are named in a remark"""


@dataclass(frozen=True, slots=True)
class Example:
    """Code that shows ``term``, and the bridge from the reference to what it prints.

    ``module`` is the path of the module that it calls, empty for the whole model, ``kind`` its class,
    and ``calls`` are those of its pass, its own among them.
    """

    term: str
    module: str
    kind: str
    calls: int
    bridge: Bridge
    code: str


def example(traced: TracedFigure, term: str, names: Collection[str] = ()) -> Example | None:
    """The smallest code that shows a term, which goes by ``names`` in the steps of the bridge.

    The modules that the term comes from are tried, and those that hold them, those with the fewest
    calls first; where none shows it alone, it is the whole model. None if not even that can be
    written down.
    """
    wanted = frozenset(names or [term])
    for place in candidates(traced, wanted):
        try:
            part = part_of(traced, place)
            code, bridge = written(traced, part), bridge_of(traced, part)
        except (CannotWrite, Unlike):
            continue
        if any(step.term in wanted and step.amount for step in bridge.steps):
            return shown(traced, term, place, bridge, f"{code}{remark(bridge, wanted)}")
    try:
        code = whole_code(traced)
    except CannotWrite:
        return None
    return shown(
        traced, term, traced.places[0], traced.bridge, f"{code}{remark(traced.bridge, wanted)}"
    )


def shown(traced: TracedFigure, term: str, place: Place, bridge: Bridge, code: str) -> Example:
    kind = traced.own.modules[place.call.module].type_name
    return Example(term, place.path, kind, place.calls, bridge, code)


def whole_code(traced: TracedFigure) -> str:
    """The code that gives the figure itself. CannotWrite for inputs that no short code makes."""
    bridge, own = traced.bridge, traced.own
    if traced.of_function:
        raise CannotWrite("a function, where the tool takes a module")
    return joined(*pieces_of(traced.case, traced.counter, bridge.context, bridge.metric,
                             traced.canonical.root, own.root, own.executed))  # fmt: skip


# ---------------------------------------------------------------------------------- candidates


def candidates(traced: TracedFigure, terms: Collection[str]) -> Iterator[Place]:
    """Calls of modules that may show a term alone, each kind once, the smallest first."""
    if not traced.bridge.explained:
        return
    paths = {path for step in traced.bridge.steps if step.term in terms for path in step.modules}
    holders = {holder for path in paths for holder in lineage(path)}
    everywhere = paths == {""}
    seen: set[str] = set()
    modules = traced.own.modules
    for place in sorted(traced.places, key=lambda place: (place.calls, elements(place.call))):
        if not place.path or place.path.startswith("<"):
            continue
        module = modules[place.call.module]
        kind = repr((module.type, module.config, place.call.args, place.call.kwargs, place.calls))
        if (everywhere or place.path in holders) and kind not in seen and len(seen) < PATIENCE:
            seen.add(kind)
            yield place


def elements(call: Call) -> int:
    return sum(value.numel for value in call.args if isinstance(value, Tensor))


# --------------------------------------------------------------------------------------- code


def written(traced: TracedFigure, part: Part) -> str:
    """The module alone, made by its constructor or taken out of the model, and how it is asked."""
    case, device = traced.case, traced.bridge.context.device
    maker = constructed(traced.own, part.module)
    if maker:
        switches = f"{'.eval()' if case.mode == 'eval' else ''}{to(device)}"
        home, model = "", [f"model = {maker}{switches}"]
    elif traced.of_function:
        raise CannotWrite("a part of a function")
    else:
        taken = f'model = model.get_submodule("{part.place.path}")'
        home, model = built(case), [*model_lines(case, device), taken]
    if part.lent:
        model.append(
            f"model.lent = torch.nn.Parameter(torch.zeros(1))  # {traced.counter.id} asks for one"
        )
    shared = shared_inputs(part.call) if part.module.type == ATTENTION else {}
    inputs = inputs_of(part.call, device, shared)
    asks = asked(traced.counter, traced.bridge.context, traced.bridge.metric, part.call)
    return joined(home, block(*model, *inputs), asks)


def to(device: str) -> str:
    return "" if device == "cpu" else f'.to("{device}")'


def remark(bridge: Bridge, wanted: Collection[str]) -> str:
    """What the code prints, and which terms lead there from the reference."""
    told = sorted(
        (step for step in bridge.steps if step.amount), key=lambda s: s.term not in wanted
    )
    words = [f"{step.term} {step.amount:+,}" for step in told[:MOST]]
    if len(told) > MOST:
        others = whole(sum(step.amount for step in told[MOST:]))
        words.append(f"{len(told) - MOST} other terms {others:+,}")
    if bridge.residual:
        words.append(f"not explained {bridge.residual:+,}")
    unit = "parameters" if bridge.metric == "params" else "MAC"
    terms = " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
    text = f"prints {bridge.reading}: {terms}; the reference is {bridge.reference:,} {unit}"
    lines = textwrap.wrap(text, WIDTH - 2, break_long_words=False, break_on_hyphens=False)
    return "".join(f"# {line}\n" for line in lines)
