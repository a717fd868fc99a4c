"""A counter of one's own: two for each output element of every Conv2d."""

from flop_harness.counters import Answer, Counter, Quantity
from flop_harness.records.account import Account
from flop_harness.trace.walk import module_calls

CONV = "torch.nn.modules.conv.Conv2d"


def price(trace):
    """What the tool charges, as a rule over a trace; no torch is needed for it."""
    return Account.of(
        (visit.path, "convolution outputs", 2 * visit.call.output.numel)
        for visit, module in module_calls(trace)
        if module.type == CONV
    )


def count(model, args):
    """The tool itself; usually this is imported from a package."""
    from torch import nn

    total = 0

    def hook(module, inputs, output):
        nonlocal total
        total += 2 * output.numel()

    hooks = [m.register_forward_hook(hook) for m in model.modules() if type(m) is nn.Conv2d]
    model(*args)
    for each in hooks:
        each.remove()
    return total


def read(model, args, kwargs, context):
    """How the tool is called, as its documentation says."""
    return Answer(compute=count(model, args))


COUNTER = Counter(
    id="outputs",
    distribution="torch",
    description="forward hooks on Conv2d; two per output element",
    source="docs/examples/outputs.py",
    quantities={"compute": Quantity("FLOPs", "MAC", price)},
    read=read,
    hooks=lambda path, kind: kind == CONV,
)
