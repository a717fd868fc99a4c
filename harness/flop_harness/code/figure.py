"""The code of a figure: a model, its inputs, and how a tool is asked about it."""

from __future__ import annotations

from flop_harness.code.literals import CannotWrite
from flop_harness.code.text import model_code, recast
from flop_harness.code.usage import usage_code
from flop_harness.counters import Counter
from flop_harness.records import Call, Case, Context, Metric


def pieces_of(
    case: Case,
    counter: Counter,
    context: Context,
    metric: Metric,
    given: Call | None = None,
    own: Call | None = None,
    seeded: bool = False,
) -> tuple[str, str]:
    """The model with its inputs, and how the tool is asked in a context about a figure.

    ``given`` is the call of the model as the case has it, ``own`` as the counter calls it; without
    them the case has to name its inputs. ``seeded`` draws the values that the harness draws.
    CannotWrite for what no short code makes, or the tool does not pass on.
    """
    model = model_code(case, given, context.device, seeded)
    if given is not None and own is not None:
        model = "\n".join([model.rstrip(), *recast(given, own), ""])
    if own is None:
        return model, usage_code(counter, context, metric)
    return model, asked(counter, context, metric, own)


def asked(counter: Counter, context: Context, metric: Metric, call: Call) -> str:
    """How the tool is asked about a model that is called so. CannotWrite if it cannot be."""
    if counter.usage is None or not counter.usage.takes(call):
        raise CannotWrite("inputs by name, or several, which the tool does not pass on")
    return usage_code(counter, context, metric, call)
