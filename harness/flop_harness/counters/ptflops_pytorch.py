"""ptflops 0.7.5, pytorch backend: hooks on layers of known type, and patched functions beside them.

A layer whose forward goes through a patched function is charged by both. Rules after
ptflops/pytorch_ops.py and ptflops/pytorch_engine.py of ptflops 0.7.5.
"""

from __future__ import annotations

from typing import Any

from flop_harness.counters.pricing.ptflops_call import reader, usage
from flop_harness.counters.pricing.ptflops_functions import FUNCTIONS, function_charges
from flop_harness.counters.pricing.ptflops_layers import RULES, WEIGHT_RULES, module_charges
from flop_harness.counters.protocol import Counter, Quantity, by_keyword
from flop_harness.counters.ptflops_aten import trainable
from flop_harness.records import Context, Dict, Opaque, Tensor, Trace
from flop_harness.records.account import Account
from flop_harness.trace.walk import module_calls


def batch_size(trace: Trace) -> int:
    """Lengths of the first positional input of each call of the root; 1 where there is none."""
    inputs = (v.call.args[0] if v.call.args else None for v, _ in module_calls(trace)
              if v.call.module == 0)  # fmt: skip
    return sum(map(length_of, inputs))


def length_of(value: Any) -> int:
    if value is None:
        return 1
    if isinstance(value, Tensor):
        return value.shape[0]
    if isinstance(value, Opaque) and value.length is not None:
        return value.length
    return len(value.values if isinstance(value, Dict) else value)


def price_compute(trace: Trace) -> Account:
    """Module charges averaged over the batch, plus function charges of the whole batch."""
    hooks, patched = Account.of(module_charges(trace)), Account.of(function_charges(trace))
    averaged = int(hooks.total / batch_size(trace) + patched.total)
    whole = hooks.total + patched.total
    return hooks + patched + Account.of([("", "layers averaged over the batch", averaged - whole)])


COUNTER = Counter(
    id="ptflops-pytorch",
    distribution="ptflops",
    description="ptflops' pytorch backend: layer hooks and patched functions",
    source="ptflops/pytorch_ops.py, ptflops/pytorch_engine.py (0.7.5)",
    quantities={
        "compute": Quantity("MACs", "MAC", price_compute),
        "params": Quantity("params", "parameter", trainable),
    },
    read=reader("pytorch"),
    usage=usage("pytorch"),
    contexts=(Context(grad=True, mode="eval"),),
    further=(
        Context(grad=False, mode="eval"),
        Context(grad=True, mode="eval", variant="keywords"),
    ),
    inputs=by_keyword,
    hooks=lambda path, kind: kind in RULES or kind in WEIGHT_RULES,
    patches=frozenset(FUNCTIONS),
)
