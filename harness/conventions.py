"""The reference account and the published conventions: rules over a trace.

``classified`` gives each product its name in the field's words, by where it stands; conventions
and counters share these names, so that their accounts can be subtracted from one another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import prod
from typing import TypeAlias

from harness.account import Account
from harness.formulas import PROJECTION, QUERY_KEY, RECURRENT, work_of
from harness.formulas.padding import padding_macs
from harness.records import Module, Tensor, Trace
from harness.tree import subtree
from harness.walk import Visit, module_calls, operators, within
from harness.work import Product, Work

VERSION = 1
"""Raised when a convention's meaning changes: figures of two versions are not compared."""

RECURRENT_OPERATORS = tuple(
    f"aten.{name}"
    for name in "lstm gru rnn_tanh rnn_relu lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell".split()
)
ATTENTION_FUNCTIONS = ("torch.nn.functional.multi_head_attention_forward",)
ATTENTION_KERNELS = (
    "aten.scaled_dot_product_attention",
    "torch.nn.functional.scaled_dot_product_attention",
)


def classified(visit: Visit, product: Product) -> str:
    """The name of a product: what it is a part of."""
    if product.term:
        return product.term
    packet = visit.call.packet
    if "convolution" in packet or "conv2d" in packet:
        transposed = visit.call.argument(6, "transposed", False) is True
        return "transposed convolution" if transposed else "convolution"
    around = {call.packet for call in visit.around if call.module < 0}
    if not around.isdisjoint(RECURRENT_OPERATORS):
        return RECURRENT
    if not around.isdisjoint(ATTENTION_KERNELS):
        return QUERY_KEY
    if not around.isdisjoint(ATTENTION_FUNCTIONS):
        return PROJECTION if "aten.linear" in around else QUERY_KEY
    if packet == "aten._trilinear":
        return "bilinear"
    if "aten.einsum" in around:
        return "einsum"
    if "aten.linear" in around or packet == "aten.linear":
        return "linear"
    return "matrix product"


def works(trace: Trace) -> Iterator[tuple[Visit, Work | None]]:
    """Each innermost operator of a trace with its work; None where there is no formula."""
    return ((visit, work_at(visit)) for visit in operators(trace))


def work_at(visit: Visit) -> Work | None:
    """The work of an operator where it stands: an einsum that sums nothing multiplies all the same."""
    if visit.call.packet == "aten.mul" and visit.inside("aten.einsum"):
        n = visit.call.output.numel
        return Work((Product(n, n),))
    return work_of(visit.call)


def products(trace: Trace) -> Iterator[tuple[Visit, Product, str]]:
    """Every product of a trace with its name."""
    for visit, work in works(trace):
        if work is not None:
            for product in work.products:
                yield visit, product, classified(visit, product)


def products_inside(visit: Visit) -> dict[str, int]:
    """MACs by name of the products that run in one module call itself, its submodules left out."""
    macs: dict[str, int] = {}
    for inner in within(visit, lambda v: v.call.level == "module"):
        if inner.call.level == "operator" and not inner.call.children:
            work = work_at(inner)
            for product in work.products if work else ():
                name = classified(inner, product)
                macs[name] = macs.get(name, 0) + product.macs
    return macs


def unsupported(trace: Trace) -> dict[str, int]:
    """Operators without a formula, and how often each ran."""
    return dict(Counter(visit.call.packet for visit, work in works(trace) if work is None))


# ------------------------------------------------------------------------------ conventions


Charge: TypeAlias = tuple[Visit, str, int]
"""(operator call, term, amount)"""


def settled(charges: Iterable[Charge]) -> Account:
    return Account.of((visit.path, term, amount) for visit, term, amount in charges)


def mac_charges(trace: Trace) -> Iterator[Charge]:
    return ((visit, term, product.macs) for visit, product, term in products(trace))


def doubled_charges(trace: Trace) -> Iterator[Charge]:
    return ((visit, term, 2 * product.macs) for visit, product, term in products(trace))


def exact_charges(trace: Trace) -> Iterator[Charge]:
    """(2K - 1) per output element of a product, + 1 with bias."""
    return ((visit, term, product.flops) for visit, product, term in products(trace))


def biased_charges(trace: Trace) -> Iterator[Charge]:
    """One per multiplication of a product, one per output element with bias."""
    for visit, product, term in products(trace):
        yield visit, term, product.macs
        yield visit, f"{term} bias", product.bias


def activation_charges(trace: Trace) -> Iterator[Charge]:
    """Output elements of the products."""
    return ((visit, term, product.outputs) for visit, product, term in products(trace))


def padding_charges(trace: Trace) -> Iterator[Charge]:
    """The part of the reference that multiplies zeros which a convolution pads with."""
    return ((visit, term, padding_macs(visit.call) or 0) for visit, _, term in products(trace))


def operation_charges(trace: Trace) -> Iterator[Charge]:
    """Exact FLOPs of products, and every operation outside them: those with a formula."""
    yield from exact_charges(trace)
    for visit, work in works(trace):
        if work is not None:
            yield visit, work.kind, work.operations


def byte_charges(trace: Trace) -> Iterator[Charge]:
    """Bytes that operators read and write, each tensor once per operator; movement is left out."""
    for visit, work in works(trace):
        if work is not None and work.kind != "movement":
            amount = tensor_bytes(visit.call.args, visit.call.output)
            yield visit, work.kind or "products", amount


def tensor_bytes(*values: object) -> int:
    total = 0
    for value in values:
        if isinstance(value, Tensor):
            total += value.nbytes
        elif isinstance(value, tuple):
            total += tensor_bytes(*value)
    return total


