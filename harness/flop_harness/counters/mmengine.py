"""mmengine 0.10.7's get_model_complexity_info: fvcore's jit view; says FLOPs, counts MACs.

Rules after mmengine/analysis/jit_handles.py and mmengine/analysis/complexity_analysis.py of
mmengine 0.10.7, a copy of fvcore's that also takes vectors in a matrix product.
"""

from __future__ import annotations

from typing import Any

from flop_harness.conventions.reference import registered_parameters, settled
from flop_harness.counters import fvcore
from flop_harness.counters.pricing.jit_graph import captured, observed, traceable
from flop_harness.counters.pricing.recurrent import Charges
from flop_harness.counters.protocol import Answer, Counter, Quantity, every
from flop_harness.counters.usage import Usage
from flop_harness.records import Context, Trace
from flop_harness.records.account import Account
from flop_harness.trace.walk import Visit


def matmul(visit: Visit) -> Charges:
    """Elements of the first operand x last dimension of the second, a vector being a column."""
    x, y = visit.call.args[:2]
    columns = y.shape[-1] if len(y.shape) > 1 else 1
    return [(fvcore.place(visit), x.numel * columns)]


RULES = {**fvcore.RULES, "aten.matmul": matmul}


def price_compute(trace: Trace) -> Account:
    """Nodes that the tracer keeps, where the trace holds its graph; else every outermost operator."""
    return settled(fvcore.charges(trace, RULES))


def read(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
    """``get_model_complexity_info(model, inputs=...)``, the integers of its result."""
    from mmengine.analysis import get_model_complexity_info

    results = get_model_complexity_info(model, inputs=args, show_table=False, show_arch=False)
    return Answer(results["flops"], results["params"])


COUNTER = Counter(
    id="mmengine",
    distribution="mmengine",
    description="get_model_complexity_info: operators of a torch.jit trace",
    source="mmengine/analysis/jit_handles.py, mmengine/analysis/complexity_analysis.py (0.10.7)",
    quantities={
        "compute": Quantity("flops", "MAC", price_compute),
        "params": Quantity("params", "parameter", registered_parameters),
    },
    read=read,
    usage=Usage(
        imports="from mmengine.analysis import get_model_complexity_info",
        call="result = get_model_complexity_info(\n"
        "    model, inputs=args, show_table=False, show_arch=False\n)",
        figures={"compute": 'result["flops"]', "params": 'result["params"]'},
    ),
    observe=observed,
    capture=captured,
    contexts=(Context(grad=True),),
    further=(Context(grad=False),),
    inputs=traceable,
    hooks=every,
    overlay=(
        "mmengine==0.10.7",
        "addict==2.4.0",
        "yapf==0.43.0",
        "platformdirs==4.14.7",
    ),
    by_operator=True,
)
