"""What each layer of a trace has to compute and to move."""

from __future__ import annotations

from flop_harness.conventions.reference import byte_charges, mac_charges, settled
from flop_harness.records import Trace
from flop_harness.records.times import LayerWork
from flop_harness.trace.walk import module_calls


def layer_work(trace: Trace) -> tuple[LayerWork, ...]:
    """FLOP (2 x MAC) and bytes of the operators that run in each module itself, in order of calls.

    Bytes are those of the tensors that each operator reads and writes, parameters among them, each
    once; what only moves or reinterprets data is left out. Modules that do neither are left out.
    """
    macs = settled(mac_charges(trace)).by_module()
    moved = settled(byte_charges(trace)).by_module()
    types = {trace.root.name: trace.modules[trace.root.module].type_name}
    types |= {visit.path: module.type_name for visit, module in module_calls(trace)}
    return tuple(
        LayerWork(path, kind, int(2 * macs.get(path, 0)), int(moved.get(path, 0)))
        for path, kind in types.items()
        if path in macs or path in moved
    )