def reference(trace: Trace) -> Account:
    """One MAC per multiplication of a product; nothing for anything else."""
    return settled(mac_charges(trace))


def parameters(trace: Trace) -> Account:
    """Distinct parameter elements, trainable or not, each with the first module that holds it."""
    return parameter_charges(trace, lambda parameter: parameter.numel)


def parameter_bytes(trace: Trace) -> Account:
    return parameter_charges(trace, lambda p: Tensor(p.shape, p.dtype).nbytes)


def parameter_charges(trace: Trace, charge: Callable) -> Account:
    seen: set[int] = set()
    entries = []
    for module in (trace.modules[index] for index in subtree(trace, 0)):
        for _, number in module.parameters:
            if number not in seen:
                seen.add(number)
                entries.append(
                    (module.path, parameter_term(module), charge(trace.parameters[number]))
                )
    return Account.of(entries)


def parameter_term(module: Module) -> str:
    return f"{module.type_name} parameters"


# --------------------------------------------------------------- published by the seed articles

CONVOLUTIONS = tuple(f"torch.nn.modules.conv.Conv{n}d" for n in (1, 2, 3))
LINEAR = "torch.nn.modules.linear.Linear"


class NotApplicable(ValueError):
    """The convention, as published, says nothing about such a model; the text says why."""


def weight_of(trace: Trace, module: Module) -> int:
    held = dict(module.parameters)
    return trace.parameters[held["weight"]].numel if "weight" in held else 0


def parameters_times_map(trace: Trace) -> Account:
    """Weights of a convolution x its output map; weights of a linear layer; no batch, no bias."""

    def charge(visit: Visit, module: Module) -> tuple[str, str, int]:
        weights = weight_of(trace, module)
        if LINEAR in module.bases:
            return visit.path, "linear", weights
        return visit.path, "convolution", weights * prod(visit.call.output.shape[2:])

    return Account.of(
        charge(visit, module)
        for visit, module in module_calls(trace)
        if LINEAR in module.bases or any(name in module.bases for name in CONVOLUTIONS)
    )


def article_code(trace: Trace) -> Account:
    """What the article's code computes: groups ignored, a bias always charged, batched 2d only."""
    entries = []
    for visit, module in module_calls(trace):
        x = visit.call.args[0] if visit.call.args else None
        if CONVOLUTIONS[1] in module.bases:
            if not isinstance(x, Tensor) or len(x.shape) != 4:
                raise NotApplicable("its convolution hook unpacks four dimensions")
            kernel = prod(module.config["kernel_size"])
            each = x.shape[1] * kernel + 1
            entries.append((visit.path, "convolution", visit.call.output.numel * each))
        elif LINEAR in module.bases:
            if not isinstance(x, Tensor) or len(x.shape) != 2:
                raise NotApplicable("its linear hook unpacks two dimensions")
            entries.append((visit.path, "linear", x.numel * visit.call.output.shape[1]))
    return Account.of(entries)


@dataclass(frozen=True)
class Convention:
    """A way of pricing a trace: what is counted, in which unit, who says so.

    ``charges`` itemises by operator call; None for a convention that charges modules.
    """

    id: str
    unit: str
    description: str
    source: str
    charges: Callable[[Trace], Iterable[Charge]] | None = None
    by_module: Callable[[Trace], Account] | None = None

    def price(self, trace: Trace) -> Account:
        if self.by_module is not None:
            return self.by_module(trace)
        assert self.charges is not None
        return settled(self.charges(trace))


ARTICLE_VGG16 = "article on the parameters and FLOPs of VGG16 (seed 000)"

CONVENTIONS = {
    convention.id: convention
    for convention in (
        Convention("macs", "MAC", "one MAC for each multiplication of a convolution or matrix "
                   "product; nothing for anything else", "the reference", mac_charges),
        Convention("flops", "FLOP", "2 x MAC", "the usual doubling", doubled_charges),
        Convention("exact-flops", "FLOP", "(2K - 1) per output element of a product, + 1 with "
                   "bias", "article on convolution parameters and FLOPs (seed 003)",
                   exact_charges),
        Convention("macs-bias", "MAC", "MAC + 1 per output element with bias",
                   "article on VGG in PyTorch (seed 004)", biased_charges),
        Convention("params-x-map", "MAC", "weights x output map of convolutions, weights of "
                   "linear layers; no batch", f"{ARTICLE_VGG16}, its formula",
                   by_module=parameters_times_map),
        Convention("article-code", "MAC", "what the article's code computes: groups ignored, "
                   "bias always charged", f"{ARTICLE_VGG16}, its code", by_module=article_code),
        Convention("padding", "MAC", "the MACs that multiply the zeros of a convolution's own padding; "
                   "a part of macs", "this project", padding_charges),
        Convention("operations", "FLOP", "exact FLOPs of products and one for every other "
                   "arithmetic operation that has a formula", "this project", operation_charges),
        Convention("activations", "element", "output elements of the products",
                   "Radosavovic et al. 2020, arXiv:2003.13678, for convolutions",
                   activation_charges),
        Convention("bytes", "byte", "bytes read and written by operators, each tensor once per "
                   "operator", "this project", byte_charges),
        Convention("params", "parameter", "distinct parameter elements, trainable or not",
                   "the reference", by_module=parameters),
        Convention("param-bytes", "byte", "bytes of the distinct parameters", "this project",
                   by_module=parameter_bytes),
    )
}  # fmt: skip
